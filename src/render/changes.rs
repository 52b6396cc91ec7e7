//! Changes as lines of text, for `--watch` without a terminal: one per change, separated by TABs, without control codes.

use crate::domain::change::{Change, ChangeKind};
use crate::domain::project::StateWord;
use crate::text::sanitise::sanitise;
use std::io::{self, Write};

/// Writes one change: when, where, what, and the page where there is one.
pub(crate) fn write(change: &Change, out: &mut dyn Write) -> io::Result<()> {
    let at = change.at.format("%Y-%m-%dT%H:%M:%SZ");
    let (subject, words) = match &change.kind {
        ChangeKind::Pipeline { project, from, to, pipeline } => {
            let from = from.as_ref().map_or("none", |status| status.word());
            let url = pipeline.web_url.as_deref().unwrap_or_default();
            (
                project.full_path.as_str(),
                format!("{}\t{from} -> {to}\t#{}\t{}", sanitise(&pipeline.git_ref.name), pipeline.id, sanitise(url)),
            )
        }
        ChangeKind::Appeared { project } => (project.full_path.as_str(), "appeared".to_owned()),
        ChangeKind::Left { project } => (project.full_path.as_str(), "left".to_owned()),
        ChangeKind::State { project, from, to, failure } => {
            let why = failure.as_ref().map_or(String::new(), |failure| format!("\t{}", sanitise(&failure.to_string())));
            (project.full_path.as_str(), format!("{} -> {to}{why}", from.map_or("none", StateWord::word)))
        }
        ChangeKind::Problem(problem) => {
            (problem.subject.as_str(), format!("problem\t{}", sanitise(&problem.failure.to_string())))
        }
    };
    writeln!(out, "{at}\t{}\t{words}", sanitise(subject))
}
