//! The last line: the keys that work here and now, those first that are needed most.

use super::paint::span;
use crate::report::cell::Tone;
use crate::text::width::cells;
use crate::tui::app::{App, InputPurpose, Modal};
use crate::tui::keymap::KeyAction;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Paragraph;

/// Between two keys.
const GAP: &str = "  ";

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    frame.render_widget(Paragraph::new(span(app, keys(app, usize::from(area.width)), Tone::Muted)), area);
}

/// Returns as many keys as there is room for; the way to all of them is always among them.
fn keys(app: &App, width: usize) -> String {
    match (&app.modal, &app.input) {
        (Some(Modal::Help { .. }), _) => {
            return format!("{} close the help  down up scroll", app.facts.options.keys.label(KeyAction::Quit));
        }
        (Some(Modal::Views), _) => return "1-9 show it  any other key nothing".into(),
        (Some(Modal::Copy), _) => return "l link  i id  c command  any other key nothing".into(),
        (Some(Modal::Confirm(_)), _) => return "y yes  any other key no".into(),
        (None, Some((InputPurpose::Pipe | InputPurpose::Save, _))) => return "enter do it  esc leave it".into(),
        (None, Some(_)) => return "enter keep it  esc end it  tab complete  up the last one".into(),
        (None, None) => {}
    }
    let keymap = &app.facts.options.keys;
    let all = &format!("{} all keys", keymap.label(KeyAction::Help));
    let mut line = String::new();
    for bound in keymap.bindings(app.kind()) {
        let Some(short) = bound.binding.short else { continue };
        let key = &format!("{} {short}", bound.label);
        if key == all {
            continue;
        }
        if cells(&line) + cells(key) + GAP.len() + all.len() <= width {
            line.push_str(key);
            line.push_str(GAP);
        }
    }
    line + all
}
