//! `Group` and its projects.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::connection::ListConnection;
use super::project::ProjectOf;
use super::resolver_helpers::{ResolvedField, flag, gid, leaf, object, parse_gid, text, texts};
use super::view::AnswerView;
use crate::rest::full_name;

#[derive(Clone, Copy)]
pub(super) struct GroupOf<'w> {
    pub(super) view: &'w AnswerView<'w>,
    pub(super) index: usize,
}

impl<'w> GroupOf<'w> {
    /// Lists its own projects; those that are shared with it are not among them.
    fn projects(&self, info: &ResolveInfo<'_>) -> Vec<ProjectOf<'w>> {
        let view = self.view;
        let world = view.rest.world;
        let subgroups = flag(info, "includeSubgroups").unwrap_or(false);
        let (archived, dying) =
            (flag(info, "includeArchived").unwrap_or(true), !flag(info, "notAimedForDeletion").unwrap_or(false));
        let search = text(info, "search").map(str::to_lowercase);
        let ids: Option<Vec<u64>> =
            texts(info, "ids").map(|ids| ids.iter().filter_map(|id| parse_gid("Project", id)).collect());
        let wanted = |index: &usize| {
            let project = &world.projects[*index];
            let inside =
                if subgroups { world.is_within(project.group, self.index) } else { project.group == self.index };
            inside
                && (archived || !project.archived)
                && (dying || !project.marked_for_deletion)
                && ids.as_ref().is_none_or(|ids| ids.contains(&project.id))
                && search.as_ref().is_none_or(|text| project.name.to_lowercase().contains(text))
        };
        let mut found: Vec<usize> = (0..world.projects.len()).filter(wanted).collect();
        found.reverse();
        match text(info, "sort") {
            Some("PATH_ASC") => found.sort_by(|a, b| world.projects[*a].path.cmp(&world.projects[*b].path)),
            Some("PATH_DESC") => found.sort_by(|a, b| world.projects[*b].path.cmp(&world.projects[*a].path)),
            _ => {}
        }
        found.into_iter().map(|index| ProjectOf { view, index }).collect()
    }
}

impl ObjectValue for GroupOf<'_> {
    fn type_name(&self) -> &str {
        "Group"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let rest = self.view.rest;
        let group = &rest.world.groups[self.index];
        match info.field_name() {
            "id" => leaf(gid("Group", group.id)),
            "fullPath" => leaf(group.full_path.as_str()),
            "fullName" => leaf(full_name(rest.world, self.index)),
            "name" => leaf(group.name.as_str()),
            "path" => leaf(group.full_path.rsplit('/').next().unwrap_or_default()),
            "webUrl" => leaf(format!("{}/groups/{}", rest.base, group.full_path)),
            "projects" => object(ListConnection::new(self.projects(info), info, self.view.max_page)),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
