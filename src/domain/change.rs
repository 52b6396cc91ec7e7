//! What differs between two snapshots: the one event type that every listener shares.

use super::pipeline::{Pipeline, Ref};
use super::project::{Failure, ProjectRow, State, StateWord};
use super::snapshot::{Problem, Snapshot};
use super::status::Status;
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};

/// Something that happened to a group between two readings.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// When it was noticed, by the server's clock.
    pub at: DateTime<Utc>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A ref has a new newest pipeline, or the one that it has went on.
    Pipeline {
        project: String,
        /// The worst status of the ref's pipeline before; `None` when there was none.
        from: Option<Status>,
        to: Status,
        pipeline: Box<Pipeline>,
    },
    /// A project came to the group.
    Appeared { project: String },
    /// A project left the group: deleted, archived, moved, or filtered out.
    Left { project: String },
    /// A row changed its state, and why where that is known.
    State { project: String, from: StateWord, to: StateWord, failure: Option<Failure> },
    /// A problem of the whole run that was not there before.
    Problem(Problem),
}

/// Returns what differs, in the order of the newer snapshot's rows. Before the first snapshot there was nothing.
pub fn changes(before: Option<&Snapshot>, after: &Snapshot) -> Vec<Change> {
    let old: HashMap<_, &ProjectRow> =
        before.into_iter().flat_map(|snapshot| &snapshot.rows).map(|row| (row.project.id, row)).collect();
    let mut found = Vec::new();
    for row in &after.rows {
        row_changes(old.get(&row.project.id).copied(), row, before.is_some(), &mut found);
    }
    let present: HashSet<_> = after.rows.iter().map(|row| row.project.id).collect();
    let gone = before.into_iter().flat_map(|snapshot| &snapshot.rows).filter(|row| !present.contains(&row.project.id));
    found.extend(gone.map(|row| What::Left { project: row.project.full_path.clone() }));
    let known = |problem: &&Problem| {
        let same = |old: &Problem| {
            (old.scope, &old.subject, &old.failure.kind) == (problem.scope, &problem.subject, &problem.failure.kind)
        };
        before.is_some_and(|snapshot| snapshot.problems.iter().any(same))
    };
    // Rows tell their own problems.
    let rows: HashSet<&str> = after.rows.iter().map(|row| row.project.full_path.as_str()).collect();
    let of_a_row = |problem: &&Problem| rows.contains(problem.subject.as_str());
    let new = after.problems.iter().filter(|problem| !known(problem) && !of_a_row(problem));
    found.extend(new.cloned().map(What::Problem));
    found.into_iter().map(|what| Change { at: after.taken_at, what }).collect()
}

fn row_changes(old: Option<&ProjectRow>, new: &ProjectRow, is_known_group: bool, found: &mut Vec<What>) {
    let project = || new.project.full_path.clone();
    if old.is_none() && is_known_group {
        found.push(What::Appeared { project: project() });
    }
    let (from, to) = (old.map_or(StateWord::Ok, ProjectRow::state_word), new.state_word());
    if from != to && (old.is_some() || to != StateWord::NoPipeline) {
        found.push(What::State { project: project(), from, to, failure: new.failure().cloned() });
    }
    let State::Ok(pipelines) = &new.state else { return };
    let before: HashMap<&Ref, Status> =
        old.into_iter().flat_map(ProjectRow::pipelines).map(|pipeline| (&pipeline.git_ref, pipeline.worst())).collect();
    let ids: HashSet<_> = old.into_iter().flat_map(ProjectRow::pipelines).map(|pipeline| pipeline.id).collect();
    // With one pipeline a row, the ref may change and it is still the row's story.
    let only = old.and_then(|row| if row.pipelines().len() == 1 { row.worst() } else { None });
    for pipeline in pipelines {
        let to = pipeline.worst();
        let from = before.get(&pipeline.git_ref).cloned().or_else(|| only.clone().filter(|_| pipelines.len() == 1));
        if from.as_ref() != Some(&to) || !ids.contains(&pipeline.id) {
            found.push(What::Pipeline { project: project(), from, to, pipeline: Box::new(pipeline.clone()) });
        }
    }
}
