//! The questions of the exporter.

use super::Client;
use crate::domain::exported::{
    CommitHead, ExportedEnvironment, ExportedJob, ExportedPipeline, ExportedTests, TrackedKind,
};
use crate::domain::id::{EnvironmentId, PipelineId, ProjectRef};
use crate::gitlab::error::Error;
use crate::gitlab::rest::exported;
use chrono::{DateTime, Utc};

impl Client {
    /// Reads the newest pipelines of a ref as GitLab writes it, newest first: a page of so many, with their sources.
    pub(crate) async fn newest_of_ref(
        &self,
        project: &ProjectRef,
        raw_ref: &str,
        page: (u64, u64),
    ) -> Result<Vec<(PipelineId, Option<String>)>, Error> {
        exported::newest(&self.transport, project, raw_ref, page).await
    }

    pub(crate) async fn exported_pipeline(
        &self,
        project: &ProjectRef,
        id: PipelineId,
    ) -> Result<ExportedPipeline, Error> {
        exported::pipeline(&self.transport, project, id).await
    }

    /// Reads the variables that a pipeline was started with: names and values.
    pub(crate) async fn pipeline_variables(
        &self,
        project: &ProjectRef,
        id: PipelineId,
    ) -> Result<Vec<(String, String)>, Error> {
        exported::variables(&self.transport, project, id).await
    }

    pub(crate) async fn exported_jobs(&self, project: &ProjectRef, id: PipelineId) -> Result<Vec<ExportedJob>, Error> {
        exported::jobs(&self.transport, project, id).await
    }

    /// Reads which pipelines a pipeline has triggered.
    pub(crate) async fn children(
        &self,
        project: &ProjectRef,
        id: PipelineId,
    ) -> Result<Vec<(ProjectRef, PipelineId)>, Error> {
        exported::children(&self.transport, project, id).await
    }

    pub(crate) async fn exported_tests(&self, project: &ProjectRef, id: PipelineId) -> Result<ExportedTests, Error> {
        exported::tests(&self.transport, project, id).await
    }

    /// Reads the names of all branches or tags.
    pub(crate) async fn ref_names(&self, project: &ProjectRef, kind: TrackedKind) -> Result<Vec<String>, Error> {
        exported::ref_names(&self.transport, project, kind).await
    }

    /// Reads numbers and titles of all merge requests that are open.
    pub(crate) async fn open_merge_requests(&self, project: &ProjectRef) -> Result<Vec<(u64, String)>, Error> {
        exported::open_merge_requests(&self.transport, project).await
    }

    /// Reads a page of the refs of pipelines, those that changed last first; `true` where another page follows.
    pub(crate) async fn pipeline_refs(
        &self,
        project: &ProjectRef,
        kind: TrackedKind,
        place: (Option<DateTime<Utc>>, u32),
    ) -> Result<(Vec<String>, bool), Error> {
        exported::pipeline_refs(&self.transport, project, kind, place).await
    }

    /// Reads numbers and names of the environments, of all or of those that are available.
    pub(crate) async fn environment_names(
        &self,
        project: &ProjectRef,
        is_available: bool,
    ) -> Result<Vec<(EnvironmentId, String)>, Error> {
        exported::environment_names(&self.transport, project, is_available).await
    }

    pub(crate) async fn exported_environment(
        &self,
        project: &ProjectRef,
        id: EnvironmentId,
    ) -> Result<ExportedEnvironment, Error> {
        exported::environment(&self.transport, project, id).await
    }

    pub(crate) async fn branch_head(&self, project: &ProjectRef, branch: &str) -> Result<CommitHead, Error> {
        exported::branch_head(&self.transport, project, branch).await
    }

    /// Reads the commit of the newest tag; nothing where there is no tag.
    pub(crate) async fn newest_tag(&self, project: &ProjectRef) -> Result<CommitHead, Error> {
        exported::newest_tag(&self.transport, project).await
    }

    /// Counts the commits that the second has and the first has not.
    pub(crate) async fn commits_between(&self, project: &ProjectRef, ends: (&str, &str)) -> Result<u64, Error> {
        exported::commits_between(&self.transport, project, ends).await
    }
}
