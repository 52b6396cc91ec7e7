//! What one process leaves to the next, and what the next one shows before it has read anything.

use super::super::cache::{KnownFields, SavedProject, SavedState, words};
use super::Collector;
use super::lists::ProjectList;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::project::{Project, ProjectRow};
use crate::domain::project_source::ProjectSource;
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use crate::gitlab::client::Fields;
use std::sync::Arc;

impl Collector {
    /// Takes over what another process has saved: to build on, as if it had been read long ago.
    ///
    /// What was read of other refs is none of what is asked for now; the list is the same whatever they are.
    pub fn restore(&mut self, saved: SavedState) {
        // How old it is would else be measured on two clocks.
        self.client.set_server_now(saved.server_now(self.client.machine_now()));
        let is_asked_alike = saved.refs == words(&self.options.refs);
        let mut projects = Vec::with_capacity(saved.projects.len());
        for SavedProject { project, known } in saved.projects {
            if let Some(known) = known.filter(|_| is_asked_alike) {
                self.memory.rows.restore(project.id, known);
            }
            projects.push(project);
        }
        self.memory.list =
            Some(ProjectList { groups: saved.groups, problems: Vec::new(), projects, is_whole: true, read_at: None });
        self.memory.size = saved.size;
        self.memory.fields = saved.fields.filter(|known| known.count_at(self.client.server_now()));
        if let Some(known) = &self.memory.fields {
            self.client.set_fields(Fields::clone(&known.fields));
        }
    }

    /// Returns what the next process can take over; nothing before this one has read the list.
    pub fn saved(&self) -> Option<SavedState> {
        let list = self.memory.list.as_ref().filter(|list| list.read_at.is_some())?;
        let known = |project: &Arc<Project>| SavedProject {
            // The next process reads again what could not be told.
            known: self.memory.rows.known(project.id).filter(|_| !self.memory.spared.contains(&project.id)),
            project: Arc::clone(project),
        };
        let projects: Vec<SavedProject> = list.projects.iter().map(known).collect();
        // The server's clock has whole seconds and may seem to go back by one.
        let newest = projects.iter().filter_map(SavedProject::as_of).max();
        let now = self.client.server_now();
        let at = newest.map_or(now, |newest| newest.max(now));
        let fields = self.client.fields().filter(|fields| fields.are_told()).map(|fields| match &self.memory.fields {
            // To have believed it does not make it younger.
            Some(known) if known.fields.names().eq(fields.names()) => known.clone(),
            _ => KnownFields { fields, at },
        });
        Some(SavedState {
            at,
            machine_at: self.client.machine_now(),
            refs: words(&self.options.refs),
            groups: list.groups.clone(),
            projects,
            size: self.memory.size,
            fields,
            changes: self.memory.list_changes + self.memory.rows.changes(),
        })
    }

    /// Returns what is known before anything was read, each row as old as it is; `None` where that is nothing.
    pub fn remembered(&self) -> Option<Snapshot> {
        let list = self.memory.list.as_ref()?;
        let failure = Failure::new(FailureKind::Cached, "known from an earlier run, is being read again");
        let is_shown = |project: &&Arc<Project>| self.options.filter.keeps(project);
        let row = |project: &Arc<Project>| Some(self.memory.rows.known(project.id)?.row(project, &failure));
        let rows: Vec<ProjectRow> = list.projects.iter().filter(is_shown).filter_map(row).collect();
        // Whatever the rows say: the list may be another one by now.
        let problem = |subject| Problem { scope: ProblemScope::List, subject, failure: failure.clone() };
        let mut listed: Vec<String> = list.groups.iter().map(|group| group.full_path.clone()).collect();
        if listed.is_empty() {
            listed = self.options.sources.iter().map(ProjectSource::subject).collect();
        }
        (!rows.is_empty()).then(|| Snapshot {
            host: self.client.host().to_string(),
            taken_at: self.client.server_now(),
            groups: list.groups.clone(),
            rows,
            problems: listed.into_iter().map(problem).collect(),
            usage: self.client.usage(),
        })
    }
}
