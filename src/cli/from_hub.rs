//! `--from`: reads another `glwatch serve` instead of GitLab, with the same outputs.

use super::error::CliError;
use super::exit::Exit;
use super::format::Formats;
use super::progress::ProgressLine;
use super::recording::Recording;
use super::run_context::RunContext;
use super::secret::SecretRequest;
use super::watch::{ViewBackend, WatchedRun};
use super::{output, status, terminal, wait, wire};
use crate::collect::run::ReadingReply;
use crate::collect::watch::{self, FailedReading, RequestSender, WatchListener, WatchUpdate};
use crate::config::{Config, ConfigError, HubSettings, Origin};
use crate::domain::host::Host;
use crate::domain::id::GroupRef;
use crate::domain::past::KnownPast;
use crate::gitlab::{PlainHttp, PlainHttpOptions, RetryOptions, Token};
use crate::hub_client::client::HubClient;
use crate::hub_client::document::DocumentError;
use crate::hub_client::error::{HubError, HubProblem};
use crate::hub_client::feed::HubFeed;
use crate::hub_client::reader::{HubExpectations, HubReadError, HubReader};
use crate::hub_client::scope::HubScope;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tokio::sync::watch::Receiver;

/// Data that is older than so many intervals is old; a hub judges itself alike.
const FRESH_INTERVALS: u32 = 4;

/// Runs the status command over a hub. Nothing is cached or recorded: it is the hub's to remember, and what a foreign
/// server says is no fact of ours.
pub(super) fn show(
    hub: &HubSettings,
    config: &Config,
    formats: &Formats,
    run_context: &RunContext,
) -> Result<Exit, CliError> {
    let reader = reader(hub, config, run_context)?;
    let runtime = terminal::runtime()?;
    let work = async {
        if config.pace.watch {
            return watch_hub(reader, config, formats, run_context).await;
        }
        let (reply, past, exit) = read(reader, config).await?;
        same_host(&reply.snapshot.host, config)?;
        let past = if formats.want_past(&config.display) { past } else { Arc::default() };
        // A hub that has nothing but old rows has read nothing.
        let restored = Some(DateTime::<Utc>::MAX_UTC);
        let told = status::tell((reply, past), config, formats, run_context, restored).await?;
        Ok(told.worse(exit))
    };
    let outcome = runtime.block_on(terminal::until_stopped(work));
    runtime.shutdown_background();
    outcome
}

/// Reads the hub once, or until the wait is over.
async fn read(mut reader: HubReader, config: &Config) -> Result<(ReadingReply, Arc<KnownPast>, Exit), CliError> {
    let Some(wait) = &config.pace.wait else {
        let reply = reader.read().await.map_err(|error| hub_error(&error, config))?;
        return Ok((reply, reader.past(), Exit::Done));
    };
    let line = ProgressLine::new(config, output::stderr_is_terminal());
    let (feed, past, listener, _requests) = feed(reader, config);
    let readings = async { feed.run().await.map_err(|error| hub_error(&error, config)) };
    let (reply, exit) = wait::until_over(readings, listener.updates(), config, wait, &line).await?;
    let past = Arc::clone(&past.borrow());
    Ok((reply, past, exit))
}

/// Shows the hub live. Its first answer comes before the view: only then it is known which GitLab's pages are links.
async fn watch_hub(
    reader: HubReader,
    config: &Config,
    formats: &Formats,
    run_context: &RunContext,
) -> Result<Exit, CliError> {
    let hub = reader.shared_client();
    let (mut feed, past, listener, requests) = feed(reader, config);
    feed.refresh().await.map_err(|error| hub_error(&error, config))?;
    if let Some(snapshot) = listener.updates().borrow().whole() {
        same_host(&snapshot.host, config)?;
    }
    let readings = async { feed.run().await.map_err(|error| hub_error(&error, config)) };
    let recording = Recording::of_hub(past);
    let run = WatchedRun { config, formats, run_context, recording: &recording, services: ViewBackend::Hub(hub) };
    run.show(readings, listener, requests).await
}

/// Makes the readings of a watch over the hub, and the ways to and from them.
fn feed(reader: HubReader, config: &Config) -> (HubFeed, Receiver<Arc<KnownPast>>, WatchListener, RequestSender) {
    let (outlet, listener) = watch::watch_channel(WatchUpdate::new());
    let (asking, requests) = watch::request_queue();
    let (past, told) = tokio::sync::watch::channel(Arc::default());
    let interval = config.pace.interval;
    (HubFeed { reader, interval, outlet, past, requests, explain: failed_reading }, told, listener, asking)
}

/// Makes what reads the hub, and refuses what cannot be had from one.
pub(super) fn reader(hub: &HubSettings, config: &Config, run_context: &RunContext) -> Result<HubReader, CliError> {
    HubSettings::check(&run_context.settings)?;
    let rules = HubExpectations {
        scope: HubScope { groups: groups(config, run_context), filter: config.scope.filter.clone() },
        fresh_for: config.pace.interval * FRESH_INTERVALS + config.collecting.timeout,
        max_time: config.pace.max_time,
    };
    Ok(HubReader::new(Arc::new(client(hub, config, run_context)?), rules))
}

/// Returns the groups that are asked for. That a CI job belongs to a group asks for nothing.
fn groups(config: &Config, run_context: &RunContext) -> Vec<GroupRef> {
    match run_context.settings.shown("group-id") {
        Some((_, Origin::Ci(_))) => Vec::new(),
        _ => config.scope.groups.clone(),
    }
}

fn client(hub: &HubSettings, config: &Config, run_context: &RunContext) -> Result<HubClient, CliError> {
    let token = token(hub, config)?;
    if token.is_some() && hub.address.is_exposed() && !config.display.quiet {
        let home = &hub.address;
        output::to_stderr(&[format!("warning: {home} is not encrypted: anyone on the way can read the hub's token")]);
    }
    // Plain http to this machine is safe for a token only as long as no proxy passes it on.
    let proxy = run_context.proxy.as_ref().filter(|_| token.is_none() || !hub.address.is_plain());
    let http = PlainHttp::new(PlainHttpOptions {
        home: hub.home().map_err(|error| CliError::Start(std::io::Error::other(error)))?,
        token,
        timeout: config.collecting.timeout,
        ca: config.connection.ca_file.as_ref().map(wire::read_pem).transpose()?,
        insecure: config.connection.insecure,
        proxy: proxy.cloned(),
    });
    let http = http.map_err(|source| wire::setup_error(source, config, &hub.address))?;
    Ok(HubClient::new(http, RetryOptions { first_wait: config.collecting.retry_wait, ..RetryOptions::default() }))
}

/// Reads the hub's own token; GitLab's never goes there.
fn token(hub: &HubSettings, config: &Config) -> Result<Option<Token>, CliError> {
    const WHAT: &str = "token of the hub";
    let Some((source, origin)) = &hub.token else { return Ok(None) };
    let request = SecretRequest { what: WHAT, source, origin, limit: config.pace.max_time };
    if let Some(warning) = request.warning().filter(|_| !config.display.quiet) {
        output::to_stderr(&[format!("warning: {warning}")]);
    }
    let token = Token::new(&request.text()?).ok_or_else(|| CliError::Secret {
        origin: origin.to_string(),
        what: WHAT,
        problem: "has characters that no token has, such as a blank or a line break".into(),
    })?;
    Ok(Some(token))
}

/// Refuses a hub that reads another GitLab than the one that was asked for.
fn same_host(shown: &str, config: &Config) -> Result<(), CliError> {
    let asked = &config.connection.host;
    let is_asked = matches!(config.connection.host_origin, Origin::Flag(_));
    if is_asked && Host::parse(shown).ok().as_ref() != Some(asked) {
        let problem = format!("reads {shown}, and not {asked}");
        let hints = vec!["leave --host out, or name the hub of that GitLab".into()];
        let origin = Origin::Flag("from".into());
        return Err(CliError::Config(ConfigError { origin, value: None, problem, hints }));
    }
    Ok(())
}

/// Finds the words for a hub that shows nothing.
pub(super) fn hub_error(error: &HubReadError, config: &Config) -> CliError {
    let hub = config.hub.as_ref().map(|hub| hub.address.to_string()).unwrap_or_default();
    match error {
        HubReadError::NoGroup(missing) => CliError::Refused {
            problem: missing.to_string(),
            hints: vec![format!("it shows {}", missing.shown.join(", "))],
        },
        HubReadError::Failed(failed) => CliError::Hub {
            headline: format!("the hub {hub} cannot be read: {}", failed.failure.sentence()),
            request: failed.failure.request.clone(),
            hints: hints(failed),
        },
    }
}

/// The same for a watch that goes on.
fn failed_reading(error: &HubReadError) -> FailedReading {
    match error {
        HubReadError::NoGroup(missing) => FailedReading { cause: missing.to_string(), hints: Vec::new() },
        HubReadError::Failed(failed) => FailedReading { cause: failed.failure.message.clone(), hints: hints(failed) },
    }
}

fn hints(failed: &HubError) -> Vec<String> {
    let hint = match &failed.problem {
        HubProblem::TokenWanted | HubProblem::TokenRefused => {
            "what [serve] access_token is there, give here as from_token_file in the file, or GLWATCH_FROM_TOKEN"
        }
        HubProblem::Document(DocumentError::OtherSchema { .. }) => "run the same version of glwatch on both sides",
        HubProblem::Page | HubProblem::Document(_) | HubProblem::NoAge | HubProblem::Redirect { .. } => {
            "check that --from is the address of a glwatch serve"
        }
        HubProblem::NotReady { .. } => "the hub may still be reading GitLab: its own standard error says what is wrong",
        HubProblem::Http(_) | HubProblem::Status { .. } => "check that glwatch serve runs there, and that you reach it",
    };
    vec![hint.to_owned()]
}
