//! The common part of commands about single projects: settings, a client, and finding the project that is meant.

use super::error::CliError;
use super::exit::Exit;
use super::hint::Doing;
use super::run_context::RunContext;
use super::{cache, hint, log, terminal, waiting, wire};
use crate::collect::find::{self, FindError, FoundTarget, ProjectQuery, SearchScope, TargetQuery};
use crate::collect::listing::{ListedProjects, list_projects};
use crate::config::Config;
use crate::domain::project::Project;
use crate::domain::usage::ApiChoice;
use crate::gitlab::client::{Client, PipelineOverview, Purpose};
use crate::gitlab::error::Error;
use clap::ArgMatches;
use std::sync::Arc;
use tokio::time::Instant;

pub(super) struct Session {
    pub config: Config,
    pub client: Client,
    pub run_context: RunContext,
}

impl Session {
    /// Gathers the settings; whether to go on with them is up to `check`.
    pub(super) fn run(
        matches: &ArgMatches,
        purpose: Purpose,
        check: impl FnOnce(&Config) -> Result<(), CliError>,
        work: impl AsyncFnOnce(&Self) -> Result<Exit, CliError>,
    ) -> Result<Exit, CliError> {
        let run_context = match purpose {
            Purpose::Backfill => RunContext::looking_back(matches)?,
            _ => RunContext::new(matches)?,
        };
        let config = Config::resolve(&run_context.settings)?;
        check(&config)?;
        Self::go_on((run_context, config), matches.get_count("verbose"), purpose, work)
    }

    /// The same with settings that were checked.
    pub(super) fn go_on(
        (run_context, config): (RunContext, Config),
        verbosity: u8,
        purpose: Purpose,
        work: impl AsyncFnOnce(&Self) -> Result<Exit, CliError>,
    ) -> Result<Exit, CliError> {
        log::start(verbosity, config.display.log_file.as_deref())?;
        run_context.warn(&config);
        terminal::warn_of_insecure(&config);
        let runtime = crate::cli::terminal::runtime()?;
        let client = wire::client(&config, run_context.proxy.as_ref())?;
        let client = client.for_purpose(purpose, Instant::now() + config.pace.max_time);
        let session = Self { config, client, run_context };
        let working =
            async { waiting::announced(&session.client, !session.config.display.quiet, work(&session)).await };
        let outcome = runtime.block_on(terminal::until_stopped(working));
        // A stopped run does not wait for a slow reader.
        runtime.shutdown_background();
        outcome
    }

    /// Returns a client for more of the same work, which has the time of one run from now on.
    pub(super) fn client_from_now(&self, purpose: Purpose) -> Client {
        self.client.for_purpose(purpose, Instant::now() + self.config.pace.max_time)
    }

    /// Lists the projects of the groups. After it the server's clock is known. Fails where there is nothing to work on.
    pub(super) async fn list_projects(&self) -> Result<ListedProjects, CliError> {
        let Self { config, client, run_context } = self;
        let listed = list_projects(client, &wire::collecting(config))
            .await
            .map_err(|group| terminal::group_error(group, config, run_context))?;
        if listed.projects.is_empty() && listed.excluded > 0 {
            return Err(CliError::NothingLeft { excluded: listed.excluded, unmatched: listed.unmatched });
        }
        if listed.projects.is_empty() && listed.problems.is_empty() {
            return Err(CliError::EmptyGroup { hints: hint::empty_group(config, &run_context.settings) });
        }
        Ok(listed)
    }

    /// Reads what was written.
    pub(super) fn target(&self, text: &str) -> Result<TargetQuery, CliError> {
        let target = TargetQuery::parse(text, &self.config.connection.host);
        target.map_err(|problem| CliError::Target { text: text.to_owned(), problem })
    }

    /// Finds what it names.
    pub(super) async fn find(&self, target: &TargetQuery) -> Result<FoundTarget, CliError> {
        let known = self.known_projects(target);
        find::find(&self.client, self.scope(&known), target).await.map_err(|error| self.not_found(error))
    }

    /// Looks at it over GraphQL, where that may be asked and can tell; a target by the end of its path gets the whole.
    pub(super) async fn glance(&self, target: &mut TargetQuery) -> Result<Option<PipelineOverview>, CliError> {
        if self.config.collecting.api == ApiChoice::Rest {
            return Ok(None);
        }
        let known = self.known_projects(target);
        find::glance(&self.client, self.scope(&known), target).await.map_err(|error| self.not_found(error))
    }

    /// Returns what an earlier run has listed, where a target is the end of a path.
    fn known_projects(&self, target: &TargetQuery) -> Vec<Arc<Project>> {
        match &target.project {
            ProjectQuery::Path(end) if !end.contains('/') => {
                cache::known_projects(&self.config, &self.run_context, &self.client)
            }
            // Most likely a full path, which is asked for as it is.
            ProjectQuery::Path(_) | ProjectQuery::Id(_) | ProjectQuery::FullPath(_) => Vec::new(),
        }
    }

    fn scope<'a>(&'a self, known: &'a [Arc<Project>]) -> SearchScope<'a> {
        SearchScope { groups: &self.config.scope.groups, known }
    }

    fn not_found(&self, error: FindError) -> CliError {
        let hints = hint::for_target(&error, &self.config, &self.run_context.settings);
        let headline = match &error {
            FindError::Failed { what, source } => {
                hint::headline(&Doing::Other(&format!("find {what}")), source, &self.config)
            }
            FindError::Unknown { wanted, .. } if self.config.connection.token.is_none() => {
                format!("project \"{wanted}\" not found or not visible {}", hint::with_what(&self.config))
            }
            error => error.to_string(),
        };
        CliError::Find { headline, error, hints }
    }

    /// Adds to a failed request what can be done about it.
    pub(super) fn failed(&self, doing: String, error: Error) -> CliError {
        let hints = hint::for_request(&error, &self.config, &self.run_context.settings);
        let headline = hint::headline(&Doing::Other(&doing), &error, &self.config);
        CliError::Request { headline, source: Box::new(error), hints }
    }
}
