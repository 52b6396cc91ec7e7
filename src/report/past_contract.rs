//! The JSON contract of what a hub remembers of a project: `glwatch.past/1`. Fields may be added, none changes its meaning.

use super::history::time;
use crate::domain::fact::PipelineFact;
use crate::domain::past::{FlakyJob, ProjectPast};
use serde::Serialize;

pub(crate) const SCHEMA: &str = "glwatch.past/1";
/// Pipelines of an answer at most.
pub(crate) const MOST_PIPELINES: usize = 100;
/// Flaky jobs of an answer at most: of a project that has more, none is worth a name.
pub(crate) const MOST_FLAKY: usize = 1000;
/// Bytes of a text at most. GitLab's names end at 255 characters; the title of a commit may have no end.
const LONGEST: usize = 1024;

#[derive(Debug, Serialize)]
pub(crate) struct PastDocument<'a> {
    pub schema: &'static str,
    pub host: &'a str,
    pub project: PastProjectEntry<'a>,
    /// Whether anything is remembered at all: without a memory, what is not here may well have been.
    pub remembers: bool,
    /// The newest first.
    pub pipelines: Vec<PastPipelineEntry<'a>>,
    /// Whether older ones are remembered.
    pub more: bool,
    /// Jobs that failed and passed on one commit in the last 14 days; `None` where only older pipelines were asked for.
    pub flaky: Option<Vec<PastFlakyEntry<'a>>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PastProjectEntry<'a> {
    pub id: u64,
    pub full_path: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct PastPipelineEntry<'a> {
    pub id: u64,
    pub iid: Option<u64>,
    pub status: &'a str,
    #[serde(rename = "ref")]
    pub git_ref: &'a str,
    pub ref_kind: &'static str,
    pub sha: Option<&'a str>,
    pub source: Option<&'a str>,
    pub user: Option<&'a str>,
    pub commit_title: Option<&'a str>,
    pub created_at: Option<String>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub updated_at: Option<String>,
    pub duration_s: Option<u64>,
    pub queued_s: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PastFlakyEntry<'a> {
    pub job: &'a str,
    pub failed: usize,
    pub attempts: usize,
}

impl<'a> PastDocument<'a> {
    /// Makes the answer about a project; `past` is `None` without a memory, and one more pipeline than an answer has says
    /// that there are older ones.
    pub(crate) fn new(
        host: &'a str,
        project: PastProjectEntry<'a>,
        past: Option<&'a ProjectPast>,
        has_flaky: bool,
    ) -> Self {
        let pipelines = past.map_or(&[][..], |past| &past.pipelines);
        let flaky = past.map_or(&[][..], |past| &past.flaky);
        Self {
            schema: SCHEMA,
            host,
            project,
            remembers: past.is_some(),
            pipelines: pipelines.iter().take(MOST_PIPELINES).map(PastPipelineEntry::from).collect(),
            more: pipelines.len() > MOST_PIPELINES,
            flaky: has_flaky.then(|| flaky.iter().take(MOST_FLAKY).map(PastFlakyEntry::from).collect()),
        }
    }
}

/// Returns the beginning of a text, the whole of it in nearly all cases.
fn bounded(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text;
    }
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST).last();
    text.get(..end.unwrap_or(0)).unwrap_or(text)
}

impl<'a> From<&'a PipelineFact> for PastPipelineEntry<'a> {
    fn from(fact: &'a PipelineFact) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().map(bounded);
        let course = &fact.course;
        Self {
            id: fact.id.0,
            iid: fact.iid,
            status: bounded(course.status.word()),
            git_ref: bounded(&fact.ref_name),
            ref_kind: fact.ref_kind.word(),
            sha: text(&fact.sha),
            source: text(&fact.source),
            user: text(&fact.author),
            commit_title: text(&fact.commit_title),
            created_at: time(fact.created_at),
            started_at: time(course.started_at),
            finished_at: time(course.finished_at),
            updated_at: time(course.updated_at),
            duration_s: course.duration,
            queued_s: course.queued,
        }
    }
}

impl<'a> From<&'a FlakyJob> for PastFlakyEntry<'a> {
    fn from(job: &'a FlakyJob) -> Self {
        Self { job: bounded(&job.name), failed: job.failed, attempts: job.attempts }
    }
}
