//! `Project` and its pipelines.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo};

use super::connection::{ListConnection, ListItem};
use super::environment::EnvironmentOf;
use super::group::GroupOf;
use super::leaf_types::RepositoryObject;
use super::pipeline::PipelineOf;
use super::resolver_helpers::{ResolvedField, gid, leaf, maybe_object, object, parse_gid, text, texts, time};
use super::view::AnswerView;
use crate::listed_pipeline::ListedPipeline;
use crate::pipeline_filter::{ListScope, PipelineFilter};
use crate::rest::{full_name, parse_time};
use crate::world::EPOCH_MS;

#[derive(Clone, Copy)]
pub(super) struct ProjectOf<'w> {
    pub(super) view: &'w AnswerView<'w>,
    pub(super) index: usize,
}

impl ListItem for ProjectOf<'_> {
    const CONNECTION: &'static str = "ProjectConnection";
    const EDGE: &'static str = "ProjectEdge";

    fn key(&self) -> u64 {
        self.view.rest.world.projects[self.index].id
    }
}

impl<'w> ProjectOf<'w> {
    /// Lists every pipeline, children included, newest id first; none when CI is switched off.
    fn all(&self) -> Vec<ListedPipeline<'w>> {
        let (view, world) = (self.view, self.view.rest.world);
        if world.projects[self.index].ci_off {
            return Vec::new();
        }
        world.pipelines_of(self.index, view.now())
    }

    fn pipelines(&self, info: &ResolveInfo<'_>) -> Vec<PipelineOf<'w>> {
        let lower = |name: &str| text(info, name).map(str::to_lowercase);
        let (status, scope) = (lower("status"), lower("scope"));
        let time = |name: &str| text(info, name).and_then(parse_time);
        let wanted = PipelineFilter {
            source: text(info, "source"),
            ref_name: text(info, "ref"),
            sha: text(info, "sha"),
            username: text(info, "username"),
            status: status.as_deref(),
            scope: scope.as_deref().and_then(ListScope::named),
            updated_after: time("updatedAfter"),
            updated_before: time("updatedBefore"),
            ..PipelineFilter::default()
        };
        let mut found = self.all();
        wanted.keep(&mut found, self.view.now());
        found.into_iter().map(|listed| PipelineOf { view: self.view, listed }).collect()
    }

    fn environments(&self, info: &ResolveInfo<'_>) -> Vec<EnvironmentOf<'w>> {
        let (view, project) = (self.view, self.index);
        let (name, search, states) = (text(info, "name"), text(info, "search"), texts(info, "states"));
        let mut found = view.rest.world.environments(project, view.now());
        found.retain(|environment| {
            name.is_none_or(|name| environment.name() == name)
                && search.is_none_or(|text| environment.name().contains(text))
                && states.as_ref().is_none_or(|states| states.contains(&"available"))
        });
        found.into_iter().map(|environment| EnvironmentOf { view, project, environment }).collect()
    }

    /// Finds the one that the arguments name; without any, the newest of the default branch.
    fn pipeline(&self, info: &ResolveInfo<'_>) -> Option<PipelineOf<'w>> {
        let id = text(info, "id").map(|id| parse_gid("Ci::Pipeline", id).unwrap_or(0));
        let iid = info.arguments().get("iid").filter(|iid| !iid.is_null());
        let iid = iid.map(|iid| iid.as_str().map_or_else(|| iid.to_string(), str::to_owned));
        let sha = text(info, "sha");
        let branch = self.view.rest.world.projects[self.index].default_branch.as_deref();
        let any = id.is_none() && iid.is_none() && sha.is_none();
        let found = self.all().into_iter().find(|pipeline| {
            id.is_none_or(|id| pipeline.id == id)
                && iid.as_ref().is_none_or(|iid| pipeline.iid.to_string() == *iid)
                && sha.is_none_or(|sha| pipeline.sha == sha)
                && (!any || (Some(pipeline.ref_name.as_str()) == branch && pipeline.source != "parent_pipeline"))
        });
        found.map(|listed| PipelineOf { view: self.view, listed })
    }
}

impl ObjectValue for ProjectOf<'_> {
    fn type_name(&self) -> &str {
        "Project"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let rest = self.view.rest;
        let project = &rest.world.projects[self.index];
        match info.field_name() {
            "id" => leaf(gid("Project", project.id)),
            "fullPath" => leaf(project.full_path.as_str()),
            "name" => leaf(project.name.as_str()),
            "nameWithNamespace" => leaf(format!("{} / {}", full_name(rest.world, project.group), project.name)),
            "path" => leaf(project.path.as_str()),
            "webUrl" => leaf(format!("{}/{}", rest.base, project.full_path)),
            "archived" => leaf(project.archived),
            "jobsEnabled" => leaf(!project.ci_off),
            "createdAt" => leaf(time(project.created)),
            "lastActivityAt" => leaf(time(rest.world.anchor.max(EPOCH_MS))),
            "group" => {
                let is_group = rest.world.groups[project.group].user.is_none();
                maybe_object(is_group.then_some(GroupOf { view: self.view, index: project.group }))
            }
            "repository" => object(RepositoryObject { default_branch: project.default_branch.clone() }),
            "environments" => object(ListConnection::new(self.environments(info), info, self.view.max_page)),
            "pipelines" if self.view.broken.contains(&project.id) => {
                Err(FieldError { message: "Internal server error".to_owned() })
            }
            "pipelines" => object(ListConnection::new(self.pipelines(info), info, self.view.max_page)),
            "pipeline" => maybe_object(self.pipeline(info)),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
