//! Finds out which permissions a fine-grained token lacks, if GraphQL leaves out a field that every pipeline has.
//!
//! GraphQL answers null where a permission is missing, which proves nothing. REST refuses aloud: it is asked once.

use super::merge::ReadProject;
use super::project::ReadingOutcome;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{ProjectId, ProjectRef};
use crate::domain::pipeline::Pipeline;
use crate::domain::snapshot::{Problem, ProblemScope};
use crate::gitlab::client::Client;
use crate::gitlab::error::Error;

/// Returns a problem for each permission that GitLab says is missing.
pub(super) async fn missing(client: &Client, readings: &[ReadProject]) -> Vec<Problem> {
    let all: Vec<(ProjectId, &Pipeline)> = readings.iter().flat_map(pipelines).collect();
    if all.is_empty() || !client.has_token() {
        return Vec::new();
    }
    let lacks_titles = all.iter().all(|(_, pipeline)| pipeline.commit_title.is_none());
    let lacks_users = all.iter().all(|(_, pipeline)| pipeline.user.is_none());
    let commit = all.iter().find_map(|(id, pipeline)| Some((ProjectRef::Id(*id), pipeline.sha.as_deref()?)));
    let code = async {
        match commit.filter(|_| lacks_titles) {
            Some((project, sha)) => client.commit(&project, sha).await.err(),
            None => None,
        }
    };
    let user = async { if lacks_users { client.user().await.err() } else { None } };
    let lacks_version = client.fields().is_some_and(|fields| fields.lack_version());
    let version = async { if lacks_version { client.server().await.err() } else { None } };
    let (code, user, version) = tokio::join!(code, user, version);
    let refusals =
        [(code, "commits have no title"), (user, "pipelines have no user"), (version, "GitLab's version is not known")];
    let problem = |(error, lack): (Option<Error>, &str)| {
        let said = error?.missing_permission()?.to_owned();
        let message = format!("{lack}: this token lacks a permission; GitLab says: {said}");
        let failure = Failure::new(FailureKind::MissingPermission, message);
        Some(Problem { scope: ProblemScope::Api, subject: client.host().to_string(), failure })
    };
    refusals.into_iter().filter_map(problem).collect()
}

fn pipelines(read: &ReadProject) -> Vec<(ProjectId, &Pipeline)> {
    let id = read.project.id;
    match &read.reading.reading {
        ReadingOutcome::Settled(last) => last.pipelines.iter().map(|pipeline| (id, pipeline)).collect(),
        ReadingOutcome::Pipelines(drafts) => drafts.pipelines().iter().map(|pipeline| (id, pipeline)).collect(),
        ReadingOutcome::None { .. } | ReadingOutcome::NoAccess(_) | ReadingOutcome::Error(_) => Vec::new(),
    }
}
