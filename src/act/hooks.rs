//! Plans what would be done to the webhooks of a project, and performs it.

use crate::domain::id::{ProjectId, ProjectRef};
use crate::domain::project_hook::{HookEvent, HookState, ProjectHook};
use crate::gitlab::client::{Client, ListedHooks};
pub use crate::gitlab::client::{HookChange, HookChangeEnd, WantedHook};
use crate::gitlab::error::Error;

/// Pages of hooks that are read of one project: GitLab permits 100 hooks.
const MOST_PAGES: u32 = 20;

/// What is known of the hook of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookFinding {
    Missing,
    /// There is one with the URL, or several: the best of them.
    Found {
        hook: ProjectHook,
        count: usize,
    },
}

/// Reads all hooks of a project. A list of which a part could not be read says that nothing is known.
pub async fn read_hooks(client: &Client, project: ProjectId) -> Result<ListedHooks, Error> {
    client.project_hooks(&ProjectRef::Id(project), MOST_PAGES).await
}

/// Finds the hook with exactly this URL.
pub fn find_hook(hooks: &[ProjectHook], url: &str) -> HookFinding {
    let found = || hooks.iter().filter(|hook| hook.url == url);
    let trouble = |hook: &&ProjectHook| match hook.state {
        HookState::Executable | HookState::NotTold => hook.lacking().len(),
        HookState::Paused(_) => HookEvent::ALL.len() + 1,
        HookState::Disabled => HookEvent::ALL.len() + 2,
    };
    match found().min_by_key(trouble) {
        Some(hook) => HookFinding::Found { hook: hook.clone(), count: found().count() },
        None => HookFinding::Missing,
    }
}

/// Returns what makes a project tell this URL of everything that is wanted; `None` where it does.
pub fn to_install(finding: &HookFinding, has_secret: bool) -> Option<HookChange> {
    match finding {
        HookFinding::Missing => Some(HookChange::Create),
        HookFinding::Found { hook, .. } => {
            let lacks = !hook.lacking().is_empty() || !hook.not_told().is_empty() || hook.branch_filter.is_some();
            // A secret cannot be read back: one that is there is believed to be the right one.
            let lacks_secret = has_secret && hook.has_secret == Some(false);
            (lacks || lacks_secret).then_some(HookChange::Update(hook.id))
        }
    }
}

/// Returns what removes every hook with exactly this URL.
pub fn to_remove(hooks: &[ProjectHook], url: &str) -> Vec<HookChange> {
    hooks.iter().filter(|hook| hook.url == url).map(|hook| HookChange::Delete(hook.id)).collect()
}

/// Performs a change. It is sent once, whatever becomes of it.
pub async fn change_hook(
    client: &Client,
    project: ProjectId,
    change: HookChange,
    wanted: &WantedHook,
) -> HookChangeEnd {
    client.change_hook(&ProjectRef::Id(project), change, wanted).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::{HOOK_URL as URL, hook};

    #[test]
    fn a_hook_is_created_once_and_changed_only_where_it_lacks_something() {
        let good = hook(1, &[], HookState::Executable);
        let few = hook(2, &[HookEvent::Job], HookState::Executable);
        let mut old = good.clone();
        old.events.remove(&HookEvent::Deployment);
        let filtered = ProjectHook { branch_filter: Some("main".into()), ..good.clone() };
        let open = ProjectHook { has_secret: Some(false), ..good.clone() };
        let other = ProjectHook { url: format!("{URL}/"), ..good.clone() };
        let disabled = hook(3, &[], HookState::Disabled);
        let cases: [(&str, Vec<ProjectHook>, bool, Option<HookChange>); 10] = [
            ("none", vec![], true, Some(HookChange::Create)),
            ("another URL, by a slash", vec![other], true, Some(HookChange::Create)),
            ("a good one", vec![good.clone()], true, None),
            ("two of the same, one of which lacks something", vec![few.clone(), good.clone()], true, None),
            ("an event is off", vec![few], true, Some(HookChange::Update(2))),
            ("an event that is not told", vec![old], true, Some(HookChange::Update(1))),
            ("pushes to some branches only", vec![filtered], true, Some(HookChange::Update(1))),
            ("it has no secret and one is wanted", vec![open.clone()], true, Some(HookChange::Update(1))),
            ("it has no secret and none is wanted", vec![open], false, None),
            ("disabled: only a test by hand helps", vec![disabled], true, None),
        ];
        for (sentence, hooks, has_secret, expected) in cases {
            assert_eq!(to_install(&find_hook(&hooks, URL), has_secret), expected, "{sentence}");
        }
    }

    #[test]
    fn what_has_exactly_the_url_is_removed_and_nothing_else() {
        let mut other = hook(9, &[], HookState::Executable);
        other.url = URL.to_uppercase();
        let hooks = [hook(1, &[], HookState::Executable), other, hook(2, &[], HookState::Disabled)];
        assert_eq!(to_remove(&hooks, URL), [HookChange::Delete(1), HookChange::Delete(2)]);
        assert_eq!(to_remove(&[], URL), []);
    }
}
