//! A view of a snapshot that shows some of its rows. Counts, problems and cost remain those of the whole.

use super::health::FailOn;
use super::past::KnownPast;
use super::project::ProjectRow;
use super::snapshot::Snapshot;
use std::borrow::Cow;
use std::sync::LazyLock;

/// A snapshot and those of its rows that are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotView<'a> {
    pub whole: &'a Snapshot,
    pub rows: Cow<'a, [ProjectRow]>,
    /// What the memory adds.
    pub past: &'a KnownPast,
}

/// What a run without a memory has.
static NO_PAST: LazyLock<KnownPast> = LazyLock::new(KnownPast::default);

impl<'a> SnapshotView<'a> {
    /// Shows everything.
    pub fn all(whole: &'a Snapshot) -> Self {
        Self { whole, rows: Cow::Borrowed(&whole.rows), past: &NO_PAST }
    }

    /// Shows the pipelines with one of these statuses and the rows in one of these states.
    pub fn only(whole: &'a Snapshot, wanted: &FailOn) -> Self {
        Self { whole, rows: whole.rows.iter().filter_map(|row| shown(row, wanted)).collect(), past: &NO_PAST }
    }

    /// The same with what the memory adds.
    pub fn with_past(self, past: &'a KnownPast) -> Self {
        Self { past, ..self }
    }

    /// Returns how many projects are not shown.
    pub fn hidden(&self) -> usize {
        self.whole.rows.len() - self.rows.len()
    }
}

fn shown(row: &ProjectRow, wanted: &FailOn) -> Option<ProjectRow> {
    if wanted.states.contains(&row.state_word()) {
        return Some(row.clone());
    }
    row.with_pipelines(|pipeline| pipeline.is_some_and(|pipeline| wanted.matches_pipeline(pipeline)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::project::{RowState, StateWord};
    use crate::domain::status::Status;
    use crate::domain::usage::Usage;
    use chrono::DateTime;

    fn snapshot() -> Snapshot {
        let [mut two, running] = [ran("two", Status::Failed, 1), ran("two", Status::Running, 2)];
        two.state = RowState::Ok([two.pipelines(), running.pipelines()].concat().into());
        Snapshot {
            host: "https://gitlab.com".into(),
            taken_at: DateTime::UNIX_EPOCH,
            groups: vec![],
            rows: vec![two, ran("green", Status::Success, 1), row("unread", RowState::Error(failure()))],
            problems: vec![],
            usage: Usage::default(),
        }
    }

    #[test]
    fn only_what_is_wanted_is_shown() {
        let snapshot = snapshot();
        let wanted =
            |statuses: &[Status], states: &[StateWord]| FailOn { statuses: statuses.to_vec(), states: states.to_vec() };
        let cases: [(_, _, &[(&str, usize)]); 5] = [
            ("a status", wanted(&[Status::Success], &[]), &[("green", 1)]),
            ("a state", wanted(&[], &[StateWord::Error]), &[("unread", 0)]),
            ("both, in their order", wanted(&[Status::Success], &[StateWord::Error]), &[("green", 1), ("unread", 0)]),
            ("of several pipelines those that match", wanted(&[Status::Running], &[]), &[("two", 1)]),
            ("a status that nothing has", wanted(&[Status::Manual], &[]), &[]),
        ];
        for (sentence, wanted, expected) in cases {
            let excerpt = SnapshotView::only(&snapshot, &wanted);
            let shown = |row: &'_ ProjectRow| (row.project.full_path.clone(), row.pipelines().len());
            let expected: Vec<_> = expected.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect();
            assert_eq!(excerpt.rows.iter().map(shown).collect::<Vec<_>>(), expected, "{sentence}");
            assert_eq!(excerpt.hidden() + expected.len(), snapshot.rows.len(), "{sentence}");
        }
    }
}
