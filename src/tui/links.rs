//! What leads out of the view: a page in the browser, a text on the clipboard.

use super::app::App;
use super::effect::ViewEffect;
use super::screens;
use super::screens::place::ScreenPlace;
use crossterm::event::{KeyCode, KeyEvent};

/// Puts on the clipboard what the second key names.
pub(super) fn copy(app: &mut App, key: &KeyEvent) -> Vec<ViewEffect> {
    let text = match key.code {
        KeyCode::Char('l') => page_url(app).map_err(str::to_owned).and_then(|url| harmless(app, url)),
        KeyCode::Char('i') => place_of(app).map(id_of),
        KeyCode::Char('c') => place_of(app).and_then(|place| command_of(app, place)),
        _ => return Vec::new(),
    };
    match text {
        // Not every terminal takes it, and none says so.
        Ok(text) => {
            app.notice = Some(format!("copied, if this terminal permits it: {text}"));
            vec![ViewEffect::Copy(text)]
        }
        Err(why) => {
            app.notice = Some(why);
            Vec::new()
        }
    }
}

/// Lets an address pass that is a page of the host, and nothing that would be more than an address where it is pasted.
fn harmless(app: &App, url: String) -> Result<String, String> {
    let is_plain = url.chars().all(|c| c.is_ascii_graphic() && c != '\'');
    let is_ours = app.facts.own_page(&url).is_some();
    if is_plain && is_ours { Ok(url) } else { Err("not copied: the link leads to another host".into()) }
}

/// Returns what the cursor is on.
fn place_of(app: &App) -> Result<ScreenPlace, String> {
    match app.opened.last() {
        Some(screen) => Ok(screen.target(&screens::lines(app, screen)).unwrap_or(screen.place)),
        None => {
            let (row, project) = app.overview.cursor_row().ok_or("move the cursor to a row first")?;
            let of_pipeline = |pipeline| ScreenPlace::Pipeline(project.project.id, pipeline);
            Ok(row.pipeline.map_or(ScreenPlace::Project(project.project.id), of_pipeline))
        }
    }
}

fn id_of(place: ScreenPlace) -> String {
    match place {
        ScreenPlace::Project(project) => project.to_string(),
        ScreenPlace::Pipeline(_, pipeline) => pipeline.to_string(),
        ScreenPlace::Job(.., job) => job.to_string(),
        ScreenPlace::Failures | ScreenPlace::Active | ScreenPlace::Events | ScreenPlace::Problems => String::new(),
    }
}

/// Returns the command line that says the same. A path with a character that a shell may obey is not GitLab's.
fn command_of(app: &App, place: ScreenPlace) -> Result<String, String> {
    let is_plain = |path: &&str| path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    let path = |project| {
        let row = app.facts.row(project).ok_or("it is no longer shown")?;
        Some(row.project.full_path.as_str()).filter(is_plain).ok_or("its path is none that a shell leaves alone")
    };
    Ok(match place {
        ScreenPlace::Project(project) => format!("glwatch explain {}", path(project)?),
        ScreenPlace::Pipeline(project, pipeline) => format!("glwatch explain '{}#{pipeline}'", path(project)?),
        ScreenPlace::Job(project, pipeline, job) => format!("glwatch logs '{}#{pipeline}' {job}", path(project)?),
        ScreenPlace::Failures => "glwatch explain --all-failed".into(),
        ScreenPlace::Active | ScreenPlace::Events | ScreenPlace::Problems => {
            return Err("there is no command for this".into());
        }
    })
}

pub(super) fn open_page(app: &mut App) -> Vec<ViewEffect> {
    let url = match page_url(app) {
        Ok(url) => url,
        Err(why) => {
            app.notice = Some(why.into());
            return Vec::new();
        }
    };
    // A link is whatever the server says: only the host's own pages are opened.
    match app.facts.own_page(&url) {
        Some(_) => vec![ViewEffect::Open(url)],
        None => {
            app.notice = Some("not opened: the link leads to another host".into());
            Vec::new()
        }
    }
}

fn page_url(app: &App) -> Result<String, &'static str> {
    let none = "this row has no page to open";
    let place = match app.opened.last() {
        None => {
            let (row, _) = app.overview.cursor_row().ok_or("move the cursor to a row first")?;
            return row.web_url.clone().ok_or(none);
        }
        Some(screen) => screen.target(&screens::lines(app, screen)).unwrap_or(screen.place),
    };
    let url = match place {
        ScreenPlace::Project(project) => app.facts.row(project).and_then(|row| row.project.web_url.clone()),
        ScreenPlace::Pipeline(project, pipeline) => {
            app.facts.pipeline(project, pipeline).and_then(|(_, pipeline)| pipeline.web_url.clone())
        }
        ScreenPlace::Job(project, pipeline, id) => app.facts.pipeline(project, pipeline).and_then(|(_, pipeline)| {
            pipeline.jobs().find(|job| job.id == id).and_then(|job| job.page().map(str::to_owned))
        }),
        ScreenPlace::Failures | ScreenPlace::Active | ScreenPlace::Events | ScreenPlace::Problems => None,
    };
    url.ok_or(none)
}
