//! The public interface: one method per question, domain types as answers.

mod exported;
mod hooks;

use crate::domain::delivery::{DeploymentFact, EnvironmentFact, IncidentFact, MergeRequestFact};
use crate::domain::fact::UnixSeconds;
use crate::domain::host::Host;
use crate::domain::id::{DeploymentId, GroupRef, JobId, PipelineId, ProjectId, ProjectRef};
use crate::domain::job::Job;
use crate::domain::job_needs::JobNeeds;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::Project;
use crate::domain::project_source::ProjectSearch;
use crate::domain::server::Server;
use crate::domain::snapshot::Group;
use crate::domain::test_report::TestReport;
use crate::domain::token::AccessToken;
use crate::domain::usage::{Api, Cost, EndpointCount, Usage};
use crate::gitlab::auth::Fingerprint;
use crate::gitlab::cable::Cable;
use crate::gitlab::error::{Error, SetupError};
use crate::gitlab::page::ListPage;
use crate::gitlab::transport::{Transport, TransportOptions};
use crate::gitlab::{graphql, rest};
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub use crate::gitlab::budget::Waiting;
pub use crate::gitlab::job_page::{JobPage, MoreJobs, PastJobs, PastPage, PastPipeline};
pub use crate::gitlab::transport::{Purpose, TraceEnd, TraceLimits, TraceSink};
pub use graphql::downstream::{ByIid, PER_QUERY as DOWNSTREAMS_PER_QUERY};
pub use graphql::fields::Fields;
pub use graphql::glance::PipelineOverview;
pub use graphql::jobs::PER_QUERY as MORE_JOBS_PER_QUERY;
pub use graphql::older::{OlderPipelines, PER_QUERY as OLDER_PIPELINES_PER_QUERY};
pub use graphql::past::{
    JOBS_OF_EACH as PAST_JOBS_OF_EACH, JOBS_PER_QUERY as PAST_JOBS_PER_QUERY, PastQuery, PipelineNews,
};
pub use graphql::{Answered, ProjectSaid};
pub use hooks::ListedHooks;
pub use rest::action::{Action, ActionResult, ActionSubject};
pub(crate) use rest::delivery::ChangedPage;
pub use rest::hook::{HookChange, HookChangeEnd, WantedHook};
pub use rest::job::{Bridges, DetailedJobs, JobList, OneJob};
pub use rest::past::{ProjectJob, ProjectJobs};
pub use rest::pipeline::{PipelineFilter, PipelineHead};
pub use rest::project::{ListFilter, ListedProject};

/// One caller's handle on the connection to one GitLab.
///
/// The connection with its budget, and what is known of the server, are shared by all handles that come from one another.
/// The purpose, the deadline and the cost are the handle's own. A clone is the same caller.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    /// What is known of the server's GraphQL; nothing until it was asked.
    fields: Arc<Mutex<Option<Arc<Fields>>>>,
}

impl Client {
    /// Makes a client without a deadline; fails on certificates that cannot be read.
    pub fn new(options: TransportOptions) -> Result<Self, SetupError> {
        Ok(Self { transport: Transport::new(options)?, fields: Arc::default() })
    }

    /// Returns a handle for another caller, with a deadline and a cost of its own.
    ///
    /// What would be sent after the deadline, or could not be answered before it, fails and says so.
    #[must_use]
    pub fn for_purpose(&self, purpose: Purpose, deadline: Instant) -> Self {
        Self { transport: self.transport.for_purpose(purpose, deadline), fields: Arc::clone(&self.fields) }
    }

    /// Returns what the requests of this handle have cost so far; those of other handles do not count.
    pub fn cost(&self) -> Cost {
        self.transport.cost()
    }

    pub fn host(&self) -> &Host {
        self.transport.host()
    }

    /// Returns the full path of the project in a pipeline's address on this host.
    pub fn project_of<'a>(&self, web_url: &'a str) -> Option<&'a str> {
        rest::job::project_of(self.host(), web_url)
    }

    /// Returns what everything waits for at the moment, if it does.
    pub fn waiting(&self) -> Option<Waiting> {
        self.transport.waiting()
    }

    /// Returns how long this handle has left; `None` without a deadline.
    pub fn time_left(&self) -> Option<Duration> {
        self.transport.time_left()
    }

    /// Returns how long it takes at least to send so many requests, by the permitted rate alone.
    pub fn time_to_send(&self, requests: u64) -> Duration {
        self.transport.time_to_send(requests)
    }

    /// Returns how the last attempt at a request failed, where it is made again and nothing has come since.
    pub fn retried_failure(&self) -> Option<String> {
        self.transport.failure()
    }

    /// Returns what the requests of all handles have cost so far.
    pub fn usage(&self) -> Usage {
        self.transport.usage()
    }

    /// Returns the requests of all handles, by what was asked and what came back.
    pub fn endpoint_counts(&self) -> Vec<EndpointCount> {
        self.transport.endpoint_counts()
    }

    /// Returns the time by the server's clock.
    pub fn server_now(&self) -> DateTime<Utc> {
        self.transport.server_now()
    }

    /// Takes this for the time by the server's clock until the server tells it.
    pub fn set_server_now(&self, now: DateTime<Utc>) {
        self.transport.set_server_now(now);
    }

    /// Returns the time by this machine's clock, which measures nothing that a server has told.
    pub fn machine_now(&self) -> DateTime<Utc> {
        self.transport.machine_now()
    }

    /// Says whether it asks with a token or anonymously.
    pub fn has_token(&self) -> bool {
        self.transport.has_token()
    }

    /// Returns what tells its token from others; `None` without one.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.transport.fingerprint()
    }

    /// Returns how many requests may be under way at once.
    pub fn concurrency(&self) -> usize {
        self.transport.concurrency()
    }

    /// Says which of the APIs the projects are read over, for everybody who shows it.
    pub fn set_api(&self, api: Api) {
        self.transport.set_api(api);
    }

    /// Uses half of the rate from now on, or all of it: the other half is another process's.
    pub fn halve_rate(&self, is_halved: bool) {
        self.transport.halve_rate(is_halved);
    }

    /// Makes known which fields this server's GraphQL has, from a time when it was asked.
    pub fn set_fields(&self, fields: Fields) {
        *self.fields.lock() = Some(Arc::new(fields));
    }

    /// Forgets what is known of the server's GraphQL.
    pub fn forget_fields(&self) {
        *self.fields.lock() = None;
    }

    /// Returns what is known of the server's GraphQL.
    pub fn fields(&self) -> Option<Arc<Fields>> {
        self.fields.lock().clone()
    }

    /// Asks the server for the fields of its GraphQL.
    pub async fn read_fields(&self) -> Result<(), Error> {
        self.set_fields(graphql::fields::read(&self.transport).await?);
        Ok(())
    }

    /// Opens the websocket over which GitLab tells what happens. A server that is not heard for so long is gone.
    pub async fn open_cable(&self, patience: Duration) -> Result<Cable, Error> {
        Cable::open(&self.transport, patience).await
    }

    /// Reads the heads of the newest pipelines of up to 100 projects in one query.
    pub async fn pulse(
        &self,
        projects: &[ProjectId],
        filter: &PipelineFilter,
    ) -> Result<Answered<PipelineHead>, Error> {
        graphql::pulse::read(&self.transport, projects, filter).await
    }

    /// Reads the newest pipelines of up to 100 projects, each with its newest jobs, in one query.
    pub async fn newest(
        &self,
        projects: &[ProjectId],
        filter: &PipelineFilter,
    ) -> Result<Answered<(Pipeline, JobPage)>, Error> {
        graphql::snapshot::read(&self.transport, &self.known_fields(), projects, filter).await
    }

    /// Reads one more page of jobs of each of up to `MORE_JOBS_PER_QUERY` pipelines in one query; one that is hidden or
    /// gone is `None`.
    pub async fn more_jobs(&self, wanted: &[MoreJobs]) -> Result<Vec<Option<JobPage>>, Error> {
        graphql::jobs::read(&self.transport, &self.known_fields(), wanted).await
    }

    /// Reads what the jobs of a pipeline need, which has so many of them, by its project's full path and its number there;
    /// `None` where it is hidden or gone, or the server does not tell.
    pub async fn job_needs(
        &self,
        project: &str,
        iid: u64,
        pipeline: PipelineId,
        jobs: usize,
    ) -> Result<Option<JobNeeds>, Error> {
        let is_long = jobs > graphql::needs::JOBS_PER_QUERY;
        graphql::needs::read(&self.transport, &self.known_fields(), (project, iid), pipeline, is_long).await
    }

    /// Reads the heads of up to `DOWNSTREAMS_PER_QUERY` pipelines in one query; one that is hidden or gone is `None`.
    pub async fn downstreams(&self, wanted: &[ByIid]) -> Result<Vec<Option<PipelineHead>>, Error> {
        graphql::downstream::read(&self.transport, wanted).await
    }

    /// Reads the newest pipelines of up to `OLDER_PIPELINES_PER_QUERY` refs in one query, each ref with its project's full
    /// path; one that is not told is `None`.
    pub async fn newest_of_refs(&self, wanted: &[(String, String)]) -> Result<Vec<Option<OlderPipelines>>, Error> {
        graphql::older::read(&self.transport, wanted).await
    }

    /// Counts the pipelines of up to 100 projects that changed after a time, in one query.
    pub async fn news(&self, projects: &[ProjectId], since: DateTime<Utc>) -> Result<Answered<PipelineNews>, Error> {
        graphql::past::news(&self.transport, projects, since).await
    }

    /// Reads a page of past pipelines of each of up to 100 projects, with their newest jobs, in one query.
    pub async fn past(&self, asked: &PastQuery) -> Result<Answered<PastPage>, Error> {
        graphql::past::read(&self.transport, &self.known_fields(), asked).await
    }

    /// Reads one more page of jobs of each of up to `PAST_JOBS_PER_QUERY` past pipelines in one query; one that is hidden
    /// or gone is `None`.
    pub async fn more_past_jobs(&self, wanted: &[MoreJobs]) -> Result<Vec<Option<PastJobs>>, Error> {
        graphql::past::more_jobs(&self.transport, &self.known_fields(), wanted).await
    }

    /// Reads a page of a project's pipelines that changed after a time, newest first: what the list tells of them.
    pub async fn changed_pipelines(
        &self,
        project: ProjectId,
        since: DateTime<Utc>,
        page: u32,
    ) -> Result<ListPage<Pipeline>, Error> {
        rest::past::pipelines(&self.transport, project, since, page).await
    }

    /// Reads a page of the attempts at all of a project's jobs, newest first, trigger jobs apart.
    pub async fn project_jobs(&self, project: ProjectId, after: Option<&str>) -> Result<ProjectJobs, Error> {
        rest::past::jobs(&self.transport, project, after).await
    }

    /// Reads the attempts at the jobs of one pipeline, as the list of all jobs has them.
    pub async fn past_pipeline_jobs(&self, project: ProjectId, id: PipelineId) -> Result<Vec<ProjectJob>, Error> {
        rest::past::pipeline_jobs(&self.transport, project, id).await
    }

    /// Reads a page of a project's deployments that changed at a time or later, the longest unchanged first.
    pub(crate) async fn changed_deployments(
        &self,
        project: ProjectId,
        place: (DateTime<Utc>, u32),
    ) -> Result<ChangedPage<DeploymentFact>, Error> {
        rest::delivery::deployments(&self.transport, project, place).await
    }

    /// Reads all environments of a project.
    pub(crate) async fn environments(&self, project: ProjectId) -> Result<Vec<EnvironmentFact>, Error> {
        rest::delivery::environments(&self.transport, project).await
    }

    /// Reads the merge requests that a deployment is the first of its environment to bring.
    pub(crate) async fn deployed_merge_requests(
        &self,
        project: ProjectId,
        id: DeploymentId,
    ) -> Result<Vec<MergeRequestFact>, Error> {
        rest::delivery::merge_requests(&self.transport, project, id).await
    }

    /// Reads a page of the merge requests into a branch that were merged and changed at a time or later, the longest
    /// unchanged first.
    pub(crate) async fn merged_requests(
        &self,
        project: ProjectId,
        branch: &str,
        place: (DateTime<Utc>, u32),
    ) -> Result<ChangedPage<MergeRequestFact>, Error> {
        rest::delivery::merged_requests(&self.transport, project, branch, place).await
    }

    /// Reads the last success to an environment before a time, other than the one that is known.
    pub(crate) async fn deployment_before(
        &self,
        project: ProjectId,
        environment: &str,
        known: (DeploymentId, DateTime<Utc>),
    ) -> Result<Option<DeploymentFact>, Error> {
        rest::delivery::deployment_before(&self.transport, project, environment, known).await
    }

    /// Reads when the first commit of a merge request was made.
    pub(crate) async fn first_commit(&self, project: ProjectId, iid: u64) -> Result<Option<UnixSeconds>, Error> {
        rest::delivery::first_commit(&self.transport, project, iid).await
    }

    /// Reads a page of a group's incidents that changed at a time or later, the longest unchanged first.
    pub(crate) async fn changed_incidents(
        &self,
        group: &GroupRef,
        place: (DateTime<Utc>, u32),
    ) -> Result<ChangedPage<IncidentFact>, Error> {
        rest::delivery::incidents(&self.transport, group, place).await
    }

    /// Looks at the newest pipeline of the project with this full path, of a ref where one is given, in one query that is
    /// not repeated; `None` where nothing is visible.
    pub async fn glance(&self, path: &str, git_ref: Option<&str>) -> Result<Option<PipelineOverview>, Error> {
        graphql::glance::read(&self.transport, &self.known_fields(), path, git_ref).await
    }

    /// Asks GraphQL which pending jobs of a pipeline no runner can take, and why GitLab failed it as a whole.
    pub async fn trouble(&self, project: &str, iid: u64) -> Result<(HashSet<JobId>, Option<String>), Error> {
        if self.fields().is_none() {
            self.read_fields().await?;
        }
        graphql::trouble::read(&self.transport, &self.known_fields(), project, iid).await
    }

    /// Says whether GraphQL lists the earlier attempts at a job: GitLab 16 is the first to say so.
    pub fn counts_attempts(&self) -> bool {
        self.known_fields().has("CiJob.retried")
    }

    fn known_fields(&self) -> Arc<Fields> {
        self.fields().unwrap_or_default()
    }

    /// Reads what GitLab says about the token that it is asked with.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        rest::token::read(&self.transport).await
    }

    /// Asks for a commit of which only matters whether this token may read it.
    pub async fn commit(&self, project: &ProjectRef, sha: &str) -> Result<(), Error> {
        rest::refusal::commit(&self.transport, project, sha).await
    }

    /// Asks for the token's user, of whom only matters whether this token may read it.
    pub async fn user(&self) -> Result<(), Error> {
        rest::refusal::user(&self.transport).await
    }

    /// Reads which GitLab answers.
    pub async fn server(&self) -> Result<Server, Error> {
        rest::server::read(&self.transport).await
    }

    pub async fn group(&self, group: &GroupRef) -> Result<Group, Error> {
        rest::group::read(&self.transport, group).await
    }

    /// Reads one page of a list of projects, ordered by id so that pages do not shift.
    pub async fn projects(
        &self,
        wanted: &ProjectSearch,
        filter: ListFilter,
        page: u32,
    ) -> Result<ListPage<ListedProject>, Error> {
        rest::project::list(&self.transport, wanted, filter, page).await
    }

    /// Refuses a list of projects that goes on behind so many pages.
    pub async fn check_list_end(&self, wanted: &ProjectSearch, filter: ListFilter, pages: u32) -> Result<(), Error> {
        rest::project::check_end(&self.transport, wanted, filter, pages).await
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

    /// Reads all attempts at all jobs of a pipeline, trigger jobs apart, with every detail of each.
    pub async fn detailed_jobs(&self, project: &ProjectRef, id: PipelineId) -> Result<DetailedJobs, Error> {
        rest::job::detailed(&self.transport, project, id).await
    }

    /// Reads what a pipeline's tests said; a pipeline without reports has no suites.
    pub async fn test_report(&self, project: &ProjectRef, id: PipelineId) -> Result<TestReport, Error> {
        rest::test_report::read(&self.transport, project, id).await
    }

    /// Reads a pipeline's trigger jobs and where each leads.
    pub async fn bridges(&self, project: &ProjectRef, id: PipelineId) -> Result<Bridges, Error> {
        rest::job::bridges(&self.transport, project, id).await
    }

    /// Reads what other systems have reported on a pipeline's commit; `known` are the jobs that GitLab lists there, too.
    pub async fn external_statuses(
        &self,
        project: &ProjectRef,
        pipeline: &Pipeline,
        known: &HashSet<JobId>,
    ) -> Result<Vec<Job>, Error> {
        rest::commit_status::external(&self.transport, project, pipeline, known).await
    }

    pub async fn project(&self, project: &ProjectRef) -> Result<Project, Error> {
        rest::project::read(&self.transport, project).await
    }

    /// Reads one attempt at a job, which is no bridge.
    pub async fn job(&self, project: &ProjectRef, id: JobId) -> Result<OneJob, Error> {
        rest::job::read(&self.transport, project, id).await
    }

    /// Reads a job's log and hands it out piece by piece as it comes, without ever holding it.
    ///
    /// GitLab sends a log whole each time: what is known already is passed over. A connection that breaks off midway is
    /// taken up again, and nothing is handed out twice. The sink may end it.
    pub async fn trace(
        &self,
        project: &ProjectRef,
        id: JobId,
        limits: TraceLimits<'_>,
        sink: &mut impl TraceSink,
    ) -> Result<TraceEnd, Error> {
        rest::trace::read(&self.transport, project, id, limits, sink).await
    }

    /// Acts on a pipeline or a job. It is sent once, whatever becomes of it.
    pub async fn act(&self, project: &ProjectRef, action: Action, subject: ActionSubject) -> ActionResult {
        rest::action::send(&self.transport, project, action, subject).await
    }
}
