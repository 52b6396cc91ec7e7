//! `--watch`: the live view on a terminal, elsewhere one line per change or one JSON event per line.

use super::cache::Cache;
use super::error::{self, CliError};
use super::exit::Exit;
use super::format::{self, Formats, OutputPlace};
use super::recording::Recording;
use super::run_context::RunContext;
use super::terminal;
use super::{dashboard, export, notify, output};
use crate::act::rights::TokenRights;
use crate::collect::run::Collector;
use crate::collect::told::ToldProjects;
use crate::collect::watch::{
    self, ChangeNews, RequestSender, WatchHooks, WatchListener, WatchPace, WatchPhase, WatchUpdate,
};
use crate::config::{Config, NoticeWay, Output};
use crate::domain::change;
use crate::domain::snapshot::Snapshot;
use crate::gitlab::client::Client;
use crate::hub_client::client::HubClient;
use crate::render::table::TableStyle;
use crate::render::{changes as lines, ndjson};
use crate::report::cell::Column;
use crate::report::contract::StatusDocument;
use crate::report::event::ChangeEvent;
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use crate::tui::facts::ViewOptions;
use crate::tui::run::ViewEnd;
use std::cell::RefCell;
use std::io::{self, Write};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch as channel};

/// How long the end of a watch waits for files that are being written: a pipe without a reader is never written.
const LAST_EXPORT: Duration = Duration::from_secs(2);

/// Watches until the user, a signal or a closed output ends it.
pub(super) async fn run(
    collector: Collector,
    config: &Config,
    formats: &Formats,
    surroundings: &RunContext,
    (cache, recording): (&Cache, &Recording),
) -> Result<Exit, CliError> {
    let is_view = is_view(config);
    // A stream tells what is and what changes; what an earlier run has seen is neither.
    let remembered = collector.remembered().filter(|_| is_view);
    let update = remembered.map_or_else(WatchUpdate::new, |old| WatchUpdate::from_cache(cache.age(old.taken_at), old));
    let client = collector.client().clone();
    let (outlet, listener) = watch::watch_channel(update);
    let (requests, asked) = watch::request_queue();
    let pace = WatchPace {
        asked: config.pace.interval,
        rps: config.collecting.rps.unwrap_or(watch::DEFAULT_RPS),
        hands_out_rows: is_view,
        is_patient: false,
    };
    let hooks = WatchHooks {
        keep: Box::new(|collector| cache.keep_going(collector)),
        explain: Box::new(|group| terminal::failed_reading(group, config, surroundings)),
        told: ToldProjects::default(),
    };
    let readings = async {
        watch::run(collector, pace, outlet, asked, hooks)
            .await
            .map_err(|group| terminal::group_error(group, config, surroundings))
    };
    let shown =
        WatchedRun { config, formats, run_context: surroundings, recording, services: ViewBackend::Gitlab(client) };
    shown.show(readings, listener, requests).await
}

/// What answers the questions of the view beside the readings.
#[derive(Clone)]
pub(super) enum ViewBackend {
    Gitlab(Client),
    Hub(Arc<HubClient>),
}

/// What a watch needs, wherever the readings come from.
pub(super) struct WatchedRun<'a> {
    pub config: &'a Config,
    pub formats: &'a Formats,
    pub run_context: &'a RunContext,
    pub recording: &'a Recording,
    pub services: ViewBackend,
}

impl WatchedRun<'_> {
    /// Shows the readings, writes files and runs programs, until the user, a signal or a closed output ends it.
    pub(super) async fn show(
        self,
        readings: impl Future<Output = Result<(), CliError>>,
        listener: WatchListener,
        requests: RequestSender,
    ) -> Result<Exit, CliError> {
        let Self { config, formats, run_context: surroundings, recording, services } = self;
        let is_view = is_view(config);
        let (first, exports, recorded) = (listener.updates(), listener.updates(), listener.updates());
        let noticed = listener.changes();
        let style = terminal::style(&config.display, surroundings);
        let held = RefCell::new(Vec::new());
        // What is written into the live view would be lost with it, and the view with what is written.
        let tell = |failure| match is_view {
            true => held.borrow_mut().push(failure),
            false => drop(error::report(&failure)),
        };
        let (notices_out, notices) = mpsc::unbounded_channel();
        let tell_notice = |text: String| match is_view {
            // Without a view it is the end.
            true => drop(notices_out.send(text)),
            false => output::to_stderr(&[format!("warning: {text}")]),
        };
        let (ending, is_ending) = channel::channel(false);
        let mut noticing = pin!(notify::run(&config.notify, noticed, &tell_notice, is_ending));
        let shown = async {
            if is_view {
                let options = view_options(config, formats, (&style, surroundings));
                // The links of a hub are those of the GitLab that it reads.
                let host = config.hub.as_ref().and_then(|_| Some(listener.updates().borrow().whole()?.host.clone()));
                let options = ViewOptions { host: host.unwrap_or(options.host), ..options };
                dashboard::run(
                    (services, config, surroundings),
                    options,
                    listener,
                    (requests, recording.past()),
                    notices,
                )
                .await
            } else {
                tokio::select! {
                    end = print_changes(config, listener) => end,
                    () = output::reader_gone() => Ok(ViewEnd::Closed),
                }
            }
        };
        let (writing, mut written) = channel::channel(false);
        let mut exports = pin!(rewrite_exports(config, formats, (surroundings, recording), exports, &tell, &writing));
        let exit = tokio::select! {
            // In this order: a first reading that is refused is not shown, and what is shown is exported first.
            biased;
            outcome = readings => outcome.map(|()| Exit::Done)?,
            refusal = nothing_left(first) => return Err(refusal),
            () = record(recorded, recording) => Exit::Done,
            () = &mut exports => Exit::Done,
            () = &mut noticing => Exit::Done,
            end = shown => match end? {
                ViewEnd::Quit | ViewEnd::Closed => Exit::Done,
                ViewEnd::Interrupted => Exit::Interrupted,
            },
        };
        ending.send_replace(true);
        finish(exports, &mut written, noticing).await;
        Ok(held.take().iter().fold(exit, |exit, failure| exit.worse(error::report(failure))))
    }
}

/// A file whose writing has begun is written, and a program that was started may end; what is not over in time is left.
async fn finish(
    exports: impl Future<Output = ()>,
    written: &mut channel::Receiver<bool>,
    noticing: impl Future<Output = ()>,
) {
    let last_export = async {
        tokio::select! {
            () = exports => {}
            _ = written.wait_for(|writing| !writing) => {}
        }
    };
    let _ = tokio::time::timeout(LAST_EXPORT, async { tokio::join!(last_export, noticing) }).await;
}

/// Says whether it is shown live on a terminal.
pub(super) fn is_view(config: &Config) -> bool {
    config.pace.watch
        && matches!(config.display.output, Output::Table | Output::Wide)
        && output::stdout_width().is_some()
}

fn view_options(config: &Config, formats: &Formats, (style, surroundings): (&TableStyle, &RunContext)) -> ViewOptions {
    let has_access = config.connection.token.is_some() || config.connection.headers.is_some();
    let pager = surroundings.environment.get("PAGER").filter(|pager| !pager.trim().is_empty());
    let rules = |way| {
        let rules = config.notify.rules.iter().filter(|rule| rule.ways.contains(&way));
        rules.map(|rule| rule.rule.clone()).collect()
    };
    ViewOptions {
        bell: rules(NoticeWay::Bell),
        desktop: rules(NoticeWay::Osc9),
        rights: if config.hub.is_some() {
            TokenRights::Lacks("--from reads a hub, which lends none".into())
        } else if has_access {
            TokenRights::Unknown
        } else {
            TokenRights::Lacks("none is given".into())
        },
        views: formats.look.views.clone(),
        pager: pager.cloned().unwrap_or_else(|| "less".into()),
        keys: formats.look.keys.clone(),
        theme: formats.look.theme.clone(),
        status: formats.status_options(false),
        columns: match config.display.plain && config.display.columns.is_none() {
            true => Some(Column::IN_WORDS.to_vec()),
            false => formats.view_columns(config.display.output == Output::Wide),
        },
        only: config.display.only.clone(),
        sort: config.display.sort,
        charset: if style.ascii { Charset::Ascii } else { Charset::Unicode },
        color: style.color,
        stages: style.stages,
        host: config.connection.host.to_string(),
        groups: config.scope.groups.iter().map(ToString::to_string).collect(),
        interval: config.pace.interval,
        read_only: config.acting.read_only.as_ref().map(ToString::to_string),
    }
}

/// Returns the next outcome of a reading that is another than the last one.
async fn next(
    updates: &mut channel::Receiver<WatchUpdate>,
    last: Option<&Arc<Snapshot>>,
) -> Option<(Arc<Snapshot>, WatchUpdate)> {
    loop {
        let update = updates.borrow_and_update().clone();
        let is_next = |snapshot: &&Arc<Snapshot>| last.is_none_or(|last| !Arc::ptr_eq(last, snapshot));
        if let Some(snapshot) = update.whole().filter(is_next).cloned() {
            return Some((snapshot, update));
        }
        updates.changed().await.ok()?;
    }
}

/// Notes every reading; never ends.
async fn record(mut updates: channel::Receiver<WatchUpdate>, recording: &Recording) {
    let mut last: Option<Arc<Snapshot>> = None;
    while let Some((snapshot, _)) = next(&mut updates, last.as_ref()).await {
        recording.record(&snapshot);
        last = Some(snapshot);
    }
    std::future::pending().await
}

/// Ends when the filters leave nothing of the first reading: a misspelt name is not worth watching. Else never.
async fn nothing_left(mut updates: channel::Receiver<WatchUpdate>) -> CliError {
    match next(&mut updates, None).await {
        Some((snapshot, WatchUpdate { excluded, unmatched, .. })) if snapshot.rows.is_empty() && excluded > 0 => {
            CliError::NothingLeft { excluded, unmatched }
        }
        Some(_) | None => std::future::pending().await,
    }
}

/// Writes what changes, as it changes. A reader that has gone away ends it.
async fn print_changes(config: &Config, listener: WatchListener) -> Result<ViewEnd, CliError> {
    let (mut changes, mut updates) = (listener.changes(), listener.updates());
    // The loop ends with its last listener, and these two are listening.
    drop(listener);
    let mut real_interval = Duration::ZERO;
    let is_ndjson = config.display.output == Output::Ndjson;
    loop {
        let mut bytes = Vec::new();
        tokio::select! {
            // What has changed comes before what it cost.
            biased;
            news = changes.next() => match news {
                Some(news) => write_news(&news, config, &mut bytes).map_err(CliError::Output)?,
                None => return Ok(ViewEnd::Closed),
            },
            changed = updates.changed(), if is_ndjson => {
                if changed.is_err() {
                    return Ok(ViewEnd::Closed);
                }
                if let Some(event) = next_budget(&updates.borrow_and_update(), &mut real_interval) {
                    ndjson::write_event(&event, &mut bytes).map_err(CliError::Output)?;
                }
            }
        }
        if !bytes.is_empty() && !output::to_slow_reader(bytes).await? {
            return Ok(ViewEnd::Closed);
        }
    }
}

/// Writes the state from which changes count, or changes.
fn write_news(news: &ChangeNews, config: &Config, out: &mut dyn Write) -> io::Result<()> {
    let is_ndjson = config.display.output == Output::Ndjson;
    match news {
        ChangeNews::Start { snapshot, missed } if is_ndjson => {
            if *missed > 0 {
                ndjson::write_event(&ChangeEvent::missed(snapshot.taken_at, *missed), out)?;
            }
            let mut sorted = snapshot.as_ref().clone();
            config.display.sort.apply(&mut sorted.rows);
            ndjson::write_snapshot(StatusDocument::from(&format::excerpt(&sorted, config.display.only.as_ref())), out)
        }
        ChangeNews::Start { snapshot, missed } => {
            if *missed > 0 {
                let what = counted(*missed, "change");
                output::to_stderr(&[format!(
                    "warning: the output is read too slowly: {what} left out, starting again from the present state"
                )]);
            }
            // The first state is printed as changes since nothing was known.
            change::changes(None, snapshot, 0).iter().try_for_each(|change| lines::write(change, out))
        }
        ChangeNews::Changes(changes) if is_ndjson => {
            changes.iter().try_for_each(|change| ndjson::write_event(&ChangeEvent::from(change), out))
        }
        ChangeNews::Changes(changes) => changes.iter().try_for_each(|change| lines::write(change, out)),
    }
}

/// Returns the event that tells another interval than the last one; `None` while a reading goes on.
fn next_budget(update: &WatchUpdate, real_interval: &mut Duration) -> Option<ChangeEvent<'static>> {
    let (WatchPhase::Waiting { interval, .. }, Some(snapshot)) = (update.phase, update.whole()) else { return None };
    if interval == *real_interval {
        return None;
    }
    *real_interval = interval;
    Some(ChangeEvent::budget(snapshot.taken_at, update.cost, &snapshot.usage, interval))
}

/// Writes the files again after each reading; never ends, and a file that cannot be written does not end the watch: that
/// is reported when it begins, not after each reading.
async fn rewrite_exports(
    config: &Config,
    formats: &Formats,
    (surroundings, recording): (&RunContext, &Recording),
    mut updates: channel::Receiver<WatchUpdate>,
    tell: &dyn Fn(CliError),
    writing: &channel::Sender<bool>,
) {
    let mut last: Option<Arc<Snapshot>> = None;
    let mut told: Vec<String> = Vec::new();
    while !config.display.exports.is_empty()
        && let Some((snapshot, _)) = next(&mut updates, last.as_ref()).await
    {
        writing.send_replace(true);
        let mut sorted = snapshot.as_ref().clone();
        config.display.sort.apply(&mut sorted.rows);
        let past = recording.past().map(|past| Arc::clone(&past.borrow())).unwrap_or_default();
        let excerpt = format::excerpt(&sorted, config.display.only.as_ref()).with_past(&past);
        let place = OutputPlace::File(terminal::style(&config.display, surroundings));
        let failures =
            export::write_each(&config.display.exports, |output| formats.render(output, &excerpt, place)).await;
        let (old, new): (Vec<_>, Vec<_>) =
            failures.into_iter().partition(|failure| told.contains(&failure.to_string()));
        told = old.iter().chain(&new).map(ToString::to_string).collect();
        new.into_iter().for_each(tell);
        writing.send_replace(false);
        last = Some(snapshot);
    }
    std::future::pending().await
}
