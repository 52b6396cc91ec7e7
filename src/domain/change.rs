//! What differs between two snapshots: the one event type that every listener shares.

use super::pipeline::{Pipeline, Ref};
use super::project::{Failure, Project, ProjectRow, RowState, StateWord};
use super::snapshot::{Problem, Snapshot};
use super::status::Status;
use chrono::{DateTime, Utc};
use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;

/// Something that happened to a group between two readings. It owns or shares all of it: it can wait for a slow listener.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Counts the changes of a process from 1 on, without a gap.
    pub seq: u64,
    /// When it was noticed, by the server's clock.
    pub at: DateTime<Utc>,
    pub kind: ChangeKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ChangeKind {
    /// The newest pipeline of a ref changed, or a newer one replaced it.
    Pipeline {
        project: Arc<Project>,
        /// The worst status of the ref's pipeline before; `None` when there was none.
        from: Option<Status>,
        to: Status,
        pipeline: SharedPipeline,
    },
    /// A project came to the group.
    Appeared { project: Arc<Project> },
    /// A project left the group: deleted, archived, moved, or filtered out.
    Left { project: Arc<Project> },
    /// A row changed its state, and why where that is known; `from` is `None` when there was no row.
    State { project: Arc<Project>, from: Option<StateWord>, to: StateWord, failure: Option<Failure> },
    /// A problem of the whole run that was not there before.
    Problem(Problem),
}

/// One of a row's pipelines, shared with the row.
#[derive(Debug, Clone)]
pub struct SharedPipeline {
    pipelines: Arc<[Pipeline]>,
    at: usize,
}

impl Deref for SharedPipeline {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.pipelines[self.at]
    }
}

impl PartialEq for SharedPipeline {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// Returns what differs, in the order of the newer snapshot's rows. Before the first snapshot there was nothing. The numbers
/// go on from `last_change`.
pub fn changes(before: Option<&Snapshot>, after: &Snapshot, last_change: u64) -> Vec<Change> {
    let rows = before.map_or(&[][..], |snapshot| &snapshot.rows);
    // Readings come in one order: the same project is nearly always at the same place, and nothing need be looked up.
    let by_id = LazyCell::new(|| rows.iter().map(|row| (row.project.id, row)).collect::<HashMap<_, _>>());
    let present = LazyCell::new(|| after.rows.iter().map(|row| row.project.id).collect::<HashSet<_>>());
    let is_at = |rows: &[ProjectRow], at: usize, id| rows.get(at).is_some_and(|row| row.project.id == id);
    let mut found = Vec::new();
    for (at, row) in after.rows.iter().enumerate() {
        let id = row.project.id;
        let old = if is_at(rows, at, id) { rows.get(at) } else { by_id.get(&id).copied() };
        row_changes(old, row, before.is_some(), &mut found);
    }
    for (at, row) in rows.iter().enumerate() {
        let id = row.project.id;
        if !is_at(&after.rows, at, id) && !present.contains(&id) {
            found.push(ChangeKind::Left { project: Arc::clone(&row.project) });
        }
    }
    let known = |problem: &&Problem| {
        let same = |old: &Problem| {
            (old.scope, &old.subject, &old.failure.kind) == (problem.scope, &problem.subject, &problem.failure.kind)
        };
        before.is_some_and(|snapshot| snapshot.problems.iter().any(same))
    };
    // Rows tell their own problems.
    let paths = LazyCell::new(|| after.rows.iter().map(|row| row.project.full_path.as_str()).collect::<HashSet<_>>());
    let is_new = |problem: &&Problem| !known(problem) && !paths.contains(problem.subject.as_str());
    found.extend(after.problems.iter().filter(is_new).cloned().map(ChangeKind::Problem));
    (last_change + 1..).zip(found).map(|(seq, kind)| Change { seq, at: after.taken_at, kind }).collect()
}

fn row_changes(old: Option<&ProjectRow>, new: &ProjectRow, is_known_group: bool, found: &mut Vec<ChangeKind>) {
    if let (Some(RowState::Ok(before)), RowState::Ok(now)) = (old.map(|old| &old.state), &new.state)
        && Arc::ptr_eq(before, now)
    {
        return;
    }
    let project = || Arc::clone(&new.project);
    if old.is_none() && is_known_group {
        found.push(ChangeKind::Appeared { project: project() });
    }
    let (from, to) = (old.map(ProjectRow::state_word), new.state_word());
    // A new row is worth a word only when it has a problem: its pipelines tell the rest.
    let is_told = match from {
        // A part of its pipelines may be missing from now on.
        Some(StateWord::Ok) if to == StateWord::Ok => {
            let kind = |row: &'_ ProjectRow| row.failure().map(|failure| failure.kind.clone());
            kind(new).is_some() && old.and_then(kind) != kind(new)
        }
        Some(from) => from != to,
        None => !matches!(to, StateWord::Ok | StateWord::NoPipeline),
    };
    if is_told {
        found.push(ChangeKind::State { project: project(), from, to, failure: new.failure().cloned() });
    }
    let RowState::Ok(pipelines) = &new.state else { return };
    let before: HashMap<&Ref, Status> =
        old.into_iter().flat_map(ProjectRow::pipelines).map(|pipeline| (&pipeline.git_ref, pipeline.worst())).collect();
    let ids: HashSet<_> = old.into_iter().flat_map(ProjectRow::pipelines).map(|pipeline| pipeline.id).collect();
    // With one pipeline a row, the ref may change and it is still the row's story.
    let only = old.and_then(|row| if row.pipelines().len() == 1 { row.worst() } else { None });
    for (at, pipeline) in pipelines.iter().enumerate() {
        let to = pipeline.worst();
        let from = before.get(&pipeline.git_ref).cloned().or_else(|| only.clone().filter(|_| pipelines.len() == 1));
        if from.as_ref() != Some(&to) || !ids.contains(&pipeline.id) {
            let pipeline = SharedPipeline { pipelines: Arc::clone(pipelines), at };
            found.push(ChangeKind::Pipeline { project: project(), from, to, pipeline });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::FailureKind;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::id::{PipelineId, ProjectId};
    use crate::domain::snapshot::ProblemScope;
    use crate::domain::usage::Usage;

    fn snapshot(rows: Vec<ProjectRow>, problems: &[&str]) -> Snapshot {
        let problem = |subject: &&str| Problem {
            scope: ProblemScope::Group,
            subject: (*subject).to_owned(),
            failure: Failure::new(FailureKind::Http(502), "no answer"),
        };
        Snapshot {
            host: String::new(),
            taken_at: DateTime::from_timestamp(0, 0).unwrap(),
            groups: vec![],
            rows,
            problems: problems.iter().map(problem).collect(),
            usage: Usage::default(),
        }
    }

    /// The n-th pipeline of project `a`.
    fn nth(n: u64, git_ref: &str, status: Status) -> ProjectRow {
        let mut row = ran("a", status, 0);
        if let RowState::Ok(pipelines) = &mut row.state {
            let pipelines = Arc::make_mut(pipelines);
            pipelines[0].id = PipelineId(n);
            pipelines[0].git_ref = Ref::from_gitlab(git_ref, Some(false));
        }
        row
    }

    fn stale(row: ProjectRow) -> ProjectRow {
        let RowState::Ok(pipelines) = row.state else { panic!("{row:?}") };
        ProjectRow { state: RowState::Stale { pipelines, failure: failure() }, ..row }
    }

    fn partly(status: Status) -> ProjectRow {
        let mut row = nth(1, "main", status);
        if let RowState::Ok(pipelines) = &mut row.state {
            Arc::make_mut(pipelines)[0].unread = Some(failure());
        }
        row
    }

    fn both(one: ProjectRow, two: ProjectRow) -> ProjectRow {
        let pipelines = [one.pipelines(), two.pipelines()].concat();
        ProjectRow { state: RowState::Ok(pipelines.into()), ..one }
    }

    fn other(mut row: ProjectRow) -> ProjectRow {
        Arc::make_mut(&mut row.project).id = ProjectId(2);
        Arc::make_mut(&mut row.project).full_path = "b".into();
        row
    }

    fn words(changes: &[Change]) -> Vec<String> {
        let say = |change: &Change| match &change.kind {
            ChangeKind::Pipeline { project, from, to, pipeline } => {
                let from = from.as_ref().map_or("none", Status::word);
                format!("{} {}#{} {from} -> {}", project.full_path, pipeline.git_ref.name, pipeline.id, to.word())
            }
            ChangeKind::Appeared { project } => format!("{} appeared", project.full_path),
            ChangeKind::Left { project } => format!("{} left", project.full_path),
            ChangeKind::State { project, from, to, failure } => {
                let why = failure.as_ref().map_or(String::new(), ToString::to_string);
                format!("{} is {} -> {to} {why}", project.full_path, from.map_or("none", StateWord::word))
                    .trim_end()
                    .to_owned()
            }
            ChangeKind::Problem(problem) => format!("problem of {}", problem.subject),
        };
        changes.iter().map(say).collect()
    }

    #[track_caller]
    fn tells(sentence: &str, before: Option<ProjectRow>, after: Option<ProjectRow>, expected: &[&str]) {
        let [before, after] = [before, after].map(|row| snapshot(row.into_iter().collect(), &[]));
        assert_eq!(words(&changes(Some(&before), &after, 0)), expected, "{sentence}");
    }

    #[test]
    fn pipelines_are_told_when_they_go_on_and_when_a_newer_one_takes_their_place() {
        use Status::*;
        let on_main = |n, status| nth(n, "main", status);
        let cases = [
            ("nothing changed", on_main(1, Running), on_main(1, Running), &[][..]),
            ("went on", on_main(1, Running), on_main(1, Failed), &["a main#1 running -> failed"]),
            (
                "a newer one as good as the last",
                on_main(1, Success),
                on_main(2, Success),
                &["a main#2 success -> success"],
            ),
            ("the newest was deleted", on_main(2, Failed), on_main(1, Success), &["a main#1 failed -> success"]),
            ("another ref in the same row", on_main(1, Failed), nth(2, "fix", Running), &["a fix#2 failed -> running"]),
            (
                "of several refs only the one that went on",
                both(on_main(1, Success), nth(2, "v1", Running)),
                both(on_main(1, Success), nth(2, "v1", Success)),
                &["a v1#2 running -> success"],
            ),
            (
                "one ref more",
                both(on_main(1, Success), nth(2, "v1", Success)),
                both(on_main(1, Success), nth(3, "v2", Pending)),
                &["a v2#3 none -> pending"],
            ),
            (
                "a word that is not known",
                on_main(1, Running),
                on_main(1, Other("odd".into())),
                &["a main#1 running -> odd"],
            ),
        ];
        for (sentence, before, after, expected) in cases {
            tells(sentence, Some(before), Some(after), expected);
        }
    }

    #[test]
    fn places_in_the_list_mean_nothing() {
        let a = || nth(1, "main", Status::Running);
        let b = || other(nth(2, "main", Status::Success));
        let cases = [
            ("another order", vec![a(), b()], vec![b(), a()], &[][..]),
            ("the first left", vec![a(), b()], vec![b()], &["a left"]),
            ("the last left", vec![a(), b()], vec![a()], &["b left"]),
            ("one came before", vec![b()], vec![a(), b()], &["a appeared", "a main#1 none -> running"]),
        ];
        for (sentence, before, after, expected) in cases {
            let (before, after) = (snapshot(before, &[]), snapshot(after, &[]));
            assert_eq!(words(&changes(Some(&before), &after, 0)), expected, "{sentence}");
        }
    }

    #[test]
    fn rows_are_told_when_they_come_go_and_change_their_state() {
        let run = |status| nth(1, "main", status);
        let none = || row("a", RowState::NoPipeline { ever_ran: Some(false) });
        let hidden = || row("a", RowState::NoAccess(failure()));
        use Status::{Failed, Running};
        tells("came with a pipeline", None, Some(run(Running)), &["a appeared", "a main#1 none -> running"]);
        tells("came without", None, Some(none()), &["a appeared"]);
        tells("came hidden", None, Some(hidden()), &["a appeared", "a is none -> no_access no answer"]);
        tells("left", Some(run(Running)), None, &["a left"]);
        tells(
            "first pipeline",
            Some(none()),
            Some(run(Running)),
            &["a is no_pipeline -> ok", "a main#1 none -> running"],
        );
        tells("could not be read", Some(run(Running)), Some(stale(run(Running))), &["a is ok -> stale no answer"]);
        tells(
            "a part could not be read",
            Some(run(Running)),
            Some(partly(Running)),
            &["a is ok -> ok no answer", "a main#1 running -> unread"],
        );
        tells("a part still could not", Some(partly(Failed)), Some(partly(Failed)), &[]);
        tells("still could not", Some(stale(run(Running))), Some(stale(run(Running))), &[]);
        tells("came back unchanged", Some(stale(run(Running))), Some(run(Running)), &["a is stale -> ok"]);
        let went_on = ["a is stale -> ok", "a main#1 running -> failed"];
        tells("came back and went on meanwhile", Some(stale(run(Running))), Some(run(Failed)), &went_on);
    }

    #[test]
    fn before_the_first_reading_there_was_nothing_and_nobody_came() {
        let after = snapshot(vec![nth(1, "main", Status::Failed), other(row("b", RowState::Error(failure())))], &[]);
        assert_eq!(words(&changes(None, &after, 0)), ["a main#1 none -> failed", "b is none -> error no answer"]);
    }

    #[test]
    fn a_problem_is_told_once_and_a_row_tells_its_own() {
        let rows = || vec![nth(1, "main", Status::Success)];
        let [quiet, one, two] = [&[][..], &["acme"], &["acme", "a", "other"]].map(|who| snapshot(rows(), who));
        assert_eq!(words(&changes(Some(&quiet), &one, 0)), ["problem of acme"]);
        assert_eq!(words(&changes(Some(&one), &one, 0)), [""; 0]);
        assert_eq!(words(&changes(Some(&one), &two, 0)), ["problem of other"]);
        assert_eq!(words(&changes(Some(&two), &quiet, 0)), [""; 0]);
    }
}
