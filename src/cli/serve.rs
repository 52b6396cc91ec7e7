//! `glwatch serve`: one process asks GitLab, and everything else asks this one.

mod answering;
mod cable;
mod counters;
mod exporter_file;
mod hooks;
mod remembering;

use super::cache::Cache;
use super::error::CliError;
use super::exit::Exit;
use super::recording::{self, Recording};
use super::run_context::RunContext;
use super::secret::SecretRequest;
use super::{args, log, output, terminal, wire};
use crate::collect::exported::tracker::{self, TrackerNews, TrackerOptions};
use crate::collect::exported::wakes::WakeSender;
use crate::collect::run::{CollectOptions, Collector};
use crate::collect::told::ToldProjects;
use crate::collect::watch::{self, ChangeNews, WatchHooks, WatchListener, WatchPace, WatchUpdate};
use crate::config::{CableUse, Config, NamedSecret, Origin};
use crate::domain::project::Project;
use crate::domain::snapshot::Snapshot;
use crate::gitlab::client::Client;
use crate::history::record::RecorderTask;
use crate::serve::event_log::EventLog;
use crate::serve::exporter::ExporterState;
use crate::serve::hook_answer::HookRules;
use crate::serve::host_rule::HostRule;
use crate::serve::http;
use crate::serve::hub::{CounterSaver, Hub, HubRules, HubSources};
use crate::serve::scrape::PageFormats;
use crate::serve::wake_batch::WakeBatch;
use chrono::{DateTime, Utc};
use clap::{ArgMatches, Command};
use counters::{CounterAccess, CounterPlace, RunCounter};
use exporter_file::ExporterPlan;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch as channel};
use tokio::time::sleep;

const ABOUT: &str = "Serves metrics for Prometheus, an API, a page, and an address for GitLab's webhooks";

const EXAMPLES: &str = "\
Addresses:
  /                      the group as a page
  /metrics               for Prometheus
  /health/live, /ready   whether it runs, and whether what it shows is fresh
  /api/v1/snapshot       what glwatch -o json prints
  /api/v1/events         every change as it happens (server-sent events)
  /api/v1/explain/PROJECT   why its newest pipeline failed; ?pipeline=ID
  /api/v1/past/PROJECT   what it ran before, from the memory; ?before=ID
  /webhook               for GitLab's webhooks

Examples:
  glwatch serve --group-id 12345                     on http://127.0.0.1:9252
  glwatch serve --demo --listen 127.0.0.1:9300       with a simulated group
  glwatch serve --exporter-config gitlab-ci-pipelines-exporter.yml
  glwatch serve hooks install --group-id 12345 --url https://hub.example.com/webhook";

/// Requests of each interval beside those of the readings, as long as nothing changes.
const BESIDE: u64 = 10;
/// News of the tracker that wait to be taken over.
const NEWS: usize = 256;
/// How often GitLab is asked for its version.
const SERVER_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
/// Data that is older than so many intervals is not fresh.
const FRESH_INTERVALS: u32 = 4;

pub(super) fn command() -> Command {
    Command::new("serve")
        .about(ABOUT)
        .after_help(EXAMPLES)
        .args(args::serve_args())
        .args(args::serving_args())
        .subcommand(hooks::command())
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    if let Some(("hooks", matches)) = matches.subcommand() {
        return hooks::run(matches);
    }
    let mut run_context = RunContext::new(matches)?;
    let plan = exporter_file::read(&mut run_context)?;
    let config = Config::resolve(&run_context.settings)?;
    let sources = plan.sources(&config, &run_context.settings);
    if sources.is_empty() {
        config.required_groups()?;
    }
    check_address(&config)?;
    log::start(matches.get_count("verbose"), config.display.log_file.as_deref())?;
    run_context.warn(&config);
    terminal::warn_of_insecure(&config);
    plan.warn(&config, &run_context.settings);
    let runtime = terminal::runtime()?;
    let client = wire::client(&config, run_context.proxy.as_ref())?;
    let options = Arc::new(CollectOptions { sources, ..wire::serving(&config) });
    let mut cache = Cache::new(&config, &run_context, &client, &options);
    let collector = cache.collector(client.clone(), options);
    let recording = Recording::new(&config, &run_context, RecorderTask::Serve);
    let served = ServedRun { config: &config, run_context: &run_context, cache: &cache, recording: &recording, plan };
    let outcome = runtime.block_on(served.serve(collector, client));
    cache.write();
    recording.end();
    runtime.shutdown_background();
    outcome
}

/// Refuses an address that others reach, where nothing says who of them may look.
fn check_address(config: &Config) -> Result<(), CliError> {
    let address = config.serve.listen.0;
    if address.ip().is_loopback() || config.serve.access_token.is_some() || config.serve.is_open {
        return Ok(());
    }
    Err(CliError::Refused {
        problem: format!("{address} is reached by others, and nothing says who may look"),
        hints: vec![
            "set access_token_file in [serve], or GLWATCH_SERVE_ACCESS_TOKEN".into(),
            "--insecure-open lets everyone look".into(),
        ],
    })
}

/// What one run of the server has at hand.
struct ServedRun<'a> {
    config: &'a Config,
    run_context: &'a RunContext,
    cache: &'a Cache,
    recording: &'a Recording,
    plan: ExporterPlan,
}

impl ServedRun<'_> {
    /// Serves until a signal or a refusal of GitLab's ends it.
    async fn serve(self, collector: Collector, client: Client) -> Result<Exit, CliError> {
        let config = self.config;
        let access = self.secret("access token", &config.serve.access_token)?;
        let rules = self.rules()?;
        let socket = self.listen().await?;
        let (outlet, listener) = watch::watch_channel(WatchUpdate::new());
        let (requests, asked) = watch::request_queue();
        let wakes = WakeSender::default();
        let mut exporter = ExporterState::new(config.serve.max_series, config.serve.compatibility);
        let (save, runs) = self.open_counters(&mut exporter).await.unzip();
        let events = EventLog::new(client.machine_now().timestamp());
        let batch = WakeBatch::new(requests, wakes.clone());
        let sources = self.sources((&client, &listener), save);
        let hub = Arc::new(Hub::new((listener.clone(), exporter, events), rules, sources, batch));
        let pace = WatchPace {
            asked: self.interval(),
            rps: config.collecting.rps.unwrap_or(watch::DEFAULT_RPS),
            hands_out_rows: false,
            is_patient: true,
        };
        let told = ToldProjects::new(config.serve.cable.reconcile);
        let hooks = WatchHooks {
            told: told.clone(),
            keep: Box::new(|collector| self.cache.keep_going(collector)),
            explain: Box::new(|group| terminal::failed_reading(group, config, self.run_context)),
        };
        let readings = async {
            let end = watch::run(collector, pace, outlet, asked, hooks).await;
            end.map_err(|group| terminal::group_error(group, config, self.run_context))
        };
        let (projects_out, projects) = channel::channel(Arc::from(Vec::new()));
        let (news_out, news) = mpsc::channel(NEWS);
        let (end, mut ended) = channel::channel(false);
        let router = http::router(Arc::clone(&hub), access, self.hosts());
        let serving = http::serve(socket, router, async move {
            // A sender that is gone has ended, too.
            let _ = ended.wait_for(|is_over| *is_over).await;
        });
        let working = async {
            tokio::join!(
                pass_on_changes(&hub, &listener),
                pass_on_projects(&listener, &projects_out),
                self.record(&listener),
                take_news(&hub, news),
                hub.run_wakes(),
                counters::keep(&hub, runs),
                say_which_gitlab(&hub, &client),
                cable::keep(&hub, &client, config, (projects.clone(), &listener), told.clone()),
                tracker::run(client.clone(), self.tracking(&told), projects.clone(), wakes.receiver(), news_out),
                say_what_is_wrong(&listener, config.display.quiet),
            )
        };
        let ending = async {
            tokio::select! {
                outcome = readings => outcome.map(|()| Exit::Done),
                _ = working => Ok(Exit::Done),
                stopped = stopped() => stopped,
            }
        };
        let (outcome, ()) = tokio::join!(
            async {
                let outcome = ending.await;
                end.send_replace(true);
                outcome
            },
            serving
        );
        counters::end(&hub).await;
        outcome
    }

    fn secret(&self, what: &'static str, named: &NamedSecret) -> Result<Option<SecretString>, CliError> {
        let Some((source, origin)) = named else { return Ok(None) };
        let request = SecretRequest { what, source, origin, limit: self.config.pace.max_time };
        if let Some(warning) = request.warning().filter(|_| !self.config.display.quiet) {
            output::to_stderr(&[format!("warning: {warning}")]);
        }
        Ok(Some(SecretString::from(request.text()?)))
    }

    fn rules(&self) -> Result<HubRules, CliError> {
        let serve = &self.config.serve;
        let secret = self.secret("webhook secret", &serve.webhook_secret)?;
        let signing_token = self.secret("signing token", &serve.signing_token)?;
        let secret = secret.or_else(|| self.plan.webhook_secret());
        Ok(HubRules {
            // Anyone could wake a server that asks for no proof; on this machine's own address that is its users.
            has_webhook: secret.is_some() || signing_token.is_some() || serve.listen.0.ip().is_loopback(),
            hooks: HookRules { secret, signing_token, compatibility: serve.compatibility },
            formats: PageFormats { has_openmetrics: serve.has_openmetrics, has_totals: self.plan.has_totals() },
            hides_metrics: self.plan.hides_metrics(),
            requires_cable: serve.cable.usage == CableUse::On,
            reconcile: serve.cable.reconcile,
            fresh_for: self.interval() * FRESH_INTERVALS + self.config.collecting.timeout,
        })
    }

    /// Returns by which names it may be asked for; on an address that others reach, by any.
    fn hosts(&self) -> Option<HostRule> {
        let serve = &self.config.serve;
        serve.listen.0.ip().is_loopback().then(|| HostRule::new(serve.hosts.clone()))
    }

    async fn listen(&self) -> Result<TcpListener, CliError> {
        let (address, origin) = &self.config.serve.listen;
        let socket = TcpListener::bind(address).await.map_err(|error| CliError::Refused {
            problem: format!("{address} cannot be listened on: {error}"),
            hints: vec![match origin {
                Origin::Default => "name another one with --listen 127.0.0.1:9253".into(),
                origin => format!("name another address: it is from {origin}"),
            }],
        })?;
        if !self.config.display.quiet {
            let address = socket.local_addr().map_err(CliError::Start)?;
            output::to_stderr(&[format!("serving on http://{address}")]);
        }
        Ok(socket)
    }

    /// How often GitLab is asked: as the exporter's file says, unless the user does.
    fn interval(&self) -> Duration {
        self.plan.interval(self.run_context).unwrap_or(self.config.pace.interval)
    }

    fn tracking(&self, told: &ToldProjects) -> TrackerOptions {
        TrackerOptions {
            interval: self.interval(),
            max_time: self.config.pace.max_time,
            compatibility: self.config.serve.compatibility,
            beside: BESIDE,
            rules_of: self.plan.rules_of(),
            told: told.clone(),
        }
    }

    fn sources(&self, (client, listener): (&Client, &WatchListener), save: Option<CounterSaver>) -> HubSources {
        let (now, usage, endpoints) = (client.clone(), client.clone(), client.clone());
        let place = recording::place(self.config, self.run_context);
        let now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync> = Arc::new(move || now.server_now());
        let past_of = remembering::answerer(listener.clone(), place.clone(), Arc::clone(&now));
        let options = answering::ExplainOptions {
            api: self.config.collecting.api,
            time: self.config.pace.max_time.min(Duration::from_secs(60)),
            place,
        };
        HubSources {
            now,
            usage: Arc::new(move || usage.usage()),
            endpoints: Arc::new(move || endpoints.endpoint_counts()),
            save,
            past: self.recording.past(),
            past_of,
            explain: answering::explainer(client.clone(), listener.clone(), options),
        }
    }

    /// Lets counters go on where an earlier process ended. Returns what saves them, and what counts runs; `None` where nothing is remembered.
    async fn open_counters(&self, exporter: &mut ExporterState) -> Option<(CounterSaver, RunCounter)> {
        let place = recording::place(self.config, self.run_context)?;
        let mut groups: Vec<String> = self.config.scope.groups.iter().map(|group| format!("{group:?}")).collect();
        groups.sort_unstable();
        let shown = self.plan.file().unwrap_or_else(|| groups.join(" "));
        let CounterAccess { saved, save, runs } = CounterPlace::new(place, &shown, self.config).open().await;
        if let Some(saved) = saved {
            exporter.counters().restore(saved);
        }
        Some((save, runs))
    }

    /// Notes every reading in the history.
    async fn record(&self, listener: &WatchListener) {
        let mut updates = listener.updates();
        let mut last = None;
        while updates.changed().await.is_ok() {
            let snapshot = updates.borrow_and_update().whole().cloned();
            if let Some(snapshot) = snapshot.filter(|new| last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, new))) {
                self.recording.record(&snapshot);
                last = Some(snapshot);
            }
        }
    }
}

/// Numbers every change for those who listen.
async fn pass_on_changes(hub: &Hub, listener: &WatchListener) {
    let mut changes = listener.changes();
    while let Some(news) = changes.next().await {
        let reading = match &news {
            ChangeNews::Start { snapshot, .. } => Some(snapshot.taken_at),
            ChangeNews::Changes(changes) => changes.last().map(|change| change.at),
        };
        if let Some(reading) = reading {
            hub.wait_for_past(reading).await;
        }
        match news {
            ChangeNews::Start { missed, .. } if missed > 0 => hub.lose_events(),
            ChangeNews::Start { .. } => hub.first_reading(),
            ChangeNews::Changes(changes) => hub.add_events(&changes),
        }
    }
}

/// Tells the tracker which projects there are.
async fn pass_on_projects(listener: &WatchListener, projects: &channel::Sender<Arc<[Arc<Project>]>>) {
    let mut updates = listener.updates();
    loop {
        let snapshot = updates.borrow_and_update().whole().cloned();
        if let Some(snapshot) = snapshot {
            let before = projects.borrow().clone();
            let listed = tracked_projects(&snapshot, &before);
            projects.send_if_modified(|known| {
                let is_news = **known != *listed;
                if is_news {
                    *known = listed.into();
                }
                is_news
            });
        }
        if updates.changed().await.is_err() {
            return;
        }
    }
}

/// Returns the projects that are tracked. A list that lacks a part removes none: what it does not name may be there.
fn tracked_projects(snapshot: &Snapshot, before: &[Arc<Project>]) -> Vec<Arc<Project>> {
    let is_cut = snapshot.problems.iter().any(|problem| problem.scope.lacks_projects());
    let mut all: Vec<Arc<Project>> = snapshot.rows.iter().map(|row| Arc::clone(&row.project)).collect();
    for project in before.iter().filter(|_| is_cut) {
        if all.iter().all(|known| known.id != project.id) {
            all.push(Arc::clone(project));
        }
    }
    all
}

async fn take_news(hub: &Hub, mut news: mpsc::Receiver<TrackerNews>) {
    while let Some(news) = news.recv().await {
        hub.exporter().lock().take(news);
    }
}

/// Asks which GitLab it is, once a day: an update takes longer.
async fn say_which_gitlab(hub: &Hub, client: &Client) {
    loop {
        match client.server().await {
            Ok(server) => hub.set_gitlab(server),
            Err(error) => tracing::info!(%error, "the version of GitLab is not known"),
        }
        sleep(SERVER_INTERVAL).await;
    }
}

/// Says on standard error when GitLab cannot be read, and when it can again; and which lists are not whole.
async fn say_what_is_wrong(listener: &WatchListener, is_quiet: bool) {
    let mut updates = listener.updates();
    let mut told: Option<String> = None;
    let mut told_lists: Vec<String> = Vec::new();
    while updates.changed().await.is_ok() {
        let (failed, lists) = {
            let update = updates.borrow_and_update();
            let failed = update.failed.as_ref().map(|failed| failed.cause.clone());
            // Where nothing could be read, all that is said is why.
            let whole = update.whole().filter(|_| failed.is_none());
            (failed, whole.map(|snapshot| unlisted(snapshot)))
        };
        if let Some(lists) = lists {
            let is_news = |line: &&String| !is_quiet && !told_lists.contains(line);
            output::to_stderr(&lists.iter().filter(is_news).cloned().collect::<Vec<_>>());
            told_lists = lists;
        }
        if failed != told && !is_quiet {
            let line = match &failed {
                Some(cause) => format!("warning: {cause}"),
                None => "GitLab is read again".to_owned(),
            };
            output::to_stderr(&[line]);
        }
        told = failed;
    }
}

/// Returns a line for each list that lacks something.
fn unlisted(snapshot: &Snapshot) -> Vec<String> {
    let lacking = snapshot.problems.iter().filter(|problem| problem.scope.lacks_projects());
    lacking
        .map(|problem| format!("warning: {} {}: {}", problem.scope.word(), problem.subject, problem.failure))
        .collect()
}

/// Waits for a signal.
async fn stopped() -> Result<Exit, CliError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::Start)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::Start)?;
    tokio::select! {
        _ = interrupt.recv() => Err(CliError::Stopped(Exit::Interrupted)),
        _ = terminate.recv() => Err(CliError::Stopped(Exit::Terminated)),
    }
}

/// Says that a value is what the exporter's file says.
fn of_exporter(origin: &Origin) -> bool {
    matches!(origin, Origin::Exporter(_) | Origin::Default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Failure, FailureKind};
    use crate::domain::health::tests::ran;
    use crate::domain::id::ProjectId;
    use crate::domain::snapshot::{Problem, ProblemScope};
    use crate::domain::status::Status;
    use crate::domain::usage::Usage;

    #[test]
    fn a_list_that_lacks_a_part_removes_no_project() {
        let row = |id: u64| {
            let mut row = ran(&format!("p{id}"), Status::Success, 0);
            row.project = Arc::new(Project { id: ProjectId(id), ..(*row.project).clone() });
            row
        };
        let snapshot = |rows: &[u64], scope: Option<ProblemScope>| Snapshot {
            host: String::new(),
            taken_at: DateTime::UNIX_EPOCH,
            groups: Vec::new(),
            rows: rows.iter().copied().map(row).collect(),
            problems: scope
                .into_iter()
                .map(|scope| Problem {
                    scope,
                    subject: "acme".into(),
                    failure: Failure::new(FailureKind::Timeout, "late"),
                })
                .collect(),
            usage: Usage::default(),
        };
        let projects = |ids: &[u64]| ids.iter().map(|id| row(*id).project).collect::<Vec<_>>();
        let cases = [
            ("one that is gone from a whole list", snapshot(&[1], None), vec![1]),
            ("one that a cut list does not name", snapshot(&[1], Some(ProblemScope::List)), vec![1, 2]),
            ("a group that could not be read", snapshot(&[], Some(ProblemScope::Group)), vec![1, 2]),
            ("a user whose projects could not be read", snapshot(&[1], Some(ProblemScope::Source)), vec![1, 2]),
            ("a project that could not be read", snapshot(&[1, 3], Some(ProblemScope::Project)), vec![1, 3]),
        ];
        for (sentence, snapshot, expected) in cases {
            let found = tracked_projects(&snapshot, &projects(&[1, 2]));
            assert_eq!(found.iter().map(|project| project.id.0).collect::<Vec<_>>(), expected, "{sentence}");
        }
    }
}
