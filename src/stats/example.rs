//! Facts for tests: a project whose pipelines and attempts are written one by one.

use super::plan::{SECONDS_PER_DAY, StatsBy, StatsPlan};
use super::study::{StatsStudy, study_project};
use super::tally::RunTally;
use crate::domain::fact::{PipelineCourse, PipelineFact};
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::domain::job::JobKind;
use crate::domain::pipeline::RefKind;
use crate::domain::project::Project;
use crate::domain::runs::{AttemptEnd, CoveredDay, JobAttempt, NameTable, ProjectRuns};
use crate::domain::selection::RefSelector;
use crate::domain::status::Status;
use crate::domain::window::TimeWindow;

/// Monday, 2026-11-02, 00:00 UTC.
pub(super) const START: i64 = 1_793_577_600;
pub(super) const DAY: i64 = SECONDS_PER_DAY;

/// The ten days from `START`.
pub(super) fn ten_days() -> TimeWindow {
    TimeWindow { from: START, to: START + 10 * DAY }
}

pub(super) fn plan(by: StatsBy) -> StatsPlan {
    StatsPlan::new(ten_days(), by, vec![RefSelector::Any])
}

pub(super) fn study(projects: &[ProjectRuns], plan: &StatsPlan) -> StatsStudy {
    StatsStudy::new(projects.iter().map(|runs| study_project(runs, plan)).collect(), plan)
}

/// Counts one project in the ten days.
pub(super) fn counted(runs: ProjectRuns) -> RunTally {
    study(&[runs], &plan(StatsBy::Project)).pooled.now
}

pub(super) fn project(id: u64, full_path: &str) -> ProjectRuns {
    let project = Project {
        id: ProjectId(id),
        name: full_path.into(),
        full_path: full_path.into(),
        ancestor_names: vec![],
        web_url: None,
        default_branch: Some("main".into()),
        ci_enabled: None,
    };
    let mut names = NameTable::default();
    names.id("");
    ProjectRuns { project, names, pipelines: vec![], attempts: vec![], tests: vec![], days: vec![], filled_until: None }
}

impl ProjectRuns {
    /// Adds a pipeline of `main` with a commit of its own, created so many seconds after `START`: it waits for 10 seconds
    /// and runs for 100.
    pub(super) fn pipeline(&mut self, id: u64, at: i64, status: Status) -> &mut PipelineFact {
        let created = START + at;
        let ended = status.is_terminal().then_some(created + 110);
        self.pipelines.push(PipelineFact {
            project: self.project.id,
            id: PipelineId(id),
            iid: None,
            ref_name: "main".into(),
            ref_kind: RefKind::Branch,
            sha: Some(format!("commit {id}")),
            source: Some("push".into()),
            author: None,
            commit_title: None,
            created_at: Some(created),
            course: PipelineCourse {
                updated_at: ended,
                status,
                started_at: Some(created + 10),
                finished_at: ended,
                duration: ended.map(|_| 100),
                queued: Some(10),
            },
        });
        self.pipelines.last_mut().unwrap()
    }

    /// Adds an attempt that runs for 60 seconds, from 10 seconds after the pipeline's creation.
    pub(super) fn job(&mut self, pipeline: u64, id: u64, name: &str, end: AttemptEnd) -> &mut JobAttempt {
        let created = self.pipelines.iter().find(|fact| fact.id.0 == pipeline).and_then(|fact| fact.created_at);
        let started_at = created.map(|at| at + 10);
        self.attempts.push(JobAttempt {
            id: JobId(id),
            pipeline: PipelineId(pipeline),
            name: self.names.id(name),
            stage: self.names.id("test"),
            tags: self.names.id(""),
            reason: None,
            kind: JobKind::Job,
            end,
            allow_failure: false,
            started_at,
            finished_at: started_at.map(|at| at + 60),
            duration: Some(60),
            queued: Some(5),
        });
        self.attempts.last_mut().unwrap()
    }

    pub(super) fn reason(&mut self, reason: &str) {
        let reason = self.names.id(reason);
        self.attempts.last_mut().unwrap().reason = Some(reason);
    }

    pub(super) fn tags(&mut self, tags: &str) {
        let tags = self.names.id(tags);
        self.attempts.last_mut().unwrap().tags = tags;
    }

    pub(super) fn covered(&mut self, days: impl IntoIterator<Item = i64>, is_whole: bool) {
        let first = START / DAY;
        self.days.extend(days.into_iter().map(|day| CoveredDay { day: first + day, is_whole }));
    }
}

impl JobAttempt {
    /// Moves it: seconds after `START`.
    pub(super) fn ran(&mut self, from: i64, to: i64) -> &mut Self {
        (self.started_at, self.finished_at) = (Some(START + from), Some(START + to));
        self.duration = Some((to - from).unsigned_abs());
        self
    }
}
