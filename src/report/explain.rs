//! The explanation of pipelines as it is shown: the answer first, then its evidence.

use super::cell::Tone;
use crate::domain::evidence::{Evidence, JobEvidence};
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::job::JobKind;
use crate::domain::log::{LogExcerpt, LogLine};
use crate::domain::pipeline::Pipeline;
use crate::domain::status::Status;
use crate::domain::test_report::TestCase;
use crate::explain::cause::{Cause, Explanation};
use crate::explain::log::is_passing;
use crate::explain::sentence::Sentence;
pub(crate) use crate::explain::sentence::SentencePart;
pub(crate) use crate::explain::shared::SharedCause;
use crate::explain::tests::{TestFindings, TestHistory, label};
use crate::text::age::age;
use crate::text::duration::duration;
use crate::text::size::size;
use chrono::{DateTime, Utc};

/// Lines of a test's message that are shown: where it broke is at its beginning.
const MESSAGE_LINES: usize = 6;
/// Failing tests that are shown one by one.
const MOST_CASES: usize = 20;

/// A piece of text: ours, or foreign, which the renderer marks and escapes.
pub(crate) type ExplainText = Vec<SentencePart>;

/// What there is to say about one pipeline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PipelineExplanation {
    pub project: String,
    pub git_ref: String,
    /// GitLab's word, or `warning`.
    pub status: Status,
    /// Something that it triggered is worse than itself.
    pub below: Option<Status>,
    pub tone: Tone,
    pub pipeline: u64,
    pub age: Option<String>,
    pub web_url: Option<String>,
    pub headline: ExplainText,
    pub findings: Vec<CauseFinding>,
    /// Short remarks: coverage, what was allowed, what could not be read.
    pub notes: Vec<ExplainNote>,
}

/// A remark at the end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExplainNote {
    pub tone: Tone,
    pub text: ExplainText,
}

/// One cause with its evidence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CauseFinding {
    pub sentence: ExplainText,
    /// Whose fault it is, where that is known.
    pub origin: Option<ExplainText>,
    pub next: Option<String>,
    /// Stage, attempts, duration, runner: whatever is known of the job.
    pub facts: ExplainText,
    pub web_url: Option<String>,
    pub tests: Vec<FailingTest>,
    /// Failing tests that are not shown.
    pub more_tests: usize,
    pub log: Option<QuotedLog>,
}

/// A failing test.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FailingTest {
    pub label: String,
    /// `new`, or `failed before, too`, and how often it failed lately; empty where that is not known.
    pub history: String,
    pub file: Option<String>,
    pub message: Vec<String>,
    /// Lines of the message that are not shown.
    pub more_lines: usize,
}

/// The telling lines of a log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuotedLog {
    /// What they are a part of: `the log of unit, section step_script, 840 lines`.
    pub caption: ExplainText,
    pub lines: Vec<LogLine>,
}

impl PipelineExplanation {
    /// Puts evidence and judgement together. `now` is the server's time.
    pub(crate) fn new(evidence: &Evidence, explanation: &Explanation, now: DateTime<Utc>) -> Self {
        let pipeline = &evidence.pipeline;
        let worst = pipeline.worst();
        let status = pipeline.verdict();
        Self {
            project: evidence.project.clone(),
            git_ref: pipeline.git_ref.name.clone(),
            below: (worst != status).then(|| worst.clone()),
            status,
            tone: Tone::from(&worst),
            pipeline: pipeline.id.0,
            age: pipeline.created_at.map(|at| age(now, at)),
            web_url: pipeline.web_url.clone(),
            headline: explanation.headline.0.clone(),
            findings: explanation.causes.iter().map(CauseFinding::from).collect(),
            notes: notes(evidence, explanation),
        }
    }
}

impl From<&Cause> for CauseFinding {
    fn from(cause: &Cause) -> Self {
        let cases: &[_] = cause.tests.as_ref().map_or(&[], |tests: &TestFindings| &tests.cases);
        let job = cause.job.as_ref();
        Self {
            sentence: cause.sentence.0.clone(),
            origin: origin(cause),
            next: cause.next.clone(),
            facts: job.map_or_else(ExplainText::new, facts),
            web_url: job
                .and_then(|job| job.job.web_url.clone())
                .or_else(|| cause.through.last().and_then(|place| place.web_url.clone())),
            tests: cases.iter().take(MOST_CASES).map(|(case, history)| FailingTest::new(case, *history)).collect(),
            more_tests: cases.len().saturating_sub(MOST_CASES),
            log: job.and_then(|job| Some(QuotedLog::new(&job.job.name, job.log.as_ref()?))),
        }
    }
}

/// Says whose fault it is. That it is not known is in the JSON; here it would only be one more line.
fn origin(cause: &Cause) -> Option<ExplainText> {
    let found = cause.attribution.as_ref()?;
    (found.origin != FailureOrigin::Unknown).then(|| found.sentence.0.clone())
}

/// Says what is known of a job beyond its failure.
fn facts(job: &JobEvidence) -> ExplainText {
    if job.job.kind == JobKind::External {
        return Sentence::words("set by another system").0;
    }
    let mut sentence = Sentence::words("stage ").name(&job.job.stage);
    if let Some(attempts) = job.job.attempts.filter(|attempts| *attempts > 1) {
        sentence = sentence.and(format!(", attempt {attempts}"));
    }
    if let Some(time) = job.job.duration {
        sentence = sentence.and(format!(", ran for {}", duration(time)));
        if let Some(usual) = job.past.as_ref().and_then(|past| past.usual) {
            sentence = sentence.and(format!(" (usually {})", duration(usual)));
        }
    }
    if let Some(runner) = &job.details.runner {
        sentence = sentence.and(", runner ").name(runner);
    }
    sentence.0
}

impl FailingTest {
    fn new(case: &TestCase, history: TestHistory) -> Self {
        let lines: Vec<&str> =
            case.message.as_deref().map_or_else(Vec::new, |message| message.trim().lines().collect());
        Self {
            label: label(case),
            history: history_words(case, history),
            file: case.file.clone(),
            message: lines.iter().take(MESSAGE_LINES).map(|line| (*line).to_owned()).collect(),
            more_lines: lines.len().saturating_sub(MESSAGE_LINES),
        }
    }
}

fn history_words(case: &TestCase, history: TestHistory) -> String {
    let compared = match history {
        TestHistory::New => Some("new".to_owned()),
        TestHistory::StillFailing => Some("failed before, too".to_owned()),
        TestHistory::Unknown => None,
    };
    // GitLab counts over 14 days: https://docs.gitlab.com/ci/testing/unit_test_reports/#number-of-recent-failures
    let lately = case.recent_failures.filter(|count| *count > 0).map(|count| {
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        format!("failed {times} on the default branch in 14 days")
    });
    [compared, lately].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

impl QuotedLog {
    fn new(job: &str, log: &LogExcerpt) -> Self {
        let mut caption = Sentence::words("the log of ").name(job);
        if let Some(section) = &log.section {
            caption = caption.and(", section ").name(section);
        }
        let noun = if log.lines == 1 { "line" } else { "lines" };
        caption = caption.and(format!(", {} {noun}, {}", log.lines, size(log.bytes)));
        if log.is_cut {
            caption = caption.and(", of which the rest was not read");
        }
        if let Some(limit) = log.limit {
            caption = caption.and(format!(", cut by the runner at {}", size(limit)));
        }
        // Tests that passed say nothing about the failure.
        let tail = log.tail.iter().filter(|line| !is_passing(&line.text));
        let key_line = log.key_line.iter();
        let mut lines: Vec<LogLine> = log.errors.iter().chain(tail).chain(key_line).cloned().collect();
        lines.sort_by_key(|line| line.number);
        lines.dedup_by_key(|line| line.number);
        Self { caption: caption.0, lines }
    }
}

fn notes(evidence: &Evidence, explanation: &Explanation) -> Vec<ExplainNote> {
    let warning = |mark: &str, cause: &Cause| {
        let said = Sentence::words(mark).then(cause.sentence.clone());
        let target = cause.job.as_ref().and_then(|job| job.job.target_url());
        let text = target.map_or_else(|| said.clone(), |url| said.clone().and(", see ").name(url)).0;
        ExplainNote { tone: Tone::Warn, text }
    };
    let allowed = explanation.allowed.iter().map(|cause| warning("allowed: ", cause));
    let flaky = explanation.flaky.iter().map(|cause| warning("flaky: ", cause));
    let mut notes: Vec<ExplainNote> = allowed.chain(flaky).collect();
    notes.extend(
        coverage(evidence).map(|text| ExplainNote { tone: Tone::Plain, text: vec![SentencePart::Words(text)] }),
    );
    notes.extend(unread(evidence));
    notes
}

/// Says what was lost on the way, here and below: a judgement without it may be wrong.
fn unread(evidence: &Evidence) -> Vec<ExplainNote> {
    let own = evidence.unread.iter().map(|missing| ExplainNote {
        tone: Tone::Warn,
        text: Sentence::words("could not be read: ").name(&missing.what).and(": ").name(missing.failure.to_string()).0,
    });
    own.chain(evidence.below.iter().flat_map(|below| unread(&below.evidence))).collect()
}

/// Says the coverage and how it has changed on this ref.
fn coverage(evidence: &Evidence) -> Option<String> {
    let Pipeline { coverage, .. } = &evidence.pipeline;
    let now = (*coverage)?;
    Some(match evidence.previous.as_ref().and_then(|previous| previous.coverage) {
        Some(before) => format!("coverage {now:.1} % (before {before:.1} %, {:+.1})", now - before),
        None => format!("coverage {now:.1} %"),
    })
}
