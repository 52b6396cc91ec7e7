//! Attributes a failed job: was it my change, or not? It never guesses beyond what the history shows.
//!
//! The first that holds is the answer, with the evidence named:
//!
//! - *infrastructure*: GitLab gives a reason that no commit can cause.
//! - *already broken*: the job failed where this pipeline began, too: on the default branch's newest finished pipeline.
//! - *everywhere*: the same failure in two other refs or projects within three days.
//! - *flaky*: the job both failed and passed on one commit within 14 days, and has not passed five times since.
//! - *yours*: none of these, and the memory would know.
//! - *unknown*: the memory is too short to say.

use super::reason;
use super::sentence::Sentence;
use crate::domain::evidence::JobEvidence;
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::job::JobKind;
use crate::domain::past::{JobPast, JobRun, SameFailure};
use crate::domain::status::Status;
use crate::text::age::age;
use chrono::{DateTime, Utc};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Other places that have the same failure before it is everywhere (design 11).
const EVERYWHERE: usize = 2;
/// Passes in a row after which a job no longer counts as flaky, and without which it may be (design 11).
const CLEARED_BY: usize = 5;

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginEvidence {
    /// GitLab's reason.
    Reason(String),
    /// The job in a pipeline of the default branch: it failed there, or it passed.
    Base { branch: String, pipeline: u64, status: Status, since: Option<(u64, Option<DateTime<Utc>>)> },
    /// The same failure in another place.
    SameFailure(SameFailure),
    /// Two attempts on one commit.
    BothVerdicts { sha: String, failed: u64, passed: u64 },
    /// How many passes are known of the job.
    Passes(usize),
    /// How many failures of the job are known, and how many of them were never run again: with those, it may be flaky
    /// without showing it.
    NeverRerun { failures: usize, never_rerun: usize },
}

/// Whose fault a failed job is, and why that is the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureAttribution {
    pub origin: FailureOrigin,
    /// The answer in one line.
    pub sentence: Sentence,
    pub evidence: Vec<OriginEvidence>,
}

/// Judges a failed job by its past. `now` is the server's time.
pub(crate) fn attribute(job: &JobEvidence, now: DateTime<Utc>) -> FailureAttribution {
    let nothing = JobPast::default();
    let past = job.past.as_ref().unwrap_or(&nothing);
    attribute_past(job.job.failure_reason.as_deref(), past, now)
}

/// Judges a job that failed for this reason of GitLab's.
pub(crate) fn attribute_past(reason: Option<&str>, past: &JobPast, now: DateTime<Utc>) -> FailureAttribution {
    infrastructure(reason)
        .or_else(|| already_broken(past, now))
        .or_else(|| everywhere(past))
        .or_else(|| flaky(past))
        .or_else(|| yours(past))
        .unwrap_or_else(|| unknown(past))
}

/// Says whether a commit can be to blame for a job at all: an external status, a bridge and a canceled job have no fault
/// of their own.
pub(crate) fn has_origin(job: &JobEvidence) -> bool {
    job.job.status == Status::Failed && job.job.kind == JobKind::Job
}

fn infrastructure(word: Option<&str>) -> Option<FailureAttribution> {
    let word = word.filter(|word| reason::is_infrastructure(word))?;
    let plain = reason::of_job(word).map_or_else(|| word.replace('_', " "), |meaning| meaning.plain.to_owned());
    Some(FailureAttribution {
        origin: FailureOrigin::Infrastructure,
        sentence: Sentence::words(format!("not yours: {plain}")),
        evidence: vec![OriginEvidence::Reason(word.to_owned())],
    })
}

fn already_broken(past: &JobPast, now: DateTime<Utc>) -> Option<FailureAttribution> {
    let base = past.base.as_ref().filter(|base| base.job == Some(Status::Failed))?;
    let since = base.since.as_ref().map(|red| (red.first.0, red.since.and_then(time)));
    // The branch may be red for longer than this job: the memory does not say that it is the same failure.
    let said = match since {
        Some((first, Some(at))) => format!(" in #{}, red since #{first} ({})", base.pipeline, age(now, at)),
        Some((first, None)) => format!(" in #{}, red since #{first}", base.pipeline),
        None => format!(" in #{}", base.pipeline),
    };
    Some(FailureAttribution {
        origin: FailureOrigin::AlreadyBroken,
        sentence: Sentence::words("not yours: also failed on ").name(&base.branch).and(said),
        evidence: vec![OriginEvidence::Base {
            branch: base.branch.clone(),
            pipeline: base.pipeline.0,
            status: Status::Failed,
            since,
        }],
    })
}

fn everywhere(past: &JobPast) -> Option<FailureAttribution> {
    let first = past.elsewhere.first().filter(|_| past.elsewhere.len() >= EVERYWHERE)?;
    let place = match &first.project_path {
        Some(path) => format!("{path} {}", first.ref_name),
        None => first.ref_name.clone(),
    };
    let others = past.elsewhere.len() - 1;
    let noun = if others == 1 { "other place" } else { "other places" };
    Some(FailureAttribution {
        origin: FailureOrigin::Everywhere,
        sentence: Sentence::words("not yours: the same failure in ").name(place).and(format!(" and {others} {noun}")),
        evidence: past.elsewhere.iter().cloned().map(OriginEvidence::SameFailure).collect(),
    })
}

fn flaky(past: &JobPast) -> Option<FailureAttribution> {
    let pair = both_verdicts(&past.runs)?;
    Some(FailureAttribution {
        origin: FailureOrigin::Flaky,
        sentence: Sentence::words("perhaps not yours: the job is flaky, commit ")
            .name(pair.sha.chars().take(8).collect::<String>())
            .and(format!(" failed in #{} and passed in #{}", pair.failed, pair.passed)),
        evidence: vec![OriginEvidence::BothVerdicts { sha: pair.sha, failed: pair.failed, passed: pair.passed }],
    })
}

/// Says whether a job both failed and passed on one commit and was not cleared since. `runs` are in the order of time and
/// reach back 14 days.
pub(crate) fn is_flaky(runs: &[JobRun]) -> bool {
    both_verdicts(runs).is_some()
}

/// Two pipelines, or one that was tried again, on one commit.
struct VerdictPair {
    sha: String,
    failed: u64,
    passed: u64,
}

/// Finds the latest commit with both verdicts, unless the job has passed often enough since. `runs` are in the order of
/// time and reach back 14 days.
fn both_verdicts(runs: &[JobRun]) -> Option<VerdictPair> {
    let mut by_commit: HashMap<&str, (Option<&JobRun>, Option<&JobRun>), RandomState> = HashMap::default();
    let mut latest = None;
    let mut passes = 0;
    for run in runs {
        let is_pass = run.status == Status::Success;
        passes = if is_pass { passes + 1 } else { 0 };
        if passes >= CLEARED_BY {
            latest = None;
        }
        let Some(sha) = run.sha.as_deref() else { continue };
        let seen = by_commit.entry(sha).or_default();
        if is_pass {
            seen.1 = Some(run);
        } else {
            seen.0 = Some(run);
        }
        // A pass that completes the pair is one of the passes that clear it.
        if let (Some(failed), Some(passed)) = *seen
            && passes < CLEARED_BY
        {
            latest = Some(VerdictPair { sha: sha.to_owned(), failed: failed.pipeline.0, passed: passed.pipeline.0 });
        }
    }
    latest
}

/// It passed where this pipeline began, and passes are known that rule a flaky job out.
fn yours(past: &JobPast) -> Option<FailureAttribution> {
    let base = past.base.as_ref().filter(|base| base.job == Some(Status::Success))?;
    let passes = passes(past);
    if passes < CLEARED_BY {
        return None;
    }
    Some(FailureAttribution {
        origin: FailureOrigin::Yours,
        sentence: Sentence::words("yours: it passed on ").name(&base.branch).and(format!(" in #{}", base.pipeline)),
        evidence: vec![
            OriginEvidence::Base {
                branch: base.branch.clone(),
                pipeline: base.pipeline.0,
                status: Status::Success,
                since: None,
            },
            OriginEvidence::Passes(passes),
            never_rerun(past),
        ],
    })
}

fn unknown(past: &JobPast) -> FailureAttribution {
    let passes = passes(past);
    let why = match &past.base {
        None => "no finished pipeline of the default branch is remembered from before it".to_owned(),
        Some(base) if base.job.is_none() => format!("#{} of the default branch did not run this job", base.pipeline),
        Some(_) => format!("only {passes} of the {CLEARED_BY} passes that would rule out a flaky job are remembered"),
    };
    FailureAttribution {
        origin: FailureOrigin::Unknown,
        sentence: Sentence::words(format!("yours or not is unknown: {why}")),
        evidence: vec![OriginEvidence::Passes(passes), never_rerun(past)],
    }
}

fn never_rerun(past: &JobPast) -> OriginEvidence {
    let (failures, never_rerun) = past.failures_and_never_rerun();
    OriginEvidence::NeverRerun { failures, never_rerun }
}

fn passes(past: &JobPast) -> usize {
    past.runs.iter().filter(|run| run.status == Status::Success).count()
}

fn time(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests;
