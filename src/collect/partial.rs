//! Puts some projects that were read again into the snapshot of all. Pure.

use super::run::row_problem;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::ProjectId;
use crate::domain::project::{ProjectRow, RowState};
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Puts rows in the place of the old ones of the same projects. All other rows, and the problems that are not about the
/// rows read again, stay as they were.
pub(super) fn merge_rows(
    last: &Snapshot,
    read: Vec<ProjectRow>,
    found: Vec<Problem>,
) -> (Vec<ProjectRow>, Vec<Problem>) {
    let mut rows: BTreeMap<ProjectId, ProjectRow> = last.rows.iter().map(|row| (row.project.id, row.clone())).collect();
    let old: Vec<&ProjectRow> =
        last.rows.iter().filter(|row| read.iter().any(|new| new.project.id == row.project.id)).collect();
    let is_solved = |problem: &Problem| {
        let is_of = |row: &&ProjectRow| {
            // A field of a project that was read all the same.
            let is_field = problem.scope == ProblemScope::Project && problem.failure.kind == FailureKind::GraphqlField;
            is_field && problem.subject == row.project.full_path || row_problem(row).as_ref() == Some(problem)
        };
        old.iter().any(is_of)
    };
    let mut problems: Vec<Problem> = last.problems.iter().filter(|problem| !is_solved(problem)).cloned().collect();
    for problem in found.into_iter().chain(read.iter().filter_map(row_problem)) {
        let is_same = |known: &Problem| {
            (known.scope, &known.subject, &known.failure.kind)
                == (problem.scope, &problem.subject, &problem.failure.kind)
        };
        if !problems.iter().any(is_same) {
            problems.push(problem);
        }
    }
    rows.extend(read.into_iter().map(|row| (row.project.id, row)));
    (rows.into_values().collect(), problems)
}

/// Returns the last snapshot after these projects could not be read again: only their rows are old, or unread.
pub(super) fn without_news(last: &Snapshot, projects: &BTreeSet<ProjectId>, failure: &Failure) -> Snapshot {
    let asked = last.rows.iter().filter(|row| projects.contains(&row.project.id));
    let (rows, problems) = merge_rows(last, asked.map(|row| unread(row, failure)).collect(), Vec::new());
    Snapshot { rows, problems, ..last.clone() }
}

fn unread(row: &ProjectRow, failure: &Failure) -> ProjectRow {
    let failure = failure.clone();
    let state = match &row.state {
        RowState::Ok(pipelines) | RowState::Stale { pipelines, .. } => {
            RowState::Stale { pipelines: Arc::clone(pipelines), failure }
        }
        // Nothing that could be shown in its place.
        RowState::NoPipeline { .. } | RowState::NoAccess(_) | RowState::Error(_) => RowState::Error(failure),
    };
    ProjectRow { state, ..row.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::status::Status;
    use crate::domain::usage::Usage;
    use chrono::DateTime;

    fn with_id(id: u64, mut row: ProjectRow) -> ProjectRow {
        Arc::make_mut(&mut row.project).id = ProjectId(id);
        row
    }

    fn about(scope: ProblemScope, subject: &str, kind: &str) -> Problem {
        let failure = Failure::new(FailureKind::from_word(kind), "no answer");
        Problem { scope, subject: subject.into(), failure }
    }

    #[test]
    fn other_rows_and_their_problems_stay_and_what_was_solved_goes() {
        let rows = vec![
            with_id(1, row("a", RowState::Error(failure()))),
            with_id(2, row("b", RowState::Error(failure()))),
            with_id(3, ran("c", Status::Running, 0)),
        ];
        let own: Vec<Problem> = rows.iter().filter_map(row_problem).collect();
        let others = [
            about(ProblemScope::List, "acme", "http_502"),
            about(ProblemScope::Project, "a", "downstream"),
            about(ProblemScope::Api, "https://gitlab.example.com", "missing_permission"),
        ];
        let fields =
            [about(ProblemScope::Project, "a", "graphql_field"), about(ProblemScope::Project, "b", "graphql_field")];
        let last = Snapshot {
            host: String::new(),
            taken_at: DateTime::UNIX_EPOCH,
            groups: vec![],
            rows,
            problems: [&others[..], &fields, &own].concat(),
            usage: Usage::default(),
        };
        let read = vec![with_id(1, ran("a", Status::Success, 0)), with_id(4, row("d", RowState::Error(failure())))];
        let again = about(ProblemScope::Api, "https://gitlab.example.com", "missing_permission");
        let (rows, problems) = merge_rows(&last, read.clone(), vec![again]);
        assert_eq!(rows, [read[0].clone(), last.rows[1].clone(), last.rows[2].clone(), read[1].clone()]);
        let expected: Vec<Problem> = [&others[..], &fields[1..], &own[1..], &[row_problem(&read[1]).unwrap()]].concat();
        assert_eq!(problems, expected);
    }

    #[test]
    fn only_the_rows_that_could_not_be_read_again_are_old() {
        let last = Snapshot {
            host: String::new(),
            taken_at: DateTime::UNIX_EPOCH,
            groups: vec![],
            rows: vec![
                with_id(1, ran("a", Status::Success, 10)),
                with_id(2, ran("b", Status::Success, 10)),
                with_id(3, row("c", RowState::NoPipeline { ever_ran: Some(false) })),
            ],
            problems: vec![],
            usage: Usage::default(),
        };
        let after = without_news(&last, &[1, 3, 9].map(ProjectId).into(), &failure());
        let words: Vec<&str> = after.rows.iter().map(|row| row.state_word().word()).collect();
        assert_eq!(words, ["stale", "ok", "error"]);
        let kept = |row: &ProjectRow| (row.as_of, row.pipelines().to_vec());
        assert!(after.rows.iter().map(kept).eq(last.rows.iter().map(kept)), "what is old is not made fresh");
        assert_eq!(after.problems.iter().map(|problem| problem.subject.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert!(!after.is_complete());
    }
}
