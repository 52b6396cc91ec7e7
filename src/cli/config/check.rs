//! `glwatch config check`: whether a run would work, and what is missing where it would not.

use super::checklist::Checklist;
use super::show;
use crate::cli::error::{self, CliError};
use crate::cli::exit::Exit;
use crate::cli::status::until_stopped;
use crate::cli::surroundings::Surroundings;
use crate::cli::{hint, log, output, waiting, wire};
use crate::config::{Config, ConfigError};
use crate::domain::id::GroupRef;
use crate::domain::token::AccessToken;
use crate::domain::usage::ApiChoice;
use crate::gitlab::client::{Client, ListFilter};
use crate::gitlab::error::{Error, Kind};
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use chrono::NaiveDate;
use clap::{ArgMatches, Command};

/// From here on a token is worth renewing: two weeks cover a holiday.
const SOON: i64 = 14;

pub(super) fn command() -> Command {
    Command::new("check").about("Tries the configuration: token, scopes, server, groups, and what is missing")
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let surroundings = Surroundings::new(matches)?;
    let (config, no_group) = show::resolve(&surroundings.settings)?;
    log::start(matches.get_count("verbose"), config.display.log_file.as_deref())?;
    let is_dumb = surroundings.environment.get("TERM").is_some_and(|term| term == "dumb");
    let charset = if config.display.ascii || is_dumb { Charset::Ascii } else { Charset::Unicode };
    let mut check = Check { surroundings: &surroundings, config: &config, list: Checklist::new(charset) };
    let outcome = check.all(no_group);
    let mut bytes = Vec::new();
    check.list.write(&mut bytes).map_err(CliError::Output)?;
    output::to_stdout(&bytes)?;
    outcome
}

struct Check<'a> {
    surroundings: &'a Surroundings,
    config: &'a Config,
    list: Checklist,
}

impl Check<'_> {
    /// Goes through everything; the exit code is the one that a run would end with before it looks at pipelines.
    fn all(&mut self, no_group: Option<ConfigError>) -> Result<Exit, CliError> {
        self.files();
        let runtime = crate::cli::runtime()?;
        runtime.block_on(until_stopped(async {
            let client = match wire::client(self.config, self.surroundings.proxy.as_ref()) {
                Ok(client) => client,
                Err(error) => {
                    let lines = error::causes(&error);
                    self.list.error("access", &lines.join(": "), error.hints());
                    return Ok(error.exit());
                }
            };
            client.limit_time(self.config.pace.max_time);
            let is_told = !self.config.display.quiet;
            Ok(waiting::told(&client, is_told, self.asked(&client, no_group)).await)
        }))
    }

    /// Goes through what GitLab has to be asked about.
    async fn asked(&mut self, client: &Client, no_group: Option<ConfigError>) -> Exit {
        let mut exit = self.access(client).await;
        if exit == Exit::Done {
            exit = self.server(client).await;
        }
        if exit != Exit::Done {
            return exit;
        }
        match no_group {
            Some(error) => {
                self.list.error("group", &error.problem, error.hints);
                Exit::Usage
            }
            None => self.groups(client).await,
        }
    }

    fn files(&mut self) {
        let Surroundings { files, .. } = self.surroundings;
        for path in &files.read {
            self.list.ok("file", &path.display().to_string());
        }
        if files.read.is_empty() {
            self.list.ok("file", "none; glwatch config init writes one");
        }
        for warning in &files.warnings {
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
        let scopes = if token.scopes.is_empty() { "none".to_owned() } else { token.scopes.join(", ") };
        let name = &token.name;
        let expiry = match (token.expires_on, token.days_left(today)) {
            (Some(day), Some(left)) => format!("expires on {day}, {} left", counted(left.max(0), "day")),
            _ => "does not expire".to_owned(),
        };
        let text = format!("\"{name}\" from {origin}, scopes: {scopes}, {expiry}");
        if !token.can_read() {
            let hints = vec![hint::new_token(self.config)];
            self.list.error("token", &format!("{text}; it lacks the scope read_api"), hints);
            return Exit::NoData;
        }
        if token.days_left(today).is_some_and(|left| left < SOON) {
            self.list.warning("token", &text, vec![format!("renew it in time: {}", hint::new_token(self.config))]);
        } else {
            self.list.ok("token", &text);
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
        let mut read = 0;
        for group in groups {
            match self.group(client, group).await {
                Ok(()) => read += 1,
                Err(error) => {
                    let _ = self.failed("group", &format!("{group}: "), &error);
                }
            }
        }
        match read {
            0 => Exit::NoData,
            _ if read < groups.len() && !self.config.verdict.allow_partial => Exit::Partial,
            _ => Exit::Done,
        }
    }

    async fn group(&mut self, client: &Client, group: &GroupRef) -> Result<(), Error> {
        let found = client.group(group).await?;
        let filter = ListFilter { subgroups: self.config.scope.subgroups, archived: self.config.scope.archived };
        let page = client.projects(group, filter, 1).await?;
        let name = format!("{} ({})", found.full_path, found.id);
        match page.total {
            Some(0) => {
                let hints = vec!["the group is empty, or the token's owner is no member of its projects".into()];
                self.list.warning("group", &format!("{name}: no project is visible"), hints);
            }
            Some(total) => self.list.ok("group", &format!("{name}: {} listed", counted(total, "project"))),
            // GitLab leaves the total out above 10 000.
            None if page.next.is_some() => {
                self.list.ok("group", &format!("{name}: more than {} listed", counted(page.items.len(), "project")));
            }
            None => self.list.ok("group", &format!("{name}: {} listed", counted(page.items.len(), "project"))),
        }
        Ok(())
    }

    fn failed(&mut self, subject: &'static str, before: &str, error: &Error) -> Exit {
        let hints = hint::for_group(error, self.config, &self.surroundings.settings);
        let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
        self.list.error(subject, &format!("{before}{error}{cause}"), hints);
        Exit::NoData
    }
}
