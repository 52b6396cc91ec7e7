//! A view of the configuration: what is shown of the list, and in which order, under a name.

use super::filter::{QuickFilter, RowFilter};
use super::screens::overview::OverviewScreen;
use crate::domain::health::RowOrder;

/// What a view may say.
const KEYS: [&str; 5] = ["filter", "only", "sort", "reverse", "groups"];
/// The quick filters by their names.
const ONLY: [(&str, QuickFilter); 7] = [
    ("red", QuickFilter::Red),
    ("running", QuickFilter::Running),
    ("manual", QuickFilter::Manual),
    ("warnings", QuickFilter::Warning),
    ("unread", QuickFilter::Unread),
    ("attention", QuickFilter::Attention),
    ("all", QuickFilter::All),
];

/// A view that has a name; what it does not say is as it was in the beginning.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamedView {
    pub name: String,
    filter: RowFilter,
    only: QuickFilter,
    order: RowOrder,
    is_reversed: bool,
    is_flat: bool,
}

/// Why a view cannot be: the word, what is wrong with it, and the words that are permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewProblem {
    pub word: String,
    pub problem: String,
    pub permitted: Vec<&'static str>,
}

impl NamedView {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes one of its settings.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), ViewProblem> {
        let refuse = |word: &str, problem: String, permitted: Vec<&'static str>| ViewProblem {
            word: word.to_owned(),
            problem,
            permitted,
        };
        let switch = |text: &str| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(refuse(other, "is neither true nor false".into(), vec![])),
        };
        match key {
            "filter" => {
                self.filter =
                    RowFilter::parse(text).map_err(|error| refuse(text, format!("is no filter: {error}"), vec![]))?;
            }
            "only" => self.only = word(text, &ONLY, "quick filter")?,
            "sort" => self.order = word(text, &RowOrder::ALL, "order")?,
            "reverse" => self.is_reversed = switch(text)?,
            "groups" => self.is_flat = !switch(text)?,
            other => {
                let problem = format!("is no part of a view: permitted are {}", KEYS.join(", "));
                return Err(refuse(other, problem, KEYS.to_vec()));
            }
        }
        Ok(())
    }

    /// Shows the list so.
    pub fn show(&self, list: &mut OverviewScreen) {
        (list.filter, list.quick) = (self.filter.clone(), self.only);
        (list.order, list.is_reversed, list.is_flat) = (self.order, self.is_reversed, self.is_flat);
    }
}

fn word<T: Copy>(text: &str, known: &[(&'static str, T)], what: &str) -> Result<T, ViewProblem> {
    known.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let permitted: Vec<&'static str> = known.iter().map(|(word, _)| *word).collect();
        let problem = format!("is no {what}: permitted are {}", permitted.join(", "));
        ViewProblem { word: text.to_owned(), problem, permitted }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_takes_what_it_knows_and_refuses_the_rest() {
        let cases = [
            ("filter", "status:failed ref:main", ""),
            ("only", "red", ""),
            ("sort", "name", ""),
            ("reverse", "true", ""),
            ("groups", "false", ""),
            ("filter", "age:soon", "is no filter"),
            ("filter", "stauts:failed", "is no filter"),
            ("only", "rde", "is no quick filter"),
            ("sort", "size", "is no order"),
            ("groups", "maybe", "is neither true nor false"),
            ("colour", "red", "is no part of a view"),
        ];
        for (key, text, problem) in cases {
            let said = NamedView::new("v").set(key, text).map_or_else(|refused| refused.problem, |()| String::new());
            assert!(said.starts_with(problem) && said.is_empty() == problem.is_empty(), "{key} {text}: {said}");
        }
    }
}
