//! What is known of the hook of each project, as it is printed.

use crate::act::hooks::{HookFinding, find_hook};
use crate::cli::error::CliError;
use crate::cli::output;
use crate::domain::project::Project;
use crate::domain::project_hook::{HookEvent, HookState, ProjectHook};
use crate::gitlab::client::ListedHooks;
use crate::render::columns;

/// What is said of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HookRowState {
    Installed,
    Missing,
    Disabled,
    /// It is there and called, but not for everything.
    Lacking,
    NotKnown,
    Done,
    Refused,
    Unsure,
}

impl HookRowState {
    fn word(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Missing => "missing",
            Self::Disabled => "disabled",
            Self::Lacking => "lacking",
            Self::NotKnown => "not known",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unsure => "unsure",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HookRow {
    pub project: String,
    pub state: HookRowState,
    pub detail: String,
}

impl HookRow {
    pub(super) fn new(project: &Project, state: HookRowState, detail: impl Into<String>) -> Self {
        Self { project: project.full_path.clone(), state, detail: detail.into() }
    }

    pub(super) fn line(&self) -> String {
        format!("{}  {}  {}", self.project, self.state.word(), self.detail)
    }
}

/// Writes them in columns.
pub(super) fn write(rows: &[HookRow]) -> Result<(), CliError> {
    let record = |row: &HookRow| [row.project.clone(), row.state.word().to_owned(), row.detail.clone()];
    let records: Vec<[String; 3]> = rows.iter().map(record).collect();
    let mut bytes = Vec::new();
    if !records.is_empty() {
        columns::write(&records, &mut bytes).map_err(CliError::Output)?;
    }
    output::to_stdout(&bytes)
}

/// Judges the hooks of a project.
pub(super) fn of_hooks(project: &Project, listed: &ListedHooks, url: &str) -> HookRow {
    let (state, mut details) = match find_hook(&listed.hooks, url) {
        HookFinding::Missing if listed.is_cut => {
            (HookRowState::NotKnown, vec!["not all hooks could be read".to_owned()])
        }
        HookFinding::Missing => (HookRowState::Missing, Vec::new()),
        HookFinding::Found { hook, count } => {
            let (state, mut details) = of_hook(&hook);
            details.extend((count > 1).then(|| format!("{count} hooks have this URL")));
            (state, details)
        }
    };
    if state == HookRowState::Missing && !listed.hooks.is_empty() {
        details.push(format!("{} with other URLs", crate::text::plural::counted(listed.hooks.len() as u64, "hook")));
    }
    HookRow::new(project, state, details.join("; "))
}

fn of_hook(hook: &ProjectHook) -> (HookRowState, Vec<String>) {
    let mut details = Vec::new();
    let fields = |events: &[HookEvent]| events.iter().map(|event| event.field()).collect::<Vec<_>>().join(", ");
    let (lacking, not_told) = (hook.lacking(), hook.not_told());
    let mut is_lacking = !lacking.is_empty();
    details.extend((!lacking.is_empty()).then(|| format!("lacks {}", fields(&lacking))));
    details.extend((!not_told.is_empty()).then(|| format!("GitLab does not say: {}", fields(&not_told))));
    if let Some(filter) = &hook.branch_filter {
        is_lacking = true;
        details.push(format!("pushes to {filter} only"));
    }
    let state = match &hook.state {
        HookState::Disabled => {
            details.insert(0, "until it is tested in GitLab's settings, as too many deliveries failed".to_owned());
            HookRowState::Disabled
        }
        HookState::Paused(until) => {
            let until = until.as_deref().unwrap_or("a time that GitLab does not say");
            details.insert(0, format!("until {until}, as deliveries failed"));
            HookRowState::Disabled
        }
        HookState::NotTold => {
            details.push("GitLab does not say whether it is disabled".to_owned());
            if is_lacking { HookRowState::Lacking } else { HookRowState::Installed }
        }
        HookState::Executable if is_lacking => HookRowState::Lacking,
        HookState::Executable => HookRowState::Installed,
    };
    details.extend((hook.has_secret == Some(false)).then(|| "it sends no secret".to_owned()));
    (state, details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::{HOOK_URL as URL, hook};
    use crate::domain::health::tests::ran;
    use crate::domain::status::Status;

    #[test]
    fn nothing_is_claimed_that_gitlab_does_not_say() {
        use HookState::{Disabled, Executable, NotTold, Paused};
        let mut older = hook(1, &[], Executable);
        older.events.remove(&HookEvent::Deployment);
        let other = ProjectHook { url: format!("{URL}/"), ..hook(1, &[], Executable) };
        let filtered = ProjectHook { branch_filter: Some("main".into()), ..hook(1, &[], Executable) };
        let until = Paused(Some("2026-11-28T21:00:00Z".into()));
        let cases = [
            ("no hook", vec![], false, HookRowState::Missing, ""),
            ("another URL", vec![other.clone()], false, HookRowState::Missing, "1 hook with other URLs"),
            ("a list that lacks a part", vec![other], true, HookRowState::NotKnown, "not all hooks could be read"),
            ("all is well", vec![hook(1, &[], Executable)], false, HookRowState::Installed, ""),
            (
                "an older GitLab",
                vec![hook(1, &[], NotTold)],
                false,
                HookRowState::Installed,
                "GitLab does not say whether it is disabled",
            ),
            (
                "an event that is off",
                vec![hook(1, &[HookEvent::Job], Executable)],
                false,
                HookRowState::Lacking,
                "lacks job_events",
            ),
            (
                "an event that is not told",
                vec![older],
                false,
                HookRowState::Installed,
                "GitLab does not say: deployment_events",
            ),
            ("some branches", vec![filtered], false, HookRowState::Lacking, "pushes to main only"),
            (
                "paused",
                vec![hook(1, &[], until)],
                false,
                HookRowState::Disabled,
                "until 2026-11-28T21:00:00Z, as deliveries failed",
            ),
            (
                "disabled, and one beside it that works",
                vec![hook(1, &[], Disabled), hook(1, &[], Executable)],
                false,
                HookRowState::Installed,
                "2 hooks have this URL",
            ),
        ];
        let project = ran("api", Status::Success, 0).project;
        for (sentence, hooks, is_cut, state, detail) in cases {
            let row = of_hooks(&project, &ListedHooks { hooks, is_cut }, URL);
            assert_eq!((row.state, row.detail.as_str()), (state, detail), "{sentence}");
        }
    }
}
