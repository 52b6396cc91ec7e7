//! What a job's log says: made up from the job's name, its fate and its failure, the same each time it is asked for.
//!
//! ```text
//! kind     what kind of log a job has, from its flags or from its name and failure
//! writer   how GitLab Runner writes: sections, colours, commands, FF_TIMESTAMPS
//! story    the parts of one log, in their order
//! hostile  bytes that no terminal should get
//! ```
//!
//! A running job has a beginning of the log that it will have had in the end. A large log is a head, a number of lines
//! of the same width that are made while they are sent, and a tail: it is never held.

mod hostile;
mod kind;
mod story;
mod writer;

pub(crate) use kind::{LogKind, parse_kind, usual as usual_kind};

use super::plan::{Attempt, Job, Pipeline};
use super::report::TestSuite;
use super::timeline::endless;
use super::world::World;
use story::LogScene;

/// What the runner writes under a log that a person cut short; the last line is as public logs have it, the warning is
/// unverified.
const CANCELED: &[u8] = b"\n\x1b[0;33mWARNING: script canceled externally (UI, API)\n\x1b[0;m\x1b[31;1mERROR: Job failed: canceled\n\x1b[0;m";

/// A log, as far as it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    head: Vec<u8>,
    /// How many made-up lines follow the head.
    lines: usize,
    tail: Vec<u8>,
    /// What was added after the rest was cut off.
    last: &'static [u8],
    /// How many bytes of all but `last` there are.
    shown: usize,
}

impl Trace {
    fn of(head: Vec<u8>, lines: usize, tail: Vec<u8>) -> Self {
        let shown = head.len() + lines * story::WIDTH + tail.len();
        Self { head, lines, tail, last: b"", shown }
    }

    pub(crate) fn len(&self) -> usize {
        self.shown + self.last.len()
    }

    /// Returns at most `most` bytes from `start` on; none at the end.
    pub(crate) fn part(&self, start: usize, most: usize) -> Vec<u8> {
        let end = (start + most).min(self.shown);
        let mut part = Vec::with_capacity(most.min(self.len()));
        let mut at = start;
        while at < end {
            let (piece, offset) = self.piece(at);
            let take = (end - at).min(piece.len() - offset);
            part.extend_from_slice(&piece[offset..offset + take]);
            at += take;
        }
        let left = most - part.len();
        let from = at.saturating_sub(self.shown).min(self.last.len());
        part.extend_from_slice(&self.last[from..(from + left).min(self.last.len())]);
        part
    }

    /// Returns the piece of the log that has the byte at `at`, and where in it that byte is.
    fn piece(&self, at: usize) -> (std::borrow::Cow<'_, [u8]>, usize) {
        let (head, body) = (self.head.len(), self.lines * story::WIDTH);
        if at < head {
            ((&self.head[..]).into(), at)
        } else if at < head + body {
            (story::filler((at - head) / story::WIDTH, self.lines).into(), (at - head) % story::WIDTH)
        } else {
            ((&self.tail[..]).into(), at - head - body)
        }
    }

    /// Keeps the first `part` of `whole` of it.
    fn shorten(mut self, part: i64, whole: i64) -> Self {
        let share = part.clamp(0, whole) as f64 / whole.max(1) as f64;
        self.shown = (self.shown as f64 * share) as usize;
        self
    }

    /// Names what is there now: another text has another tag.
    pub(crate) fn tag(&self, attempt: u64) -> String {
        format!("W/\"{:x}-{:x}\"", attempt, self.len())
    }
}

/// Returns the log of an attempt as it is at `now`; empty before it runs and after it was erased.
pub(crate) fn trace(world: &World, pipeline: &Pipeline, job: &Job, attempt: &Attempt, now: i64) -> Trace {
    let Some(started) = attempt.reached("running", now) else { return Trace::default() };
    if job.bridge || job.is_external() || (job.spec.erased && attempt.finished(now).is_some()) {
        return Trace::default();
    }
    let end = attempt.moves.iter().find(|(at, word)| *at > started && word != "running");
    let planned = attempt.cut.as_ref().or(end);
    let word = planned.map(|(_, word)| word.as_ref());
    let project = &world.projects[pipeline.project];
    let scene = LogScene {
        kind: kind::of(job, word),
        passed: word == Some("success"),
        job,
        id: attempt.id,
        project: &project.full_path,
        project_id: project.id,
        ref_name: &pipeline.ref_name,
        sha: &pipeline.sha,
        started,
        // A job that stays running has no end; it writes for ten times as long as it should have taken.
        ended: planned.map_or(started + endless(job.spec.ms), |(at, _)| *at),
        complete: matches!(word, Some("success" | "failed")),
        suite: TestSuite::of(project, pipeline, job, word),
    };
    let whole = scene.tell();
    let duration = scene.ended - started;
    match end {
        Some((at, word)) if *at <= now && word == "canceled" => {
            let mut cut = whole.shorten(*at - started, duration);
            cut.last = CANCELED;
            cut
        }
        Some((at, _)) if *at <= now => whole,
        // Never the last byte: a log without its last line is what makes a running job's log different.
        _ => whole.shorten((now - started).min(duration - 1), duration),
    }
}
