//! Finds the causes of a pipeline that is not green, the one that explains the most first.

use super::attribution::{self, FailureAttribution};
use super::reason;
use super::sentence::Sentence;
use super::tests::TestFindings;
use super::wait;
use crate::domain::evidence::{Evidence, JobEvidence};
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::id::PipelineId;
use crate::domain::job::{Job, JobKind};
use crate::domain::status::Status;
use crate::text::duration::duration;
use crate::text::size::size;
use chrono::{DateTime, Utc};

/// What kind of cause it is; the word for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CauseKind {
    /// The pipeline's configuration is not valid.
    YamlError,
    /// GitLab refused or failed the pipeline as a whole.
    Pipeline,
    /// Tests of a job failed.
    Tests,
    /// A job's script failed.
    Script,
    /// A job failed for another reason than its script.
    Job,
    /// Another system has reported a failure.
    External,
    /// A triggered pipeline failed, and it could not be told why.
    Downstream,
    /// Something waits for a person, a runner, a clock or a resource.
    Waiting,
    Canceled,
}

impl CauseKind {
    pub const ALL: [Self; 9] = [
        Self::YamlError,
        Self::Pipeline,
        Self::Tests,
        Self::Script,
        Self::Job,
        Self::External,
        Self::Downstream,
        Self::Waiting,
        Self::Canceled,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::YamlError => "yaml_error",
            Self::Pipeline => "pipeline",
            Self::Tests => "tests",
            Self::Script => "script",
            Self::Job => "job",
            Self::External => "external",
            Self::Downstream => "downstream",
            Self::Waiting => "waiting",
            Self::Canceled => "canceled",
        }
    }
}

/// A pipeline on the way from the one that was asked about to the one where it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerPlace {
    pub project: String,
    pub pipeline: PipelineId,
    pub web_url: Option<String>,
}

/// One reason for which a pipeline is not green.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    pub kind: CauseKind,
    pub sentence: Sentence,
    /// What to do next, an order.
    pub next: Option<String>,
    /// The triggered pipelines in between; empty where it happened in the pipeline itself.
    pub through: Vec<TriggerPlace>,
    pub job: Option<JobEvidence>,
    pub tests: Option<TestFindings>,
    /// Whose fault it is; `None` where that is no question, or the memory was not asked.
    pub attribution: Option<FailureAttribution>,
}

/// Everything that explains one pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The answer in one line.
    pub headline: Sentence,
    /// In the pipeline's order; the headline's is the first.
    pub causes: Vec<Cause>,
    /// Failures that were allowed, apart.
    pub allowed: Vec<Cause>,
    /// Jobs that failed and passed when they were tried again.
    pub flaky: Vec<Cause>,
}

/// Judges the evidence. `now` is the server's time.
pub(crate) fn explain(evidence: &Evidence, now: DateTime<Utc>) -> Explanation {
    let mut causes = Vec::new();
    let mut allowed = Vec::new();
    let mut flaky = Vec::new();
    walk(evidence, now, &[], &mut |cause, sort| match sort {
        CauseClass::Real => causes.push(cause),
        CauseClass::Allowed => allowed.push(cause),
        CauseClass::Flaky => flaky.push(cause),
    });
    // What has failed explains more than what waits behind it.
    causes.sort_by_key(|cause: &Cause| matches!(cause.kind, CauseKind::Waiting | CauseKind::Canceled));
    let headline = headline(evidence, &causes, &allowed, &flaky);
    Explanation { headline, causes, allowed, flaky }
}

/// What a cause counts for.
enum CauseClass {
    Real,
    Allowed,
    Flaky,
}

fn walk(evidence: &Evidence, now: DateTime<Utc>, through: &[TriggerPlace], found: &mut dyn FnMut(Cause, CauseClass)) {
    if let Some(cause) = whole_pipeline(evidence, through) {
        found(cause, CauseClass::Real);
    }
    let mut followed = Vec::new();
    for job in &evidence.jobs {
        let below: Vec<_> = evidence.below.iter().filter(|below| below.bridge == job.job.id).collect();
        let is_bad = matches!(job.job.status, Status::Failed | Status::Canceled);
        if is_bad && !below.is_empty() && !job.job.allow_failure {
            followed.push(job.job.id);
            let mut is_explained = false;
            for below in below {
                is_explained |= walk_below(&below.evidence, now, through, found);
            }
            // Below may be green by now: then the bridge is all there is to tell.
            if is_explained {
                continue;
            }
        }
        let sort = match (&job.job.status, job.job.is_allowed_failure()) {
            (_, true) => CauseClass::Allowed,
            (Status::Success, false) => CauseClass::Flaky,
            _ => CauseClass::Real,
        };
        if let Some(cause) = of_job(evidence, job, now, through) {
            found(cause, sort);
        }
    }
    // A bridge that does not depend on what it triggered is green whatever became of that.
    for below in evidence.below.iter().filter(|below| !followed.contains(&below.bridge)) {
        walk_below(&below.evidence, now, through, found);
    }
}

/// Looks below a bridge; says whether anything real was found there.
fn walk_below(
    evidence: &Evidence,
    now: DateTime<Utc>,
    through: &[TriggerPlace],
    found: &mut dyn FnMut(Cause, CauseClass),
) -> bool {
    let place = TriggerPlace {
        project: evidence.project.clone(),
        pipeline: evidence.pipeline.id,
        web_url: evidence.pipeline.web_url.clone(),
    };
    let through: Vec<TriggerPlace> = through.iter().cloned().chain([place]).collect();
    let mut is_explained = false;
    walk(evidence, now, &through, &mut |cause, sort| {
        is_explained |= matches!(sort, CauseClass::Real);
        found(cause, sort);
    });
    if !is_explained && evidence.pipeline.status == Status::Failed {
        let sentence = Sentence::words("it failed, and nothing of it could be read that says why");
        found(plain(CauseKind::Downstream, placed(sentence, &through), &through), CauseClass::Real);
        is_explained = true;
    }
    is_explained
}

/// Looks for what concerns the pipeline and none of its jobs.
fn whole_pipeline(evidence: &Evidence, through: &[TriggerPlace]) -> Option<Cause> {
    let pipeline = &evidence.pipeline;
    if let Some(errors) = pipeline.yaml_errors.as_deref().filter(|errors| !errors.trim().is_empty()) {
        let sentence = Sentence::words(".gitlab-ci.yml is not valid: ").name(short(first_line(errors)));
        let next = reason::of_pipeline("config_error").map(|meaning| meaning.next.to_owned());
        return Some(Cause { next, ..plain(CauseKind::YamlError, placed(sentence, through), through) });
    }
    let has_failed_job = pipeline.jobs().any(|job| job.status == Status::Failed && !job.allow_failure);
    let word = pipeline.failure_reason.as_deref().filter(|_| pipeline.status == Status::Failed && !has_failed_job)?;
    let meaning = reason::of_pipeline(word);
    let said = meaning.map_or_else(|| word.replace('_', " "), |meaning| meaning.plain.to_owned());
    let sentence = Sentence::words("GitLab failed the pipeline: ").and(said);
    let next = meaning.map(|meaning| meaning.next.to_owned());
    Some(Cause { next, ..plain(CauseKind::Pipeline, placed(sentence, through), through) })
}

fn of_job(evidence: &Evidence, job: &JobEvidence, now: DateTime<Utc>, through: &[TriggerPlace]) -> Option<Cause> {
    let called = if job.job.kind == JobKind::External { "external status " } else { "job " };
    let name = Sentence::words(called).name(&job.job.name);
    let (kind, sentence, next, findings) = match &job.job.status {
        Status::Failed if job.job.kind == JobKind::External => {
            let (said, next) = external(&job.job);
            (CauseKind::External, name.then(said), next, None)
        }
        Status::Failed => {
            let findings = super::tests::of_job(evidence, &job.job);
            let (kind, said, next) = failure(job, findings.as_ref());
            let failed = if never_started(job) { " failed without having been started: " } else { " failed: " };
            (kind, name.and(failed).then(said), Some(next), findings)
        }
        Status::Success => {
            let times = job.earlier.iter().filter(|status| **status == Status::Failed).count();
            if times == 0 {
                return None;
            }
            let said = format!(" failed {} and passed when it was tried again", times_word(times));
            (CauseKind::Job, name.and(said), Some("look for what changes between two runs of it".into()), None)
        }
        Status::Canceled => {
            (CauseKind::Canceled, name.and(" was canceled"), Some("retry it if it is still wanted".into()), None)
        }
        _ => {
            let (said, next) = wait::why(job, now)?;
            (CauseKind::Waiting, name.then(said), next, None)
        }
    };
    let sentence = placed(sentence, through);
    let attribution = attributed(job, now);
    let job = Some(job.clone());
    Some(Cause { kind, sentence, next, through: through.to_vec(), job, tests: findings, attribution })
}

/// Says whose fault a failed job is. Without a memory only what GitLab itself says is an answer.
fn attributed(job: &JobEvidence, now: DateTime<Utc>) -> Option<FailureAttribution> {
    let found = attribution::has_origin(job).then(|| attribution::attribute(job, now))?;
    Some(found).filter(|found| job.past.is_some() || found.origin == FailureOrigin::Infrastructure)
}

fn times_word(times: usize) -> String {
    match times {
        1 => "once".into(),
        2 => "twice".into(),
        many => format!("{many} times"),
    }
}

/// Says what another system reported, in its own words.
fn external(job: &Job) -> (Sentence, Option<String>) {
    let said = match job.description.as_deref() {
        Some(description) => Sentence::words(" failed: ").name(short(first_line(description))),
        None => Sentence::words(" failed, and does not say why"),
    };
    let next = match job.target_url() {
        Some(_) => "look at its own page: its address is below",
        None => "look at the system that has set it: it gave no address",
    };
    (said, Some(next.into()))
}

/// Says whether GitLab has failed a job before a runner had it.
fn never_started(job: &JobEvidence) -> bool {
    let has_log = job.log.as_ref().is_some_and(|log| log.bytes > 0);
    job.job.kind == JobKind::Job && job.job.started_at.is_none() && !has_log
}

/// Says why a failed job failed, and what to do about it.
///
/// What GitLab or the runner did to it counts before what its tests say: a job that ran out of time may have failing
/// tests as well.
fn failure(job: &JobEvidence, findings: Option<&TestFindings>) -> (CauseKind, Sentence, String) {
    let word = job.job.failure_reason.as_deref();
    let is_of_script = matches!(word, Some("script_failure" | "unknown_failure") | None);
    if is_of_script && job.job.kind == JobKind::Job && !never_started(job) {
        if let Some(said) = job.log.as_ref().and_then(|log| log.verdict.as_deref()) {
            let next = "read the log below: the runner ended the job, not the script";
            return (CauseKind::Job, Sentence::words("the runner says ").name(short(said)), next.into());
        }
        if let Some(findings) = findings {
            return (CauseKind::Tests, findings.sentence(), findings.next());
        }
    }
    let meaning = word.and_then(reason::of_job);
    match (word, meaning) {
        (Some("script_failure") | None, _) if job.job.kind == JobKind::Job && !never_started(job) => {
            let (said, next) = script_failure(job);
            (CauseKind::Script, said, next.into())
        }
        (Some("script_failure"), _) => {
            let said = Sentence::words("GitLab gives ").name("script_failure").and(" as the reason");
            (CauseKind::Job, said, "open it in GitLab".into())
        }
        (Some("job_execution_timeout" | "job_execution_server_timeout" | "server_timeout_running"), Some(meaning)) => {
            let after = job.job.duration.map(|time| format!(" after {}", duration(time))).unwrap_or_default();
            (CauseKind::Job, Sentence::words(format!("{}{after}", meaning.plain)), meaning.next.into())
        }
        (Some("no_matching_runner" | "stuck_pending_no_matching_runners"), Some(meaning))
            if !job.details.tags.is_empty() =>
        {
            let sentence =
                Sentence::words("no runner has the tags that it needs: ").then(wait::tags(&job.details.tags));
            (CauseKind::Job, sentence, meaning.next.into())
        }
        (_, Some(meaning)) => (CauseKind::Job, Sentence::words(meaning.plain), meaning.next.into()),
        (Some(word), None) => {
            let said = format!("{} (a reason that glwatch does not know)", word.replace('_', " "));
            (CauseKind::Job, Sentence::words(said), "look it up in GitLab's documentation".into())
        }
        (None, None) => (CauseKind::Job, Sentence::words("GitLab does not say why"), "open it in GitLab".into()),
    }
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}

/// Keeps the beginning of a line that is to stand in another one.
fn short(line: &str) -> String {
    const MOST: usize = 200;
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Quotes the line of the log that tells the most, and says what to do.
fn script_failure(job: &JobEvidence) -> (Sentence, &'static str) {
    let log = job.log.as_ref();
    if let Some(limit) = log.and_then(|log| log.limit) {
        let said = format!("its script failed, and the runner cut its log at {}: the end is missing", size(limit));
        return (Sentence::words(said), "let it write less, or raise the runner's `output_limit`, and run it again");
    }
    let code = log.and_then(|log| log.exit_code).filter(|code| *code != 1);
    let with_code = code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    match log.and_then(|log| log.key_line.as_ref()).filter(|line| !line.text.is_empty()) {
        Some(line) => (
            Sentence::words(format!("its script ended{with_code}: ")).name(short(&line.text)),
            "read the log below: it is the script's own error",
        ),
        None if log.is_some_and(|log| log.bytes == 0) => {
            (Sentence::words("its script failed, and its log is empty"), "run it again, or open it in GitLab")
        }
        None => (
            Sentence::words(format!("its script failed{with_code}")),
            "read its whole log in GitLab, at the address below",
        ),
    }
}

/// Names the pipeline in which something happened, where that is not the one that was asked about.
fn placed(sentence: Sentence, through: &[TriggerPlace]) -> Sentence {
    match through.last() {
        Some(place) => Sentence::words("downstream ")
            .name(format!("{} #{}", place.project, place.pipeline))
            .and(": ")
            .then(sentence),
        None => sentence,
    }
}

fn plain(kind: CauseKind, sentence: Sentence, through: &[TriggerPlace]) -> Cause {
    Cause { kind, sentence, next: None, through: through.to_vec(), job: None, tests: None, attribution: None }
}

fn headline(evidence: &Evidence, causes: &[Cause], allowed: &[Cause], flaky: &[Cause]) -> Sentence {
    let status = evidence.pipeline.worst();
    let Some(first) = causes.first() else {
        let passed = match (&status, allowed.first(), flaky.first()) {
            (Status::Success | Status::Warning, Some(first), _) => {
                Sentence::words("it passed with a failure that was allowed: ").then(first.sentence.clone())
            }
            (Status::Success | Status::Warning, None, Some(first)) => {
                Sentence::words("it passed in the end: ").then(first.sentence.clone())
            }
            (Status::Success, None, None) => Sentence::words("nothing is red: the pipeline passed"),
            _ if status.is_active() => {
                Sentence::words(format!("nothing is red so far: the pipeline is {}", status.word()))
            }
            _ => Sentence::words(format!("the pipeline is {}, and GitLab does not say why", status.word())),
        };
        return passed;
    };
    match causes.iter().filter(|cause| cause.kind != CauseKind::Canceled).count() {
        0 | 1 => first.sentence.clone(),
        many => first.sentence.clone().and(format!(" (and {} more)", many - 1)),
    }
}

/// Says of which jobs the log is worth reading: those that failed by themselves, the first few of them.
pub(crate) fn wants_log(job: &Job) -> bool {
    job.kind == JobKind::Job && job.status == Status::Failed
}

/// Says whether a job belongs to the evidence at all.
pub(crate) fn is_evidence(job: &Job, earlier: &[Status]) -> bool {
    match job.status {
        Status::Success | Status::Warning => earlier.contains(&Status::Failed),
        Status::Skipped | Status::Created | Status::Running => false,
        Status::Failed
        | Status::Canceled
        | Status::Canceling
        | Status::Manual
        | Status::Scheduled
        | Status::Pending
        | Status::Preparing
        | Status::WaitingForResource
        | Status::WaitingForCallback
        | Status::Other(_) => true,
    }
}

#[cfg(test)]
mod tests;
