//! Looks for what no list of changes tells: refs and environments that have come or gone, and pipelines that were deleted.

use super::{Discovery, NoListener, PER_QUERY, Tracker, TrackerNews};
use crate::collect::exported::tracked_project::NewestCheck;
use crate::domain::id::{EnvironmentId, ProjectId};
use crate::gitlab::client::Client;
use chrono::DateTime;
use std::sync::Arc;

impl Tracker {
    /// Looks at a few projects in each turn.
    pub(super) async fn look_around(&mut self, client: &Client) -> Result<(), NoListener> {
        let ids: Vec<ProjectId> = self.projects.keys().copied().collect();
        let queries = ids.len().div_ceil(PER_QUERY) as u64;
        let most = self.options.beside.saturating_sub(queries).max(1);
        let before = client.cost().requests;
        let is_over = || client.cost().requests - before >= most;
        // What had no room in the last turn comes first.
        if let Some(id) = self.unchecked.take() {
            self.check_newest(client, id).await?;
        }
        for _ in 0..ids.len() {
            if is_over() {
                break;
            }
            self.place = (self.place + 1) % ids.len();
            let id = ids[self.place];
            self.look_at(client, id).await?;
            if is_over() {
                self.unchecked = Some(id);
                break;
            }
            self.check_newest(client, id).await?;
        }
        Ok(())
    }

    /// Looks for refs and environments of a project, and reads the environments.
    async fn look_at(&mut self, client: &Client, id: ProjectId) -> Result<(), NoListener> {
        let Some(project) = self.projects.get(&id) else { return Ok(()) };
        let found = Discovery::read(client, project, client.server_now()).await;
        let environments: Vec<EnvironmentId> = project.environments.keys().copied().collect();
        self.take_discovery(id, found).await?;
        for environment in environments {
            self.read_environment(client, id, environment).await?;
        }
        Ok(())
    }

    /// Asks with one request whether pipelines that are shown are still there. A ref whose pipeline seems to be gone is due.
    async fn check_newest(&mut self, client: &Client, id: ProjectId) -> Result<(), NoListener> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let failed = match project.next_check() {
            NewestCheck::Nothing => return Ok(()),
            NewestCheck::Newest => match client.changed_pipelines(id, DateTime::UNIX_EPOCH, 1).await {
                Ok(page) => {
                    let listed: Vec<_> = page.items.iter().map(|pipeline| pipeline.id).collect();
                    project.take_newest(&listed, page.next.is_some());
                    return Ok(());
                }
                Err(error) => error,
            },
            NewestCheck::Older(tracked, shown) => match client.exported_pipeline(&project.key(), shown).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_no_access() => {
                    project.due.entry(tracked).or_default().newest = None;
                    return Ok(());
                }
                Err(error) => error,
            },
        };
        let path = Arc::clone(&project.path);
        self.tell(TrackerNews::Failed { project: path, failure: (&failed).into() }).await
    }
}
