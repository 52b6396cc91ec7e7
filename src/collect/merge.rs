//! Makes rows from what was read and what is known from before. Pure. Unchanged pipelines are shared, not copied.

use super::cache::KnownProject;
use super::drafts::ProjectDrafts;
use super::follow::Followed;
use super::project::{ProjectReading, ReadingOutcome, Remembered};
use crate::domain::id::ProjectId;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::{Project, ProjectRow, RowState};
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A project, and what came of reading it.
#[derive(Debug)]
pub(super) struct ReadProject {
    pub project: Arc<Project>,
    pub reading: ProjectReading,
    pub as_of: DateTime<Utc>,
}

/// What was last read of each project.
#[derive(Debug, Default)]
pub(super) struct KnownRows {
    by_project: HashMap<ProjectId, Remembered>,
    /// What is known of those without pipelines: nothing to build on, but to be shown while it is read again.
    without: HashMap<ProjectId, (RowState, DateTime<Utc>)>,
    /// Grows when anything is found to have changed.
    changes: u64,
}

impl KnownRows {
    pub(super) fn get(&self, project: ProjectId) -> Option<&Remembered> {
        self.by_project.get(&project)
    }

    /// Takes over what another process has read.
    pub(super) fn restore(&mut self, project: ProjectId, known: KnownProject) {
        match known {
            KnownProject::Pipelines(remembered) => drop(self.by_project.insert(project, remembered)),
            KnownProject::Without(state, as_of) => drop(self.without.insert(project, (state, as_of))),
        }
    }

    /// Returns what the next process can take over.
    pub(super) fn known(&self, project: ProjectId) -> Option<KnownProject> {
        let with = self.by_project.get(&project).cloned().map(KnownProject::Pipelines);
        with.or_else(|| self.without.get(&project).cloned().map(|(state, as_of)| KnownProject::Without(state, as_of)))
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Forgets the other projects.
    pub(super) fn retain(&mut self, present: &HashSet<ProjectId>) {
        self.by_project.retain(|id, _| present.contains(id));
        self.without.retain(|id, _| present.contains(id));
    }

    /// Makes a row of what was read, or of what is remembered where that failed, and remembers it.
    pub(super) fn merge(&mut self, read: ReadProject, followed: &Followed) -> ProjectRow {
        let ReadProject { project, reading, as_of } = read;
        let last = self.by_project.remove(&project.id);
        let before = last.as_ref().map(|last| Arc::clone(&last.pipelines));
        let shown = |whole: Remembered| (RowState::Ok(Arc::clone(&whole.pipelines)), Some(whole));
        let (state, remembered) = match (reading.reading, last) {
            (ReadingOutcome::None { ever_ran }, _) => (RowState::NoPipeline { ever_ran }, None),
            (ReadingOutcome::NoAccess(failure), _) => (RowState::NoAccess(failure), None),
            (ReadingOutcome::Error(failure), None) => (RowState::Error(failure), None),
            (ReadingOutcome::Error(failure), Some(last)) => {
                (RowState::Stale { pipelines: Arc::clone(&last.pipelines), failure }, Some(last))
            }
            (ReadingOutcome::Settled(last), _) => shown(refreshed(last, followed).at(as_of)),
            (ReadingOutcome::Pipelines(drafts), _) => shown(completed(drafts, followed, as_of)),
        };
        let as_of = remembered.as_ref().map_or(as_of, |remembered| remembered.as_of);
        let now = remembered.as_ref().map(|remembered| &remembered.pipelines);
        let without =
            matches!(state, RowState::NoPipeline { .. } | RowState::NoAccess(_)).then(|| (state.clone(), as_of));
        let had = self.without.remove(&project.id).map(|(state, _)| state);
        let is_news = !is_same(before.as_ref(), now) || had.as_ref() != without.as_ref().map(|(state, _)| state);
        self.changes += u64::from(is_news);
        self.without.extend(without.map(|without| (project.id, without)));
        if let Some(remembered) = remembered {
            self.by_project.insert(project.id, remembered);
        }
        ProjectRow { project, state, as_of }
    }
}

/// Compares two projects' pipelines; those that were settled need no look at each job.
fn is_same(one: Option<&Arc<[Pipeline]>>, other: Option<&Arc<[Pipeline]>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Brings what was triggered inside the group up to date; without news it stays the slice that snapshots hold too.
fn refreshed(last: Remembered, followed: &Followed) -> Remembered {
    if !last.pipelines.iter().any(|pipeline| followed.has_news(&pipeline.downstream)) {
        return last;
    }
    let Remembered { mut pipelines, links, as_of, .. } = last;
    for pipeline in Arc::make_mut(&mut pipelines) {
        followed.refresh(&mut pipeline.downstream);
    }
    Remembered::new(pipelines, links, as_of)
}

/// Gives each pipeline what it triggered.
fn completed(drafts: ProjectDrafts, followed: &Followed, as_of: DateTime<Utc>) -> Remembered {
    let (pipelines, links) = drafts.complete(|pipeline, links, is_settled| {
        if !is_settled {
            return followed.tree(pipeline.id, links);
        }
        let mut known = pipeline.downstream.clone();
        followed.refresh(&mut known);
        known
    });
    Remembered::new(pipelines, links, as_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::drafts::PipelineDraft;
    use crate::collect::interim;
    use crate::domain::example::{below, pipeline};
    use crate::domain::health::tests::{failure, row};
    use crate::domain::id::{JobId, PipelineId};
    use crate::domain::pipeline::DownstreamLink;
    use crate::domain::status::Status;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn read(reading: ReadingOutcome, seconds: i64) -> ReadProject {
        let project = row("acme/api", RowState::NoPipeline { ever_ran: None }).project;
        ReadProject { project, reading: ProjectReading { reading, is_glob_cut: false }, as_of: at(seconds) }
    }

    /// Rows that remember one pipeline, read at second 1, that triggered pipeline 2.
    fn remembering() -> (KnownRows, ProjectRow) {
        let link = DownstreamLink {
            id: PipelineId(2),
            iid: None,
            bridge: JobId(1),
            project_id: None,
            project: None,
            status: Status::Success,
            has_warnings: None,
            has_below: None,
            web_url: None,
        };
        let draft = PipelineDraft { pipeline: pipeline(Status::Success, vec![]), links: vec![link], is_settled: false };
        let mut rows = KnownRows::default();
        let row = rows.merge(read(ReadingOutcome::Pipelines(vec![draft].into()), 1), &Followed::default());
        (rows, row)
    }

    fn settled(rows: &KnownRows) -> ReadingOutcome {
        ReadingOutcome::Settled(rows.get(ProjectId(1)).unwrap().clone())
    }

    fn slice(row: &ProjectRow) -> &Arc<[Pipeline]> {
        match &row.state {
            RowState::Ok(pipelines) | RowState::Stale { pipelines, .. } => pipelines,
            other => panic!("{other:?} has no pipelines"),
        }
    }

    #[test]
    fn what_is_settled_is_the_same_slice_in_every_row_only_younger() {
        let (mut rows, before) = remembering();
        let reading = settled(&rows);
        let after = rows.merge(read(reading, 5), &Followed::default());
        assert!(Arc::ptr_eq(slice(&before), slice(&after)));
        assert_eq!((before.as_of, after.as_of), (at(1), at(5)));
        assert!(Arc::ptr_eq(slice(&before), &rows.get(ProjectId(1)).unwrap().pipelines));
    }

    #[test]
    fn a_pipeline_that_triggered_nothing_is_the_same_slice_while_its_group_is_read_and_after() {
        let draft = |links| PipelineDraft { pipeline: pipeline(Status::Success, vec![]), links, is_settled: false };
        let link = remembering().0.get(ProjectId(1)).unwrap().links[0].clone();
        for (sentence, links, is_shared) in [("nothing", vec![], true), ("a pipeline that is not read", link, false)] {
            let read = read(ReadingOutcome::Pipelines(vec![draft(links)].into()), 1);
            let (shown, downstream) = (interim::row(&read), interim::row(&read).pipelines()[0].downstream.clone());
            let after = KnownRows::default().merge(read, &Followed::default());
            assert_eq!(Arc::ptr_eq(slice(&shown), slice(&after)), is_shared, "{sentence}");
            assert_eq!(shown.pipelines()[0].downstream, downstream, "what is shown does not change: {sentence}");
        }
    }

    #[test]
    fn news_from_below_make_another_slice_and_leave_the_old_row_as_it_was() {
        let (mut rows, before) = remembering();
        let mut followed = Followed::default();
        let retried = Pipeline { id: PipelineId(2), ..pipeline(Status::Running, vec![]) };
        followed.learn(&retried, &[]);
        let reading = settled(&rows);
        let after = rows.merge(read(reading, 5), &followed);
        assert_eq!(before.pipelines()[0].downstream, [below(2, Status::Success, vec![])]);
        assert_eq!(after.pipelines()[0].downstream, [below(2, Status::Running, vec![])]);
        assert!(Arc::ptr_eq(slice(&after), &rows.get(ProjectId(1)).unwrap().pipelines));
    }

    #[test]
    fn what_cannot_be_read_is_the_last_slice_as_old_as_it_was() {
        let (mut rows, before) = remembering();
        let after = rows.merge(read(ReadingOutcome::Error(failure()), 5), &Followed::default());
        assert!(Arc::ptr_eq(slice(&before), slice(&after)));
        assert_eq!((after.state_word().word(), after.as_of), ("stale", at(1)));
        let again = rows.merge(read(ReadingOutcome::Error(failure()), 9), &Followed::default());
        assert_eq!(again.as_of, at(1), "it is still remembered");
    }
}
