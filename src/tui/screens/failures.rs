//! Every failed job of the groups, those first whose cause most projects share.

use super::line::{ListRow, ScreenLine, listed};
use super::pipeline::{job_name, reason_of};
use super::place::ScreenPlace;
use crate::domain::id::ProjectId;
use crate::domain::past::names_a_cause;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::item::{Span, clean};
use crate::report::status::{origin_words, since_words};
use crate::text::plural::counted;
use crate::tui::app::App;
use crate::tui::tally::{FailedJob, failed_jobs, failed_without_job};
use std::cmp::Reverse;
use std::collections::HashSet;

pub fn lines(app: &App) -> Vec<ScreenLine> {
    let failed = failed_jobs(&app.facts);
    let without_job = failed_without_job(&app.facts);
    if failed.is_empty() && without_job.is_empty() {
        return vec![match app.facts.is_sure() {
            true => ScreenLine::text("nothing has failed", Tone::Good),
            false => ScreenLine::text("nothing that was read has failed; p says what was not", Tone::Muted),
        }];
    }
    let mut rows: Vec<(usize, ListRow)> = failed.iter().map(|one| of_job(app, one, &failed)).collect();
    rows.sort_by_key(|(shared, _)| Reverse(*shared));
    let mut rows: Vec<ListRow> = rows.into_iter().map(|(_, row)| row).collect();
    rows.extend(without_job.into_iter().map(|(row, pipeline)| of_pipeline(app, row, pipeline)));
    let titles = ["project", "ref", "job", "reason", "yours?", "since", "also"];
    listed(&titles, &rows, app.text_width(), app.facts.options.charset)
}

/// Returns the row of a failed job, and in how many other projects the same has failed.
fn of_job(app: &App, one: &FailedJob<'_>, all: &[FailedJob<'_>]) -> (usize, ListRow) {
    let charset = app.facts.options.charset;
    let text = |text: &str, tone| Span::new(clean(text, charset), tone);
    let known = |words: Option<String>| Span::new(words.unwrap_or_default(), Tone::Plain);
    let moment = app.facts.moment();
    let shared = elsewhere(one, all);
    let also = if shared == 0 { String::new() } else { format!("+{}", counted(shared, "project")) };
    let cells = vec![
        text(&app.short_path(&one.row.project.full_path), Tone::Plain),
        text(&one.pipeline.git_ref.name, Tone::Plain),
        text(&job_name(app, one.job), Tone::Bad),
        text(&reason_of(one.job).unwrap_or_default(), Tone::Plain),
        known(moment.and_then(|moment| origin_words(one.pipeline, moment))),
        known(moment.and_then(|moment| since_words(one.pipeline, moment))),
        Span::new(also, Tone::Warn),
    ];
    let target = ScreenPlace::Job(one.row.project.id, one.pipeline.id, one.job.id);
    (shared, ListRow { cells, target: Some(target) })
}

/// Returns the row of a pipeline that failed although none of its own jobs did.
fn of_pipeline(app: &App, row: &ProjectRow, pipeline: &Pipeline) -> ListRow {
    let text = |text: &str, tone| Span::new(clean(text, app.facts.options.charset), tone);
    let why = pipeline.yaml_errors.as_deref().or(pipeline.failure_reason.as_deref());
    let is_own = pipeline.status == Status::Failed;
    let why = why.unwrap_or(if is_own { "no job of it failed" } else { "what it triggered failed" });
    let cells = vec![
        text(&app.short_path(&row.project.full_path), Tone::Plain),
        text(&pipeline.git_ref.name, Tone::Plain),
        text(&format!("#{}", pipeline.id), Tone::Bad),
        text(why.lines().next().unwrap_or_default(), Tone::Plain),
    ];
    ListRow { cells, target: Some(ScreenPlace::Pipeline(row.project.id, pipeline.id)) }
}

/// Counts the other projects in which the same job failed for the same reason. That a script failed names no cause: two of
/// them may have nothing in common.
fn elsewhere(one: &FailedJob<'_>, all: &[FailedJob<'_>]) -> usize {
    if !one.job.failure_reason.as_deref().is_some_and(names_a_cause) {
        return 0;
    }
    let is_same = |other: &&FailedJob<'_>| {
        other.row.project.id != one.row.project.id
            && other.job.name == one.job.name
            && other.job.failure_reason == one.job.failure_reason
    };
    all.iter().filter(is_same).map(|other| other.row.project.id).collect::<HashSet<ProjectId>>().len()
}
