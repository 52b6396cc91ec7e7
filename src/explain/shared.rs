//! Finds one cause of failures in several projects: a runner, a test, or a common downstream pipeline.

use super::cause::{Cause, Explanation};
use super::reason;
use super::sentence::Sentence;
use super::tests::label;
use crate::domain::id::PipelineId;
use crate::domain::past::names_a_cause;
use std::collections::{BTreeMap, BTreeSet};

/// What several projects share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedCause {
    pub sentence: Sentence,
    /// Full paths, each once.
    pub projects: Vec<String>,
}

/// What makes two causes one. GitLab's reason counts only where it says more than that a script failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum CauseKey {
    Reason(String),
    Downstream(String, PipelineId),
    Test(String),
}

impl CauseKey {
    fn of(cause: &Cause) -> Vec<Self> {
        if let Some(place) = cause.through.last() {
            return vec![Self::Downstream(place.project.clone(), place.pipeline)];
        }
        let reason = cause.job.as_ref().and_then(|job| job.job.failure_reason.as_deref());
        if let Some(reason) = reason.filter(|reason| names_a_cause(reason)) {
            return vec![Self::Reason(reason.to_owned())];
        }
        let cases = cause.tests.iter().flat_map(|tests| &tests.cases);
        cases.map(|(case, _)| Self::Test(label(case))).collect()
    }

    fn sentence(&self) -> Sentence {
        match self {
            Self::Reason(word) => Sentence::words(
                reason::of_job(word).map_or_else(|| word.replace('_', " "), |meaning| meaning.plain.to_owned()),
            ),
            Self::Downstream(project, pipeline) => {
                Sentence::words("downstream ").name(format!("{project} #{pipeline}"))
            }
            Self::Test(label) => Sentence::words("test ").name(label.clone()),
        }
    }
}

/// Returns what at least two projects share, that of the most projects first.
pub(crate) fn shared_causes<'a>(explained: impl IntoIterator<Item = (&'a str, &'a Explanation)>) -> Vec<SharedCause> {
    let mut projects: BTreeMap<CauseKey, BTreeSet<&str>> = BTreeMap::new();
    for (project, explanation) in explained {
        for key in explanation.causes.iter().flat_map(CauseKey::of) {
            projects.entry(key).or_default().insert(project);
        }
    }
    let mut shared: Vec<SharedCause> = projects
        .into_iter()
        .filter(|(_, projects)| projects.len() > 1)
        .map(|(key, projects)| SharedCause {
            sentence: key.sentence(),
            projects: projects.into_iter().map(str::to_owned).collect(),
        })
        .collect();
    shared.sort_by_key(|cause| std::cmp::Reverse(cause.projects.len()));
    shared
}
