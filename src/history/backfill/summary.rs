//! What a backfill is asked for, how far it has come, and what came of it.

use super::Backfill;
use crate::domain::fact::UnixSeconds;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::project::Project;
use crate::domain::usage::{Api, ApiChoice};
use crate::gitlab::error::{Error, Kind};
use crate::history::store::HistoryError;
use std::sync::Arc;

/// Projects that fail one after the other by the server's fault, while nothing is answered, before all others would.
const AWAY: usize = 3;

/// What a backfill reads.
#[derive(Debug, Clone)]
pub struct FillOptions {
    pub projects: Vec<Arc<Project>>,
    /// Begin of a day.
    pub since: UnixSeconds,
    pub api: ApiChoice,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FillProgress {
    pub projects: usize,
    /// Projects of which all was read, or nothing can be.
    pub done: usize,
    pub pipelines: u64,
    /// The part of the work that is done, from 0 to 1.
    pub share: f64,
}

/// What came of it.
#[derive(Debug)]
pub struct FillSummary {
    pub since: UnixSeconds,
    pub until: UnixSeconds,
    pub api: Api,
    /// Why GraphQL was not used although it was wanted.
    pub fallback: Option<String>,
    /// Projects of which all was read.
    pub projects: usize,
    /// Pipelines that were read, those that were known among them.
    pub pipelines: u64,
    /// Attempts at jobs that have ended.
    pub jobs: u64,
    pub gaps: Vec<FillGap>,
}

/// What a fill reads of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FillPart {
    /// With their jobs.
    Pipelines,
    Deployments,
    /// Into the default branch.
    MergeRequests,
}

impl FillPart {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pipelines => "pipelines",
            Self::Deployments => "deployments",
            Self::MergeRequests => "merge requests",
        }
    }
}

/// A project of which not all could be read.
#[derive(Debug)]
pub struct FillGap {
    pub project: Arc<Project>,
    /// What of it.
    pub part: FillPart,
    pub failure: Failure,
    /// GitLab itself says that this token may not see its pipelines, or that there are none to see.
    pub is_hidden: bool,
}

/// What ends a backfill before all projects were tried. What was read by then is kept.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    #[error("{0}")]
    Request(#[from] Box<Error>),
    #[error("{0}")]
    History(#[from] HistoryError),
}

/// Returns what a failed request says of a project, and whether GitLab hides that part of it from this token.
pub(in crate::history) fn gap_failure(error: &Error, has_token: bool, part: FillPart) -> (Failure, bool) {
    let is_hidden = error.is_no_access() || (error.status() == Some(401) && !has_token);
    let failure = match (error.status(), error.reason()) {
        (Some(403), None) if is_hidden && part == FillPart::Deployments => {
            let words = "403: this token may not see its deployments, or environments are switched off";
            Failure::new(FailureKind::Forbidden, words)
        }
        (Some(403), None) if is_hidden && part == FillPart::MergeRequests => {
            let words = "403: this token may not see its merge requests, or they are switched off";
            Failure::new(FailureKind::Forbidden, words)
        }
        (Some(403), None) if is_hidden => Failure::forbidden(),
        (Some(404), None) if is_hidden => {
            let words = format!("404: listed, but its {} are not visible to this token", part.word());
            Failure::new(FailureKind::NotFound, &words)
        }
        _ => Failure::from(error),
    };
    (failure, is_hidden)
}

/// Whether anything more is asked, and why not.
#[derive(Debug, Default)]
pub(in crate::history) struct Halt {
    /// Projects that failed by the server's fault since it last answered.
    away: usize,
    why: Option<Failure>,
}

impl Halt {
    pub(in crate::history) fn why(&self) -> Option<&Failure> {
        self.why.as_ref()
    }

    pub(in crate::history) fn answered(&mut self) {
        self.away = 0;
    }

    /// Says whether an error means that nothing more can be asked in this run.
    pub(in crate::history) fn ends_by(&mut self, error: &Error) -> bool {
        let is_end = matches!(error.kind, Kind::Deadline | Kind::WaitTooLong { .. } | Kind::OwnRate { .. });
        if is_end {
            self.why.get_or_insert_with(|| Failure::from(error));
        }
        is_end
    }

    /// Takes the failure of one project: after several by the server's fault, all others would fail, too.
    pub(in crate::history) fn failed(&mut self, error: &Error, failure: &Failure) {
        if self.ends_by(error) {
            return;
        }
        if failure.kind.is_of_the_server() || failure.kind == FailureKind::RateLimited {
            self.away += 1;
            if self.away >= AWAY {
                self.why.get_or_insert_with(|| failure.clone());
            }
        }
    }
}

impl Backfill<'_> {
    pub(super) fn progress(&self) -> FillProgress {
        let projects = self.projects.len();
        let done = self.projects.iter().filter(|of| of.is_done()).count();
        let (read, expected) =
            self.projects.iter().fold((0, 0), |sum, of| (sum.0 + of.read.min(of.expected), sum.1 + of.expected));
        let share = match self.api {
            Api::Graphql if expected > 0 && self.news_left == 0 => read as f64 / expected as f64,
            Api::Graphql => 0.0,
            Api::Rest => done as f64 / projects.max(1) as f64,
        };
        FillProgress { projects, done, pipelines: self.pipelines, share }
    }

    pub(super) fn end(self, fallback: Option<String>) -> Result<FillSummary, HistoryError> {
        let unread = Failure::new(FailureKind::Other("unread".into()), "it was not read to its end");
        let why = self.halt.why().cloned().unwrap_or(unread);
        let mut gaps = Vec::new();
        let mut whole = Vec::new();
        for of in self.projects {
            match of.gap {
                Some((failure, is_hidden)) => {
                    gaps.push(FillGap { project: of.project, part: FillPart::Pipelines, failure, is_hidden })
                }
                None if of.is_ended => whole.push(of.project.id),
                None => gaps.push(FillGap {
                    project: of.project,
                    part: FillPart::Pipelines,
                    failure: why.clone(),
                    is_hidden: false,
                }),
            }
        }
        self.store.write_gaps(FillPart::Pipelines, (&gaps, &whole), self.until)?;
        Ok(FillSummary {
            since: self.since,
            until: self.until,
            api: self.api,
            fallback,
            projects: whole.len(),
            pipelines: self.pipelines,
            jobs: self.jobs,
            gaps,
        })
    }
}
