//! A change in words: what broke, was fixed, began or ended.

use super::screens::place::ScreenPlace;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::outcome::ChangeMeaning;
use crate::report::cell::Tone;
use chrono::{DateTime, Utc};

/// More events than this are not kept; the oldest go first.
pub const MOST_EVENTS: usize = 500;

/// Something that has happened, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct EventEntry {
    pub at: DateTime<Utc>,
    /// Full path.
    pub project: String,
    /// Broke, fixed, began, ended, or what else it is.
    pub word: &'static str,
    pub rest: String,
    pub tone: Tone,
    pub target: Option<ScreenPlace>,
}

impl EventEntry {
    pub fn of(change: &Change, meaning: ChangeMeaning) -> Self {
        let entry = |project: &str, word, rest: String, tone, target| Self {
            at: change.at,
            project: project.to_owned(),
            word,
            rest,
            tone,
            target,
        };
        match &change.kind {
            ChangeKind::Pipeline { project, from, to, pipeline } => {
                let tone = match meaning {
                    ChangeMeaning::Broke => Tone::Bad,
                    ChangeMeaning::Fixed => Tone::Good,
                    ChangeMeaning::Began => Tone::Active,
                    _ => Tone::from(to),
                };
                let word = if meaning == ChangeMeaning::Changed { "now" } else { meaning.word() };
                let from = from.as_ref().map_or(String::new(), |from| format!("{} to ", from.word()));
                let rest = format!("{} #{}: {from}{}", pipeline.git_ref.name, pipeline.id, to.word());
                let target = ScreenPlace::Pipeline(project.id, pipeline.id);
                entry(&project.full_path, word, rest, tone, Some(target))
            }
            ChangeKind::Appeared { project } => entry(&project.full_path, "came", String::new(), Tone::Muted, None),
            ChangeKind::Left { project } => entry(&project.full_path, "left", String::new(), Tone::Muted, None),
            ChangeKind::State { project, to, failure, .. } => {
                let why = failure.as_ref().map_or(String::new(), |failure| format!(": {}", failure.message));
                entry(&project.full_path, "is", format!("{}{why}", to.word()), Tone::from(*to), None)
            }
            ChangeKind::Problem(problem) => {
                entry(&problem.subject, "problem", problem.failure.message.clone(), Tone::Bad, None)
            }
        }
    }
}
