//! The JSON contract of `glwatch explain`: `glwatch.explain/1`. Fields may be added, none changes its meaning.

use super::contract::{PipelineEntry, ProblemEntry, Requests, time};
use crate::domain::evidence::{Evidence, JobEvidence, Previous, Unread};
use crate::domain::log::{LogExcerpt, LogLine};
use crate::domain::snapshot::Problem;
use crate::domain::test_report::TestCase;
use crate::domain::usage::Usage;
use crate::explain::attribution::{FailureAttribution, OriginEvidence};
use crate::explain::cause::{Cause, Explanation, TriggerPlace};
use crate::explain::shared::{SharedCause, shared_causes};
use crate::explain::tests::{TestFindings, TestHistory};
use crate::text::duration::whole_seconds;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::borrow::Cow;

pub(crate) const SCHEMA: &str = "glwatch.explain/1";

#[derive(Debug, Serialize)]
pub struct ExplainDocument<'a> {
    pub schema: &'static str,
    pub host: &'a str,
    pub generated_at: String,
    /// Whether every pipeline that was asked for is here, with all of its evidence.
    pub complete: bool,
    pub problems: Vec<ProblemEntry<'a>>,
    pub requests: Requests,
    pub pipelines: Vec<ExplainedEntry<'a>>,
    /// What at least two projects share, that of the most projects first.
    pub shared_causes: Vec<SharedCauseEntry>,
}

/// One cause behind failures in several projects.
#[derive(Debug, Serialize)]
pub struct SharedCauseEntry {
    /// In one line; names stand between backticks.
    pub cause: String,
    pub projects: Vec<String>,
}

impl From<SharedCause> for SharedCauseEntry {
    fn from(shared: SharedCause) -> Self {
        Self { cause: shared.sentence.to_string(), projects: shared.projects }
    }
}

#[derive(Debug, Serialize)]
pub struct ExplainedEntry<'a> {
    pub project: &'a str,
    /// The answer in one line; names stand between backticks.
    pub headline: String,
    pub causes: Vec<CauseEntry<'a>>,
    pub allowed: Vec<CauseEntry<'a>>,
    pub flaky: Vec<CauseEntry<'a>>,
    /// Percentage points that the coverage has changed since the pipeline before on this ref.
    pub coverage_change: Option<f64>,
    pub previous: Option<PreviousEntry<'a>>,
    pub unread: Vec<UnreadEntry<'a>>,
    pub pipeline: PipelineEntry<'a>,
}

#[derive(Debug, Serialize)]
pub struct PreviousEntry<'a> {
    pub id: u64,
    pub status: &'a str,
    pub coverage: Option<f64>,
    pub web_url: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub struct UnreadEntry<'a> {
    pub what: &'a str,
    pub kind: Cow<'a, str>,
    pub message: String,
}

#[derive(Debug, Serialize)]
pub struct CauseEntry<'a> {
    pub kind: &'static str,
    pub sentence: String,
    pub next: Option<&'a str>,
    pub through: Vec<PlaceEntry<'a>>,
    pub job: Option<ExplainJobEntry<'a>>,
    pub tests: Option<TestsEntry<'a>>,
    pub log: Option<LogEntry<'a>>,
    /// Whose fault it is: `infrastructure`, `already_broken`, `everywhere`, `flaky`, `yours` or `unknown`; null where that
    /// is no question, or where nothing is remembered because the history is switched off.
    pub attribution: Option<&'static str>,
    /// What the attribution rests on, the answer in one line first.
    pub evidence: Option<AttributionEntry<'a>>,
}

#[derive(Debug, Serialize)]
pub struct AttributionEntry<'a> {
    pub sentence: String,
    pub facts: Vec<OriginEntry<'a>>,
}

/// One fact behind an attribution; what does not apply is null.
#[derive(Debug, Default, Serialize)]
pub struct OriginEntry<'a> {
    /// `reason`, `base`, `same_failure`, `both_verdicts`, `passes` or `never_rerun`.
    pub kind: &'static str,
    pub reason: Option<&'a str>,
    pub status: Option<&'a str>,
    pub project: Option<&'a str>,
    #[serde(rename = "ref")]
    pub ref_name: Option<&'a str>,
    pub pipeline: Option<u64>,
    /// The first red pipeline of the branch.
    pub since_pipeline: Option<u64>,
    pub since: Option<String>,
    pub at: Option<String>,
    pub test: Option<&'a str>,
    pub sha: Option<&'a str>,
    pub failed_pipeline: Option<u64>,
    pub passed_pipeline: Option<u64>,
    pub count: Option<u64>,
    /// Failures that are known, of which `count` were never run again.
    pub failures: Option<u64>,
}

#[derive(Debug, Serialize)]
pub struct PlaceEntry<'a> {
    pub project: &'a str,
    pub pipeline: u64,
    pub web_url: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub struct ExplainJobEntry<'a> {
    pub id: u64,
    pub name: &'a str,
    pub stage: &'a str,
    pub kind: &'static str,
    pub status: &'a str,
    pub allow_failure: bool,
    pub attempts: Option<u32>,
    pub created_at: Option<String>,
    pub started_at: Option<String>,
    pub duration_s: Option<u64>,
    pub queued_s: Option<u64>,
    /// How long the job usually takes, from the memory.
    pub usual_s: Option<u64>,
    pub failure_reason: Option<&'a str>,
    pub exit_code: Option<i32>,
    pub tags: &'a [String],
    pub runner: Option<&'a str>,
    pub stuck: Option<bool>,
    pub web_url: Option<&'a str>,
    /// Where another system's status leads; external statuses only.
    pub target_url: Option<&'a str>,
    pub description: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub struct TestsEntry<'a> {
    pub suite: &'a str,
    pub total: u64,
    pub failed: u64,
    pub errored: u64,
    pub cases: Vec<CaseEntry<'a>>,
}

#[derive(Debug, Serialize)]
pub struct CaseEntry<'a> {
    pub name: &'a str,
    pub class: Option<&'a str>,
    pub file: Option<&'a str>,
    pub status: &'static str,
    /// `new`, `still_failing` or `unknown`, against the pipeline before on this ref.
    pub history: &'static str,
    pub message: Option<&'a str>,
    pub duration_s: Option<f64>,
    pub recent_failures: Option<u64>,
}

#[derive(Debug, Serialize)]
pub struct LogEntry<'a> {
    pub section: Option<&'a str>,
    pub lines: u64,
    pub bytes: u64,
    /// The end is missing: reading stopped, or the runner's own limit was reached.
    pub is_cut: bool,
    /// The runner's limit of bytes, where it cut the log there.
    pub limit: Option<u64>,
    /// The line that tells the most.
    pub key_line: Option<LineEntry<'a>>,
    /// What the runner gives as the reason, where that is more than an exit code.
    pub verdict: Option<&'a str>,
    pub errors: Vec<LineEntry<'a>>,
    pub tail: Vec<LineEntry<'a>>,
}

#[derive(Debug, Serialize)]
pub struct LineEntry<'a> {
    pub line: u64,
    pub text: &'a str,
}

impl<'a> ExplainDocument<'a> {
    pub fn new(
        host: &'a str,
        at: DateTime<Utc>,
        usage: &Usage,
        problems: &'a [Problem],
        explained: &'a [(Evidence, Explanation)],
    ) -> Self {
        let is_whole = |(evidence, _): &(Evidence, Explanation)| evidence.is_whole();
        Self {
            schema: SCHEMA,
            host,
            generated_at: time(at),
            complete: problems.is_empty() && explained.iter().all(is_whole),
            problems: problems.iter().map(ProblemEntry::from).collect(),
            requests: Requests::from(usage),
            pipelines: explained.iter().map(|(evidence, explanation)| entry(evidence, explanation)).collect(),
            shared_causes: shared_of(explained).into_iter().map(SharedCauseEntry::from).collect(),
        }
    }
}

/// Returns what several of the projects share.
pub(crate) fn shared_of(explained: &[(Evidence, Explanation)]) -> Vec<SharedCause> {
    shared_causes(explained.iter().map(|(evidence, explanation)| (evidence.project.as_str(), explanation)))
}

fn entry<'a>(evidence: &'a Evidence, explanation: &'a Explanation) -> ExplainedEntry<'a> {
    let before = evidence.previous.as_ref().and_then(|previous| previous.coverage);
    let causes = |causes: &'a [Cause]| causes.iter().map(CauseEntry::from).collect();
    ExplainedEntry {
        project: &evidence.project,
        headline: explanation.headline.to_string(),
        causes: causes(&explanation.causes),
        allowed: causes(&explanation.allowed),
        flaky: causes(&explanation.flaky),
        // Two decimals, as GitLab gives coverage.
        coverage_change: evidence
            .pipeline
            .coverage
            .zip(before)
            .map(|(now, before)| ((now - before) * 100.0).round() / 100.0),
        previous: evidence.previous.as_ref().map(PreviousEntry::from),
        unread: evidence.unread.iter().map(UnreadEntry::from).collect(),
        pipeline: PipelineEntry::from(&evidence.pipeline),
    }
}

impl<'a> From<&'a Previous> for PreviousEntry<'a> {
    fn from(previous: &'a Previous) -> Self {
        let Previous { id, status, coverage, web_url, .. } = previous;
        Self { id: id.0, status: status.word(), coverage: *coverage, web_url: web_url.as_deref() }
    }
}

impl<'a> From<&'a Unread> for UnreadEntry<'a> {
    fn from(missing: &'a Unread) -> Self {
        Self { what: &missing.what, kind: missing.failure.kind.word(), message: missing.failure.to_string() }
    }
}

impl<'a> From<&'a Cause> for CauseEntry<'a> {
    fn from(cause: &'a Cause) -> Self {
        Self {
            kind: cause.kind.word(),
            sentence: cause.sentence.to_string(),
            next: cause.next.as_deref(),
            through: cause.through.iter().map(PlaceEntry::from).collect(),
            job: cause.job.as_ref().map(ExplainJobEntry::from),
            tests: cause.tests.as_ref().map(TestsEntry::from),
            log: cause.job.as_ref().and_then(|job| job.log.as_ref()).map(LogEntry::from),
            attribution: cause.attribution.as_ref().map(|found| found.origin.word()),
            evidence: cause.attribution.as_ref().map(AttributionEntry::from),
        }
    }
}

impl<'a> From<&'a FailureAttribution> for AttributionEntry<'a> {
    fn from(found: &'a FailureAttribution) -> Self {
        Self { sentence: found.sentence.to_string(), facts: found.evidence.iter().map(OriginEntry::from).collect() }
    }
}

impl<'a> From<&'a OriginEvidence> for OriginEntry<'a> {
    fn from(evidence: &'a OriginEvidence) -> Self {
        match evidence {
            OriginEvidence::Reason(word) => Self { kind: "reason", reason: Some(word), ..Self::default() },
            OriginEvidence::Base { branch, pipeline, status, since } => Self {
                kind: "base",
                ref_name: Some(branch),
                pipeline: Some(*pipeline),
                status: Some(status.word()),
                since_pipeline: since.map(|(first, _)| first),
                since: since.and_then(|(_, at)| at).map(time),
                ..Self::default()
            },
            OriginEvidence::SameFailure(failure) => Self {
                kind: "same_failure",
                project: failure.project_path.as_deref(),
                ref_name: Some(&failure.ref_name),
                pipeline: Some(failure.pipeline.0),
                at: DateTime::from_timestamp(failure.finished_at, 0).map(time),
                test: failure.test.as_deref(),
                ..Self::default()
            },
            OriginEvidence::BothVerdicts { sha, failed, passed } => Self {
                kind: "both_verdicts",
                sha: Some(sha),
                failed_pipeline: Some(*failed),
                passed_pipeline: Some(*passed),
                ..Self::default()
            },
            OriginEvidence::Passes(count) => Self { kind: "passes", count: Some(*count as u64), ..Self::default() },
            OriginEvidence::NeverRerun { failures, never_rerun } => Self {
                kind: "never_rerun",
                count: Some(*never_rerun as u64),
                failures: Some(*failures as u64),
                ..Self::default()
            },
        }
    }
}

impl<'a> From<&'a TriggerPlace> for PlaceEntry<'a> {
    fn from(place: &'a TriggerPlace) -> Self {
        Self { project: &place.project, pipeline: place.pipeline.0, web_url: place.web_url.as_deref() }
    }
}

impl<'a> From<&'a JobEvidence> for ExplainJobEntry<'a> {
    fn from(evidence: &'a JobEvidence) -> Self {
        let JobEvidence { job, details, log, past, .. } = evidence;
        Self {
            id: job.id.0,
            name: &job.name,
            stage: &job.stage,
            kind: job.kind.word(),
            status: job.status.word(),
            allow_failure: job.allow_failure,
            attempts: job.attempts,
            created_at: details.created_at.map(time),
            started_at: job.started_at.map(time),
            duration_s: job.duration.map(whole_seconds),
            queued_s: details.queued.map(whole_seconds),
            usual_s: past.as_ref().and_then(|past| past.usual).map(whole_seconds),
            failure_reason: job.failure_reason.as_deref(),
            exit_code: log.as_ref().and_then(|log| log.exit_code),
            tags: &details.tags,
            runner: details.runner.as_deref(),
            stuck: details.is_stuck,
            web_url: job.page(),
            target_url: job.target_url(),
            description: job.description.as_deref(),
        }
    }
}

impl<'a> From<&'a TestFindings> for TestsEntry<'a> {
    fn from(tests: &'a TestFindings) -> Self {
        let cases = tests.cases.iter().map(|(case, history)| CaseEntry::new(case, *history)).collect();
        Self { suite: &tests.suite, total: tests.total, failed: tests.failed, errored: tests.errored, cases }
    }
}

impl<'a> CaseEntry<'a> {
    fn new(case: &'a TestCase, history: TestHistory) -> Self {
        Self {
            name: &case.name,
            class: case.class.as_deref(),
            file: case.file.as_deref(),
            status: case.status.word(),
            history: history.word(),
            message: case.message.as_deref(),
            duration_s: case.duration.map(|time| time.as_secs_f64()),
            recent_failures: case.recent_failures,
        }
    }
}

impl<'a> From<&'a LogExcerpt> for LogEntry<'a> {
    fn from(log: &'a LogExcerpt) -> Self {
        let lines = |lines: &'a [LogLine]| lines.iter().map(LineEntry::from).collect();
        Self {
            section: log.section.as_deref(),
            lines: log.lines,
            bytes: log.bytes,
            is_cut: log.is_cut || log.limit.is_some(),
            limit: log.limit,
            key_line: log.key_line.as_ref().map(LineEntry::from),
            verdict: log.verdict.as_deref(),
            errors: lines(&log.errors),
            tail: lines(&log.tail),
        }
    }
}

impl<'a> From<&'a LogLine> for LineEntry<'a> {
    fn from(line: &'a LogLine) -> Self {
        Self { line: line.number, text: &line.text }
    }
}
