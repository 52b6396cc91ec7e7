//! Judges a snapshot: counts, the order of rows by urgency, and the verdict of `--fail-on`.

use super::pipeline::Pipeline;
use super::project::{ProjectRow, RowState, StateWord};
use super::snapshot::Snapshot;
use super::status::Status;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

/// How many rows there are of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    pub projects: usize,
    /// Projects by the status of their worst pipeline, most severe first.
    pub by_status: Vec<(Status, usize)>,
    pub no_pipeline: usize,
    pub no_access: usize,
    pub error: usize,
    pub stale: usize,
}

impl Counts {
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut counts = Self { projects: snapshot.rows.len(), ..Self::default() };
        let mut by_status: BTreeMap<(u8, String), (Status, usize)> = BTreeMap::new();
        for row in &snapshot.rows {
            match &row.state {
                RowState::Stale { .. } => counts.stale += 1,
                RowState::Ok(_) => {
                    if let Some(worst) = row.worst() {
                        let key = (worst.severity(), worst.word().to_owned());
                        by_status.entry(key).or_insert((worst, 0)).1 += 1;
                    }
                }
                RowState::NoPipeline { .. } => counts.no_pipeline += 1,
                RowState::NoAccess(_) => counts.no_access += 1,
                RowState::Error(_) => counts.error += 1,
            }
        }
        counts.by_status = by_status.into_values().collect();
        counts
    }
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowOrder {
    /// Most severe first, then newest first.
    #[default]
    Attention,
    /// By full path.
    Name,
    /// Newest pipeline first.
    Age,
    /// Longest pipeline first.
    Duration,
    /// By severity, then by full path: rows of one status in a lasting order.
    Status,
}

impl RowOrder {
    pub const ALL: [(&'static str, Self); 5] = [
        ("attention", Self::Attention),
        ("name", Self::Name),
        ("age", Self::Age),
        ("duration", Self::Duration),
        ("status", Self::Status),
    ];

    /// Puts the rows in this order; rows that are equal in it go by full path, so that the order is total.
    pub fn apply(self, rows: &mut [ProjectRow]) {
        rows.sort_by(|a, b| self.compare(a, b).then_with(|| a.project.full_path.cmp(&b.project.full_path)));
    }

    fn compare(self, a: &ProjectRow, b: &ProjectRow) -> Ordering {
        // Whole seconds: what only REST tells does not decide which row comes first.
        let newest =
            |row: &ProjectRow| Reverse(row.pipelines().iter().filter_map(|p| Some(p.created_at?.timestamp())).max());
        let longest =
            |row: &ProjectRow| Reverse(row.pipelines().iter().filter_map(|p| Some(p.duration?.as_secs())).max());
        match self {
            Self::Attention => rank(a).cmp(&rank(b)).then_with(|| newest(a).cmp(&newest(b))),
            Self::Name => Ordering::Equal,
            Self::Age => newest(a).cmp(&newest(b)),
            Self::Duration => longest(a).cmp(&longest(b)),
            Self::Status => rank(a).cmp(&rank(b)),
        }
    }
}

/// Ranks a row: failed, then unreadable, then by severity, and last what has nothing to show.
fn rank(row: &ProjectRow) -> (u8, u8) {
    match &row.state {
        RowState::Ok(_) | RowState::Stale { .. } => match row.worst() {
            Some(Status::Failed) => (0, 0),
            Some(worst) => (2, worst.severity()),
            None => (4, 0),
        },
        RowState::Error(_) => (1, 0),
        RowState::NoAccess(_) => (3, 0),
        RowState::NoPipeline { .. } => (4, 0),
    }
}

/// What `--fail-on` and `--only` name: statuses of a pipeline with all that it triggered, or states of a project's row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FailOn {
    pub statuses: Vec<Status>,
    pub states: Vec<StateWord>,
}

impl FailOn {
    pub fn matches(&self, row: &ProjectRow) -> bool {
        self.states.contains(&row.state_word())
            || row.pipelines().iter().any(|pipeline| self.matches_pipeline(pipeline))
    }

    pub fn matches_pipeline(&self, pipeline: &Pipeline) -> bool {
        self.statuses.contains(&pipeline.worst())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::example;
    use crate::domain::failure::{Failure, FailureKind};
    use crate::domain::id::ProjectId;
    use crate::domain::project::Project;
    use chrono::{DateTime, Utc};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    pub(crate) fn row(path: &str, state: RowState) -> ProjectRow {
        let project = Project {
            id: ProjectId(1),
            name: path.into(),
            full_path: path.into(),
            ancestor_names: vec![],
            web_url: None,
            default_branch: None,
            ci_enabled: None,
        };
        ProjectRow { project: project.into(), state, as_of: at(0) }
    }

    pub(crate) fn ran(path: &str, status: Status, created: i64) -> ProjectRow {
        let pipeline = Pipeline { created_at: Some(at(created)), ..example::pipeline(status, vec![]) };
        row(path, RowState::Ok([pipeline].into()))
    }

    pub(crate) fn failure() -> Failure {
        Failure::new(FailureKind::Http(500), "no answer")
    }

    #[test]
    fn what_wants_attention_comes_first() {
        let mut rows = vec![
            row("never", RowState::NoPipeline { ever_ran: Some(false) }),
            row("secret", RowState::NoAccess(failure())),
            ran("green", Status::Success, 9),
            ran("running", Status::Running, 9),
            row("unread", RowState::Error(failure())),
            ran("odd", Status::Other("quarantined".into()), 9),
            ran("old-failure", Status::Failed, 1),
            ran("new-failure", Status::Failed, 5),
        ];
        RowOrder::Attention.apply(&mut rows);
        let order: Vec<_> = rows.iter().map(|row| row.project.full_path.as_str()).collect();
        assert_eq!(order, ["new-failure", "old-failure", "unread", "odd", "running", "green", "secret", "never"]);
    }

    #[test]
    fn fail_on_names_statuses_and_states() {
        let on_failed = FailOn { statuses: vec![Status::Failed], states: vec![] };
        let on_error = FailOn { statuses: vec![], states: vec![StateWord::Error] };
        let cases = [
            ("a failed pipeline", &on_failed, ran("p", Status::Failed, 1), true),
            ("a running pipeline", &on_failed, ran("p", Status::Running, 1), false),
            ("an unread project is not a failed one", &on_failed, row("p", RowState::Error(failure())), false),
            ("an unread project", &on_error, row("p", RowState::Error(failure())), true),
            ("nothing asked for", &FailOn::default(), ran("p", Status::Failed, 1), false),
        ];
        for (sentence, fail_on, row, expected) in cases {
            assert_eq!(fail_on.matches(&row), expected, "{sentence}");
        }
    }
}
