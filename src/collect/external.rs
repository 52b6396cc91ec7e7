//! Reads the statuses that other systems reported on a pipeline's commit, if its jobs do not account for its status.
//!
//! Jenkins, Atlantis or codecov set statuses on a commit, and GitLab counts them like jobs. REST lists them apart from
//! the jobs. GraphQL lists them with the jobs, but knows neither where they lead nor what they say.

use super::merge::ReadProject;
use super::project::missing_part;
use super::torn;
use crate::domain::id::ProjectRef;
use crate::domain::job::{Job, JobKind, stages};
use crate::domain::pipeline::Pipeline;
use crate::domain::project::Failure;
use crate::domain::snapshot::{Problem, ProblemScope};
use crate::gitlab::client::Client;
use futures_util::{StreamExt, stream};

/// Pipelines under way at once; the budget does the bounding.
const READ_AHEAD: usize = 64;

/// Adds what is missing: one more request for each pipeline that its jobs do not explain, and for each with external
/// statuses where an output prints where they lead. Without the former a part of the pipeline is unread; the latter stay
/// unknown, and the problem that is returned says so.
pub(super) async fn fill(client: &Client, readings: &mut [ReadProject], wants_targets: bool) -> Option<Problem> {
    let mut asked = Vec::new();
    for read in readings {
        let project = ProjectRef::Id(read.project.id);
        let lacks = |pipeline: &Pipeline, is_settled: bool| !is_settled && lacks_statuses(pipeline, wants_targets);
        let lacking = read.reading.reading.drafts_mut().into_iter().flat_map(|drafts| drafts.some_mut(lacks));
        asked.extend(lacking.map(|pipeline| complete(client, project.clone(), pipeline)));
    }
    let missing: Vec<Option<Failure>> = stream::iter(asked).buffer_unordered(READ_AHEAD).collect().await;
    let mut missing = missing.into_iter().flatten();
    let first = missing.next()?;
    let (pipelines, verb) = match 1 + missing.count() {
        1 => ("1 pipeline".into(), "has"),
        n => (format!("{n} pipelines"), "have"),
    };
    let failure = first.of(format_args!("{pipelines} {verb} statuses of other systems without their addresses"));
    Some(Problem { scope: ProblemScope::Api, subject: client.host().to_string(), failure })
}

fn lacks_statuses(pipeline: &Pipeline, wants_targets: bool) -> bool {
    let is_bare = |job: &Job| job.kind == JobKind::External && job.target_url().is_none() && job.description.is_none();
    !pipeline.is_explained_by_jobs() || wants_targets && pipeline.jobs().any(is_bare)
}

/// Completes one pipeline; returns why addresses are missing that nothing depends on.
async fn complete(client: &Client, project: ProjectRef, pipeline: &mut Pipeline) -> Option<Failure> {
    let own = |job: &&Job| job.kind != JobKind::External;
    let known = pipeline.jobs().filter(own).map(|job| job.id).collect();
    let statuses = match client.external_statuses(&project, pipeline, &known).await {
        Ok(statuses) => statuses,
        Err(error) => {
            let missing = missing_part(client, "commit statuses", &error);
            if pipeline.is_explained_by_jobs() {
                return Some(missing);
            }
            pipeline.unread.get_or_insert(missing);
            return None;
        }
    };
    if statuses.is_empty() {
        if let Some(what) = torn::emptiness(pipeline) {
            torn::distrust(pipeline, None, &what);
        }
        return None;
    }
    pipeline.stages.retain_mut(|stage| {
        stage.jobs.retain(|job| job.kind != JobKind::External);
        !stage.jobs.is_empty()
    });
    pipeline.stages.extend(stages(statuses));
    let has_allowed_failure = pipeline.jobs().any(Job::is_allowed_failure);
    pipeline.has_warnings |= has_allowed_failure;
    None
}
