//! A project's past out of REST's lists: which pipelines changed, then all jobs of the project, newest first, as far back
//! as the oldest of these pipelines. Pure.
//!
//! A page of all jobs is about as many pipelines as fit; a request for each pipeline's own would cost more. Only pipelines
//! that began before the time that is meant, and changed since, are asked for one by one.

use super::ask::FillTask;
use crate::domain::fact::{FactBatch, PipelineFact, UnixSeconds};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::domain::pipeline::{Pipeline, Ref, RefKind};
use crate::domain::project::Project;
use crate::gitlab::ListPage;
use crate::gitlab::client::{ProjectJob, ProjectJobs};
use crate::history::filled::FilledSpan;
use crate::history::record::detailed_job_fact;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A page that has fewer jobs is surely the last one.
const FULL_PAGE: usize = 100;

/// What is known of a project so far.
#[derive(Debug)]
pub(super) struct ListedPast {
    pub span: FilledSpan,
    /// Where the jobs of the next page begin, once one was read.
    pub cursor: Option<String>,
    pipelines: BTreeMap<PipelineId, Pipeline>,
    /// What the list announces.
    total: Option<u64>,
    /// Pipelines whose jobs the list of all jobs brings.
    window: BTreeSet<PipelineId>,
    /// When the first of them was created.
    cutoff: Option<DateTime<Utc>>,
    /// The oldest job that was seen.
    lowest: Option<JobId>,
    /// Pipelines whose jobs are asked for one by one.
    singles: VecDeque<PipelineId>,
}

/// What an answer brought, and what comes next; nothing does once all is read.
#[derive(Debug, Default)]
pub(super) struct ListedStep {
    pub jobs: Vec<ProjectJob>,
    pub next: Option<ListedNext>,
}

#[derive(Debug)]
pub(super) enum ListedNext {
    List(u32),
    Jobs(Option<String>),
    Pipeline(PipelineId),
}

impl ListedNext {
    pub(super) fn task(self, at: usize, project: &Arc<Project>, since: UnixSeconds) -> FillTask {
        let project = Arc::clone(project);
        match self {
            Self::List(page) => FillTask::List(at, project, since, page),
            Self::Jobs(after) => FillTask::Jobs(at, project, after),
            Self::Pipeline(id) => FillTask::PipelineJobs(at, project, id),
        }
    }
}

impl ListedPast {
    /// `cursor` is where an earlier run stopped in the list of jobs.
    pub(super) fn new(span: FilledSpan, cursor: Option<String>) -> Self {
        Self {
            span,
            cursor,
            pipelines: BTreeMap::new(),
            total: None,
            window: BTreeSet::new(),
            cutoff: None,
            lowest: None,
            singles: VecDeque::new(),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.pipelines.len() as u64
    }

    /// Takes a page of the list of pipelines.
    pub(super) fn listed(&mut self, page: ListPage<Pipeline>) -> Result<ListedStep, Failure> {
        let short = |message: &str| Failure::new(FailureKind::ListShort, message);
        if self.total.zip(page.total).is_some_and(|(before, now)| now < before) {
            // Those behind it have moved up to a page that was read already.
            return Err(short("pipelines were deleted while their list was read; run again"));
        }
        self.total = page.total.or(self.total);
        let before = self.pipelines.len();
        self.pipelines.extend(page.items.into_iter().map(|pipeline| (pipeline.id, pipeline)));
        match page.next {
            Some(_) if self.pipelines.len() == before => {
                Err(Failure::new(FailureKind::ListRepeats, "the pages of the list of pipelines repeat themselves"))
            }
            Some(next) => Ok(ListedStep { next: Some(ListedNext::List(next)), ..ListedStep::default() }),
            None if self.total.is_some_and(|total| total > self.pipelines.len() as u64) => {
                Err(short("the list of pipelines is shorter than it announces"))
            }
            None => Ok(self.begin_jobs()),
        }
    }

    fn begin_jobs(&mut self) -> ListedStep {
        let since = self.span.since;
        let is_in = |pipeline: &Pipeline| pipeline.created_at.is_some_and(|created| created.timestamp() >= since);
        let (window, singles): (Vec<&Pipeline>, Vec<&Pipeline>) = self.pipelines.values().partition(|of| is_in(of));
        // One alone costs no less this way, and may cost more.
        if window.len() < 2 {
            self.singles = self.pipelines.keys().rev().copied().collect();
            return self.next_single(Vec::new());
        }
        self.cutoff = window.iter().filter_map(|pipeline| pipeline.created_at).min();
        self.window = window.iter().map(|pipeline| pipeline.id).collect();
        self.singles = singles.iter().rev().map(|pipeline| pipeline.id).collect();
        ListedStep { next: Some(ListedNext::Jobs(self.cursor.clone())), ..ListedStep::default() }
    }

    /// Takes a page of the list of jobs.
    pub(super) fn walked(&mut self, page: ProjectJobs) -> Result<ListedStep, Failure> {
        let ProjectJobs { jobs, next } = page;
        let repeats = Failure::new(FailureKind::ListRepeats, "the pages of the list of jobs repeat themselves");
        let goes_down = jobs.iter().map(|of| of.job.id).all(|id| {
            let is_lower = self.lowest.is_none_or(|lowest| id < lowest);
            self.lowest = Some(id);
            is_lower
        });
        let last = jobs.last().and_then(|of| of.details.created_at);
        let is_full = jobs.len() >= FULL_PAGE;
        let is_empty = jobs.is_empty();
        // The others are child pipelines, or asked for one by one.
        let jobs: Vec<ProjectJob> = jobs.into_iter().filter(|of| self.window.contains(&of.pipeline)).collect();
        if !goes_down || (is_empty && next.is_some()) {
            return Err(repeats);
        }
        let is_through = last.zip(self.cutoff).is_some_and(|(last, cutoff)| last < cutoff);
        match next {
            Some(next) if !is_through => {
                self.cursor = Some(next.clone());
                return Ok(ListedStep { jobs, next: Some(ListedNext::Jobs(Some(next))) });
            }
            // A proxy may have taken the link to the next page away.
            None if !is_through && is_full => {
                let is_left = |id: &&PipelineId| {
                    let created = self.pipelines.get(id).and_then(|pipeline| pipeline.created_at);
                    last.is_none() || created <= last
                };
                let left: Vec<PipelineId> = self.window.iter().filter(is_left).copied().collect();
                self.singles.extend(left);
            }
            Some(_) | None => {}
        }
        Ok(self.next_single(jobs))
    }

    /// Goes on without the list of all jobs, which this GitLab does not have in this form.
    pub(super) fn without_list(&mut self) -> ListedStep {
        self.singles.extend(std::mem::take(&mut self.window));
        self.next_single(Vec::new())
    }

    /// Takes the jobs of a pipeline; none where it was deleted meanwhile.
    pub(super) fn pipeline_read(&mut self, id: PipelineId, jobs: Vec<ProjectJob>) -> Result<ListedStep, Failure> {
        if let Some(other) = jobs.iter().map(|of| of.pipeline).find(|of| *of != id) {
            return Err(Failure::contradictory(&format!("the jobs of #{id} are those of #{other}")));
        }
        Ok(self.next_single(jobs))
    }

    fn next_single(&mut self, jobs: Vec<ProjectJob>) -> ListedStep {
        ListedStep { jobs, next: self.singles.pop_front().map(ListedNext::Pipeline) }
    }

    /// Returns what is kept of these jobs and their pipelines; at the end, of all pipelines.
    pub(super) fn facts(&mut self, project: ProjectId, jobs: Vec<ProjectJob>, is_end: bool) -> FactBatch {
        let mut touched = BTreeSet::new();
        let mut facts = FactBatch::default();
        for ProjectJob { job, details, pipeline, is_tag, commit_title } in jobs {
            let Some(pipeline) = self.pipelines.get_mut(&pipeline) else { continue };
            // The list of pipelines does not say these.
            if pipeline.git_ref.kind == RefKind::Other {
                pipeline.git_ref = Ref::from_gitlab(&pipeline.git_ref.name, is_tag);
            }
            pipeline.commit_title = pipeline.commit_title.take().or(commit_title);
            facts.jobs.extend(detailed_job_fact(project, pipeline, &(job, details)));
            touched.insert(pipeline.id);
        }
        let of = self.pipelines.values().filter(|pipeline| is_end || touched.contains(&pipeline.id));
        facts.pipelines = of.map(|pipeline| PipelineFact::of(project, pipeline)).collect();
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::JobDetails;
    use crate::domain::example;
    use crate::domain::status::Status;

    const SINCE: i64 = 1_790_000_000;

    fn at(seconds: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(SINCE + seconds, 0)
    }

    /// Created so many seconds after the time that is meant.
    fn pipeline(id: u64, created: i64) -> Pipeline {
        let plain = example::pipeline(Status::Success, vec![]);
        Pipeline { id: PipelineId(id), created_at: at(created), git_ref: Ref::from_gitlab("main", None), ..plain }
    }

    fn page(pipelines: Vec<Pipeline>, total: Option<u64>, next: Option<u32>) -> ListPage<Pipeline> {
        ListPage { items: pipelines, odd: 0, total, total_pages: None, next }
    }

    fn job(id: u64, pipeline: u64, created: i64) -> ProjectJob {
        ProjectJob {
            job: crate::domain::job::Job { id: JobId(id), ..example::job("unit", Status::Success) },
            details: JobDetails { created_at: at(created), ..JobDetails::default() },
            pipeline: PipelineId(pipeline),
            is_tag: Some(false),
            commit_title: Some("Fix it".into()),
        }
    }

    fn past() -> ListedPast {
        ListedPast::new(FilledSpan { since: SINCE, until: SINCE + 1000 }, None)
    }

    fn jobs(jobs: Vec<ProjectJob>, next: Option<&str>) -> ProjectJobs {
        ProjectJobs { jobs, next: next.map(str::to_owned) }
    }

    /// What comes next, in short.
    fn next(step: Result<ListedStep, Failure>) -> String {
        match step.map(|step| step.next) {
            Ok(Some(ListedNext::List(page))) => format!("list {page}"),
            Ok(Some(ListedNext::Jobs(after))) => format!("jobs {}", after.unwrap_or_default()),
            Ok(Some(ListedNext::Pipeline(id))) => format!("pipeline {id}"),
            Ok(None) => "end".into(),
            Err(failure) => failure.kind.word().into_owned(),
        }
    }

    #[test]
    fn a_list_of_pipelines_that_lacks_some_is_no_list() {
        let two = || vec![pipeline(9, 90), pipeline(8, 80)];
        type Case = (&'static str, Vec<ListPage<Pipeline>>, &'static str);
        let cases: [Case; 8] = [
            ("none", vec![page(vec![], Some(0), None)], "end"),
            ("one: its own jobs", vec![page(vec![pipeline(9, 90)], Some(1), None)], "pipeline 9"),
            ("two: all jobs", vec![page(two(), Some(2), None)], "jobs "),
            ("those that began before", vec![page(vec![pipeline(9, -9), pipeline(8, -8)], None, None)], "pipeline 9"),
            ("a second page", vec![page(two(), Some(3), Some(2))], "list 2"),
            ("which repeats the first", vec![page(two(), None, Some(2)), page(two(), None, Some(3))], "list_repeats"),
            ("shorter than announced", vec![page(two(), Some(3), None)], "list_short"),
            (
                "one was deleted meanwhile",
                vec![page(two(), Some(4), Some(2)), page(vec![pipeline(7, 70)], Some(3), None)],
                "list_short",
            ),
        ];
        for (sentence, pages, expected) in cases {
            let mut past = past();
            let last = pages.into_iter().fold(String::new(), |_, page| next(past.listed(page)));
            assert_eq!(last, expected, "{sentence}");
        }
    }

    #[test]
    fn all_jobs_are_read_as_far_back_as_the_oldest_pipeline() {
        let full = || (0..100).map(|n| job(200 - n, 9, 95)).collect::<Vec<_>>();
        type Case = (&'static str, Vec<ProjectJobs>, &'static str);
        let cases: [Case; 8] = [
            ("there is more", vec![jobs(vec![job(20, 9, 95)], Some("c"))], "jobs c"),
            ("the oldest is passed", vec![jobs(vec![job(20, 9, 95), job(19, 1, 79)], Some("c"))], "pipeline 7"),
            ("the oldest may have more", vec![jobs(vec![job(20, 8, 80)], Some("c"))], "jobs c"),
            ("the list ends", vec![jobs(vec![job(20, 9, 95)], None)], "pipeline 7"),
            ("a full page without a link may not be the last", vec![jobs(full(), None)], "pipeline 7"),
            (
                "it begins again",
                vec![jobs(vec![job(20, 9, 95)], Some("c")), jobs(vec![job(20, 9, 95)], Some("d"))],
                "list_repeats",
            ),
            ("an empty page has no next", vec![jobs(vec![], Some("c"))], "list_repeats"),
            ("no jobs at all", vec![jobs(vec![], None)], "pipeline 7"),
        ];
        for (sentence, pages, expected) in cases {
            let mut past = past();
            let listed = vec![pipeline(9, 90), pipeline(8, 80), pipeline(7, -7)];
            assert_eq!(next(past.listed(page(listed, None, None))), "jobs ", "{sentence}");
            let last = pages.into_iter().fold(String::new(), |_, page| next(past.walked(page)));
            assert_eq!(last, expected, "{sentence}");
            let left = past.singles.contains(&PipelineId(8));
            assert_eq!(left, sentence.starts_with("a full page"), "{sentence}: read by itself");
        }
    }

    #[test]
    fn the_jobs_say_what_the_list_of_pipelines_does_not() {
        let mut past = past();
        let _ = past.listed(page(vec![pipeline(9, 90), pipeline(8, 80)], None, None));
        // Of a child pipeline, which is on no list.
        let step = past.walked(jobs(vec![job(20, 9, 95), job(19, 5, 94)], None)).unwrap();
        let facts = past.facts(ProjectId(7), step.jobs, true);
        assert_eq!(facts.jobs.iter().map(|fact| fact.id).collect::<Vec<_>>(), [JobId(20)]);
        let told = |fact: &crate::domain::fact::PipelineFact| (fact.id.0, fact.ref_kind, fact.commit_title.is_some());
        let pipelines: Vec<_> = facts.pipelines.iter().map(told).collect();
        assert_eq!(pipelines, [(8, RefKind::Other, false), (9, RefKind::Branch, true)]);
    }

    #[test]
    fn jobs_of_another_pipeline_are_none_of_this_one() {
        let mut past = past();
        assert_eq!(next(past.pipeline_read(PipelineId(9), vec![job(20, 8, 90)])), "contradictory");
        assert_eq!(next(past.pipeline_read(PipelineId(9), vec![])), "end", "one that was deleted");
    }
}
