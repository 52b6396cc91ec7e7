//! Keys and colours of the live view, from the settings.

use crate::config::{Choice, ConfigError, Display};
use crate::tui::keymap::ViewKeymap;
use crate::tui::named_view::NamedView;
use crate::tui::theme::ViewTheme;

/// What the user has chosen of how the view looks and listens.
#[derive(Debug, Clone)]
pub(super) struct ViewLook {
    pub keys: ViewKeymap,
    pub theme: ViewTheme,
    pub views: Vec<NamedView>,
}

impl ViewLook {
    /// Checks keys and themes before anything is read.
    pub(super) fn new(display: &Display) -> Result<Self, ConfigError> {
        Ok(Self {
            keys: display.keys.as_ref().map(keys).transpose()?.unwrap_or_default(),
            theme: theme(display)?,
            views: display.views.as_ref().map(views).transpose()?.unwrap_or_default(),
        })
    }
}

fn keys(choice: &Choice) -> Result<ViewKeymap, ConfigError> {
    // A key may be the sign between: the first one counts.
    let pairs = choice.words.iter().map(|word| word.split_once('=').unwrap_or((word, "")));
    ViewKeymap::new(pairs).map_err(|refused| choice.refuse(&refused.word, refused.problem, &refused.permitted))
}

fn views(choice: &Choice) -> Result<Vec<NamedView>, ConfigError> {
    let mut views: Vec<NamedView> = Vec::new();
    for word in &choice.words {
        let (place, value) = word.split_once('=').unwrap_or((word, ""));
        let (name, key) = place.split_once('.').unwrap_or((place, ""));
        let at = views.iter().position(|view| view.name == name).unwrap_or_else(|| {
            views.push(NamedView::new(name));
            views.len() - 1
        });
        views[at]
            .set(key, value)
            .map_err(|refused| choice.refuse(&refused.word, refused.problem, &refused.permitted))?;
    }
    Ok(views)
}

fn theme(display: &Display) -> Result<ViewTheme, ConfigError> {
    let own = display.themes.iter().flat_map(|choice| &choice.words).filter_map(|word| {
        let (place, style) = word.split_once('=')?;
        let (theme, tone) = place.split_once('.')?;
        Some((theme, tone, style))
    });
    let name = display.theme.words.last().map_or("", String::as_str);
    ViewTheme::named(name, &own.collect::<Vec<_>>()).map_err(|refused| {
        let permitted: Vec<&str> = refused.permitted.iter().map(String::as_str).collect();
        // The word says which of the two settings it is from.
        let place = if refused.word == name { Some(&display.theme) } else { display.themes.as_ref() };
        place.unwrap_or(&display.theme).refuse(&refused.word, refused.problem, &permitted)
    })
}
