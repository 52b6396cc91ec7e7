//! Which of a hub's projects are shown: those of the groups that were asked for, less what the filters leave out.

use crate::collect::run::ReadingReply;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::GroupRef;
use crate::domain::project::Project;
use crate::domain::selection::ProjectFilter;
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use std::collections::HashSet;

/// What is asked for of everything that a hub shows.
#[derive(Debug, Clone)]
pub struct HubScope {
    /// None is all. Each is one of the hub's, by number or path, or a group below one, by path.
    pub groups: Vec<GroupRef>,
    pub filter: ProjectFilter,
}

/// Groups that the hub does not show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the hub does not show group {}", .groups.join(", "))]
pub struct GroupNotShown {
    pub groups: Vec<String>,
    /// What it shows.
    pub shown: Vec<String>,
}

impl GroupNotShown {
    pub(super) fn failure(&self) -> Failure {
        Failure::new(FailureKind::NotFound, self.to_string())
    }
}

impl HubScope {
    /// Returns what is shown. A group that the hub does not show is an error: a gate on it would never be red.
    pub(super) fn apply(&self, mut snapshot: Snapshot) -> Result<ReadingReply, GroupNotShown> {
        let paths = self.paths(&snapshot)?;
        if !paths.is_empty() {
            snapshot.rows.retain(|row| paths.iter().any(|path| is_below(&row.project, path)));
        }
        let listed: Vec<&Project> = snapshot.rows.iter().map(|row| &*row.project).collect();
        let unmatched = self.filter.unmatched(&listed).into_iter().map(str::to_owned).collect();
        let all = snapshot.rows.len();
        snapshot.rows.retain(|row| self.filter.keeps(&row.project));
        let excluded = all - snapshot.rows.len();
        let shown: HashSet<&str> = snapshot.rows.iter().map(|row| row.project.full_path.as_str()).collect();
        let is_shown =
            |problem: &Problem| problem.scope != ProblemScope::Project || shown.contains(problem.subject.as_str());
        snapshot.problems.retain(is_shown);
        Ok(ReadingReply { snapshot, unmatched, excluded })
    }

    /// Returns the paths to which it is narrowed; none where everything is shown.
    fn paths(&self, snapshot: &Snapshot) -> Result<Vec<String>, GroupNotShown> {
        let has_project = |path: &str| snapshot.rows.iter().any(|row| is_below(&row.project, path));
        let found = self.groups.iter().map(|asked| match asked {
            GroupRef::Id(id) => {
                snapshot.groups.iter().find(|group| group.id == *id).map(|group| group.full_path.clone())
            }
            GroupRef::Path(path) => {
                let is_group = snapshot.groups.iter().any(|group| group.full_path == *path);
                (is_group || has_project(path)).then(|| path.clone())
            }
        });
        let (known, unknown): (Vec<_>, Vec<_>) = self.groups.iter().zip(found).partition(|(_, found)| found.is_some());
        if unknown.is_empty() {
            return Ok(known.into_iter().filter_map(|(_, path)| path).collect());
        }
        let shown = snapshot.groups.iter().map(|group| format!("{} ({})", group.full_path, group.id)).collect();
        Err(GroupNotShown { groups: unknown.into_iter().map(|(asked, _)| asked.to_string()).collect(), shown })
    }
}

fn is_below(project: &Project, path: &str) -> bool {
    project.ancestors().any(|above| above == path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::ran;
    use crate::domain::id::{GroupId, ProjectId};
    use crate::domain::project::ProjectRow;
    use crate::domain::snapshot::Group;
    use crate::domain::status::Status;
    use crate::domain::usage::Usage;
    use chrono::DateTime;
    use std::sync::Arc;

    fn snapshot() -> Snapshot {
        let row = |(id, path): (u64, &str)| {
            let mut row: ProjectRow = ran(path, Status::Success, 0);
            Arc::make_mut(&mut row.project).id = ProjectId(id);
            row
        };
        let group = |id, path: &str| Group { id: GroupId(id), full_path: path.into(), web_url: None };
        Snapshot {
            host: "https://gitlab.example.com".into(),
            taken_at: DateTime::UNIX_EPOCH,
            groups: vec![group(1, "acme"), group(2, "tools")],
            rows: [(1, "acme/web"), (2, "acme/pay/api"), (3, "acme-x/old"), (4, "tools/lint")].map(row).into(),
            problems: Vec::new(),
            usage: Usage::default(),
        }
    }

    #[test]
    fn a_group_of_the_hub_or_below_one_narrows_what_is_shown() {
        let (id, path) = (|id| GroupRef::Id(GroupId(id)), |path: &str| GroupRef::Path(path.into()));
        type Case<'a> = (&'a str, Vec<GroupRef>, &'a str, Result<&'a [&'a str], &'a [&'a str]>);
        let cases: [Case<'_>; 7] = [
            ("none is all", vec![], "", Ok(&["acme/web", "acme/pay/api", "acme-x/old", "tools/lint"])),
            ("by number", vec![id(1)], "", Ok(&["acme/web", "acme/pay/api"])),
            ("a group below", vec![path("acme/pay")], "", Ok(&["acme/pay/api"])),
            ("two", vec![path("acme/pay"), id(2)], "", Ok(&["acme/pay/api", "tools/lint"])),
            ("a project is no group", vec![path("acme/web")], "", Err(&["acme/web"])),
            ("one that it does not show", vec![id(1), id(9), path("other")], "", Err(&["9", "other"])),
            ("with a filter", vec![id(1)], "api", Ok(&["acme/web"])),
        ];
        for (sentence, groups, exclude, expected) in cases {
            let exclude = Some(exclude).filter(|exclude| !exclude.is_empty());
            let filter = ProjectFilter::new([], exclude).unwrap();
            let shown = HubScope { groups, filter }.apply(snapshot());
            let paths = shown
                .as_ref()
                .map(|reply| reply.snapshot.rows.iter().map(|row| row.project.full_path.as_str()).collect::<Vec<_>>());
            let expected = expected.map(<[&str]>::to_vec).map_err(<[&str]>::to_vec);
            assert_eq!(
                paths.map_err(|error| error.groups.iter().map(String::as_str).collect::<Vec<_>>()),
                expected,
                "{sentence}"
            );
        }
    }
}
