//! What runs, for how long, and what waits, and for what.

use super::line::{ListRow, ScreenLine, listed, status_span};
use super::needs::waits_for;
use super::pipeline::{job_name, time_of};
use super::place::ScreenPlace;
use crate::domain::job::Job;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::item::{Span, clean};
use crate::text::duration::duration;
use crate::text::glyph::Charset;
use crate::tui::app::App;
use crate::tui::tally::active_jobs;

pub fn lines(app: &App) -> Vec<ScreenLine> {
    let charset = app.facts.options.charset;
    let mut jobs = active_jobs(&app.facts);
    if jobs.is_empty() {
        let text = match app.facts.is_sure() {
            true => "nothing runs or waits",
            false => "nothing that was read runs or waits; p says what was not",
        };
        return vec![ScreenLine::text(text, Tone::Muted)];
    }
    // What runs first, then what waits for a runner, then what waits for a person.
    jobs.sort_by_key(|(_, _, job)| job.status.severity() == Status::Manual.severity());
    let now = app.facts.present();
    // The title says the first words, where there is one.
    let waits = |job: &Job| match charset {
        Charset::Words => waits_for(job),
        Charset::Unicode | Charset::Ascii => waits_for(job)?.strip_prefix("waits for "),
    };
    let row = |(row, pipeline, job): &(&ProjectRow, &Pipeline, &Job)| {
        let usual = app.facts.past.usual(pipeline.id);
        let cells = vec![
            Span::new(clean(&app.short_path(&row.project.full_path), charset), Tone::Plain),
            Span::new(clean(&pipeline.git_ref.name, charset), Tone::Plain),
            Span::new(clean(&job_name(app, job), charset), Tone::Plain),
            status_span(&job.status, charset),
            Span::new(time_of(job, now), Tone::Plain),
            Span::new(usual.map_or(String::new(), |usual| format!("~{}", duration(usual))), Tone::Muted),
            Span::new(waits(job).unwrap_or_default(), Tone::Plain),
        ];
        ListRow { cells, target: Some(ScreenPlace::Job(row.project.id, pipeline.id, job.id)) }
    };
    let rows: Vec<ListRow> = jobs.iter().map(row).collect();
    let titles = ["project", "ref", "job", "state", "for", "usual", "waits for"];
    listed(&titles, &rows, app.text_width(), charset)
}
