//! The public face: one method per question, domain types as answers.

use crate::domain::host::Host;
use crate::domain::id::{GroupRef, PipelineId, ProjectRef};
use crate::domain::pipeline::Pipeline;
use crate::domain::server::Server;
use crate::domain::snapshot::Group;
use crate::domain::token::AccessToken;
use crate::domain::usage::Usage;
use crate::gitlab::error::{Error, SetupError};
use crate::gitlab::page::Page;
use crate::gitlab::rest;
use crate::gitlab::transport::{Options, Transport};
use chrono::{DateTime, Utc};
use std::time::Duration;

pub use rest::job::{Bridges, JobList};
pub use rest::pipeline::{PipelineFilter, PipelineHead};
pub use rest::project::{ListFilter, ListedProject};

/// A connection to one GitLab, with one budget for everything that goes over it.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// Makes a client; fails on certificates that cannot be read.
    pub fn new(options: Options) -> Result<Self, SetupError> {
        Ok(Self { transport: Transport::new(options)? })
    }

    pub fn host(&self) -> &Host {
        self.transport.host()
    }

    /// Gives everything from now on this much time in all: what would take longer fails, and says so.
    pub fn limit_time(&self, total: Duration) {
        self.transport.limit_time(total);
    }

    /// Returns what the run has cost so far.
    pub fn usage(&self) -> Usage {
        self.transport.usage()
    }

    /// Returns the time by the server's clock.
    pub fn server_now(&self) -> DateTime<Utc> {
        self.transport.server_now()
    }

    /// Says whether it asks with a token or anonymously.
    pub fn has_token(&self) -> bool {
        self.transport.has_token()
    }

    /// Reads what GitLab says about the token that it is asked with.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        rest::token::read(&self.transport).await
    }

    /// Reads which GitLab answers.
    pub async fn server(&self) -> Result<Server, Error> {
        rest::server::read(&self.transport).await
    }

    pub async fn group(&self, group: &GroupRef) -> Result<Group, Error> {
        rest::group::read(&self.transport, group).await
    }

    /// Reads one page of a group's projects, ordered by id so that pages do not shift.
    pub async fn projects(
        &self,
        group: &GroupRef,
        filter: ListFilter,
        page: u32,
    ) -> Result<Page<ListedProject>, Error> {
        rest::project::list(&self.transport, group, filter, page).await
    }

    /// Reads the newest pipelines that a filter lets through, newest first, `count` at most.
    pub async fn pipelines(
        &self,
        project: &ProjectRef,
        filter: &PipelineFilter,
        count: usize,
    ) -> Result<Vec<PipelineHead>, Error> {
        rest::pipeline::list(&self.transport, project, filter, count).await
    }

    /// Reads a pipeline's details; stages and downstream pipelines are questions of their own.
    pub async fn pipeline(&self, project: &ProjectRef, id: PipelineId) -> Result<Pipeline, Error> {
        rest::pipeline::read(&self.transport, project, id).await
    }

    /// Reads all attempts at all jobs of a pipeline, trigger jobs apart.
    pub async fn jobs(&self, project: &ProjectRef, id: PipelineId) -> Result<JobList, Error> {
        rest::job::list(&self.transport, project, id).await
    }

    /// Reads a pipeline's trigger jobs and where each leads.
    pub async fn bridges(&self, project: &ProjectRef, id: PipelineId) -> Result<Bridges, Error> {
        rest::job::bridges(&self.transport, project, id).await
    }
}
