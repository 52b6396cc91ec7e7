//! Which rows are shown: what is typed after `/`, and the quick filters.
//!
//! ```text
//! filter   terms between blanks; all of them must hold
//! !term    the term must not hold
//! ~text    its characters occur in this order
//! text     is contained in the project's path, the ref or the user, in any case
//! key:a,b  status, ref, user, stage, job, age, group or reason is a or b
//! ```

use crate::domain::job::Job;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::{ProjectRow, RowState, StateWord};
use crate::domain::status::Status;
use crate::text::duration::parse_duration;
use chrono::{DateTime, TimeDelta, Utc};

/// What a value is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FilterKey {
    Status,
    Ref,
    User,
    Stage,
    Job,
    Age,
    Group,
    Reason,
}

/// Every key, in the order in which completion offers them.
const KEYS: [(&str, FilterKey); 8] = [
    ("status", FilterKey::Status),
    ("ref", FilterKey::Ref),
    ("user", FilterKey::User),
    ("stage", FilterKey::Stage),
    ("job", FilterKey::Job),
    ("age", FilterKey::Age),
    ("group", FilterKey::Group),
    ("reason", FilterKey::Reason),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Text(String),
    /// In this order, with anything in between.
    Letters(String),
    OneOf(FilterKey, Vec<String>),
    YoungerThan(TimeDelta),
    OlderThan(TimeDelta),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FilterTerm {
    is_inverse: bool,
    condition: Condition,
}

/// Terms that must all hold; without any, all rows are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFilter {
    text: String,
    terms: Vec<FilterTerm>,
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("no filter key \"{0}\": there are status, ref, user, stage, job, age, group, reason")]
    UnknownKey(String),
    #[error("age:{0} is no age: write age:<1h or age:>2d")]
    NoAge(String),
}

impl RowFilter {
    /// Reads what was typed. A term that is not finished, such as `status:`, does not filter yet.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let terms = text.split_whitespace().filter_map(|word| term(word).transpose()).collect::<Result<_, _>>()?;
        Ok(Self { text: text.trim().to_owned(), terms })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Says whether a pipeline of a row is wanted; `None` is a row that has no pipeline.
    pub fn matches(&self, row: &ProjectRow, pipeline: Option<&Pipeline>, now: DateTime<Utc>) -> bool {
        self.terms.iter().all(|term| term.condition.holds(row, pipeline, now) != term.is_inverse)
    }
}

fn term(word: &str) -> Result<Option<FilterTerm>, FilterError> {
    let (is_inverse, rest) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
    let lower = rest.to_lowercase();
    let condition = match (lower.strip_prefix('~'), lower.split_once(':')) {
        (Some(letters), _) if !letters.is_empty() => Condition::Letters(letters.to_owned()),
        (_, Some((key, value))) => match condition(key, value)? {
            Some(condition) => condition,
            None => return Ok(None),
        },
        // A merge request is written `!12`: only what follows is looked for, and `!` alone is not finished.
        _ if lower.is_empty() || lower == "~" => return Ok(None),
        _ => Condition::Text(lower),
    };
    Ok(Some(FilterTerm { is_inverse, condition }))
}

fn condition(key: &str, value: &str) -> Result<Option<Condition>, FilterError> {
    let known = KEYS.iter().find(|(word, _)| *word == key).map(|(_, key)| *key);
    let key = known.ok_or_else(|| FilterError::UnknownKey(key.to_owned()))?;
    if key == FilterKey::Age {
        let digits = value.trim_start_matches(['<', '>']);
        if digits.is_empty() {
            return Ok(None);
        }
        let age = parse_duration(digits).ok().and_then(|age| TimeDelta::from_std(age).ok());
        let age = age.ok_or_else(|| FilterError::NoAge(value.to_owned()))?;
        let is_older = value.starts_with('>');
        return Ok(Some(if is_older { Condition::OlderThan(age) } else { Condition::YoungerThan(age) }));
    }
    let values: Vec<String> = value.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect();
    Ok((!values.is_empty()).then_some(Condition::OneOf(key, values)))
}

impl Condition {
    fn holds(&self, row: &ProjectRow, pipeline: Option<&Pipeline>, now: DateTime<Utc>) -> bool {
        let age = || pipeline.and_then(|pipeline| pipeline.created_at).map(|then| now - then);
        match self {
            Self::Text(text) => searched(row, pipeline).any(|part| part.to_lowercase().contains(text)),
            Self::Letters(letters) => searched(row, pipeline).any(|part| has_letters(&part.to_lowercase(), letters)),
            Self::OneOf(key, values) => values.iter().any(|value| key.holds(value, row, pipeline)),
            Self::YoungerThan(limit) => age().is_some_and(|age| age < *limit),
            Self::OlderThan(limit) => age().is_some_and(|age| age > *limit),
        }
    }
}

/// Returns what a term without a key is looked for in.
fn searched<'a>(row: &'a ProjectRow, pipeline: Option<&'a Pipeline>) -> impl Iterator<Item = &'a str> {
    let of_pipeline = pipeline
        .into_iter()
        .flat_map(|pipeline| std::iter::once(pipeline.git_ref.name.as_str()).chain(pipeline.user.as_deref()));
    std::iter::once(row.project.full_path.as_str()).chain(of_pipeline)
}

fn has_letters(text: &str, letters: &str) -> bool {
    let mut rest = text.chars();
    letters.chars().all(|letter| rest.any(|c| c == letter))
}

impl FilterKey {
    fn holds(self, value: &str, row: &ProjectRow, pipeline: Option<&Pipeline>) -> bool {
        let contains = |text: &str| text.to_lowercase().contains(value);
        let jobs = || pipeline.into_iter().flat_map(Pipeline::jobs);
        match self {
            Self::Status => is_status(value, row, pipeline),
            Self::Ref => pipeline.is_some_and(|pipeline| contains(&pipeline.git_ref.name)),
            Self::User => pipeline.and_then(|pipeline| pipeline.user.as_deref()).is_some_and(contains),
            Self::Group => row.project.ancestors().any(contains),
            // What passed or has not begun is in every pipeline: a stage or job is looked for where it is in trouble or runs.
            Self::Stage => jobs().any(|job| is_telling(job) && contains(&job.stage)),
            Self::Job => jobs().any(|job| is_telling(job) && contains(&job.name)),
            Self::Reason => {
                let of_jobs = jobs().filter_map(|job| job.failure_reason.as_deref());
                let of_pipeline = pipeline.and_then(|pipeline| pipeline.failure_reason.as_deref());
                of_jobs.chain(of_pipeline).chain(row.failure().map(|failure| failure.message.as_str())).any(contains)
            }
            Self::Age => false,
        }
    }
}

fn is_telling(job: &Job) -> bool {
    job.status.is_active() || job.status.needs_attention()
}

fn is_status(value: &str, row: &ProjectRow, pipeline: Option<&Pipeline>) -> bool {
    let is_state = row.state_word().word() == value;
    is_state || pipeline.is_some_and(|pipeline| pipeline.worst().word() == value || pipeline.status.word() == value)
}

/// Completes the word under the cursor at the end of the text: a key, or a value that a row has.
pub fn completed(text: &str, rows: &[ProjectRow]) -> Option<String> {
    let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let (before, word) = text.split_at(start);
    let (sign, word) = word.strip_prefix('!').map_or(("", word), |word| ("!", word));
    let Some((key, values)) = word.split_once(':') else {
        let (key, _) = KEYS.iter().find(|(key, _)| !word.is_empty() && key.starts_with(word))?;
        return Some(format!("{before}{sign}{key}:"));
    };
    let (_, key) = KEYS.iter().find(|(known, _)| *known == key)?;
    let (done, begun) = values.rfind(',').map_or(("", values), |at| values.split_at(at + 1));
    let found = candidates(*key, rows).into_iter().find(|value| value.starts_with(begun) && value != begun)?;
    let word = KEYS.iter().find(|(_, known)| known == key).map_or("", |(word, _)| word);
    Some(format!("{before}{sign}{word}:{done}{found}"))
}

/// Returns the values that rows have, those that are found most often first.
fn candidates(key: FilterKey, rows: &[ProjectRow]) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let mut count = |value: &str| {
        let value = value.to_lowercase();
        // A value with a blank would become two terms.
        if value.is_empty() || value.contains(char::is_whitespace) || value.contains(',') {
            return;
        }
        match counts.iter_mut().find(|(known, _)| *known == value) {
            Some((_, n)) => *n += 1,
            None => counts.push((value, 1)),
        }
    };
    for row in rows {
        if key == FilterKey::Status && row.pipelines().is_empty() {
            count(row.state_word().word());
        }
        if key == FilterKey::Group {
            row.project.ancestors().for_each(&mut count);
        }
        for pipeline in row.pipelines() {
            match key {
                FilterKey::Status => count(pipeline.worst().word()),
                FilterKey::Ref => count(&pipeline.git_ref.name),
                FilterKey::User => pipeline.user.iter().for_each(|user| count(user)),
                FilterKey::Stage => pipeline.stages.iter().for_each(|stage| count(&stage.name)),
                FilterKey::Job => pipeline.jobs().filter(|job| is_telling(job)).for_each(|job| count(&job.name)),
                FilterKey::Reason => {
                    pipeline.jobs().filter_map(|job| job.failure_reason.as_deref()).for_each(&mut count)
                }
                FilterKey::Age | FilterKey::Group => {}
            }
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.into_iter().map(|(value, _)| value).collect()
}

/// A filter on one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QuickFilter {
    #[default]
    All,
    /// What failed, waits for a person, passed with a warning or could not be read.
    Attention,
    Red,
    Running,
    /// Waits for a person.
    Manual,
    Warning,
    /// Stale, or not read at all.
    Unread,
}

impl QuickFilter {
    /// Says in a word what is shown; `None` for everything.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::Attention => Some("only what wants attention"),
            Self::Red => Some("only what failed"),
            Self::Running => Some("only what runs"),
            Self::Manual => Some("only what waits for a person"),
            Self::Warning => Some("only warnings"),
            Self::Unread => Some("only what is stale or unread"),
        }
    }

    pub fn matches(self, row: &ProjectRow, pipeline: Option<&Pipeline>) -> bool {
        let worst = pipeline.map(Pipeline::worst);
        let is = |status: &Status| worst.as_ref() == Some(status);
        let has = |is_it: fn(&Job) -> bool| pipeline.is_some_and(|pipeline| pipeline.jobs().any(is_it));
        let is_unread = matches!(row.state, RowState::Stale { .. } | RowState::Error(_))
            || pipeline.is_some_and(|pipeline| pipeline.unread.is_some() || pipeline.has_unread_below());
        match self {
            Self::All => true,
            Self::Attention => {
                row.failure().is_some_and(|_| row.state_word() != StateWord::NoAccess)
                    || worst.is_some_and(|worst| worst.needs_attention())
            }
            Self::Red => is(&Status::Failed),
            Self::Running => worst.is_some_and(|worst| worst.is_active()),
            Self::Manual => is(&Status::Manual) || has(|job| job.status == Status::Manual),
            Self::Warning => is(&Status::Warning),
            Self::Unread => is_unread,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::job;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::job::Stage;
    use std::sync::Arc;

    fn noon() -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    /// A red pipeline of `payments/api` on `main` by ada, an hour old, in which `unit` of `test` failed.
    fn red() -> ProjectRow {
        let mut red = ran("acme/payments/api", Status::Failed, noon().timestamp() - 3600);
        if let RowState::Ok(pipelines) = &mut red.state {
            let pipeline = &mut Arc::make_mut(pipelines)[0];
            pipeline.user = Some("ada".into());
            let unit = Job { failure_reason: Some("script_failure".into()), ..job("unit", Status::Failed) };
            let jobs = vec![
                Job { stage: "test".into(), ..unit },
                Job { stage: "build".into(), ..job("make", Status::Success) },
            ];
            pipeline.stages = vec![Stage { name: "test".into(), status: Status::Failed, jobs }];
        }
        red
    }

    #[test]
    fn a_term_is_looked_for_where_its_key_says() {
        let cases = [
            ("nothing is asked", "", true),
            ("a part of the path, in any case", "PAY", true),
            ("another project", "web", false),
            ("all terms must hold", "pay ref:main", true),
            ("one of them does not", "pay ref:next", false),
            ("an inverse term", "!web", true),
            ("an inverse term that holds", "!pay", false),
            ("letters in this order", "~pmtapi", true),
            ("letters in another order", "~ipa", false),
            ("one of several values", "status:running,failed", true),
            ("another status", "status:running", false),
            ("no status", "!status:failed", false),
            ("the user", "user:ada", true),
            ("a group, as a whole path or a part of it", "group:acme/pay", true),
            ("a stage in which something failed", "stage:test", true),
            ("a stage in which all passed", "stage:build", false),
            ("a job that failed", "job:unit", true),
            ("a job that passed", "job:make", false),
            ("the reason", "reason:script", true),
            ("younger than", "age:<2h", true),
            ("older than", "age:>2h", false),
            ("not finished: no value yet", "status:", true),
            ("not finished: no age yet", "age:<", true),
            ("not finished: no term yet", "!", true),
        ];
        for (sentence, text, expected) in cases {
            let (filter, row) = (RowFilter::parse(text).unwrap(), red());
            assert_eq!(filter.matches(&row, row.pipelines().first(), noon()), expected, "{sentence}");
        }
    }

    #[test]
    fn a_row_without_a_pipeline_is_found_by_its_state() {
        let row = row("acme/legacy", RowState::Error(failure()));
        let matches = |text| RowFilter::parse(text).unwrap().matches(&row, None, noon());
        assert!(matches("status:error") && matches("legacy") && !matches("ref:main") && !matches("age:<1h"));
    }

    #[test]
    fn what_is_no_filter_is_refused_with_the_reason() {
        assert_eq!(RowFilter::parse("state:failed"), Err(FilterError::UnknownKey("state".into())));
        assert_eq!(RowFilter::parse("age:soon"), Err(FilterError::NoAge("soon".into())));
    }

    #[test]
    fn a_word_is_completed_with_what_the_rows_have() {
        let rows = [red(), red(), ran("acme/web", Status::Running, 1)];
        let cases = [
            ("a key", "st", Some("status:")),
            ("a key behind other terms", "pay !re", Some("pay !ref:")),
            ("a value, the most frequent first", "status:", Some("status:failed")),
            ("a begun value", "status:ru", Some("status:running")),
            ("a second value", "status:failed,r", Some("status:failed,running")),
            ("nothing fits", "status:x", None),
            ("no key begins so", "zz", None),
            ("nothing was typed", "", None),
        ];
        for (sentence, text, expected) in cases {
            assert_eq!(completed(text, &rows).as_deref(), expected, "{sentence}");
        }
    }

    #[test]
    fn a_quick_filter_shows_one_kind_of_rows() {
        use QuickFilter::{All, Attention, Manual, Red, Running, Unread, Warning};
        let stale = RowState::Stale { pipelines: red().pipelines().to_vec().into(), failure: failure() };
        let rows = [
            ("failed", red(), vec![All, Attention, Red]),
            ("running", ran("acme/a", Status::Running, 1), vec![All, Running]),
            ("manual", ran("acme/a", Status::Manual, 1), vec![All, Attention, Manual]),
            ("warning", ran("acme/a", Status::Warning, 1), vec![All, Attention, Warning]),
            ("passed", ran("acme/a", Status::Success, 1), vec![All]),
            ("unread", row("acme/a", RowState::Error(failure())), vec![All, Attention, Unread]),
            ("stale", row("acme/a", stale), vec![All, Attention, Red, Unread]),
        ];
        for (sentence, row, expected) in rows {
            let filters = [All, Attention, Red, Running, Manual, Warning, Unread];
            let found: Vec<_> =
                filters.into_iter().filter(|filter| filter.matches(&row, row.pipelines().first())).collect();
            assert_eq!(found, expected, "{sentence}");
        }
    }
}
