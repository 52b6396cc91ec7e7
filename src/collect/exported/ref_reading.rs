//! Reads the newest pipelines of one ref: two requests, and more only for what the rules ask for.

use crate::domain::exported::{
    ExportedJob, ExportedPipeline, ExportedTests, PipelineReadout, ToldRuns, TrackedKind, TrackedRef,
};
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::tracking::{Compatibility, TrackingRules};
use crate::gitlab::client::Client;
use crate::gitlab::error::Error;
use std::collections::{HashSet, VecDeque};

/// Pipelines below one that are looked into: a tree of triggers that never ends must not be read for ever.
const MOST_CHILDREN: usize = 100;
/// Pipelines on a page of those that have begun since the last reading: it costs one request like a page of one.
const NEWER_PER_PAGE: u64 = 20;
/// Pages of them that are read. As many pipelines of one ref do not begin between two looks.
const MOST_NEWER_PAGES: u64 = 50;

/// How refs of one project are read.
#[derive(Debug, Clone, Copy)]
pub struct RefReader<'a> {
    pub client: &'a Client,
    pub project: &'a ProjectRef,
    pub rules: &'a TrackingRules,
    pub compatibility: Compatibility,
}

impl RefReader<'_> {
    /// Reads the newest pipelines of a ref, the oldest of them first; none where it has none.
    pub async fn read(&self, tracked: &TrackedRef) -> Result<Vec<PipelineReadout>, Error> {
        Ok(self.read_after(tracked, None).await?.0)
    }

    /// The same, with all pipelines that are newer than the last that was known.
    pub(super) async fn read_after(
        &self,
        tracked: &TrackedRef,
        last: Option<PipelineId>,
    ) -> Result<(Vec<PipelineReadout>, ToldRuns), Error> {
        let mut found = Vec::new();
        for raw in self.raw_refs(tracked) {
            let listed = self.newest(&raw, last).await?;
            if listed.first().map(|(id, _)| *id) > found.first().map(|(id, _)| *id) {
                found = listed;
            }
            // One of its names may know only older pipelines than the one that was read last.
            if found.first().is_some_and(|(id, _)| last.is_none_or(|last| *id >= last)) {
                break;
            }
        }
        let shown = usize::try_from(self.rules.per_ref.max(1)).unwrap_or(usize::MAX);
        let mut readouts = Vec::new();
        for (id, _) in found.iter().take(shown).rev() {
            readouts.push(self.read_pipeline(*id).await?);
        }
        let newer = found.into_iter().filter(|(id, _)| last.is_some_and(|last| *id > last)).collect();
        Ok((readouts, newer))
    }

    /// Lists the newest pipelines of a ref, newest first: those that are shown, and all that have begun since the last one.
    async fn newest(&self, raw: &str, last: Option<PipelineId>) -> Result<Vec<(PipelineId, Option<String>)>, Error> {
        let shown = self.rules.per_ref.max(1);
        let count = if last.is_some() { shown.max(NEWER_PER_PAGE) } else { shown };
        let mut found = Vec::new();
        for number in 1..=MOST_NEWER_PAGES {
            let page = self.client.newest_of_ref(self.project, raw, (number, count)).await?;
            let is_last = (page.len() as u64) < count;
            found.extend(page);
            let is_known = found.last().is_none_or(|(id, _)| last.is_none_or(|last| *id <= last));
            if is_last || is_known {
                break;
            }
        }
        Ok(found)
    }

    /// The same, where a list may have told the newest pipeline. That one may be gone again: pipelines can be deleted.
    pub(super) async fn read_due(
        &self,
        tracked: &TrackedRef,
        newest: Option<PipelineId>,
        last: Option<PipelineId>,
    ) -> Result<(Vec<PipelineReadout>, ToldRuns), Error> {
        if let Some(newest) = newest.filter(|_| self.rules.per_ref <= 1) {
            match self.client.exported_pipeline(self.project, newest).await {
                Err(error) if error.is_no_access() => {}
                pipeline => return Ok((vec![self.complete(pipeline?).await?], ToldRuns::new())),
            }
        }
        self.read_after(tracked, last).await
    }

    async fn read_pipeline(&self, id: PipelineId) -> Result<PipelineReadout, Error> {
        self.complete(self.client.exported_pipeline(self.project, id).await?).await
    }

    /// Reads what else is shown of a pipeline.
    async fn complete(&self, mut pipeline: ExportedPipeline) -> Result<PipelineReadout, Error> {
        let id = pipeline.id;
        if let Some(pattern) = &self.rules.variables {
            let variables = self.client.pipeline_variables(self.project, id).await?;
            let shown = variables.iter().filter(|(name, _)| pattern.matches(name));
            pipeline.variables = shown.map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join(",");
        }
        let jobs = if self.rules.jobs.enabled { Some(self.jobs(id).await?) } else { None };
        let has_report = self.rules.tests.enabled && self.may_have_a_report(&pipeline.status);
        let tests = if has_report { Some(self.tests(id).await?) } else { None };
        Ok(PipelineReadout { pipeline, jobs, tests })
    }

    /// Returns how pipelines name the ref. A merge request has those of its head, or else those of its merge result; the
    /// exporter that this one replaces leaves out the train.
    fn raw_refs(&self, tracked: &TrackedRef) -> Vec<String> {
        if tracked.kind != TrackedKind::MergeRequest {
            return vec![tracked.name.clone()];
        }
        let last: &[&str] = match self.compatibility {
            Compatibility::Strict => &["head", "merge"],
            Compatibility::Corrected => &["head", "merge", "train"],
        };
        last.iter().map(|last| format!("refs/merge-requests/{}/{last}", tracked.name)).collect()
    }

    /// Says whether a pipeline of this status has ended with a report. The exporter that this one replaces waits for
    /// `cancelled`, which GitLab writes with one l, and knows no warnings.
    fn may_have_a_report(&self, status: &str) -> bool {
        match self.compatibility {
            Compatibility::Strict => matches!(status, "success" | "failed" | "skipped"),
            Compatibility::Corrected => {
                matches!(status, "success" | "failed" | "skipped" | "canceled" | "success_with_warnings")
            }
        }
    }

    async fn jobs(&self, id: PipelineId) -> Result<Vec<ExportedJob>, Error> {
        let mut jobs = self.client.exported_jobs(self.project, id).await?;
        if self.rules.jobs.from_children {
            for (project, child) in self.below(id).await? {
                jobs.extend(self.client.exported_jobs(&project, child).await?);
            }
        }
        Ok(jobs)
    }

    async fn tests(&self, id: PipelineId) -> Result<ExportedTests, Error> {
        let mut all = self.client.exported_tests(self.project, id).await?;
        if self.rules.tests.from_children {
            for (project, child) in self.below(id).await? {
                let tests = self.client.exported_tests(&project, child).await?;
                all.counts.add(&tests.counts);
                all.suites.extend(tests.suites);
            }
        }
        Ok(all)
    }

    /// Finds every pipeline that this one has triggered, and those that they have.
    async fn below(&self, id: PipelineId) -> Result<Vec<(ProjectRef, PipelineId)>, Error> {
        let mut open = VecDeque::from([(self.project.clone(), id)]);
        let (mut found, mut known) = (Vec::new(), HashSet::from([id]));
        while let Some((project, parent)) = open.pop_front() {
            for (of, child) in self.client.children(&project, parent).await? {
                if known.insert(child) && found.len() < MOST_CHILDREN {
                    open.push_back((of.clone(), child));
                    found.push((of, child));
                }
            }
        }
        Ok(found)
    }
}
