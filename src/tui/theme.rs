//! What a tone looks like: styles of the terminal's own sixteen colours, no background.

use crate::report::cell::Tone;
use ratatui::style::{Color, Modifier, Style};

/// The tones that a theme gives a style, by their names in settings.
const TONES: [(&str, Tone); 7] = [
    ("plain", Tone::Plain),
    ("good", Tone::Good),
    ("warn", Tone::Warn),
    ("bad", Tone::Bad),
    ("active", Tone::Active),
    ("blocked", Tone::Blocked),
    ("muted", Tone::Muted),
];

/// The words of a style.
const STYLE_WORDS: [(&str, StyleWord); 22] = [
    ("default", StyleWord::Default),
    ("black", StyleWord::Color(Color::Black)),
    ("red", StyleWord::Color(Color::Red)),
    ("green", StyleWord::Color(Color::Green)),
    ("yellow", StyleWord::Color(Color::Yellow)),
    ("blue", StyleWord::Color(Color::Blue)),
    ("magenta", StyleWord::Color(Color::Magenta)),
    ("cyan", StyleWord::Color(Color::Cyan)),
    ("white", StyleWord::Color(Color::Gray)),
    ("bright-black", StyleWord::Color(Color::DarkGray)),
    ("bright-red", StyleWord::Color(Color::LightRed)),
    ("bright-green", StyleWord::Color(Color::LightGreen)),
    ("bright-yellow", StyleWord::Color(Color::LightYellow)),
    ("bright-blue", StyleWord::Color(Color::LightBlue)),
    ("bright-magenta", StyleWord::Color(Color::LightMagenta)),
    ("bright-cyan", StyleWord::Color(Color::LightCyan)),
    ("bright-white", StyleWord::Color(Color::White)),
    ("bold", StyleWord::Modifier(Modifier::BOLD)),
    ("dim", StyleWord::Modifier(Modifier::DIM)),
    ("italic", StyleWord::Modifier(Modifier::ITALIC)),
    ("underlined", StyleWord::Modifier(Modifier::UNDERLINED)),
    ("reversed", StyleWord::Modifier(Modifier::REVERSED)),
];

#[derive(Debug, Clone, Copy)]
enum StyleWord {
    Default,
    Color(Color),
    Modifier(Modifier),
}

/// The themes that come along: plain, good, warn, bad, active, blocked, muted.
const THEMES: [(&str, [&str; 7]); 5] = [
    ("dark", ["default", "green", "yellow", "red", "cyan", "magenta", "dim"]),
    // On white, yellow and cyan cannot be read.
    ("light", ["default", "green", "bold magenta", "bold red", "blue", "magenta", "bright-black"]),
    (
        "high-contrast",
        [
            "default",
            "bold bright-green",
            "bold bright-yellow",
            "bold underlined bright-red",
            "bold bright-cyan",
            "bold bright-magenta",
            "default",
        ],
    ),
    // With every kind of colour blindness one can distinguish blue from yellow, but not red from green.
    ("colour-blind-safe", ["default", "bright-blue", "yellow", "bold reversed yellow", "white", "underlined", "dim"]),
    ("mono", ["default", "default", "underlined", "bold", "default", "underlined", "dim"]),
];

/// A style for each tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewTheme {
    styles: [Style; 7],
}

/// Why a theme cannot be: the word, what is wrong with it, and the words that are permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeProblem {
    pub word: String,
    pub problem: String,
    pub permitted: Vec<String>,
}

impl Default for ViewTheme {
    fn default() -> Self {
        Self::of_words(&THEMES[0].1)
    }
}

impl ViewTheme {
    /// Returns the theme of this name: one of the user's own, `(theme, tone, style)` each, or one that comes along.
    pub fn named(name: &str, own: &[(&str, &str, &str)]) -> Result<Self, ThemeProblem> {
        let known = || own.iter().map(|(theme, ..)| (*theme).to_owned());
        // Every one is looked at, so that a mistake is found before the theme is chosen.
        for (_, tone, text) in own {
            Self::default().with(tone, text)?;
        }
        let base = own.iter().find(|(theme, tone, _)| *theme == name && *tone == "base").map(|(.., base)| *base);
        if let Some(base) = base.filter(|base| !THEMES.iter().any(|(theme, _)| theme == base)) {
            return Err(no_theme(base, THEMES.iter().map(|(theme, _)| (*theme).to_owned()).collect()));
        }
        let shipped =
            |name: &str| THEMES.iter().find(|(theme, _)| *theme == name).map(|(_, words)| Self::of_words(words));
        if !known().any(|theme| theme == name) {
            let all = || THEMES.iter().map(|(theme, _)| (*theme).to_owned()).chain(known()).collect();
            return shipped(name).ok_or_else(|| no_theme(name, all()));
        }
        let start = shipped(base.unwrap_or(name)).unwrap_or_default();
        let mine = own.iter().filter(|(theme, ..)| *theme == name);
        mine.filter(|(_, tone, _)| *tone != "base").try_fold(start, |theme, (_, tone, text)| theme.with(tone, text))
    }

    fn of_words(words: &[&str; 7]) -> Self {
        // The themes that come along are tested to be right.
        Self { styles: words.map(|text| style(text).unwrap_or_default()) }
    }

    fn with(mut self, tone: &str, text: &str) -> Result<Self, ThemeProblem> {
        if tone == "base" {
            return Ok(self);
        }
        let at = TONES.iter().position(|(name, _)| *name == tone).ok_or_else(|| ThemeProblem {
            word: tone.to_owned(),
            problem: "is no tone of a theme".into(),
            permitted: TONES.iter().map(|(name, _)| (*name).to_owned()).chain(["base".to_owned()]).collect(),
        })?;
        self.styles[at] = style(text)?;
        Ok(self)
    }

    /// Returns the style of a tone.
    pub fn style(&self, tone: Tone) -> Style {
        let at = TONES.iter().position(|(_, known)| *known == tone);
        at.and_then(|at| self.styles.get(at)).copied().unwrap_or_default()
    }
}

fn no_theme(word: &str, permitted: Vec<String>) -> ThemeProblem {
    ThemeProblem {
        word: word.to_owned(),
        problem: format!("is no theme: there are {}", permitted.join(", ")),
        permitted,
    }
}

/// Reads a style: a colour and how it is written, such as `bold bright-red`.
fn style(text: &str) -> Result<Style, ThemeProblem> {
    text.split_whitespace().try_fold(Style::new(), |style, word| {
        let known = STYLE_WORDS.iter().find(|(known, _)| *known == word);
        match known.map(|(_, meaning)| *meaning) {
            Some(StyleWord::Default) => Ok(style),
            Some(StyleWord::Color(color)) => Ok(style.fg(color)),
            Some(StyleWord::Modifier(modifier)) => Ok(style.add_modifier(modifier)),
            None => Err(ThemeProblem {
                word: word.to_owned(),
                problem: "is neither a colour of the sixteen nor bold, dim, italic, underlined or reversed".into(),
                permitted: STYLE_WORDS.iter().map(|(word, _)| (*word).to_owned()).collect(),
            }),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_is_written_right_and_tells_what_failed_from_what_passed() {
        for (name, words) in THEMES {
            for text in words {
                assert!(style(text).is_ok(), "{name}: {text}");
            }
            let theme = ViewTheme::named(name, &[]).unwrap();
            let styles = [Tone::Good, Tone::Warn, Tone::Bad].map(|tone| theme.style(tone));
            assert!(styles[0] != styles[1] && styles[1] != styles[2] && styles[0] != styles[2], "{name}: {styles:?}");
        }
    }

    #[test]
    fn a_theme_of_ones_own_begins_from_another_and_changes_some_tones() {
        let own = [("mine", "base", "light"), ("mine", "bad", "bold bright-red"), ("bare", "good", "default")];
        let mine = ViewTheme::named("mine", &own).unwrap();
        let light = ViewTheme::named("light", &own).unwrap();
        assert_eq!(mine.style(Tone::Bad), Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD));
        assert_eq!(mine.style(Tone::Good), light.style(Tone::Good));
        assert_eq!(ViewTheme::named("bare", &own).unwrap().style(Tone::Bad), ViewTheme::default().style(Tone::Bad));
    }

    #[test]
    fn what_is_no_theme_is_refused_though_it_is_not_chosen() {
        let cases = [
            ("lihgt", ("a", "bad", "red"), "lihgt", "is no theme: there are dark, light"),
            ("dark", ("a", "bda", "red"), "bda", "is no tone"),
            ("dark", ("a", "bad", "reddish"), "reddish", "is neither a colour"),
            ("a", ("a", "base", "drak"), "drak", "is no theme"),
        ];
        for (name, own, word, problem) in cases {
            let refused = ViewTheme::named(name, &[own]).expect_err(problem);
            assert_eq!(refused.word, word);
            assert!(refused.problem.contains(problem), "{}", refused.problem);
        }
    }
}
