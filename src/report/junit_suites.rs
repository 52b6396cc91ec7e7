//! The state of the groups as test suites: a suite per namespace, a case per project or pipeline.
//!
//! Unknown is never fine: a status that this version does not know is an error, not a pass.

use super::culprits;
use super::status::{ref_label, state_message};
use crate::domain::excerpt::SnapshotView;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::{ProjectRow, RowState};
use crate::domain::status::Status;
use std::collections::BTreeMap;
use std::time::Duration;

/// The cases of one namespace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JunitSuite {
    /// Full path of the namespace.
    pub name: String,
    pub cases: Vec<JunitCase>,
}

/// One project, or one of its pipelines where several are shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JunitCase {
    /// `api`, or `api (main)` where the project has several pipelines; unique in its suite.
    pub name: String,
    pub duration: Option<Duration>,
    pub verdict: JunitVerdict,
    /// What else there is to say, line by line: the pipeline's address, which jobs.
    pub details: Vec<String>,
}

/// What a test report makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JunitVerdict {
    Passed,
    /// It passed with failures that were allowed.
    Warned(String),
    Failed(String),
    /// It was not read, or is not understood.
    Errored(String),
    /// There is no verdict yet, or nothing to judge.
    Skipped(String),
}

/// Returns the suites by name.
pub(crate) fn suites(excerpt: &SnapshotView<'_>) -> Vec<JunitSuite> {
    let mut by_namespace: BTreeMap<&str, Vec<JunitCase>> = BTreeMap::new();
    for row in excerpt.rows.iter() {
        // A path without a namespace is only met in answers that are broken.
        let namespace = row.project.ancestors().next().unwrap_or(&row.project.full_path);
        by_namespace.entry(namespace).or_default().extend(cases(row));
    }
    by_namespace.into_iter().map(|(name, cases)| JunitSuite { name: name.to_owned(), cases }).collect()
}

fn cases(row: &ProjectRow) -> Vec<JunitCase> {
    let name = row.project.path();
    let without_pipeline =
        |verdict| vec![JunitCase { name: name.to_owned(), duration: None, verdict, details: Vec::new() }];
    match &row.state {
        RowState::Ok(pipelines) => {
            let names = names(name, pipelines);
            pipelines.iter().zip(names).map(|(pipeline, name)| case(pipeline, name)).collect()
        }
        RowState::Error(failure) | RowState::Stale { failure, .. } => {
            without_pipeline(JunitVerdict::Errored(failure.to_string()))
        }
        RowState::NoAccess(failure) => without_pipeline(JunitVerdict::Skipped(format!("no_access: {}", failure))),
        RowState::NoPipeline { .. } => {
            without_pipeline(JunitVerdict::Skipped(format!("no_pipeline: {}", state_message(&row.state))))
        }
    }
}

/// Returns a name for each pipeline; GitLab shows only one of two cases with the same name.
fn names(project: &str, pipelines: &[Pipeline]) -> Vec<String> {
    let labels: Vec<String> = pipelines.iter().map(ref_label).collect();
    let name = |(pipeline, label): (&Pipeline, &String)| match labels.iter().filter(|other| *other == label).count() {
        _ if labels.len() == 1 => project.to_owned(),
        1 => format!("{project} ({label})"),
        _ => format!("{project} ({label} #{})", pipeline.id),
    };
    pipelines.iter().zip(&labels).map(name).collect()
}

fn case(pipeline: &Pipeline, name: String) -> JunitCase {
    let worst = pipeline.worst();
    let head = format!("pipeline #{} on {}: {worst}", pipeline.id, ref_label(pipeline));
    let reasons = culprits::summary(pipeline);
    let with_reasons = if reasons.is_empty() { head } else { format!("{head}: {reasons}") };
    let verdict = match &worst {
        Status::Failed | Status::Canceled => JunitVerdict::Failed(with_reasons),
        Status::Other(_) => JunitVerdict::Errored(with_reasons),
        Status::Warning => JunitVerdict::Warned(with_reasons),
        Status::Success => JunitVerdict::Passed,
        Status::Created
        | Status::WaitingForResource
        | Status::Preparing
        | Status::WaitingForCallback
        | Status::Pending
        | Status::Running
        | Status::Canceling
        | Status::Skipped
        | Status::Manual
        | Status::Scheduled => JunitVerdict::Skipped(worst.word().to_owned()),
    };
    JunitCase { name, duration: pipeline.duration, details: details(pipeline), verdict }
}

fn details(pipeline: &Pipeline) -> Vec<String> {
    let line = |what: &'static str| move |named: String| format!("{what}: {named}");
    let address = pipeline.web_url.clone().map(line("pipeline"));
    let jobs = culprits::failed_jobs(pipeline).into_iter().map(line("failed job"));
    let allowed = culprits::allowed_failures(pipeline).into_iter().map(line("allowed to fail"));
    let downstream = culprits::downstream(pipeline).into_iter().map(line("downstream"));
    let unread = pipeline.unread.as_ref().map(|unread| unread.message.clone()).map(line("unread"));
    address.into_iter().chain(unread).chain(jobs).chain(allowed).chain(downstream).collect()
}
