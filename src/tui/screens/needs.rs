//! What is said of the needs of jobs: what one waits for, and which ones the chosen one needs.

use super::line::{ScreenLine, wrapped};
use crate::domain::id::JobId;
use crate::domain::job::{Job, Stage};
use crate::domain::job_needs::{AwaitedJobs, JobNeeds, statuses_by_name};
use crate::domain::pipeline::Pipeline;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::item::clean;
use crate::text::duration::duration;
use crate::text::glyph::Charset;
use crate::text::width::truncate;
use crate::tui::app::App;
use crate::tui::facts::PipelineNeeds;
use std::collections::{HashMap, HashSet};

/// Names in one list: more would push aside what else there is to say.
const MOST_NAMES: usize = 5;
/// Cells of a name in a list.
const WIDEST_NAME: usize = 40;

/// The needs of a pipeline's jobs, in words.
pub struct NeedWords<'a> {
    charset: Charset,
    stages: &'a [Stage],
    known: Option<&'a JobNeeds>,
    statuses: HashMap<&'a str, &'a Status>,
    chosen: Option<&'a Job>,
    /// What the chosen one needs.
    marked: HashSet<&'a str>,
}

impl<'a> NeedWords<'a> {
    pub fn new(app: &'a App, pipeline: &'a Pipeline, chosen: Option<JobId>) -> Self {
        let charset = app.facts.options.charset;
        let known = match app.facts.needs.get(&pipeline.id) {
            Some(PipelineNeeds::Read(needs)) => Some(needs),
            Some(PipelineNeeds::Asked { .. } | PipelineNeeds::Untold | PipelineNeeds::Failed(_)) | None => None,
        };
        let chosen = known.and(chosen).and_then(|id| pipeline.jobs().find(|job| job.id == id));
        let needed = chosen.zip(known).and_then(|(job, known)| known.of(&job.name));
        let marked = needed.iter().flat_map(|needed| &needed.names).map(String::as_str).collect();
        let statuses = known.map(|_| statuses_by_name(&pipeline.stages)).unwrap_or_default();
        Self { charset, stages: &pipeline.stages, known, statuses, chosen, marked }
    }

    /// Says whether the chosen job needs this one.
    fn is_needed(&self, job: &Job) -> bool {
        self.marked.contains(job.name.as_str())
    }

    /// Returns the two cells before the name of a job.
    pub fn sign(&self, job: &Job) -> String {
        let sign = if self.is_needed(job) { self.charset.needed() } else { "" };
        format!("{sign:2}")
    }

    /// Says which job needs it, where that is the chosen one.
    pub fn needed_by(&self, job: &Job) -> Option<String> {
        let chosen = self.chosen.filter(|_| self.is_needed(job))?;
        Some(format!("needed by {}", self.name(&chosen.name)))
    }

    /// Says what it waits for.
    pub fn waits_for(&self, job: &Job) -> Option<String> {
        let known = self.known.filter(|_| job.status == Status::Created);
        match known.and_then(|known| known.awaited(job, self.stages, &self.statuses)) {
            Some(AwaitedJobs::Needs { open, has_more }) => {
                let names = open.iter().map(|(name, status)| self.with_status(name, *status));
                Some(format!("waits for {}", joined(names, has_more)))
            }
            Some(AwaitedJobs::Stages(open)) => {
                let names = open.iter().map(|(name, status)| self.with_status(name, Some(status)));
                let noun = if open.len() == 1 { "stage" } else { "stages" };
                Some(format!("waits for {noun} {}", joined(names, false)))
            }
            Some(AwaitedJobs::Nothing) => Some("all it waited for is over".into()),
            None => waits_for(job).map(str::to_owned),
        }
    }

    /// Names what the chosen job needs, where that is not said of what it waits for; without a cursor what each does.
    pub fn needs(&self, job: &Job) -> Option<String> {
        let is_chosen = job.status != Status::Created && self.chosen.is_some_and(|chosen| chosen.id == job.id);
        if !is_chosen && self.charset != Charset::Words {
            return None;
        }
        self.needs_with(job, |name| self.name(name))
    }

    /// Names what a job needs, and how that is.
    pub fn needs_with_states(&self, job: &Job) -> Option<String> {
        self.needs_with(job, |name| match self.statuses.get(name) {
            Some(status) => format!("{} ({})", self.name(name), self.status(status)),
            None => self.with_status(name, None),
        })
    }

    fn needs_with(&self, job: &Job, of: impl Fn(&str) -> String) -> Option<String> {
        let needed = self.known?.of(&job.name).filter(|needed| !needed.names.is_empty())?;
        Some(format!("needs {}", joined(needed.names.iter().map(|name| of(name)), needed.has_more)))
    }

    fn name(&self, name: &str) -> String {
        truncate(&clean(name, self.charset), WIDEST_NAME, self.charset)
    }

    /// Returns a status in words without an addition of their own in brackets: they are in brackets already.
    fn status(&self, status: &Status) -> String {
        clean(&status.word().replace('_', " "), self.charset)
    }

    /// Returns a name with how it is; what has not begun needs no word.
    fn with_status(&self, name: &str, status: Option<&Status>) -> String {
        let name = self.name(name);
        match status {
            Some(Status::Created) => name,
            Some(status) => format!("{name} ({})", self.status(status)),
            None => format!("{name} (not listed)"),
        }
    }
}

/// Says what a job waits for, by its status alone.
pub fn waits_for(job: &Job) -> Option<&'static str> {
    match job.status {
        Status::Created => Some("waits for the jobs before it"),
        Status::Pending => Some("waits for a runner"),
        Status::Preparing => Some("waits for its preparation"),
        Status::WaitingForCallback => Some("waits for a callback"),
        Status::WaitingForResource => Some("waits for its resource group"),
        Status::Manual => Some("waits for a person"),
        Status::Scheduled => Some("waits for its time"),
        Status::Running
        | Status::Success
        | Status::Warning
        | Status::Failed
        | Status::Canceling
        | Status::Canceled
        | Status::Skipped
        | Status::Other(_) => None,
    }
}

/// Joins names; of many the first ones, and how many more there are.
fn joined(names: impl ExactSizeIterator<Item = String>, has_more: bool) -> String {
    let left = names.len().saturating_sub(MOST_NAMES);
    let listed = names.take(MOST_NAMES).collect::<Vec<_>>().join(", ");
    match (listed.is_empty(), left, has_more) {
        (true, ..) => "jobs that were not told".into(),
        (false, 0, false) => listed,
        (false, 0, true) => format!("{listed} and more"),
        (false, left, false) => format!("{listed} and {left} more"),
        (false, left, true) => format!("{listed} and more than {left} more"),
    }
}

/// Returns the title of the column that it is in: while it is read, that and since when.
pub fn title(app: &App, pipeline: &Pipeline) -> String {
    match app.facts.needs.get(&pipeline.id) {
        // What is only ever added says it once there is something to say.
        Some(PipelineNeeds::Asked { since }) if app.facts.options.charset != Charset::Words => {
            let since = duration(app.facts.now.saturating_duration_since(*since));
            format!("what (reading needs, for {since})")
        }
        Some(_) | None => "what".into(),
    }
}

/// Says why it could not be read.
pub fn failure(app: &App, pipeline: &Pipeline) -> Vec<ScreenLine> {
    let Some(PipelineNeeds::Failed(failure)) = app.facts.needs.get(&pipeline.id) else { return Vec::new() };
    let text = format!("what these jobs need could not be read: {}", failure.message);
    wrapped(&text, Tone::Muted, app.text_width(), app.facts.options.charset)
}
