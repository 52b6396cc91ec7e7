//! The JSON of `glwatch explain`, `glwatch.explain/1`, as a hub sends it: back into evidence and judgement.
//!
//! What the JSON does not say is left out. Sentences are foreign here: only plain words in them count as ours.

use super::document::{DocumentResult, contradiction, decode};
use super::failure_wire::{HubErrorWire, ProblemWire};
use super::pipeline_wire::{PipelineWire, seconds};
use crate::domain::evidence::{Evidence, JobDetails, JobEvidence, Previous, Unread};
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::id::{JobId, PipelineId};
use crate::domain::job::{Job, JobKind};
use crate::domain::log::{LogExcerpt, LogLine};
use crate::domain::past::JobPast;
use crate::domain::snapshot::Problem;
use crate::domain::status::Status;
use crate::domain::test_report::{CaseStatus, TestCase};
use crate::explain::attribution::FailureAttribution;
use crate::explain::cause::{Cause, CauseKind, Explanation, TriggerPlace};
use crate::explain::sentence::{Sentence, SentencePart};
use crate::explain::tests::{TestFindings, TestHistory};
use crate::report::explain_contract::SCHEMA;
use crate::text::sanitise::sanitise;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// What a hub explains.
#[derive(Debug)]
pub struct HubExplanation {
    /// As the hub has written it.
    pub document: Value,
    pub host: String,
    pub generated_at: DateTime<Utc>,
    pub problems: Vec<Problem>,
    pub explained: Vec<(Evidence, Explanation)>,
}

#[derive(Deserialize)]
struct ExplainWire {
    host: String,
    generated_at: DateTime<Utc>,
    complete: bool,
    problems: Vec<ProblemWire>,
    pipelines: Vec<ExplainedWire>,
}

#[derive(Deserialize)]
struct ExplainedWire {
    project: String,
    headline: String,
    causes: Vec<CauseWire>,
    allowed: Vec<CauseWire>,
    flaky: Vec<CauseWire>,
    previous: Option<PreviousWire>,
    unread: Vec<UnreadWire>,
    pipeline: PipelineWire,
}

#[derive(Deserialize)]
struct PreviousWire {
    id: u64,
    status: String,
    coverage: Option<f64>,
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct UnreadWire {
    what: String,
    #[serde(flatten)]
    error: HubErrorWire,
}

#[derive(Deserialize)]
struct CauseWire {
    kind: String,
    sentence: String,
    next: Option<String>,
    through: Vec<PlaceWire>,
    job: Option<ExplainJobWire>,
    tests: Option<TestsWire>,
    log: Option<LogWire>,
    attribution: Option<String>,
    evidence: Option<AttributionWire>,
}

#[derive(Deserialize)]
struct AttributionWire {
    sentence: String,
}

#[derive(Deserialize)]
struct PlaceWire {
    project: String,
    pipeline: u64,
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct ExplainJobWire {
    id: u64,
    name: String,
    stage: String,
    kind: String,
    status: String,
    allow_failure: bool,
    attempts: Option<u32>,
    created_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    duration_s: Option<u64>,
    queued_s: Option<u64>,
    usual_s: Option<u64>,
    failure_reason: Option<String>,
    exit_code: Option<i32>,
    tags: Vec<String>,
    runner: Option<String>,
    stuck: Option<bool>,
    web_url: Option<String>,
    target_url: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct TestsWire {
    suite: String,
    total: u64,
    failed: u64,
    errored: u64,
    cases: Vec<HubCaseWire>,
}

#[derive(Deserialize)]
struct HubCaseWire {
    name: String,
    class: Option<String>,
    file: Option<String>,
    status: String,
    history: String,
    message: Option<String>,
    duration_s: Option<f64>,
    recent_failures: Option<u64>,
}

#[derive(Deserialize)]
struct LogWire {
    section: Option<String>,
    lines: u64,
    bytes: u64,
    is_cut: bool,
    limit: Option<u64>,
    key_line: Option<LineWire>,
    verdict: Option<String>,
    errors: Vec<LineWire>,
    tail: Vec<LineWire>,
}

#[derive(Deserialize)]
struct LineWire {
    line: u64,
    text: String,
}

/// Reads an explanation of a hub.
pub(super) fn read_explanation(json: &[u8]) -> DocumentResult<HubExplanation> {
    let wire: ExplainWire = decode(json, SCHEMA)?;
    let problems = wire.problems.into_iter().map(Problem::try_from).collect::<DocumentResult<Vec<_>>>()?;
    let explained = wire.pipelines.into_iter().map(ExplainedWire::into_domain).collect::<DocumentResult<Vec<_>>>()?;
    let is_whole = problems.is_empty() && explained.iter().all(|(evidence, _)| evidence.is_whole());
    // What is missing below a pipeline is in no field of its own.
    if wire.complete && !is_whole {
        return contradiction("it says that complete is true");
    }
    let document = serde_json::from_slice(json).unwrap_or_default();
    Ok(HubExplanation { document, host: wire.host, generated_at: wire.generated_at, problems, explained })
}

impl HubExplanation {
    /// Says whether nothing of the evidence is missing, as far as the hub knows.
    pub fn is_whole(&self) -> bool {
        self.document["complete"] == Value::Bool(true)
    }
}

impl ExplainedWire {
    fn into_domain(self) -> DocumentResult<(Evidence, Explanation)> {
        let pipeline = self.pipeline.into_domain()?;
        let causes = |wires: Vec<CauseWire>| -> DocumentResult<Vec<Cause>> {
            wires.into_iter().map(CauseWire::into_domain).collect()
        };
        let explanation = Explanation {
            headline: sentence(&self.headline),
            causes: causes(self.causes)?,
            allowed: causes(self.allowed)?,
            flaky: causes(self.flaky)?,
        };
        let evidence = Evidence {
            project: self.project,
            project_id: None,
            pipeline,
            jobs: Vec::new(),
            tests: None,
            previous: self.previous.map(Previous::from),
            below: Vec::new(),
            unread: self
                .unread
                .into_iter()
                .map(|UnreadWire { what, error }| Unread { what, failure: error.into() })
                .collect(),
        };
        Ok((evidence, explanation))
    }
}

impl From<PreviousWire> for Previous {
    fn from(wire: PreviousWire) -> Self {
        let PreviousWire { id, status, coverage, web_url } = wire;
        Self { id: PipelineId(id), status: Status::from_gitlab(&status), coverage, web_url, tests: None }
    }
}

impl CauseWire {
    fn into_domain(self) -> DocumentResult<Cause> {
        let Some(kind) = CauseKind::ALL.into_iter().find(|kind| kind.word() == self.kind) else {
            return contradiction(format!("no kind of a cause is called \"{}\"", self.kind));
        };
        let log = self.log.map(LogExcerpt::from);
        let origin =
            self.attribution.and_then(|word| FailureOrigin::ALL.into_iter().find(|known| known.word() == word));
        let attribution = origin.zip(self.evidence).map(|(origin, found)| FailureAttribution {
            origin,
            sentence: sentence(&found.sentence),
            evidence: Vec::new(),
        });
        Ok(Cause {
            kind,
            sentence: sentence(&self.sentence),
            next: self.next.map(|next| sanitise(&next).into_owned()),
            through: self.through.into_iter().map(TriggerPlace::from).collect(),
            job: self.job.map(|job| job.into_domain(log)).transpose()?,
            tests: self.tests.map(TestsWire::into_domain).transpose()?,
            attribution,
        })
    }
}

impl From<PlaceWire> for TriggerPlace {
    fn from(wire: PlaceWire) -> Self {
        Self { project: wire.project, pipeline: PipelineId(wire.pipeline), web_url: wire.web_url }
    }
}

impl ExplainJobWire {
    fn into_domain(self, log: Option<LogExcerpt>) -> DocumentResult<JobEvidence> {
        let Some(kind) = JobKind::from_word(&self.kind) else {
            return contradiction(format!("no kind of a job is called \"{}\"", self.kind));
        };
        let job = Job {
            id: JobId(self.id),
            name: self.name,
            stage: self.stage,
            kind,
            status: Status::from_gitlab(&self.status),
            allow_failure: self.allow_failure,
            attempts: self.attempts,
            earlier: Vec::new(),
            started_at: self.started_at,
            finished_at: None,
            duration: seconds(self.duration_s)?,
            failure_reason: self.failure_reason,
            web_url: if kind == JobKind::External { self.target_url } else { self.web_url },
            description: self.description,
            downstream_id: None,
        };
        let details = JobDetails {
            created_at: self.created_at,
            queued: seconds(self.queued_s)?,
            tags: self.tags,
            runner: self.runner,
            is_stuck: self.stuck,
            scheduled_at: None,
        };
        let log = log.map(|log| LogExcerpt { exit_code: self.exit_code, ..log });
        // Whose fault it is the hub has judged.
        let past = seconds(self.usual_s)?.map(|usual| JobPast { usual: Some(usual), ..JobPast::default() });
        Ok(JobEvidence { job, details, earlier: Vec::new(), log, past })
    }
}

impl TestsWire {
    fn into_domain(self) -> DocumentResult<TestFindings> {
        let Self { suite, total, failed, errored, cases } = self;
        let cases = cases.into_iter().map(HubCaseWire::into_domain).collect::<DocumentResult<_>>()?;
        if failed.checked_add(errored).is_none() {
            return contradiction("more tests have failed than can be counted");
        }
        Ok(TestFindings { suite, total, failed, errored, cases })
    }
}

impl HubCaseWire {
    fn into_domain(self) -> DocumentResult<(TestCase, TestHistory)> {
        let status = [CaseStatus::Failed, CaseStatus::Error].into_iter().find(|known| known.word() == self.status);
        let history = [TestHistory::New, TestHistory::StillFailing, TestHistory::Unknown];
        let history = history.into_iter().find(|known| known.word() == self.history);
        let (Some(status), Some(history)) = (status, history) else {
            return contradiction(format!("no test ends like \"{}\" and \"{}\"", self.status, self.history));
        };
        let case = TestCase {
            name: self.name,
            class: self.class,
            file: self.file,
            status,
            message: self.message,
            duration: self.duration_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            recent_failures: self.recent_failures,
        };
        Ok((case, history))
    }
}

impl From<LogWire> for LogExcerpt {
    fn from(wire: LogWire) -> Self {
        let lines = |lines: Vec<LineWire>| lines.into_iter().map(LogLine::from).collect();
        Self {
            section: wire.section,
            key_line: wire.key_line.map(LogLine::from),
            verdict: wire.verdict,
            limit: wire.limit,
            errors: lines(wire.errors),
            tail: lines(wire.tail),
            exit_code: None,
            lines: wire.lines,
            bytes: wire.bytes,
            // With a limit it is cut for that reason, as far as the JSON says.
            is_cut: wire.is_cut && wire.limit.is_none(),
        }
    }
}

impl From<LineWire> for LogLine {
    fn from(wire: LineWire) -> Self {
        Self { number: wire.line, text: wire.text }
    }
}

/// Says whether a text has nothing in it that is more than a letter in any output.
fn is_plain(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || " ,.;:()#%+-='\"/_→…×".contains(c);
    text.chars().all(is_plain)
}

/// Takes a sentence apart where it was joined: between backticks there are names. What is not plain is a name as well.
fn sentence(text: &str) -> Sentence {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    let part = |(at, part): (usize, &str)| match at % 2 == 0 && is_plain(part) {
        true => SentencePart::Words(part.to_owned()),
        false => SentencePart::Name(part.to_owned()),
    };
    Sentence(parts.map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_between_backticks_and_what_is_not_plain_is_no_word_of_ours() {
        let words = |text: &str| SentencePart::Words(text.into());
        let name = |text: &str| SentencePart::Name(text.into());
        let cases = [
            ("job `unit` failed: 2 of 60 tests", vec![words("job "), name("unit"), words(" failed: 2 of 60 tests")]),
            ("`<b>` failed", vec![name("<b>"), words(" failed")]),
            ("see <img src=x> and @all", vec![name("see <img src=x> and @all")]),
            ("one \u{1B}[2J two", vec![name("one \u{1B}[2J two")]),
            ("a\u{202E}b", vec![name("a\u{202E}b")]),
            ("", vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(sentence(text).0, expected, "{text:?}");
        }
    }
}
