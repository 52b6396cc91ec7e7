//! What a change means: a ref broke, was fixed, began, ended. A status alone does not say it: between two failures a
//! pipeline runs.

use super::change::{Change, ChangeKind};
use super::id::ProjectId;
use super::pipeline::Ref;
use super::project::{Project, ProjectRow, StateWord};
use super::selection::ProjectFilter;
use super::status::Status;
use std::collections::{HashMap, HashSet};

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeMeaning {
    /// A ref failed that did not fail before, as far as is known.
    Broke,
    /// A ref passed whose pipeline before had failed.
    Fixed,
    Began,
    Ended,
    /// The status is another one, and it is neither of these.
    Changed,
    /// A project came to the group.
    Came,
    Left,
    /// A project can be read now, or cannot any more.
    State,
    Problem,
}

impl ChangeMeaning {
    /// Every meaning with the word that settings have for it.
    pub const ALL: [(&'static str, Self); 9] = [
        ("broke", Self::Broke),
        ("fixed", Self::Fixed),
        ("began", Self::Began),
        ("ended", Self::Ended),
        ("changed", Self::Changed),
        ("came", Self::Came),
        ("left", Self::Left),
        ("state", Self::State),
        ("problem", Self::Problem),
    ];

    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, meaning)| *meaning == self).map_or("", |(word, _)| word)
    }
}

/// How the last pipeline of each ref ended, as far as it was seen.
#[derive(Debug, Clone, Default)]
pub struct OutcomeMemory {
    has_failed: HashMap<(ProjectId, Ref), bool>,
    /// Projects whose pipelines were read: what is read first is no news.
    known: HashSet<ProjectId>,
}

impl OutcomeMemory {
    /// Takes the state from which changes count.
    pub fn begin(&mut self, rows: &[ProjectRow]) {
        for row in rows {
            if matches!(row.state_word(), StateWord::Ok | StateWord::Stale | StateWord::NoPipeline) {
                self.known.insert(row.project.id);
            }
            for pipeline in row.pipelines() {
                self.note(row.project.id, &pipeline.git_ref, &pipeline.worst());
            }
        }
    }

    /// Keeps how a pipeline ended; one that goes on says nothing yet, and what was canceled or skipped never does.
    fn note(&mut self, project: ProjectId, git_ref: &Ref, status: &Status) -> Option<bool> {
        let key = (project, git_ref.clone());
        match status {
            Status::Failed => self.has_failed.insert(key, true),
            Status::Success | Status::Warning => self.has_failed.insert(key, false),
            _ => self.has_failed.get(&key).copied(),
        }
    }

    /// Takes a change, and says what it means.
    pub fn meaning(&mut self, change: &Change) -> ChangeMeaning {
        match &change.kind {
            ChangeKind::Pipeline { project, from, to, pipeline } => {
                let is_known = !self.known.insert(project.id) || from.is_some();
                let had_failed = self.note(project.id, &pipeline.git_ref, to);
                match (to, had_failed) {
                    (Status::Failed, None | Some(false)) if is_known => ChangeMeaning::Broke,
                    (Status::Success | Status::Warning, Some(true)) => ChangeMeaning::Fixed,
                    (to, _) if to.is_active() && !from.as_ref().is_some_and(Status::is_active) => ChangeMeaning::Began,
                    (to, _) if to.is_terminal() => ChangeMeaning::Ended,
                    _ => ChangeMeaning::Changed,
                }
            }
            ChangeKind::Appeared { .. } => ChangeMeaning::Came,
            ChangeKind::Left { .. } => ChangeMeaning::Left,
            ChangeKind::State { project, from, to, .. } => {
                if *from == Some(StateWord::NoPipeline) || *to == StateWord::NoPipeline {
                    self.known.insert(project.id);
                }
                ChangeMeaning::State
            }
            ChangeKind::Problem(_) => ChangeMeaning::Problem,
        }
    }
}

/// Which changes are announced.
#[derive(Debug, Clone)]
pub struct NoticeRule {
    /// `None` for all.
    pub meanings: Option<Vec<ChangeMeaning>>,
    pub projects: ProjectFilter,
}

impl NoticeRule {
    pub fn is_for(&self, meaning: ChangeMeaning, project: Option<&Project>) -> bool {
        let is_meant = self.meanings.as_ref().is_none_or(|meanings| meanings.contains(&meaning));
        is_meant && project.is_none_or(|project| self.projects.keeps(project))
    }
}

/// Returns the project that a change is about.
pub fn project_of(change: &Change) -> Option<&Project> {
    match &change.kind {
        ChangeKind::Pipeline { project, .. }
        | ChangeKind::Appeared { project }
        | ChangeKind::Left { project }
        | ChangeKind::State { project, .. } => Some(project),
        ChangeKind::Problem(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::changes;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::id::PipelineId;
    use crate::domain::project::RowState;
    use crate::domain::snapshot::Snapshot;
    use crate::domain::usage::Usage;
    use chrono::DateTime;
    use std::sync::Arc;

    fn snapshot(rows: Vec<ProjectRow>) -> Snapshot {
        let taken_at = DateTime::UNIX_EPOCH;
        Snapshot { host: String::new(), taken_at, groups: vec![], rows, problems: vec![], usage: Usage::default() }
    }

    /// The pipeline `REF#ID=STATUS` of the one project; `-` for none, `?` for a project that could not be read.
    fn state(text: &str) -> Vec<ProjectRow> {
        match text {
            "" => return vec![],
            "-" => return vec![row("a", RowState::NoPipeline { ever_ran: Some(false) })],
            "?" => return vec![row("a", RowState::Error(failure()))],
            _ => {}
        }
        let (place, word) = text.split_once('=').unwrap();
        let (git_ref, id) = place.split_once('#').unwrap();
        let mut row = ran("a", Status::from_gitlab(word), 0);
        if let RowState::Ok(pipelines) = &mut row.state {
            let pipelines = Arc::make_mut(pipelines);
            pipelines[0].id = PipelineId(id.parse().unwrap());
            pipelines[0].git_ref = Ref::from_gitlab(git_ref, Some(false));
        }
        vec![row]
    }

    /// The meanings of what happened between the states, the first of which is the first reading.
    fn meanings(states: &[&str]) -> String {
        let mut memory = OutcomeMemory::default();
        let snapshots: Vec<Snapshot> = states.iter().map(|text| snapshot(state(text))).collect();
        memory.begin(&snapshots[0].rows);
        let mut words = Vec::new();
        for pair in snapshots.windows(2) {
            words.extend(changes(Some(&pair[0]), &pair[1], 0).iter().map(|change| memory.meaning(change).word()));
        }
        words.join(" ")
    }

    #[test]
    fn what_a_change_means_depends_on_how_the_ref_ended_before() {
        let cases: [(&str, &[&str], &str); 21] = [
            ("it failed after it had passed", &["m#1=success", "m#2=failed"], "broke"),
            ("it was seen to run between", &["m#1=success", "m#2=running", "m#2=failed"], "began broke"),
            ("it failed again", &["m#1=failed", "m#2=running", "m#2=failed"], "began ended"),
            ("it failed again before it was looked at", &["m#1=failed", "m#2=failed"], "ended"),
            ("a retry passed", &["m#1=failed", "m#1=running", "m#1=success"], "began fixed"),
            ("it passed with a warning", &["m#1=failed", "m#2=success"], "fixed"),
            ("it went on passing", &["m#1=success", "m#2=running", "m#2=success"], "began ended"),
            ("what ran at first failed", &["m#1=running", "m#1=failed"], "broke"),
            ("what ran at first passed", &["m#1=running", "m#1=success"], "ended"),
            ("canceling is no repair", &["m#1=failed", "m#2=canceled"], "ended"),
            (
                "nor does it make the next failure news",
                &["m#1=failed", "m#2=running", "m#2=canceled", "m#3=failed"],
                "began ended ended",
            ),
            ("another ref that passes repairs nothing", &["m#1=failed", "x#2=running", "x#2=success"], "began ended"),
            ("the ref itself does", &["m#1=failed", "x#2=success", "m#3=running", "m#3=success"], "ended began fixed"),
            ("another ref may break", &["m#1=failed", "x#2=failed"], "broke"),
            ("the first pipeline fails", &["-", "m#1=failed"], "state broke"),
            ("a project comes that has failed", &["", "m#1=failed"], "came ended"),
            ("it goes on from there", &["", "m#1=failed", "m#2=success", "m#3=failed"], "came ended fixed broke"),
            ("a project that could not be read has failed", &["?", "m#1=failed"], "state ended"),
            ("what could not be read for a while", &["m#1=success", "?", "m#2=failed"], "state state broke"),
            ("it begins once", &["m#1=success", "m#2=pending", "m#2=running"], "began changed"),
            ("nothing changed", &["m#1=failed", "m#1=failed"], ""),
        ];
        for (sentence, states, expected) in cases {
            assert_eq!(meanings(states), expected, "{sentence}");
        }
    }

    #[test]
    fn a_rule_is_about_some_meanings_and_some_projects() {
        let project = &state("m#1=failed")[0].project;
        let rule = |meanings: Option<&[ChangeMeaning]>, include: &str| NoticeRule {
            meanings: meanings.map(<[_]>::to_vec),
            projects: ProjectFilter::new(Some(include).filter(|text| !text.is_empty()), []).unwrap(),
        };
        let broke = ChangeMeaning::Broke;
        assert!(rule(None, "").is_for(broke, Some(project)));
        assert!(rule(Some(&[broke]), "a*").is_for(broke, Some(project)));
        assert!(!rule(Some(&[broke]), "b*").is_for(broke, Some(project)));
        assert!(!rule(Some(&[ChangeMeaning::Fixed]), "").is_for(broke, Some(project)));
        assert!(rule(None, "").is_for(ChangeMeaning::Problem, None));
    }
}
