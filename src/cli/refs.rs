//! Finds values of `--ref` that select nothing: a gate on a misspelt ref would always be green.

use super::error::CliError;
use crate::config::{Config, Settings};
use crate::domain::project::ProjectRow;
use crate::domain::selection::{RefSelector, without_pipeline};
use crate::domain::snapshot::Snapshot;
use std::collections::BTreeSet;

/// More names than this are no help.
const NEAR_AT_MOST: usize = 3;

/// What is wrong with the values of `--ref`.
#[derive(Default)]
pub(super) struct Unselected {
    pub warnings: Vec<String>,
    pub error: Option<CliError>,
}

/// Judges the values for which no project has a pipeline.
///
/// - One that was written out is an error where every project was read: it is misspelt, or what it names has not run.
/// - The name of a default branch is spelt rightly, and the four words are, so that they only cause a warning; and so does
///   one that a project may have which could not be read, unless that is to be overlooked.
pub(super) fn judge(snapshot: &Snapshot, config: &Config, settings: &Settings) -> Unselected {
    let rows = &snapshot.rows;
    // Only a project that could be read may lack it.
    if rows.is_empty() || rows.iter().all(|row| row.failure().is_some()) {
        return Unselected::default();
    }
    let is_certain = snapshot.is_complete() || config.verdict.allow_partial;
    let is_default =
        |selector: &RefSelector| rows.iter().any(|row| row.project.default_branch == Some(selector.to_string()));
    let unselected = without_pipeline(&config.scope.refs, rows);
    // That nothing has run yet is what the rows say.
    let unselected: Vec<&RefSelector> =
        unselected.into_iter().filter(|selector| !matches!(selector, RefSelector::Any)).collect();
    let (misspelt, silent): (Vec<_>, Vec<_>) =
        unselected.into_iter().partition(|selector| is_certain && selector.may_be_misspelt() && !is_default(selector));
    let warnings = silent.iter().map(|selector| {
        let near = if selector.may_be_misspelt() && !is_default(selector) { near(selector, rows) } else { Vec::new() };
        let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
        format!("no project that could be read has a pipeline for --ref \"{selector}\"{hint}")
    });
    let warnings = warnings.collect();
    if misspelt.is_empty() {
        return Unselected { warnings, error: None };
    }
    let near: Vec<String> = misspelt.iter().flat_map(|selector| near(selector, rows)).collect();
    let hint = if near.is_empty() {
        "a ref is written as the table shows it: --ref any shows the newest of each project".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    let origin = settings.shown("ref").map_or_else(|| "--ref".to_owned(), |(_, origin)| origin.to_string());
    let refs = misspelt.iter().map(|selector| format!("\"{}\"", selector.to_string().escape_debug())).collect();
    Unselected { warnings, error: Some(CliError::UnknownRef { origin, refs, hints: vec![hint] }) }
}

/// Returns the refs that the reading knows and that are written alike, the nearest first.
fn near(selector: &RefSelector, rows: &[ProjectRow]) -> Vec<String> {
    let written = selector.to_string().to_lowercase();
    let of_pipelines = rows.iter().flat_map(|row| row.pipelines()).map(|pipeline| pipeline.git_ref.name.as_str());
    let known: BTreeSet<&str> =
        rows.iter().filter_map(|row| row.project.default_branch.as_deref()).chain(of_pipelines).collect();
    let distance = |name: &str| strsim::osa_distance(&written, &name.to_lowercase());
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| (distance(name), name))
        // A half of the letters wrong is another name.
        .filter(|(wrong, name)| *wrong * 2 <= name.chars().count())
        .collect();
    near.sort();
    near.into_iter().take(NEAR_AT_MOST).map(|(_, name)| name.to_owned()).collect()
}
