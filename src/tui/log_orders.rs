//! What is done with a log beside reading it: times, a pager, a file.

use super::app::{App, InputPurpose};
use super::effect::ViewEffect;
use super::input::InputLine;
use super::keymap::KeyAction;
use super::log_view::LogView;
use super::screens::place::ScreenPlace;

/// Begins what a key asks for.
pub(super) fn begin(app: &mut App, action: KeyAction) {
    let pager = app.facts.options.pager.clone();
    let name = file_name(app);
    let Some(log) = app.opened.last_mut().and_then(|screen| screen.log.as_mut()) else {
        app.notice = Some("there is no log here".into());
        return;
    };
    match action {
        KeyAction::Times if !log.knows_times() => {
            app.notice = Some("this log does not say when its lines were written".into())
        }
        KeyAction::Times => log.has_times = !log.has_times,
        KeyAction::Pipe => app.input = Some((InputPurpose::Pipe, InputLine::new(&pager))),
        _ => app.input = Some((InputPurpose::Save, InputLine::new(&name))),
    }
}

/// Does what was typed for.
pub(super) fn order(app: &mut App, purpose: InputPurpose, typed: &str) -> Vec<ViewEffect> {
    let typed = typed.trim();
    let Some(text) = app.opened.last().and_then(|screen| screen.log.as_ref()).map(LogView::text) else {
        return Vec::new();
    };
    match purpose {
        _ if typed.is_empty() => app.notice = Some("nothing was done".into()),
        InputPurpose::Save => return vec![ViewEffect::Save { path: typed.to_owned(), text }],
        _ => match shell_words::split(typed) {
            Ok(words) => return vec![ViewEffect::Page { words, text }],
            Err(_) => app.notice = Some("a quotation mark is not closed".into()),
        },
    }
    Vec::new()
}

/// Returns a name for the file: of letters that mean nothing else anywhere.
pub(super) fn file_name(app: &App) -> String {
    let Some(ScreenPlace::Job(project, pipeline, job)) = app.opened.last().map(|screen| screen.place) else {
        return String::new();
    };
    let path = app.facts.row(project).map_or("", |row| row.project.full_path.as_str());
    let known = app.facts.pipeline(project, pipeline).and_then(|(_, shown)| shown.jobs().find(|known| known.id == job));
    let name = known.map_or("job", |job| job.name.as_str());
    let plain = |text: &str| {
        let letters = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
        letters.collect::<String>().split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    format!("{}-{}-{job}.log", plain(last), plain(name))
}
