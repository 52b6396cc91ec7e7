//! Webhooks of projects.

use super::Client;
use crate::domain::id::ProjectRef;
use crate::domain::project_hook::ProjectHook;
use crate::gitlab::error::Error;
use crate::gitlab::rest::hook::{self, HookChange, HookChangeEnd, WantedHook};

/// The hooks of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedHooks {
    pub hooks: Vec<ProjectHook>,
    /// Whether more came than could be read: what is not among them may be there.
    pub is_cut: bool,
}

impl Client {
    /// Reads the hooks of a project, page by page.
    pub(crate) async fn project_hooks(&self, project: &ProjectRef, most_pages: u32) -> Result<ListedHooks, Error> {
        let mut listed = ListedHooks::default();
        let mut next = Some(1);
        while let Some(number) = next.take() {
            if number > most_pages {
                listed.is_cut = true;
                break;
            }
            let page = hook::list(&self.transport, project, number).await?;
            listed.is_cut |= page.odd > 0;
            listed.hooks.extend(page.items);
            next = page.next.filter(|next| *next > number);
        }
        Ok(listed)
    }

    /// Changes a hook. The request is sent once, whatever becomes of it.
    pub(crate) async fn change_hook(
        &self,
        project: &ProjectRef,
        change: HookChange,
        wanted: &WantedHook,
    ) -> HookChangeEnd {
        hook::change(&self.transport, project, change, wanted).await
    }
}
