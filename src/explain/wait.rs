//! Explains why a job has not begun, from what GitLab says and nothing else.

use super::sentence::Sentence;
use crate::domain::evidence::JobEvidence;
use crate::domain::job::JobKind;
use crate::domain::status::Status;
use crate::text::duration::duration;
use chrono::{DateTime, Utc};

/// Says what a job waits for and since when, and what helps; goes on after its name.
pub(super) fn why(job: &JobEvidence, now: DateTime<Utc>) -> Option<(Sentence, Option<String>)> {
    let since = job.details.created_at.and_then(|at| (now - at).to_std().ok());
    let age = since.map(|time| format!(" for {}", duration(time))).unwrap_or_default();
    let waited = since.map(|time| format!(" {}", duration(time))).unwrap_or_default();
    let waits = |what: &str, next: Option<&str>| {
        Some((Sentence::words(format!(" has waited{waited} for {what}")), next.map(str::to_owned)))
    };
    let is = |what: &str, next: Option<&str>| Some((Sentence::words(format!(" is {what}")), next.map(str::to_owned)));
    let details = &job.details;
    if job.job.kind == JobKind::External {
        let next = job.job.target_url().map(|_| "look at its own page: its address is below");
        let said = format!(" is {}: it waits for the system that has set it", job.job.status.word());
        return Some((Sentence::words(said), next.map(str::to_owned)));
    }
    match &job.job.status {
        Status::Manual if job.job.allow_failure => None,
        Status::Manual => waits("a person to start it", Some("start it: glwatch play, or in GitLab")),
        Status::Scheduled => match details.scheduled_at {
            Some(at) => is(&format!("delayed until {}", at.format("%Y-%m-%d %H:%M UTC")), None),
            None => is("delayed", None),
        },
        Status::WaitingForResource => {
            waits("its resource group", Some("see who holds the resource: Operate > Environments, or the API"))
        }
        Status::WaitingForCallback => waits("an answer from outside", None),
        Status::Preparing => is("being prepared", None),
        Status::Pending if details.is_stuck == Some(true) => {
            let stuck = Sentence::words(format!(" is stuck{age}: no runner can take it{}", needs(&details.tags)));
            Some((stuck.then(tags(&details.tags)), Some("start a runner with its tags, or change `tags`".into())))
        }
        Status::Pending => {
            let said = Sentence::words(format!(" is pending: no runner has picked it up{age}{}", needs(&details.tags)));
            let runner = if details.tags.is_empty() { "a runner" } else { "a runner with its tags" };
            Some((said.then(tags(&details.tags)), Some(format!("see whether {runner} is online and free"))))
        }
        Status::Canceling => is("being canceled", None),
        Status::Other(word) => is(word, Some("open it in GitLab: glwatch does not know this status")),
        Status::Created
        | Status::Running
        | Status::Success
        | Status::Warning
        | Status::Failed
        | Status::Canceled
        | Status::Skipped => None,
    }
}

fn needs(tags: &[String]) -> &'static str {
    match tags.len() {
        0 => "",
        1 => "; it needs the tag ",
        _ => "; it needs the tags ",
    }
}

/// Lists tags.
pub(super) fn tags(tags: &[String]) -> Sentence {
    let mut sentence = Sentence::default();
    for (at, tag) in tags.iter().enumerate() {
        if at > 0 {
            sentence = sentence.and(", ");
        }
        sentence = sentence.name(tag);
    }
    sentence
}
