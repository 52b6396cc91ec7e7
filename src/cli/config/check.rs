//! `glwatch config check`: whether a run would work, and what is missing where it would not.

use super::checklist::Checklist;
use crate::cli::error::{self, CliError};
use crate::cli::exit::Exit;
use crate::cli::run_context::RunContext;
use crate::cli::terminal::until_stopped;
use crate::cli::{hint, log, output, refs, token, waiting, wire};
use crate::collect::run::Collector;
use crate::config::{Config, Output};
use crate::domain::failure::FailureKind;
use crate::domain::id::{GroupRef, ProjectId};
use crate::domain::permission::{NEEDED, Needed, Permission};
use crate::domain::project::Project;
use crate::domain::selection::{ProjectFilter, without_pipeline};
use crate::domain::snapshot::{Problem, Snapshot};
use crate::domain::token::AccessToken;
use crate::domain::usage::ApiChoice;
use crate::gitlab::client::{Client, ListFilter, Purpose};
use crate::gitlab::error::{Error, Kind};
use crate::text::plural::counted;
use chrono::NaiveDate;
use clap::{ArgMatches, Command};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::time::Instant;

/// A list with more pages than this is not counted to its end.
const MOST_PAGES: u32 = 100;
/// So many projects are read as a run would read them: the first may have no pipeline.
const TRIED_AT_MOST: usize = 3;
/// From here on a token is worth renewing: two weeks cover a holiday.
const SOON: i64 = 14;

pub(super) fn command() -> Command {
    Command::new("check")
        .about("Tries the configuration: token, scopes, server, groups, pipelines, and what is missing")
        .after_help("Ends with the exit code that a run would end with. -o json prints schema glwatch.check/1.")
        .after_long_help(format!(
            "Ends with the exit code that a run would end with. -o json prints schema glwatch.check/1.\n\n\
             The token needs the scope read_api, and api for retry, cancel and play.\n\
             A fine-grained token (GitLab 19.2 and newer) needs these permissions instead:\n  {}",
            permissions().join("\n  ")
        ))
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let surroundings = RunContext::new(matches)?;
    let config = Config::resolve(&surroundings.settings)?;
    log::start(matches.get_count("verbose"), config.display.log_file.as_deref())?;
    let charset = surroundings.charset(&config.display);
    let mut check = Check { surroundings: &surroundings, config: &config, list: Checklist::new(charset) };
    let exit = check.all()?;
    let mut bytes = Vec::new();
    let written = match config.display.output {
        Output::Json | Output::Ndjson => check.list.write_json(exit, &mut bytes),
        _ => check.list.write(&mut bytes),
    };
    written.map_err(CliError::Output)?;
    output::to_stdout(&bytes)?;
    Ok(exit)
}

/// The projects of all groups.
#[derive(Default)]
struct CheckedProjects {
    ids: HashSet<ProjectId>,
    /// What the filters leave.
    kept: Vec<Project>,
}

/// Returns what a fine-grained token needs, one command a line.
fn permissions() -> Vec<String> {
    let list = |all: &[Permission]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let line = |needed: &Needed| {
        let apis = if needed.graphql.is_empty() || needed.rest == needed.graphql {
            list(needed.rest)
        } else {
            format!("{} (over GraphQL {})", list(needed.rest), list(needed.graphql))
        };
        let helpful: Vec<String> =
            needed.helpful.iter().map(|helpful| format!("{} for {}", helpful.permission, helpful.shows)).collect();
        let better = if helpful.is_empty() { String::new() } else { format!("; and {}", helpful.join(", ")) };
        format!("{}: {apis}{better}", needed.command)
    };
    NEEDED.iter().map(line).collect()
}

struct Check<'a> {
    surroundings: &'a RunContext,
    config: &'a Config,
    list: Checklist,
}

impl Check<'_> {
    /// Goes through everything; the exit code is the one that a run would end with.
    fn all(&mut self) -> Result<Exit, CliError> {
        self.files();
        let runtime = crate::cli::terminal::runtime()?;
        runtime.block_on(until_stopped(async {
            let client = match wire::client(self.config, self.surroundings.proxy.as_ref()) {
                Ok(client) => client,
                Err(error) => {
                    let lines = error::causes(&error);
                    self.list.error("access", &lines.join(": "), error.hints());
                    return Ok(error.exit());
                }
            };
            let client = client.for_purpose(Purpose::Check, Instant::now() + self.config.pace.max_time);
            let is_told = !self.config.display.quiet;
            Ok(waiting::told(&client, is_told, self.asked(&client)).await)
        }))
    }

    /// Goes through what GitLab has to be asked about.
    async fn asked(&mut self, client: &Client) -> Exit {
        let mut exit = self.access(client).await;
        if exit == Exit::Done {
            exit = self.server(client).await;
        }
        if exit != Exit::Done {
            return exit;
        }
        match self.config.required_groups() {
            Err(error) => {
                self.list.error("group", &error.problem, error.hints);
                Exit::Usage
            }
            Ok(_) => self.groups(client).await,
        }
    }

    fn files(&mut self) {
        let RunContext { files, .. } = self.surroundings;
        for path in &files.read {
            self.list.ok("file", &path.display().to_string());
        }
        if files.read.is_empty() {
            self.list.ok("file", "none; glwatch config init writes one");
        }
        for warning in files.warnings.iter().chain(&token::warnings(&self.config.connection)) {
            self.list.warning("file", warning, vec![]);
        }
        let connection = &self.config.connection;
        self.list.ok("host", &format!("{} (from {})", connection.host, connection.host_origin));
        if connection.insecure {
            let text = "certificates are not checked: anyone on the way can read the token";
            self.list.warning("host", text, vec!["name your CA with --ca-file instead of --insecure".into()]);
        }
    }

    /// Looks at the token.
    async fn access(&mut self, client: &Client) -> Exit {
        let Some((_, origin)) = &self.config.connection.token else {
            if let Some((_, origin)) = &self.config.connection.headers {
                self.list.warning(
                    "token",
                    &format!("none; what the headers from {origin} permit is tried below"),
                    vec![],
                );
                return Exit::Done;
            }
            let hints = hint::without_token(self.config, &self.surroundings.settings);
            self.list.warning("token", "none: only what is public can be read", hints);
            return Exit::Done;
        };
        match client.token().await {
            Ok(token) => self.token(&token, &origin.to_string(), client.server_now().date_naive()),
            // The token is fine or not, but GitLab is there and has nothing to say about it.
            Err(error) if matches!(error.status(), Some(400 | 403 | 404 | 405)) => {
                let text = format!("from {origin}; GitLab does not tell what it may, as for OAuth tokens: {error}");
                self.list.warning("token", &text, vec![]);
                Exit::Done
            }
            // A page in GitLab's place says nothing about the token, and the run does not ask for it.
            Err(error) if matches!(error.kind, Kind::NotGitlab { .. }) => {
                let text = format!("from {origin}; what it may could not be asked: {error}");
                self.list.warning("token", &text, vec![]);
                Exit::Done
            }
            Err(error) if error.status() == Some(401) => self.failed("token", &format!("from {origin}: "), &error),
            Err(error) => self.failed("server", "", &error),
        }
    }

    fn token(&mut self, token: &AccessToken, origin: &str, today: NaiveDate) -> Exit {
        let scopes = match (token.is_fine_grained, token.scopes.is_empty()) {
            (true, _) => "fine-grained".to_owned(),
            (false, true) => "scopes: none".to_owned(),
            (false, false) => format!("scopes: {}", token.scopes.join(", ")),
        };
        let name = &token.name;
        let left = token.days_left(today);
        let expiry = match (token.expires_on, left) {
            (Some(day), Some(left)) if left <= 0 => format!("expired on {day}"),
            (Some(day), Some(left)) => format!("expires on {day}, {} left", counted(left, "day")),
            _ => "does not expire".to_owned(),
        };
        let text = format!("\"{name}\" from {origin}, {scopes}, {expiry}");
        let renewal = || vec![hint::new_token(self.config)];
        let ended = match token.end(today) {
            Some(end) => Some(format!("{text}; {end}")),
            None if !token.can_read() => Some(format!("{text}; it lacks the scope read_api")),
            None => None,
        };
        if let Some(text) = ended {
            self.list.error("token", &text, renewal());
            return Exit::NoData;
        }
        if left.is_some_and(|left| left < SOON) {
            self.list.warning("token", &text, vec![format!("renew it in time: {}", hint::new_token(self.config))]);
        } else if token.can_act() {
            self.list.ok("token", &text);
        } else {
            self.list.ok("token", &format!("{text}; enough to read, retry, cancel and play need the scope api"));
        }
        if token.is_fine_grained {
            permissions().iter().for_each(|line| self.list.ok("permissions", line));
        }
        Exit::Done
    }

    async fn server(&mut self, client: &Client) -> Exit {
        match client.server().await {
            Ok(server) => {
                let edition = match server.is_enterprise {
                    Some(true) => ", Enterprise Edition",
                    Some(false) => ", Community Edition",
                    None => "",
                };
                self.list.ok("server", &format!("GitLab {}{edition}", server.version));
            }
            Err(error) if matches!(error.status(), Some(401 | 403)) => {
                self.list.ok("server", "answers, and tells its version to users only");
            }
            Err(error) => return self.failed("server", "", &error),
        }
        self.api(client).await
    }

    /// Says over which API the pipelines would be read.
    async fn api(&mut self, client: &Client) -> Exit {
        let choice = self.config.collecting.api;
        if choice == ApiChoice::Rest {
            self.list.ok("api", "REST v4 answers; GraphQL is not to be used (--api rest)");
            return Exit::Done;
        }
        match client.read_fields().await {
            Ok(()) => self.list.ok("api", "GraphQL answers: many projects with one request"),
            Err(error) if choice == ApiChoice::Auto => {
                let hints = vec!["REST will be read instead, with four requests for each project".into()];
                self.list.warning("api", &format!("GraphQL does not answer: {error}"), hints);
            }
            Err(error) => return self.failed("api", "", &error),
        }
        Exit::Done
    }

    async fn groups(&mut self, client: &Client) -> Exit {
        let groups = &self.config.scope.groups;
        let (mut read, mut listed) = (0, CheckedProjects::default());
        for group in groups {
            match self.group(client, group, &mut listed).await {
                Ok(()) => read += 1,
                Err(error) => {
                    let _ = self.failed("group", &format!("{group}: "), &error);
                }
            }
        }
        let lost = match read {
            0 => return Exit::NoData,
            _ if read < groups.len() && !self.config.verdict.allow_partial => Exit::Partial,
            _ => Exit::Done,
        };
        if listed.kept.is_empty() {
            let hints = if listed.ids.is_empty() {
                hint::empty_group(self.config, &self.surroundings.settings)
            } else {
                hint::nothing_left(&[])
            };
            self.list.error("projects", "no project is left to show", hints);
            return lost.worse(Exit::Usage);
        }
        lost.worse(self.pipelines(client, &listed.kept).await)
    }

    /// Counts what the table would show of a group: each project once, without what the filters leave out.
    async fn group(&mut self, client: &Client, group: &GroupRef, listed: &mut CheckedProjects) -> Result<(), Error> {
        let found = client.group(group).await?;
        let scope = &self.config.scope;
        let filter = ListFilter { subgroups: scope.subgroups, archived: scope.archived };
        let (mut page, mut all, mut kept) = (1, 0, 0);
        let more = loop {
            let answer = client.projects(group, filter, page).await?;
            let next = answer.next.filter(|next| *next > page && !answer.items.is_empty());
            for one in answer.items {
                let is_wanted = scope.archived || !one.is_marked_for_deletion;
                if is_wanted && listed.ids.insert(one.project.id) {
                    all += 1;
                    if scope.filter.keeps(&one.project) {
                        kept += 1;
                        listed.kept.push(one.project);
                    }
                }
            }
            match next {
                Some(next) if next <= MOST_PAGES => page = next,
                next => break next.is_some(),
            }
        };
        let name = format!("{} ({})", found.full_path, found.id);
        let least = if more { "more than " } else { "" };
        match (all, kept) {
            (0, _) => self.list.warning("group", &format!("{name}: no project is visible"), vec![]),
            _ if kept == all => self.list.ok("group", &format!("{name}: {least}{}", counted(all, "project"))),
            _ => self
                .list
                .ok("group", &format!("{name}: {kept} of {least}{} left by the filters", counted(all, "project"))),
        }
        Ok(())
    }

    /// Reads a few projects as a run would.
    async fn pipelines(&mut self, client: &Client, projects: &[Project]) -> Exit {
        let can_have = |project: &&Project| project.ci_enabled != Some(false);
        let chosen: Vec<String> =
            projects.iter().filter(can_have).take(TRIED_AT_MOST).map(|project| project.id.to_string()).collect();
        if chosen.is_empty() {
            self.list.warning(
                "pipelines",
                "CI/CD is switched off in all projects, so there is nothing to show",
                vec![],
            );
            return Exit::Done;
        }
        let mut options = wire::collecting(self.config);
        options.filter = ProjectFilter::new(chosen.iter().map(String::as_str), []).unwrap_or_default();
        let snapshot = match Collector::new(client.clone(), Arc::new(options)).read(&|_| {}).await {
            Ok(reply) => reply.snapshot,
            Err(error) => return self.failed("pipelines", "", &error.source),
        };
        for row in &snapshot.rows {
            let path = &row.project.full_path;
            let lost = row.pipelines().iter().find_map(|pipeline| pipeline.unread.as_ref());
            match (lost.or_else(|| row.failure()), row.pipelines().first()) {
                (Some(failure), _) => {
                    let hints = hint::nothing_read(&[failure], self.config, &self.surroundings.settings);
                    self.list.error("pipelines", &format!("{path}: {}", failure), hints);
                }
                (None, Some(pipeline)) => {
                    let jobs: usize = pipeline.stages.iter().map(|stage| stage.jobs.len()).sum();
                    let (id, status) = (pipeline.id, pipeline.status.word());
                    self.list.ok("pipelines", &format!("{path}: #{id} {status}, {}", counted(jobs, "job")));
                }
                (None, None) => self.list.ok("pipelines", &format!("{path}: has none")),
            }
        }
        // What a row or the check of the API has said is not said again.
        let has_row =
            |subject: &str| snapshot.rows.iter().any(|row| row.project.full_path == subject && row.failure().is_some());
        let is_news =
            |problem: &&Problem| problem.failure.kind != FailureKind::GraphqlUnavailable && !has_row(&problem.subject);
        for problem in snapshot.problems.iter().filter(is_news) {
            self.list.warning("pipelines", &format!("{}: {}", problem.subject, problem.failure), vec![]);
        }
        let tried = chosen.len();
        let others = projects.iter().filter(can_have).count() - tried;
        let of_refs = self.refs(&snapshot, tried, others);
        if snapshot.nothing_was_read(None) {
            Exit::NoData
        } else if of_refs != Exit::Done {
            of_refs
        } else if !snapshot.is_complete() && !self.config.verdict.allow_partial {
            Exit::Partial
        } else {
            Exit::Done
        }
    }

    /// Judges the values of `--ref` as a run would where every project was read; says what is open where some were not.
    fn refs(&mut self, snapshot: &Snapshot, tried: usize, others: usize) -> Exit {
        if others == 0 {
            let judged = refs::judge(snapshot, self.config, &self.surroundings.settings);
            for warning in &judged.warnings {
                self.list.warning("ref", warning, vec![]);
            }
            let Some(error) = judged.error else { return Exit::Done };
            self.list.error("ref", &error.to_string(), error.hints());
            return error.exit();
        }
        for selector in without_pipeline(&self.config.scope.refs, &snapshot.rows) {
            if !selector.may_be_misspelt() {
                continue;
            }
            let (tried, others) = (counted(tried as u64, "project"), counted(others as u64, "other project"));
            let text = format!(
                "none of the {tried} that were tried has a pipeline for --ref \"{selector}\"; {others} were not asked: a \
                 run exits with 2 if none has one"
            );
            self.list.warning("ref", &text, vec![]);
        }
        Exit::Done
    }

    fn failed(&mut self, subject: &'static str, before: &str, error: &Error) -> Exit {
        let settings = &self.surroundings.settings;
        let hints = match subject {
            "group" | "pipelines" => hint::for_group(error, self.config, settings),
            // GitLab has a version and an API for every user.
            _ if error.status() == Some(404) => vec![format!(
                "check --host: {} may be no GitLab, or one below a sub-path: https://example.com/gitlab",
                self.config.connection.host
            )],
            _ => hint::for_group(error, self.config, settings),
        };
        let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
        self.list.error(subject, &format!("{before}{error}{cause}"), hints);
        Exit::NoData
    }
}
