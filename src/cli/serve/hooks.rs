//! `glwatch serve hooks`: lists, creates and removes the webhooks that tell a server of ours what happens.

mod rows;

use self::rows::{HookRow, HookRowState};
use crate::act::hooks::{self, HookChange, HookChangeEnd, HookFinding, WantedHook};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::secret::SecretRequest;
use crate::cli::session::Session;
use crate::cli::{act, args, output};
use crate::collect::listing::ListedProjects;
use crate::config::Config;
use crate::domain::failure::Failure;
use crate::domain::project::Project;
use crate::gitlab::client::{Client, ListedHooks, Purpose};
use crate::gitlab::error::Error;
use crate::text::plural::counted;
use clap::{Arg, ArgMatches, Command};
use futures_util::{StreamExt, stream};
use secrecy::{ExposeSecret, SecretString};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use url::Url;

const HELP: &str = "\
The URL is that of this server as GitLab reaches it: https://hub.example.com/webhook. Only hooks with exactly
this URL are looked at, changed or removed. The secret is that of [serve] (webhook_secret_file, ..), or
GLWATCH_SERVE_WEBHOOK_SECRET; GitLab never shows it again. The events are: pipeline, job, deployment, push,
tag push and merge request. Hooks are seen and changed by Maintainers only.

check ends with 1 if a hook is missing, disabled or lacks events; with 4 if not all could be read. install and
remove list everything before anything happens, ask, and need the scope api; nothing is ever sent twice.
They end with 3 if nothing was done of what was to be done, with 4 if a part was not or may not have been.";

/// What is done to the hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HookTask {
    Check,
    Install,
    Remove,
}

impl HookTask {
    fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Install => "install",
            Self::Remove => "remove",
        }
    }
}

pub(super) fn command() -> Command {
    let url = || {
        Arg::new("url").long("url").value_name("URL").required(true).help("Address of the server, as GitLab reaches it")
    };
    let reading = || args::explaining_args().into_iter().filter(|arg| arg.get_id() != "ref" && arg.get_id() != "api");
    let one = |name: &'static str, about: &'static str| {
        Command::new(name).about(about).after_help(HELP).max_term_width(110).arg(url()).args(reading())
    };
    Command::new("hooks")
        .about("Lists, creates and removes the webhooks of the group's projects")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(one("check", "Says for each project whether its hook is there and works"))
        .subcommand(
            one("install", "Creates the hooks that are missing, and switches on what they lack").arg(args::yes_arg()),
        )
        .subcommand(one("remove", "Removes the hooks with this URL").arg(args::yes_arg()))
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let (task, matches) = match matches.subcommand() {
        Some(("install", matches)) => (HookTask::Install, matches),
        Some(("remove", matches)) => (HookTask::Remove, matches),
        Some((_, matches)) => (HookTask::Check, matches),
        None => return Ok(Exit::Usage),
    };
    let url = hook_url(matches.get_one::<String>("url").map_or("", String::as_str))?;
    let under_way = RefCell::new(None);
    let outcome = Session::run(
        matches,
        Purpose::Act,
        |config| permitted(task, config),
        async |session| {
            let wanted = WantedHook { url, secret: secret(session, task)? };
            HookRun { session, task, wanted, under_way: &under_way }.run().await
        },
    );
    match (outcome, under_way.into_inner()) {
        // Stopped after it was sent and before it was answered.
        (Err(CliError::Stopped(_)), Some(row)) => {
            rows::write(&[row])?;
            Ok(Exit::Partial)
        }
        (outcome, _) => outcome,
    }
}

/// Takes what GitLab takes, and what says whom it reaches.
fn hook_url(text: &str) -> Result<String, CliError> {
    let problem = match Url::parse(text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => "is neither http nor https",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => "has a password in it: use the secret",
        Ok(url) if url.fragment().is_some() => "has a # in it, which is never sent",
        Ok(_) => return Ok(text.to_owned()),
        Err(_) => "is no address",
    };
    let problem = format!("--url {problem}");
    Err(CliError::Refused { problem, hints: vec!["such as --url https://hub.example.com/webhook".into()] })
}

/// Refuses before anything is asked of GitLab.
fn permitted(task: HookTask, config: &Config) -> Result<(), CliError> {
    config.required_groups()?;
    if task == HookTask::Check {
        return Ok(());
    }
    if let Some(origin) = &config.acting.read_only {
        return Err(CliError::Refused {
            problem: format!("{origin}: nothing may be changed, so there is no {}", task.word()),
            hints: vec!["your own file or a variable lifts it: read_only = false, or GLWATCH_READ_ONLY=false".into()],
        });
    }
    act::check_can_ask(task.word(), config)
}

/// Reads the secret that GitLab is to send.
fn secret(session: &Session, task: HookTask) -> Result<Option<SecretString>, CliError> {
    let config = &session.config;
    let Some((source, origin)) = config.serve.webhook_secret.as_ref().filter(|_| task == HookTask::Install) else {
        return Ok(None);
    };
    let request = SecretRequest { what: "webhook secret", source, origin, limit: config.pace.max_time };
    Ok(Some(SecretString::from(request.text()?)))
}

/// One run over the hooks of the group.
struct HookRun<'a> {
    session: &'a Session,
    task: HookTask,
    wanted: WantedHook,
    /// The row of what was sent and is not answered.
    under_way: &'a RefCell<Option<HookRow>>,
}

/// A project, and its hooks or why they are not known.
type ReadHooks = (Arc<Project>, Result<ListedHooks, Error>);
/// A change that is to be made.
type PlannedChange = (Arc<Project>, HookChange);

impl HookRun<'_> {
    async fn run(&self) -> Result<Exit, CliError> {
        let client = &self.session.client;
        if self.task != HookTask::Check {
            self.check_scope(client).await?;
        }
        let (projects, is_whole) = self.projects().await?;
        let read = |project: Arc<Project>| async move {
            let hooks = hooks::read_hooks(client, project.id).await;
            (project, hooks)
        };
        let mut read: Vec<ReadHooks> =
            stream::iter(projects).map(read).buffer_unordered(client.concurrency()).collect().await;
        read.sort_by(|(one, _), (other, _)| one.full_path.cmp(&other.full_path));
        let outcome = match self.task {
            HookTask::Check => self.check(&read)?,
            HookTask::Install | HookTask::Remove => self.change(&read).await?,
        };
        Ok(if is_whole { outcome } else { outcome.worse(Exit::Partial) })
    }

    /// Asks what the token may; where GitLab does not say it, the answer to the first change does.
    async fn check_scope(&self, client: &Client) -> Result<(), CliError> {
        let Ok(token) = client.token().await else { return Ok(()) };
        if token.can_act() {
            return Ok(());
        }
        let scopes = if token.scopes.is_empty() { "none".to_owned() } else { token.scopes.join(", ") };
        Err(CliError::Refused {
            problem: format!("{} needs a token with scope api; this one has {scopes}", self.task.word()),
            hints: vec!["nothing was sent; glwatch serve hooks check needs read_api only".into()],
        })
    }

    /// Lists the projects of the groups. Says what of the list could not be read, and whether it is whole.
    async fn projects(&self) -> Result<(Vec<Arc<Project>>, bool), CliError> {
        let ListedProjects { projects, problems, unmatched, .. } = self.session.list_projects().await?;
        let lines = problems.iter().map(|problem| format!("warning: {}: {}", problem.subject, problem.failure.message));
        let unmatched = unmatched.iter().map(|pattern| format!("warning: pattern \"{pattern}\" matches no project"));
        output::to_stderr(&lines.chain(unmatched).collect::<Vec<_>>());
        Ok((projects, problems.is_empty()))
    }

    /// Writes a row for each project.
    fn check(&self, read: &[ReadHooks]) -> Result<Exit, CliError> {
        let rows: Vec<HookRow> = read.iter().map(|(project, hooks)| self.row(project, hooks)).collect();
        rows::write(&rows)?;
        let has = |state: HookRowState| rows.iter().any(|row| row.state == state);
        let known = rows.iter().filter(|row| row.state != HookRowState::NotKnown).count();
        Ok(match known {
            0 => Exit::NoData,
            _ if has(HookRowState::Missing) || has(HookRowState::Disabled) || has(HookRowState::Lacking) => {
                Exit::Matched
            }
            _ if has(HookRowState::NotKnown) => Exit::Partial,
            _ => Exit::Done,
        })
    }

    fn row(&self, project: &Project, hooks: &Result<ListedHooks, Error>) -> HookRow {
        match hooks {
            Ok(listed) => rows::of_hooks(project, listed, &self.wanted.url),
            Err(error) => HookRow::new(project, HookRowState::NotKnown, why_not_known(error)),
        }
    }

    /// Plans, asks and changes, and writes a row for each project whose hooks were to be changed.
    async fn change(&self, read: &[ReadHooks]) -> Result<Exit, CliError> {
        let not_known: Vec<HookRow> = read
            .iter()
            .map(|(project, hooks)| self.row(project, hooks))
            .filter(|row| row.state == HookRowState::NotKnown)
            .collect();
        let plan: Vec<PlannedChange> = read.iter().flat_map(|(project, hooks)| self.planned(project, hooks)).collect();
        if !self.session.config.display.quiet || !self.session.config.acting.yes {
            self.list(&plan, read.len() - not_known.len(), &not_known);
        }
        if plan.is_empty() {
            rows::write(&not_known)?;
            return Ok(match not_known.len() {
                0 => Exit::Done,
                all if all == read.len() => Exit::NoData,
                _ => Exit::Partial,
            });
        }
        if !self.session.config.acting.yes && !act::agrees(self.question(plan.len())).await? {
            output::to_stderr(&["nothing was done".into()]);
            return Ok(Exit::Interrupted);
        }
        // A person takes as long as they need.
        let client = self.session.client_from_now(Purpose::Act);
        let (done, unsure) = self.perform(&client, &plan).await?;
        let is_whole = done == plan.len() && not_known.is_empty();
        rows::write(&not_known)?;
        Ok(match done {
            0 if unsure == 0 => Exit::NoData,
            _ if is_whole => Exit::Done,
            _ => Exit::Partial,
        })
    }

    fn planned(&self, project: &Arc<Project>, hooks: &Result<ListedHooks, Error>) -> Vec<PlannedChange> {
        let Ok(listed) = hooks else { return Vec::new() };
        let changes = match self.task {
            HookTask::Remove => hooks::to_remove(&listed.hooks, &self.wanted.url),
            HookTask::Install => match hooks::find_hook(&listed.hooks, &self.wanted.url) {
                // It may be among those that could not be read, and would be there twice.
                HookFinding::Missing if listed.is_cut => Vec::new(),
                finding => hooks::to_install(&finding, self.wanted.secret.is_some()).into_iter().collect(),
            },
            HookTask::Check => Vec::new(),
        };
        changes.into_iter().map(|change| (Arc::clone(project), change)).collect()
    }

    /// Lists what would be done.
    fn list(&self, plan: &[PlannedChange], readable: usize, not_known: &[HookRow]) {
        let mut lines: Vec<String> =
            plan.iter().map(|(project, change)| format!("{}  {}", project.full_path, to_do(*change))).collect();
        let changed = plan.iter().map(|(project, _)| project.id).collect::<BTreeSet<_>>().len();
        lines.push(format!("{} of {} to change", changed, counted(readable as u64, "project")));
        lines.extend(not_known.iter().map(HookRow::line));
        if self.task == HookTask::Install && self.wanted.secret.is_none() {
            lines.push("warning: no webhook secret is set: anyone who knows the URL can wake the server".into());
        }
        if self.task == HookTask::Install && self.wanted.url.starts_with("http:") {
            lines.push("warning: the URL is http: events and the secret are sent as plain text".into());
        }
        output::to_stderr(&lines);
    }

    fn question(&self, changes: usize) -> String {
        let hooks = counted(changes as u64, "hook");
        match self.task {
            HookTask::Remove => format!("Remove {hooks}? [y/N] "),
            HookTask::Check | HookTask::Install => format!("Create or change {hooks}? [y/N] "),
        }
    }

    /// Changes one after the other, and writes what became of each. Returns how many were done and of how many that is
    /// not known. What comes after a refused token is not sent.
    async fn perform(&self, client: &Client, plan: &[PlannedChange]) -> Result<(usize, usize), CliError> {
        let (mut done, mut unsure) = (0, 0);
        let mut is_over = false;
        for (project, change) in plan {
            let row = |state, detail: String| HookRow::new(project, state, detail);
            if is_over {
                rows::write(&[row(HookRowState::Refused, "not sent, as the token is refused".to_owned())])?;
                continue;
            }
            self.under_way.replace(Some(row(HookRowState::Unsure, "stopped before GitLab answered".to_owned())));
            let end = hooks::change_hook(client, project.id, *change, &self.wanted).await;
            self.under_way.replace(None);
            let row = match end {
                HookChangeEnd::Done => {
                    done += 1;
                    row(HookRowState::Done, was_done(*change).to_owned())
                }
                HookChangeEnd::Unsure(error) => {
                    unsure += 1;
                    row(HookRowState::Unsure, self.scrubbed(&error))
                }
                HookChangeEnd::Refused(error) => {
                    is_over = error.is_fatal();
                    row(HookRowState::Refused, self.scrubbed(&error))
                }
            };
            rows::write(&[row])?;
        }
        Ok((done, unsure))
    }

    /// Returns why a change was not made. A server may send back what it was sent.
    fn scrubbed(&self, error: &Error) -> String {
        let message = why_not_known(error);
        match &self.wanted.secret {
            Some(secret) => message.replace(secret.expose_secret(), "[secret]"),
            None => message,
        }
    }
}

fn to_do(change: HookChange) -> &'static str {
    match change {
        HookChange::Create => "create",
        HookChange::Update(_) => "switch on what it lacks",
        HookChange::Delete(_) => "remove",
    }
}

fn was_done(change: HookChange) -> &'static str {
    match change {
        HookChange::Create => "created",
        HookChange::Update(_) => "changed",
        HookChange::Delete(_) => "removed",
    }
}

fn why_not_known(error: &Error) -> String {
    let message = Failure::from(error).message;
    let is_role = error.status() == Some(403) && !message.contains("scope");
    if is_role { format!("{message}: hooks are seen by Maintainers only") } else { message }
}
