//! The loop: every source of events becomes one kind of event, and every event one picture.

use super::app::{App, PageAddress};
use super::effect::{ViewEffect, ViewEvent};
use super::facts::ViewOptions;
use super::outside;
use super::remembered::RememberedView;
use super::terminal::TerminalScreen;
use super::update::update;
use super::view;
use crate::act::plan::PlannedAction;
use crate::act::rights::TokenRights;
use crate::act::service::ActionOutcome;
use crate::collect::explain_service::{ExplainAnswer, ExplainRequest};
use crate::collect::job_needs::{NeedsAnswer, NeedsRequest};
use crate::collect::log_service::{LogMessage, LogRequest};
use crate::collect::older_pipeline::{OlderAnswer, OlderRequest};
use crate::collect::pipeline_page::{PipelinePageAnswer, PipelinePageRequest};
use crate::collect::watch::{ChangeStream, Request, RequestSender, WatchListener, WatchUpdate};
use crate::domain::past::{KnownPast, PastAnswer};
use crate::domain::project::Project;
use crossterm::event::{Event as TerminalEvent, EventStream};
use futures_util::StreamExt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The countdown in the header moves once a second.
const TICK: Duration = Duration::from_secs(1);

/// How the view ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewEnd {
    Quit,
    Interrupted,
    /// The terminal or the readings are gone.
    Closed,
}

/// What the view asks besides readings, and the ways on which the answers come.
#[derive(Debug)]
pub struct ViewServices {
    pub readings: RequestSender,
    /// What the memory adds; `None` without a memory.
    pub past: Option<watch::Receiver<Arc<KnownPast>>>,
    pub explain: watch::Sender<Option<ExplainRequest>>,
    pub answers: watch::Receiver<Option<ExplainAnswer>>,
    pub logs: watch::Sender<Option<LogRequest>>,
    pub log_messages: mpsc::Receiver<LogMessage>,
    /// Asks what is remembered of a project: the own memory answers, or a hub.
    pub look_back: watch::Sender<Option<Arc<Project>>>,
    pub recent: watch::Receiver<Option<PastAnswer>>,
    pub actions: mpsc::UnboundedSender<PlannedAction>,
    pub outcomes: mpsc::UnboundedReceiver<ActionOutcome>,
    /// What the user has to know from beside the view.
    pub notices: mpsc::UnboundedReceiver<String>,
    /// Asks for the jobs of a pipeline that is not in the list.
    pub older_asked: watch::Sender<Option<OlderRequest>>,
    pub older: watch::Receiver<Option<OlderAnswer>>,
    /// Asks what the jobs of a pipeline need.
    pub needs_asked: watch::Sender<Option<NeedsRequest>>,
    pub needs: watch::Receiver<Option<NeedsAnswer>>,
    /// Asks for older pipelines of a project.
    pub pages_asked: watch::Sender<Option<PipelinePageRequest>>,
    pub pages: watch::Receiver<Option<PipelinePageAnswer>>,
    /// Asks what the token may.
    pub rights_asked: mpsc::UnboundedSender<()>,
    pub rights: mpsc::UnboundedReceiver<TokenRights>,
    /// How the list is: what is there in the beginning was left by an earlier view.
    pub remembered: watch::Sender<RememberedView>,
}

/// Everything that comes to the view from beside the terminal.
#[derive(Debug)]
pub struct ViewSources {
    updates: watch::Receiver<WatchUpdate>,
    changes: ChangeStream,
    pub services: ViewServices,
}

impl ViewSources {
    pub fn new(listener: WatchListener, services: ViewServices) -> Self {
        Self { updates: listener.updates(), changes: listener.changes(), services }
    }

    /// Returns what there is already: it is in the first picture.
    pub fn latest(&mut self) -> WatchUpdate {
        self.updates.borrow_and_update().clone()
    }

    /// Waits for what comes next; `None` when the readings are gone. Nothing is lost where the wait is given up.
    pub async fn next(&mut self) -> Option<ViewEvent> {
        let services = &mut self.services;
        loop {
            return Some(tokio::select! {
                news = self.changes.next() => ViewEvent::Changes(news?),
                changed = self.updates.changed() => {
                    changed.ok()?;
                    ViewEvent::Update(Box::new(self.updates.borrow_and_update().clone()))
                }
                known = next_past(&mut services.past) => ViewEvent::Past(known),
                Ok(()) = services.answers.changed() => match services.answers.borrow_and_update().clone() {
                    Some(answer) => ViewEvent::Answer(answer),
                    None => continue,
                },
                Some(message) = services.log_messages.recv() => {
                    // One picture for all that has come: a long log comes in many pieces.
                    let more = std::iter::from_fn(|| services.log_messages.try_recv().ok());
                    ViewEvent::Log(std::iter::once(message).chain(more).collect())
                }
                Ok(()) = services.recent.changed() => match services.recent.borrow_and_update().clone() {
                    Some(past) => ViewEvent::Recent(Box::new(past)),
                    None => continue,
                },
                Ok(()) = services.older.changed() => match services.older.borrow_and_update().clone() {
                    Some(answer) => ViewEvent::Older(Box::new(answer)),
                    None => continue,
                },
                Ok(()) = services.needs.changed() => match services.needs.borrow_and_update().clone() {
                    Some(answer) => ViewEvent::Needs(Box::new(answer)),
                    None => continue,
                },
                Ok(()) = services.pages.changed() => match services.pages.borrow_and_update().clone() {
                    Some(answer) => ViewEvent::Pipelines(Box::new(answer)),
                    None => continue,
                },
                Some(outcome) = services.outcomes.recv() => ViewEvent::ActionDone(Box::new(outcome)),
                Some(rights) = services.rights.recv() => ViewEvent::Rights(rights),
                Some(notice) = services.notices.recv() => ViewEvent::Notice(notice),
            });
        }
    }
}

/// Shows updates until the user has seen enough.
pub async fn run(options: ViewOptions, listener: WatchListener, services: ViewServices) -> io::Result<ViewEnd> {
    let mut sources = ViewSources::new(listener, services);
    let mut screen = TerminalScreen::take()?;
    let (width, height) = screen.size();
    let mut app = App::new(options, width, height, Instant::now());
    let left = sources.services.remembered.borrow().clone();
    left.restore(&mut app);
    let mut keys = EventStream::new();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    app.apply_update(sources.latest(), Instant::now());
    loop {
        screen.terminal.draw(|frame| view::draw(&app, frame))?;
        screen.set_title(&view::title(&app))?;
        panic_if_asked();
        let event = tokio::select! {
            key = keys.next() => match key {
                Some(Ok(TerminalEvent::Key(key))) => ViewEvent::Key(key),
                Some(Ok(TerminalEvent::Resize(..))) => {
                    let (width, height) = screen.resize()?;
                    ViewEvent::Resize(width, height)
                }
                Some(Ok(TerminalEvent::Mouse(mouse))) => ViewEvent::Mouse(mouse),
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error),
                None => return Ok(ViewEnd::Closed),
            },
            event = sources.next() => match event {
                Some(event) => event,
                None => return Ok(ViewEnd::Closed),
            },
            _ = tick.tick() => ViewEvent::Tick,
        };
        let is_key = matches!(event, ViewEvent::Key(_) | ViewEvent::Mouse(_));
        for effect in update(&mut app, event, Instant::now()) {
            if let ViewEffect::Page { words, text } = effect {
                // Else its thread would take the keys that are meant for the other program.
                drop(keys);
                page(&mut app, &mut screen, &words, text).await?;
                keys = EventStream::new();
                continue;
            }
            if let Some(end) = perform(effect, &mut app, &mut screen, &sources.services)? {
                return Ok(end);
            }
        }
        if is_key {
            let now = RememberedView::of(&app);
            sources.services.remembered.send_if_modified(|known| {
                let is_new = *known != now;
                *known = now;
                is_new
            });
        }
    }
}

/// Shows a text in another program, which has the terminal meanwhile; readings go on.
async fn page(app: &mut App, screen: &mut TerminalScreen, words: &[String], text: String) -> io::Result<()> {
    screen.lend()?;
    let outcome = outside::show(words, text, &app.facts.options.pager).await;
    screen.take_again()?;
    screen.set_mouse(app.has_mouse)?;
    let (width, height) = screen.size();
    update(app, ViewEvent::Resize(width, height), Instant::now());
    app.notice = outcome.err();
    Ok(())
}

/// Does what the view asks for; returns how it ended, where it did.
fn perform(
    effect: ViewEffect,
    app: &mut App,
    screen: &mut TerminalScreen,
    services: &ViewServices,
) -> io::Result<Option<ViewEnd>> {
    match hand_on(effect, services) {
        Some(ViewEffect::Quit) => return Ok(Some(ViewEnd::Quit)),
        Some(ViewEffect::Interrupt) => return Ok(Some(ViewEnd::Interrupted)),
        Some(ViewEffect::Suspend) => {
            screen.suspend()?;
            screen.set_mouse(app.has_mouse)?;
            // The window may be another size by now.
            let (width, height) = screen.size();
            update(app, ViewEvent::Resize(width, height), Instant::now());
        }
        Some(ViewEffect::Copy(text)) => screen.copy(&text)?,
        Some(ViewEffect::Announce(announcement)) => screen.announce(&announcement)?,
        Some(ViewEffect::Mouse(is_ours)) => screen.set_mouse(is_ours)?,
        Some(ViewEffect::Save { path, text }) => app.notice = Some(outside::save(&path, &text)),
        Some(ViewEffect::Open(url)) => app.page_address = Some(open_page(url)),
        Some(_) | None => {}
    }
    Ok(None)
}

/// Hands on what is asked of a service; returns what is asked of the terminal.
pub fn hand_on(effect: ViewEffect, services: &ViewServices) -> Option<ViewEffect> {
    match effect {
        ViewEffect::Refresh => services.readings.send(Request::Refresh),
        ViewEffect::Reread(project) => services.readings.send(Request::Reread(vec![project])),
        ViewEffect::Ask(request) => drop(services.explain.send_replace(Some(*request))),
        ViewEffect::Follow(request) => drop(services.logs.send_replace(request.map(|request| *request))),
        ViewEffect::LookBack(project) => drop(services.look_back.send_replace(Some(project))),
        // The one who acts ends only with the view.
        ViewEffect::Act(planned) => drop(services.actions.send(*planned)),
        ViewEffect::ReadOlder(request) => drop(services.older_asked.send_replace(Some(*request))),
        ViewEffect::ReadNeeds(request) => drop(services.needs_asked.send_replace(Some(request))),
        ViewEffect::ReadPipelines(request) => drop(services.pages_asked.send_replace(Some(*request))),
        ViewEffect::CheckToken => drop(services.rights_asked.send(())),
        other => return Some(other),
    }
    None
}

/// Opens a page in the browser, where there is one.
pub fn open_page(url: String) -> PageAddress {
    let is_opened = has_browser() && open::that_detached(&url).is_ok();
    PageAddress { url, is_opened }
}

/// Returns what the memory adds, when it has changed; never, without a memory.
async fn next_past(past: &mut Option<watch::Receiver<Arc<KnownPast>>>) -> Arc<KnownPast> {
    if let Some(known) = past
        && known.changed().await.is_ok()
    {
        return Arc::clone(&known.borrow_and_update());
    }
    std::future::pending().await
}

/// Says whether there is a place where a browser can show itself. Without one the desktop's opener fails without a word,
/// or starts a browser of text that no one sees.
fn has_browser() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"].into_iter().any(is_set)
}

/// A way for the tests to see that a panic gives the terminal back; not in a release.
fn panic_if_asked() {
    #[cfg(debug_assertions)]
    assert!(std::env::var_os("GLWATCH_PANIC_IN_VIEW").is_none(), "asked to panic by GLWATCH_PANIC_IN_VIEW");
}
