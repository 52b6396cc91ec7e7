//! What makes itself heard: the bell, and a line for the desktop.

use super::facts::ViewOptions;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::outcome::{ChangeMeaning, NoticeRule, project_of};
use crate::report::item::clean;
use crate::text::plural::counted;
use crate::text::width::truncate;

/// Cells of a line for the desktop.
const LINE: usize = 200;

/// One sound and one line, however much has happened at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewAnnouncement {
    pub has_bell: bool,
    pub text: Option<String>,
}

/// Returns what is announced of these changes; `None` where no rule is about them.
pub fn of(options: &ViewOptions, changes: &[(&Change, ChangeMeaning)]) -> Option<ViewAnnouncement> {
    let meant = |rules: &[NoticeRule], change: &Change, meaning| {
        rules.iter().any(|rule| rule.is_for(meaning, project_of(change)))
    };
    let has_bell = changes.iter().any(|(change, meaning)| meant(&options.bell, change, *meaning));
    let shown: Vec<_> = changes.iter().filter(|(change, meaning)| meant(&options.desktop, change, *meaning)).collect();
    let text = shown.first().map(|(change, meaning)| {
        let more = match shown.len() - 1 {
            0 => String::new(),
            more => format!(" and {}", counted(more, "more change")),
        };
        // Without the first word a terminal could take it for another order of its own.
        let text = format!("glwatch: {}{more}", words(change, *meaning));
        truncate(&clean(&text, options.charset), LINE, options.charset)
    });
    (has_bell || text.is_some()).then_some(ViewAnnouncement { has_bell, text })
}

/// Says what has happened to what.
fn words(change: &Change, meaning: ChangeMeaning) -> String {
    match &change.kind {
        ChangeKind::Pipeline { project, pipeline, to, .. } => {
            let status = if meaning == ChangeMeaning::Ended { format!(" ({})", to.word()) } else { String::new() };
            format!("{} {} {}{status}", project.full_path, pipeline.git_ref.name, meaning.word())
        }
        ChangeKind::Appeared { project } | ChangeKind::Left { project } => {
            format!("{} {}", project.full_path, meaning.word())
        }
        ChangeKind::State { project, to, .. } => format!("{} is {}", project.full_path, to.word().replace('_', " ")),
        ChangeKind::Problem(problem) => format!("{}: {}", problem.subject, problem.failure.message),
    }
}
