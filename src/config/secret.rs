//! The sources of secrets. This module neither reads nor shows a secret.

use super::keys::{Form, Key};
use super::layer::Setting;
use super::origin::Origin;
use secrecy::SecretString;
use std::path::PathBuf;

/// Where a secret comes from.
#[derive(Debug, Clone)]
pub(crate) enum SecretSource {
    /// The secret itself: one text for each time that it was given.
    Given(Vec<SecretString>),
    /// `-` is standard input.
    File(PathBuf),
    /// A program and its arguments, which writes the secret.
    Command(Vec<String>),
    /// The name of a variable.
    Variable(String),
}

impl SecretSource {
    /// Reads the key of a secret.
    pub(super) fn new(key: &Key, setting: &Setting) -> Self {
        match key.form {
            Form::Path => Self::File(PathBuf::from(setting.text())),
            Form::Command => Self::Command(setting.values.clone()),
            Form::Variable => Self::Variable(setting.text().trim().to_owned()),
            // A variable has a list's parts one on each line.
            Form::List if matches!(setting.origin, Origin::Variable(_)) => {
                Self::given(setting.values.iter().flat_map(|value| value.lines()))
            }
            Form::List => Self::given(setting.values.iter().map(String::as_str)),
            Form::Text | Form::Number | Form::Switch | Form::Factors | Form::Names | Form::Sections => {
                Self::given([setting.text()])
            }
        }
    }

    fn given<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let texts = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
        Self::Given(texts.map(SecretString::from).collect())
    }

    /// Returns what may be shown of the key of this form that gives it; `None` where another key does.
    pub(crate) fn shown(&self, form: Form) -> Option<String> {
        match (self, form) {
            (Self::Given(_), Form::Text | Form::List) => Some("set".into()),
            (Self::File(path), Form::Path) => Some(path.display().to_string()),
            // Only the program: an argument of it may be secret.
            (Self::Command(words), Form::Command) => words.first().cloned(),
            (Self::Variable(name), Form::Variable) => Some(name.clone()),
            _ => None,
        }
    }
}
