//! The root: groups, projects, the server and the caller.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::connection::ListConnection;
use super::group::GroupOf;
use super::leaf_types::{MetadataObject, QueryComplexity, UserObject};
use super::project::ProjectOf;
use super::resolver_helpers::{ResolvedField, flag, maybe_object, object, parse_gid, text, texts};
use super::view::AnswerView;

pub(super) struct QueryRoot<'w>(pub(super) &'w AnswerView<'w>);

impl<'w> QueryRoot<'w> {
    /// Lists visible projects; unknown ids are left out without a word.
    fn projects(&self, info: &ResolveInfo<'_>) -> Vec<ProjectOf<'w>> {
        let view = self.0;
        let world = view.rest.world;
        // One's own projects: an anonymous caller has none.
        if !view.sees || (flag(info, "membership") == Some(true) && !view.reader) {
            return Vec::new();
        }
        let mut found: Vec<usize> = match texts(info, "ids") {
            Some(ids) => {
                let ids = ids.iter().filter_map(|id| parse_gid("Project", id));
                ids.filter_map(|id| world.project(&id.to_string())).collect()
            }
            None => (0..world.projects.len()).collect(),
        };
        if let Some(paths) = texts(info, "fullPaths") {
            found.retain(|index| paths.contains(&world.projects[*index].full_path.as_str()));
        }
        if let Some(wanted) = text(info, "search").map(str::to_lowercase) {
            found.retain(|index| world.projects[*index].full_path.to_lowercase().contains(&wanted));
        }
        match text(info, "archived") {
            Some("ONLY") => found.retain(|index| world.projects[*index].archived),
            Some("EXCLUDE") => found.retain(|index| !world.projects[*index].archived),
            _ => {}
        }
        // Projects stand by id.
        found.sort_unstable();
        found.dedup();
        if text(info, "sort") != Some("id_asc") {
            found.reverse();
        }
        found.into_iter().map(|index| ProjectOf { view, index }).collect()
    }

    fn group(&self, path: &str) -> Option<GroupOf<'w>> {
        let view = self.0;
        let world = view.rest.world;
        let found = world.groups.iter().position(|group| group.user.is_none() && group.full_path == path);
        let index = found.or_else(|| view.rest.instead_of(path)).filter(|_| view.sees)?;
        Some(GroupOf { view, index })
    }

    fn project(&self, path: &str) -> Option<ProjectOf<'w>> {
        let view = self.0;
        // A full path has a slash; a bare number would be found by id.
        let index = view.rest.world.project(path).filter(|_| view.sees && path.contains('/'))?;
        Some(ProjectOf { view, index })
    }
}

impl ObjectValue for QueryRoot<'_> {
    fn type_name(&self) -> &str {
        "Query"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let path = text(info, "fullPath").unwrap_or_default();
        match info.field_name() {
            "projects" => object(ListConnection::new(self.projects(info), info, self.0.max_page)),
            "project" => maybe_object(self.project(path)),
            "group" => maybe_object(self.group(path)),
            "metadata" => maybe_object(self.0.reader.then_some(MetadataObject(self.0.rest.version))),
            "currentUser" => {
                maybe_object(self.0.reader.then_some(UserObject { index: 0, current: true, view: self.0 }))
            }
            "queryComplexity" => object(QueryComplexity { score: self.0.score, limit: self.0.limit }),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
