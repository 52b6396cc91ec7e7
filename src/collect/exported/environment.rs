//! Reads environments: which there are, what was deployed to one last, and how far that is behind.

use crate::domain::exported::{CommitHead, ExportedEnvironment, TrackedKind};
use crate::domain::id::{EnvironmentId, ProjectRef};
use crate::domain::tracking::EnvironmentRules;
use crate::gitlab::client::Client;
use crate::gitlab::error::Error;

/// An environment with the commit that could be deployed, and how far the deployed one is behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvironmentReadout {
    pub environment: ExportedEnvironment,
    /// The newest commit of the deployed branch, or of the newest tag.
    pub latest: CommitHead,
    pub commits_behind: u64,
}

/// Finds the environments that are tracked: numbers and names.
pub async fn discover(
    client: &Client,
    project: &ProjectRef,
    rules: &EnvironmentRules,
) -> Result<Vec<(EnvironmentId, String)>, Error> {
    let found = client.environment_names(project, rules.exclude_stopped).await?;
    Ok(found.into_iter().filter(|(_, name)| rules.pattern.matches(name)).collect())
}

/// Reads an environment. What is behind is counted only where one of the two commits is another than in `before`.
pub async fn read(
    client: &Client,
    project: &ProjectRef,
    id: EnvironmentId,
    before: Option<&EnvironmentReadout>,
) -> Result<EnvironmentReadout, Error> {
    let environment = client.exported_environment(project, id).await?;
    let Some(last) = &environment.last else {
        return Ok(EnvironmentReadout { environment, latest: CommitHead::default(), commits_behind: 0 });
    };
    let latest = match last.kind {
        TrackedKind::Tag => client.newest_tag(project).await?,
        TrackedKind::Branch | TrackedKind::MergeRequest => match client.branch_head(project, &last.ref_name).await {
            // A branch that was deleted after its deployment has no newest commit; the deployment is shown all the same.
            Err(error) if error.is_no_access() => CommitHead::default(),
            head => head?,
        },
    };
    let is_comparable = !last.commit.is_empty() && !latest.short_id.is_empty();
    let commits_behind = if last.commit == latest.short_id || !is_comparable {
        0
    } else {
        let is_counted = |before: &&EnvironmentReadout| {
            before.latest.short_id == latest.short_id
                && before.environment.last.as_ref().is_some_and(|known| known.commit == last.commit)
        };
        match before.filter(is_counted) {
            Some(before) => before.commits_behind,
            None => client.commits_between(project, (&last.commit, &latest.short_id)).await?,
        }
    };
    Ok(EnvironmentReadout { environment, latest, commits_behind })
}
