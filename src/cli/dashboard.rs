//! The dashboard on a terminal: what its screens ask for beside the readings is answered here, in the same process.

use super::error::CliError;
use super::explain_past::ExplainPast;
use super::files;
use super::hub_services;
use super::project_past;
use super::recording;
use super::run_context::RunContext;
use super::view_file::ViewFile;
use super::watch::ViewBackend;
use crate::act;
use crate::act::plan::PlannedAction;
use crate::act::rights::TokenRights;
use crate::act::service::ActionOutcome;
use crate::collect::evidence::EvidenceOptions;
use crate::collect::explain_service::{ExplainAnswer, ExplainRequest};
use crate::collect::job_needs::{NeedsAnswer, NeedsRequest};
use crate::collect::log_follow::LogOptions;
use crate::collect::log_service::{LogMessage, LogRequest};
use crate::collect::older_pipeline::{OlderAnswer, OlderRequest};
use crate::collect::pipeline_page::{PipelinePageAnswer, PipelinePageRequest};
use crate::collect::watch::{RequestSender, WatchListener};
use crate::collect::{explain_service, job_needs, log_service, older_pipeline, pipeline_page};
use crate::config::{Config, Origin};
use crate::domain::evidence::Evidence;
use crate::domain::past::{KnownPast, PastAnswer};
use crate::domain::project::Project;
use crate::gitlab::client::Client;
use crate::tui;
use crate::tui::facts::ViewOptions;
use crate::tui::remembered::RememberedView;
use crate::tui::run::{ViewEnd, ViewServices};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Bytes of a log that are read at most: what a screen is for is found at the end of a log or near its errors.
const MOST_LOG: u64 = 16 << 20;
/// Lines at the end of a log that belong to an explanation.
const LOG_LINES: usize = 20;
/// So long after a change it is kept how the list is.
const KEEP_AFTER: Duration = Duration::from_millis(500);
/// Pieces of a log that wait for the view.
const LOG_QUEUE: usize = 64;

/// What the screens ask for, and the ways on which the answers go.
pub(super) struct AskedServices {
    pub explain: (watch::Receiver<Option<ExplainRequest>>, watch::Sender<Option<ExplainAnswer>>),
    pub logs: (watch::Receiver<Option<LogRequest>>, mpsc::Sender<LogMessage>),
    pub actions: (mpsc::UnboundedReceiver<PlannedAction>, mpsc::UnboundedSender<ActionOutcome>),
    pub past: (watch::Receiver<Option<Arc<Project>>>, watch::Sender<Option<PastAnswer>>),
    pub older: (watch::Receiver<Option<OlderRequest>>, watch::Sender<Option<OlderAnswer>>),
    pub needs: (watch::Receiver<Option<NeedsRequest>>, watch::Sender<Option<NeedsAnswer>>),
    pub pages: (watch::Receiver<Option<PipelinePageRequest>>, watch::Sender<Option<PipelinePageAnswer>>),
    pub rights: (mpsc::UnboundedReceiver<()>, mpsc::UnboundedSender<TokenRights>),
}

impl AskedServices {
    /// Answers from GitLab and the memory.
    async fn answer(self, client: Client, config: &Config, run_context: &RunContext) {
        let time = config.pace.max_time;
        let (place, clock) = (recording::place(config, run_context), client.clone());
        // Opened with the first question: most views never ask, and none waits for a disk before its first picture. A view
        // owns the screen: what the memory has to say is said at the end of the run.
        let mut memory = None;
        let remember = move |evidence: &mut Evidence| {
            let now = clock.server_now();
            memory.get_or_insert_with(|| ExplainPast::in_place(place.clone(), now, true)).add(evidence, now);
        };
        let evidence = EvidenceOptions { log_lines: LOG_LINES, api: config.collecting.api };
        let log = LogOptions { most: MOST_LOG, first_pause: config.pace.follow_wait, look_time: time };
        let (place, clock) = (recording::place(config, run_context), client.clone());
        let now = move || clock.server_now();
        tokio::join!(
            explain_service::run(client.clone(), (evidence, time), self.explain.0, self.explain.1, remember),
            log_service::run(client.clone(), log, self.logs.0, self.logs.1),
            project_past::run(place, now, self.past.0, self.past.1),
            act::service::run(client.clone(), time, self.actions.0, self.actions.1),
            older_pipeline::run(client.clone(), time, self.older.0, self.older.1),
            job_needs::run(client.clone(), time, self.needs.0, self.needs.1),
            pipeline_page::run(client.clone(), time, self.pages.0, self.pages.1),
            act::rights::run(client.clone(), time, self.rights.0, self.rights.1),
        );
    }
}

/// What the memory adds to readings, as it comes; `None` without a memory.
type PastReceiver = Option<watch::Receiver<Arc<KnownPast>>>;

/// Makes the ways between the view and those who answer it.
fn connected(
    (readings, past): (RequestSender, PastReceiver),
    notices: mpsc::UnboundedReceiver<String>,
    left: RememberedView,
) -> (ViewServices, AskedServices, watch::Receiver<RememberedView>) {
    let (explain, explain_asked) = watch::channel(None);
    let (answers_out, answers) = watch::channel(None);
    let (logs, logs_asked) = watch::channel(None);
    let (messages_out, log_messages) = mpsc::channel(LOG_QUEUE);
    let (actions, actions_asked) = mpsc::unbounded_channel();
    let (outcomes_out, outcomes) = mpsc::unbounded_channel();
    let (look_back, past_asked) = watch::channel(None);
    let (recent_out, recent) = watch::channel(None);
    let (older_asked, older_wanted) = watch::channel(None);
    let (older_out, older) = watch::channel(None);
    let (needs_asked, needs_wanted) = watch::channel(None);
    let (needs_out, needs) = watch::channel(None);
    let (pages_asked, pages_wanted) = watch::channel(None);
    let (pages_out, pages) = watch::channel(None);
    let (rights_asked, token_asked) = mpsc::unbounded_channel();
    let (rights_out, rights) = mpsc::unbounded_channel();
    let (remembered, left) = watch::channel(left);
    let services = ViewServices {
        look_back,
        recent,
        readings,
        past,
        explain,
        answers,
        logs,
        log_messages,
        actions,
        outcomes,
        notices,
        older_asked,
        older,
        needs_asked,
        needs,
        pages_asked,
        pages,
        rights_asked,
        rights,
        remembered,
    };
    let asked = AskedServices {
        explain: (explain_asked, answers_out),
        logs: (logs_asked, messages_out),
        actions: (actions_asked, outcomes_out),
        past: (past_asked, recent_out),
        older: (older_wanted, older_out),
        needs: (needs_wanted, needs_out),
        pages: (pages_wanted, pages_out),
        rights: (token_asked, rights_out),
    };
    (services, asked, left)
}

/// Shows the dashboard until the user has seen enough, and answers what it asks for.
pub(super) async fn run(
    (backend, config, run_context): (ViewBackend, &Config, &RunContext),
    options: ViewOptions,
    listener: WatchListener,
    (readings, past): (RequestSender, PastReceiver),
    notices: mpsc::UnboundedReceiver<String>,
) -> Result<ViewEnd, CliError> {
    let view_file = view_file(config, run_context);
    let left = left_view(config, view_file.as_ref());
    let (services, asked, mut left) = connected((readings, past), notices, left);
    let keeping = keep(view_file.clone(), left.clone());
    let answering = async {
        match backend {
            ViewBackend::Gitlab(client) => {
                tokio::join!(asked.answer(client, config, run_context), keeping);
            }
            ViewBackend::Hub(hub) => {
                tokio::join!(hub_services::answer(asked, hub, config.pace.max_time), keeping);
            }
        }
        std::future::pending().await
    };
    let view = async {
        match config.display.plain {
            true => tui::plain_run::run(options, listener, services).await,
            false => tui::run::run(options, listener, services).await,
        }
    };
    let end = tokio::select! {
        end = view => end.map_err(CliError::View),
        () = answering => Ok(ViewEnd::Closed),
    };
    if let (Some(file), true) = (view_file, left.has_changed().is_err()) {
        file.save(&left.borrow_and_update());
    }
    end
}

/// Finds the file for how the list of these groups was left; a demo has none: its groups are not real.
fn view_file(config: &Config, run_context: &RunContext) -> Option<ViewFile> {
    let is_wanted = config.display.remembers_view && config.connection.host_origin != Origin::Demo;
    let folder = files::state_directory(&run_context.environment).filter(|_| is_wanted)?;
    let groups = config.scope.groups.iter().map(ToString::to_string);
    let shown = config.hub.as_ref().map_or(&config.connection.host, |hub| &hub.address);
    Some(ViewFile::new(&folder, &shown.to_string(), groups))
}

/// Returns how the list was left; an order that was chosen for this run counts before that.
fn left_view(config: &Config, file: Option<&ViewFile>) -> RememberedView {
    let mut left = file.map(ViewFile::load).unwrap_or_default();
    left.sort = left.sort.filter(|_| !config.display.sort_is_chosen);
    left
}

/// Keeps how the list is while it changes: what ends the program leaves no time for it.
async fn keep(file: Option<ViewFile>, mut left: watch::Receiver<RememberedView>) {
    let Some(file) = file else { return };
    left.mark_unchanged();
    while left.changed().await.is_ok() {
        tokio::time::sleep(KEEP_AFTER).await;
        let (file, view) = (file.clone(), left.borrow_and_update().clone());
        // A file that cannot be written is no reason to disturb the view.
        let _ = tokio::task::spawn_blocking(move || file.save(&view)).await;
    }
}
