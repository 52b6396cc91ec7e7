//! `glwatch config check`: says whether a run would work, and if not, what is missing.

use super::checklist::Checklist;
use crate::cli::error::{self, CliError};
use crate::cli::exit::Exit;
use crate::cli::run_context::RunContext;
use crate::cli::terminal::until_stopped;
use crate::cli::{hint, log, output, refs, token, waiting, wire};
use crate::collect::run::{CollectOptions, Collector, GroupError};
use crate::config::{Config, Output};
use crate::domain::failure::FailureKind;
use crate::domain::permission::{NEEDED, Needed, Permission};
use crate::domain::project::{Project, ProjectRow};
use crate::domain::selection::without_pipeline;
use crate::domain::server::Server;
use crate::domain::snapshot::{Group, Problem, ProblemScope, Snapshot};
use crate::domain::token::AccessToken;
use crate::domain::usage::{Api, ApiChoice};
use crate::gitlab::client::{Client, Purpose};
use crate::gitlab::error::{Error, Kind};
use crate::text::plural::counted;
use chrono::NaiveDate;
use clap::{ArgMatches, Command};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::time::Instant;

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
    let run_context = RunContext::new(matches)?;
    let config = Config::resolve(&run_context.settings)?;
    log::start(matches.get_count("verbose"), config.display.log_file.as_deref())?;
    let charset = run_context.charset(&config.display);
    let mut check = Check { run_context: &run_context, config: &config, list: Checklist::new(charset) };
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

/// Says whether a project lies in a group or in one of its subgroups. GitLab's paths do not depend on case.
fn is_below(project: &str, group: &str) -> bool {
    let (head, rest) = (project.get(..group.len()), project.get(group.len()..));
    head.is_some_and(|head| head.eq_ignore_ascii_case(group)) && rest.is_some_and(|rest| rest.starts_with('/'))
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
    run_context: &'a RunContext,
    config: &'a Config,
    list: Checklist,
}

impl Check<'_> {
    /// Goes through everything; the exit code is the one that a run would end with.
    fn all(&mut self) -> Result<Exit, CliError> {
        self.files();
        let runtime = crate::cli::terminal::runtime()?;
        runtime.block_on(until_stopped(async {
            let client = match wire::client(self.config, self.run_context.proxy.as_ref()) {
                Ok(client) => client,
                Err(error) => {
                    let lines = error::causes(&error);
                    self.list.error("access", &lines.join(": "), error.hints());
                    return Ok(error.exit());
                }
            };
            let client = client.for_purpose(Purpose::Check, Instant::now() + self.config.pace.max_time);
            let is_told = !self.config.display.quiet;
            Ok(waiting::announced(&client, is_told, self.asked(&client)).await)
        }))
    }

    /// Goes through what GitLab has to be asked about. All is asked at once; what is wrong first makes the rest idle.
    async fn asked(&mut self, client: &Client) -> Exit {
        let groups = self.config.required_groups().map(|_| ());
        let mut collector = Collector::new(client.clone(), Arc::new(self.trial()));
        let reading = async {
            match groups {
                Ok(()) => Some(collector.read(&|_| {}).await),
                Err(_) => None,
            }
        };
        let token = async {
            match self.config.connection.token {
                Some(_) => Some(client.token().await),
                None => None,
            }
        };
        let (token, server, reading) = tokio::join!(token, client.server(), reading);
        let mut exit = self.access(token, client.server_now().date_naive());
        if exit == Exit::Done {
            exit = self.server(server);
        }
        match (exit, groups, reading) {
            (Exit::Done, Err(error), _) => {
                self.list.error("group", &error.problem, error.hints);
                Exit::Usage
            }
            (Exit::Done, Ok(()), Some(Ok(reply))) => self.read(&reply.snapshot, collector.listed_projects()),
            (Exit::Done, Ok(()), Some(Err(error))) => self.nothing(&error),
            (exit, _, _) => exit,
        }
    }

    /// Returns what a run would read, of a few projects only.
    fn trial(&self) -> CollectOptions {
        CollectOptions { tried_at_most: Some(TRIED_AT_MOST), ..wire::collecting(self.config) }
    }

    fn files(&mut self) {
        let RunContext { files, .. } = self.run_context;
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

    fn no_token(&mut self) {
        let (text, hints) = match &self.config.connection.headers {
            Some((_, origin)) => (format!("none; what the headers from {origin} permit is tried below"), vec![]),
            None => {
                let hints = hint::without_token(self.config, &self.run_context.settings);
                ("none: only what is public can be read".to_owned(), hints)
            }
        };
        self.list.warning("token", &text, hints);
    }

    /// Looks at the token.
    fn access(&mut self, token: Option<Result<AccessToken, Error>>, today: NaiveDate) -> Exit {
        let (Some((_, origin)), Some(token)) = (&self.config.connection.token, token) else {
            self.no_token();
            return Exit::Done;
        };
        match token {
            Ok(token) => self.token(&token, &origin.to_string(), today),
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

    fn server(&mut self, server: Result<Server, Error>) -> Exit {
        match server {
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
        Exit::Done
    }

    /// Says why nothing could be read.
    fn nothing(&mut self, error: &GroupError) -> Exit {
        let (group, source) = (error.wanted.subject(), &error.source);
        if source.request.query.is_some() {
            return self.failed("api", "", source);
        }
        let exit = self.failed("group", &format!("{group}: "), source);
        self.problems_of_groups(&error.others);
        exit
    }

    fn problems_of_groups<'p>(&mut self, problems: impl IntoIterator<Item = &'p Problem>) {
        for Problem { scope, subject, failure } in problems {
            if *scope == ProblemScope::Group {
                let hints = hint::nothing_read(&[failure], self.config, &self.run_context.settings);
                self.list.error("group", &format!("{subject}: {failure}"), hints);
            }
        }
    }

    /// Goes through what a few projects taught, and what the lists hold.
    fn read(&mut self, snapshot: &Snapshot, listed: &[Arc<Project>]) -> Exit {
        self.api(snapshot);
        self.groups(&snapshot.groups, listed);
        self.problems_of_groups(&snapshot.problems);
        let is_whole = snapshot.problems.iter().all(|problem| problem.scope != ProblemScope::Group);
        let partial = if is_whole || self.config.verdict.allow_partial { Exit::Done } else { Exit::Partial };
        let filter = &self.config.scope.filter;
        let kept: Vec<&Project> = listed.iter().map(|one| &**one).filter(|one| filter.keeps(one)).collect();
        if kept.is_empty() {
            let hints = if listed.is_empty() {
                hint::empty_group(self.config, &self.run_context.settings)
            } else {
                let unmatched: Vec<String> = filter.unmatched(listed).into_iter().map(str::to_owned).collect();
                hint::nothing_left(&unmatched)
            };
            self.list.error("projects", "no project is left to show", hints);
            return partial.worse(Exit::Usage);
        }
        partial.worse(self.pipelines(snapshot, &kept))
    }

    /// Says over which API the pipelines are read.
    fn api(&mut self, snapshot: &Snapshot) {
        let fallback = snapshot.problems.iter().find(|problem| problem.failure.kind == FailureKind::GraphqlUnavailable);
        match (fallback, snapshot.usage.api) {
            (Some(problem), _) => self.list.warning("api", &problem.failure.to_string(), vec![]),
            (None, Api::Graphql) => self.list.ok("api", "GraphQL answers: many projects with one request"),
            (None, Api::Rest) if self.config.collecting.api == ApiChoice::Rest => {
                self.list.ok("api", "REST v4 answers; GraphQL is not to be used (--api rest)");
            }
            (None, Api::Rest) => {
                self.list.ok("api", "REST v4 answers: a glob in --ref is looked for there");
            }
        }
    }

    /// Counts what the table would show of each group: each project once, without what the filters leave out.
    fn groups(&mut self, groups: &[Group], listed: &[Arc<Project>]) {
        let mut counted_in = HashSet::new();
        for group in groups {
            let (mut all, mut kept) = (0, 0);
            for project in listed {
                let is_in = groups.len() == 1 || is_below(&project.full_path, &group.full_path);
                if is_in && counted_in.insert(project.id) {
                    all += 1;
                    kept += u64::from(self.config.scope.filter.keeps(project));
                }
            }
            let name = format!("{} ({})", group.full_path, group.id);
            match (all, kept) {
                (0, _) => self.list.warning("group", &format!("{name}: no project is visible"), vec![]),
                _ if kept == all => self.list.ok("group", &format!("{name}: {}", counted(all, "project"))),
                _ => {
                    let text = format!("{name}: {kept} of {} left by the filters", counted(all, "project"));
                    self.list.ok("group", &text);
                }
            }
        }
    }

    /// Goes through the projects that were read as a run would read them.
    fn pipelines(&mut self, snapshot: &Snapshot, projects: &[&Project]) -> Exit {
        let can_have = projects.iter().filter(|project| project.ci_enabled != Some(false)).count();
        if can_have == 0 {
            self.list.warning(
                "pipelines",
                "CI/CD is switched off in all projects, so there is nothing to show",
                vec![],
            );
            return Exit::Done;
        }
        for row in &snapshot.rows {
            self.row(row);
        }
        // What a row or an earlier line has said is not said again.
        let has_row =
            |subject: &str| snapshot.rows.iter().any(|row| row.project.full_path == subject && row.failure().is_some());
        let is_news = |problem: &&Problem| {
            problem.failure.kind != FailureKind::GraphqlUnavailable
                && problem.scope != ProblemScope::Group
                && !has_row(&problem.subject)
        };
        for problem in snapshot.problems.iter().filter(is_news) {
            self.list.warning("pipelines", &format!("{}: {}", problem.subject, problem.failure), vec![]);
        }
        let tried = snapshot.rows.len();
        let of_refs = self.refs(snapshot, tried, can_have.saturating_sub(tried));
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

    fn row(&mut self, row: &ProjectRow) {
        let path = &row.project.full_path;
        let unread = row.pipelines().iter().find_map(|pipeline| pipeline.unread.as_ref());
        match (unread.or_else(|| row.failure()), row.pipelines().first()) {
            (Some(failure), _) => {
                let hints = hint::nothing_read(&[failure], self.config, &self.run_context.settings);
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

    /// Judges the values of `--ref` as a run would where every project was read; says what is open where some were not.
    fn refs(&mut self, snapshot: &Snapshot, tried: usize, others: usize) -> Exit {
        if others == 0 {
            let judged = refs::judge(snapshot, self.config, &self.run_context.settings);
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
        let settings = &self.run_context.settings;
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
