//! The notice that a glob in `--ref` shows only a part of the refs of a project.

use super::merge::ReadProject;
use super::project::{GLOB_WINDOW, glob_matches};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::selection::RefSelector;
use crate::domain::snapshot::{Problem, ProblemScope};

/// Says once that a glob on refs does not look at everything.
pub(super) fn glob_notice(refs: &[RefSelector], readings: &[ReadProject]) -> Option<Problem> {
    let globs: Vec<&str> = refs
        .iter()
        .filter_map(|selector| match selector {
            RefSelector::Glob(pattern) => Some(pattern.text()),
            _ => None,
        })
        .collect();
    let cut = readings.iter().filter(|read| read.reading.is_glob_cut).count();
    (cut > 0).then(|| Problem {
        scope: ProblemScope::Api,
        subject: format!("--ref {}", globs.join(",")),
        failure: Failure::new(
            FailureKind::RefGlobWindow,
            format!(
                "a glob shows at most {} refs of each project's newest {GLOB_WINDOW} pipelines; \
                 {cut} projects have more, name the refs to be sure",
                glob_matches(readings.len())
            ),
        ),
    })
}
