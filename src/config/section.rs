//! The validated configuration, by section.

use super::cost::CostSettings;
use super::error::ConfigError;
use super::history::HistorySettings;
use super::hub::HubSettings;
use super::nearest::meant;
use super::notify::NotifySettings;
use super::origin::Origin;
use super::secret::SecretSource;
use super::serve::ServeSettings;
use crate::domain::health::{FailOn, RowOrder};
use crate::domain::host::Host;
use crate::domain::id::GroupRef;
use crate::domain::selection::{ProjectFilter, RefSelector};
use crate::domain::token::TokenHeader;
use crate::domain::usage::ApiChoice;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that a run can be told.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub connection: Connection,
    /// What is read instead of GitLab, where something is.
    pub hub: Option<HubSettings>,
    pub scope: Scope,
    pub collecting: Collecting,
    pub pace: Pace,
    pub display: Display,
    pub verdict: Verdict,
    pub acting: Acting,
    pub history: HistorySettings,
    pub cost: CostSettings,
    pub notify: NotifySettings,
    pub serve: ServeSettings,
}

/// What the host is shown where it asks for a certificate.
#[derive(Debug, Clone)]
pub(crate) struct ClientCertificate {
    pub certificate: (PathBuf, Origin),
    /// The certificate's own file where no other one is named.
    pub key: (PathBuf, Origin),
}

/// Whom to ask, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub host: Host,
    pub host_origin: Origin,
    pub token: Option<(SecretSource, Origin)>,
    pub token_header: TokenHeader,
    /// `Name: value` each.
    pub headers: Option<(SecretSource, Origin)>,
    pub ca_file: Option<(PathBuf, Origin)>,
    pub client_certificate: Option<ClientCertificate>,
    pub insecure: bool,
}

impl Config {
    /// Returns where a secret comes from.
    pub(crate) fn secret(&self, name: &str) -> Option<&(SecretSource, Origin)> {
        match name {
            "from-token" => self.hub.as_ref()?.token.as_ref(),
            name => self.connection.secret(name).or_else(|| self.serve.secret(name)),
        }
    }
}

impl Connection {
    /// Returns where a secret comes from.
    fn secret(&self, name: &str) -> Option<&(SecretSource, Origin)> {
        match name {
            "token" => self.token.as_ref(),
            "header" => self.headers.as_ref(),
            _ => None,
        }
    }
}

/// Which projects and pipelines.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// May be none: not every command needs one. See [`Config::required_groups`].
    pub groups: Vec<GroupRef>,
    /// `GLWATCH_GROUP_ID` is set to nothing, which is worth saying where a group is missing.
    pub is_group_variable_empty: bool,
    pub filter: ProjectFilter,
    pub subgroups: bool,
    pub archived: bool,
    pub refs: Vec<RefSelector>,
}

/// How fast and how patiently.
#[derive(Debug, Clone)]
pub(crate) struct Collecting {
    pub api: ApiChoice,
    pub concurrency: usize,
    pub rps: Option<f64>,
    pub timeout: Duration,
    /// Before the second attempt; doubles from there.
    pub retry_wait: Duration,
    /// Whether what is read is kept for the next run.
    pub cache: bool,
}

/// Once, again and again, or until the pipelines have ended.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub watch: bool,
    pub interval: Duration,
    /// From one reading of the list of projects to the next.
    pub list_interval: Duration,
    /// From one reading of a log that is followed to the next; grows while nothing new comes.
    pub follow_wait: Duration,
    pub wait: Option<Wait>,
    /// What a command that ends by itself, or one refresh, may take in all.
    pub max_time: Duration,
}

/// When a wait ends.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    pub deadline: Duration,
    /// At the first match of `--fail-on`.
    pub fail_fast: bool,
    pub newer_than: Option<NewerThan>,
}

/// How recent a pipeline has to be to be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewerThan {
    Time(DateTime<Utc>),
    /// This long before the run began.
    Ago(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Table,
    Wide,
    Json,
    Ndjson,
    Csv,
    Markdown,
    Junit,
    Openmetrics,
}

impl Output {
    pub(crate) const ALL: [(&'static str, Self); 8] = [
        ("table", Self::Table),
        ("wide", Self::Wide),
        ("json", Self::Json),
        ("ndjson", Self::Ndjson),
        ("csv", Self::Csv),
        ("markdown", Self::Markdown),
        ("junit", Self::Junit),
        ("openmetrics", Self::Openmetrics),
    ];
}

/// A file that is written beside the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Export {
    pub output: Output,
    pub path: PathBuf,
}

/// Words whose meaning another module knows; with their origin, so that it can refuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub words: Vec<String>,
    pub origin: Origin,
}

impl Choice {
    /// Refuses a word that is none of the permitted ones, and names the one that was probably meant.
    pub(crate) fn refuse(&self, word: &str, problem: String, permitted: &[&str]) -> ConfigError {
        let hints = meant(word, permitted);
        ConfigError { origin: self.origin.clone(), value: Some(word.to_owned()), problem, hints }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// The width of the stages column, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StagesWidthSetting {
    Auto,
    Cells(u16),
}

/// How it looks.
#[derive(Debug, Clone)]
pub(crate) struct Display {
    pub output: Output,
    pub exports: Vec<Export>,
    /// What is shown; everything by default.
    pub only: Option<FailOn>,
    /// The columns of tables and records.
    pub columns: Option<Choice>,
    pub color: Color,
    pub ascii: bool,
    /// Lines and words instead of a picture.
    pub plain: bool,
    /// `VIEW.KEY=VALUE` each.
    pub views: Option<Choice>,
    /// Whether a view begins as the last one of its groups was left.
    pub remembers_view: bool,
    pub theme: Choice,
    /// `THEME.TONE=STYLE` each.
    pub themes: Option<Choice>,
    /// `ACTION=KEY` each.
    pub keys: Option<Choice>,
    pub stages_width: StagesWidthSetting,
    pub sort: RowOrder,
    /// It was set, and is not the default.
    pub sort_is_chosen: bool,
    /// Shows times in this zone instead of ages.
    pub timezone: Option<Tz>,
    pub quiet: bool,
    pub log_file: Option<PathBuf>,
}

impl Display {
    /// Returns every form that is written, to standard output or to a file.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = Output> {
        [self.output].into_iter().chain(self.exports.iter().map(|export| export.output))
    }
}

/// What the exit code says.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub fail_on: FailOn,
    pub allow_partial: bool,
}

/// Whether anything may be changed in GitLab, and whether to ask first.
#[derive(Debug, Clone)]
pub(crate) struct Acting {
    /// Who forbids it.
    pub read_only: Option<Origin>,
    /// Everything is agreed to beforehand.
    pub yes: bool,
}
