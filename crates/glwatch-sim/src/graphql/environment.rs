//! `Environment`: where a project deploys to, and what that is for.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::connection::ListItem;
use super::resolver_helpers::{ResolvedField, gid, leaf, time};
use super::view::AnswerView;
use crate::history::PastEnvironment;

#[derive(Clone, Copy)]
pub(super) struct EnvironmentOf<'w> {
    pub(super) view: &'w AnswerView<'w>,
    pub(super) project: usize,
    pub(super) environment: PastEnvironment,
}

impl ListItem for EnvironmentOf<'_> {
    const CONNECTION: &'static str = "EnvironmentConnection";
    const EDGE: &'static str = "EnvironmentEdge";

    fn key(&self) -> u64 {
        self.view.rest.world.environment_id(self.project, self.environment)
    }
}

impl EnvironmentOf<'_> {
    fn created(&self) -> i64 {
        let project = &self.view.rest.world.projects[self.project];
        let all = project.history.iter().flat_map(|past| &past.events.deployments);
        let mine = all.filter(|deployment| deployment.environment == self.environment);
        mine.map(|deployment| deployment.created).min().unwrap_or(project.created)
    }
}

impl ObjectValue for EnvironmentOf<'_> {
    fn type_name(&self) -> &str {
        "Environment"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let project = &self.view.rest.world.projects[self.project];
        let name = self.environment.name();
        match info.field_name() {
            "id" => leaf(gid("Environment", self.key())),
            "name" | "slug" => leaf(name),
            "tier" => leaf(name.to_uppercase()),
            "state" => leaf("available"),
            "path" => leaf(format!("/{}/-/environments/{}", project.full_path, self.key())),
            "externalUrl" => leaf(format!("https://{name}.{}.example.com", project.path)),
            "createdAt" | "updatedAt" => leaf(time(self.created())),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
