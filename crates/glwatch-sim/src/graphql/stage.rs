//! `CiStage`: the current jobs of a stage as one thing.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::connection::{ListConnection, ListItem};
use super::job::JobOf;
use super::leaf_types::DetailedStatus;
use super::pipeline::PipelineOf;
use super::resolver_helpers::{ResolvedField, gid, leaf, object};
use crate::badge::Badge;
use crate::plan::Job;
use crate::rest::pipeline_path;
use crate::status::{StatusItem, composite, has_warnings};

#[derive(Clone)]
pub(super) struct StageOf<'w> {
    pipeline: PipelineOf<'w>,
    name: String,
    /// GitLab numbers its stages; here the smallest job does.
    id: u64,
}

impl ListItem for StageOf<'_> {
    const CONNECTION: &'static str = "CiStageConnection";
    const EDGE: &'static str = "CiStageEdge";

    fn key(&self) -> u64 {
        self.id
    }
}

impl<'w> StageOf<'w> {
    /// Lists the stages in their order: `.pre` first, `.post` last, between them by their smallest job.
    pub(super) fn all(pipeline: &PipelineOf<'w>) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for job in JobOf::current(pipeline) {
            let name = &job.job().stage;
            if !found.iter().any(|stage| stage.name == *name) {
                found.push(Self::of(&job));
            }
        }
        found.sort_by_key(|stage| {
            ([".pre", "", ".post"].iter().position(|edge| *edge == stage.name).unwrap_or(1), stage.id)
        });
        found
    }

    /// Returns the stage that a job belongs to.
    pub(super) fn of(job: &JobOf<'w>) -> Self {
        let name = job.job().stage.clone();
        let pipeline = job.pipeline.clone();
        let first = |job: &&Job| job.stage == name && job.attempts_at(pipeline.view.now()).next().is_some();
        let first = pipeline.pipeline().jobs.iter().find(first).and_then(|job| job.attempts.first());
        let id = first.map_or(0, |attempt| attempt.id);
        Self { pipeline, name, id }
    }

    fn items(&self) -> Vec<StatusItem<'_>> {
        let now = self.pipeline.view.now();
        let jobs = self.pipeline.pipeline().jobs.iter().filter(|job| job.stage == self.name);
        jobs.filter_map(|job| job.item(now)).collect()
    }

    fn status(&self) -> String {
        composite(&self.items()).unwrap_or_default().into_owned()
    }

    /// Lists its current jobs by name.
    fn jobs(&self) -> Vec<JobOf<'w>> {
        let mut found = JobOf::current(&self.pipeline);
        found.retain(|job| job.job().stage == self.name);
        found.sort_by(|a, b| (&a.job().name, a.key()).cmp(&(&b.job().name, b.key())));
        found
    }
}

impl ObjectValue for StageOf<'_> {
    fn type_name(&self) -> &str {
        "CiStage"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let view = self.pipeline.view;
        match info.field_name() {
            "id" => leaf(gid("Ci::Stage", self.id)),
            "name" => leaf(self.name.as_str()),
            "status" => leaf(self.status()),
            "detailedStatus" => object(DetailedStatus {
                badge: Badge::of(&self.status(), has_warnings(&self.items())),
                version: view.rest.version,
                path: format!("{}#{}", pipeline_path(view.rest, self.pipeline.pipeline()), self.name),
                id: self.id,
            }),
            "jobs" => object(ListConnection::new(self.jobs(), info, view.max_page)),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
