//! The only place that prints an error: message, causes one per line, and hints that say what to do next.

use super::exit::Exit;
use super::hint;
use super::output;
use crate::collect::find::{FindError, TargetError};
use crate::collect::run::GroupError;
use crate::config::ConfigError;
use crate::domain::failure::FailedRequest;
use crate::gitlab::error::{Error, Kind, SetupError};
use crate::history::store::HistoryError;
use std::io;

/// What ends a run before its job is done.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{origin}: failed to read \"{path}\"")]
    File { origin: String, path: String, source: io::Error },
    #[error("--log-file: failed to write to \"{path}\"")]
    LogFile { path: String, source: io::Error },
    /// What was written before is there.
    #[error("--log-file: \"{path}\" lacks lines: failed to write to it")]
    LogCut { path: String, source: io::Error },
    #[error("{origin}: failed to write \"{path}\"")]
    Unwritable { origin: String, path: String, source: io::Error },
    #[error("{origin}: failed to run the program that prints the {what}")]
    Command { origin: String, what: &'static str, source: io::Error },
    #[error("{origin}: \"{path}\" cannot be used")]
    Certificate { origin: String, path: String, source: SetupError },
    #[error("{origin}: the {what} {problem}")]
    Secret { origin: String, what: &'static str, problem: String },
    #[error("{headline}")]
    Group { headline: String, group: GroupError, hints: Vec<String> },
    #[error("the filters leave no project: {excluded} of {excluded} are left out")]
    NothingLeft { excluded: usize, unmatched: Vec<String> },
    #[error("the group has no projects, or none that this token may see")]
    EmptyGroup { hints: Vec<String> },
    #[error("{origin}: no project has a pipeline for {}", .refs.join(", "))]
    UnknownRef { origin: String, refs: Vec<String>, hints: Vec<String> },
    #[error("not one project's pipelines could be read; the first of {projects}: {first}")]
    NothingRead { projects: usize, first: String, hints: Vec<String> },
    #[error("\"{text}\" {problem}")]
    Target { text: String, problem: TargetError },
    #[error("{headline}")]
    Find { headline: String, error: FindError, hints: Vec<String> },
    #[error("{headline}")]
    Request { headline: String, source: Box<Error>, hints: Vec<String> },
    /// A hub shows nothing.
    #[error("{headline}")]
    Hub { headline: String, request: Option<Box<FailedRequest>>, hints: Vec<String> },
    /// What was asked for cannot be, for a reason that is the user's to change.
    #[error("{problem}")]
    Refused { problem: String, hints: Vec<String> },
    /// More than one thing may be meant: these.
    #[error("{problem}")]
    Choice { problem: String, table: Vec<String>, hints: Vec<String> },
    #[error("failed to write the output")]
    Output(#[source] io::Error),
    #[error("the history cannot be used")]
    History(#[source] HistoryError),
    #[error("failed to show the live view")]
    View(#[source] io::Error),
    #[error("failed to write \"{path}\"")]
    Export { path: String, source: io::Error },
    #[cfg(feature = "demo")]
    #[error("failed to start the simulated GitLab")]
    Sim(#[source] io::Error),
    #[error("failed to start")]
    Start(#[source] io::Error),
    #[error("interrupted")]
    Stopped(Exit),
}

impl CliError {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Config(_)
            | Self::File { .. }
            | Self::LogFile { .. }
            | Self::Command { .. }
            | Self::Certificate { .. }
            | Self::Secret { .. }
            | Self::Target { .. }
            | Self::Refused { .. }
            | Self::Choice { .. }
            | Self::Find { error: FindError::Ambiguous { .. } | FindError::NoGroup { .. }, .. }
            | Self::NothingLeft { .. }
            | Self::EmptyGroup { .. }
            | Self::UnknownRef { .. } => Exit::Usage,
            Self::Group { .. }
            | Self::Find { .. }
            | Self::Request { .. }
            | Self::Hub { .. }
            | Self::NothingRead { .. }
            | Self::History(_)
            | Self::Start(_) => Exit::NoData,
            #[cfg(feature = "demo")]
            Self::Sim(_) => Exit::NoData,
            Self::Output(_) | Self::View(_) | Self::Export { .. } | Self::Unwritable { .. } | Self::LogCut { .. } => {
                Exit::Unwritten
            }
            Self::Stopped(exit) => *exit,
        }
    }

    /// Returns the request that failed, if it was one.
    fn request(&self) -> Option<&Error> {
        match self {
            Self::Group { group, .. } => Some(&group.source),
            Self::Find { error: FindError::Failed { source, .. }, .. } | Self::Request { source, .. } => Some(source),
            _ => None,
        }
    }

    pub(super) fn hints(&self) -> Vec<String> {
        match self {
            Self::Config(error) if error.hints.is_empty() => vec![hint::for_setting(&error.origin)],
            Self::Config(error) => error.hints.clone(),
            Self::Group { hints, .. }
            | Self::Find { hints, .. }
            | Self::Request { hints, .. }
            | Self::Hub { hints, .. }
            | Self::Refused { hints, .. }
            | Self::EmptyGroup { hints }
            | Self::UnknownRef { hints, .. }
            | Self::Choice { hints, .. }
            | Self::NothingRead { hints, .. } => hints.clone(),
            Self::Target { .. } => vec![
                "such as acme/api, acme/api#812, acme/api@main, or the address of a pipeline or job in the browser"
                    .into(),
            ],
            Self::Secret { what, .. } => vec![hint::for_secret(what)],
            Self::Certificate { source, .. } => {
                vec![hint::for_certificate(source).into()]
            }
            Self::NothingLeft { unmatched, .. } => hint::nothing_left(unmatched),
            Self::Unwritable { .. } => {
                vec!["check that you may write there, or name another file: --config FILE".into()]
            }
            Self::Output(_) => vec!["check that there is room on the disk, then run again".into()],
            Self::View(_) => vec!["a pipe needs no terminal: glwatch --watch | cat, or -o ndjson".into()],
            Self::Export { source, .. } => vec![hint::unwritten(source).into()],
            Self::Command { what: "token", .. } => vec!["run it by hand: its first line must be the token".into()],
            Self::Command { what, .. } => vec![format!("run it by hand; {}", hint::for_secret(what))],
            Self::File { .. } => vec!["check that the file exists and that you may read it".into()],
            Self::LogCut { .. } => vec!["check that there is room on the disk".into()],
            Self::LogFile { .. } => vec!["check that its folder exists and that you may write there".into()],
            #[cfg(feature = "demo")]
            Self::Sim(_) => {
                vec!["the simulated GitLab listens on a port of this machine only; choose one that is free".into()]
            }
            Self::History(_) | Self::Start(_) | Self::Stopped(_) => Vec::new(),
        }
    }
}

/// Prints an error and returns the exit code that goes with it. The first line is a sentence, the request comes last.
pub(super) fn report(error: &CliError) -> Exit {
    if let CliError::Stopped(exit) = error {
        return *exit;
    }
    let mut causes = causes(error).into_iter();
    let mut lines = vec![format!("error: {}", causes.next().unwrap_or_default())];
    lines.extend(causes.map(|cause| format!("  {cause}")));
    if let CliError::Choice { table, .. } = error {
        lines.extend(table.iter().map(|line| format!("  {line}")));
    }
    lines.extend(error.hints().into_iter().map(|hint| format!("Hint: {hint}")));
    let of_hub = match error {
        CliError::Hub { request, .. } => request.as_deref().map(ToString::to_string),
        _ => None,
    };
    let request = error.request().map(|error| error.failed_request().to_string()).or(of_hub);
    lines.extend(request.map(|request| format!("Request: {request}")));
    output::to_stderr(&lines);
    error.exit()
}

/// Returns the message and its causes, each said once.
pub(super) fn causes(error: &CliError) -> Vec<String> {
    let mut lines = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    if let Some(request) = error.request() {
        if let Kind::Status { said, .. } = &request.kind
            && !said.is_empty()
            && !lines[0].contains(said.as_str())
        {
            lines.push(format!("the server answered: {said}"));
        }
        // The headline has said what the error itself says.
        cause = std::error::Error::source(request);
    }
    while let Some(next) = cause {
        let text = next.to_string();
        if !lines.iter().any(|line| line.ends_with(&text)) {
            lines.push(format!("caused by: {text}"));
        }
        cause = next.source();
    }
    lines
}
