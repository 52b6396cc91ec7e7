//! The words of GitLab's badges (`lib/gitlab/ci/status/*.rb`).

use super::status::verdict;

/// Group has hyphens where the status has underscores; the icon lacks its `status_`.
pub(crate) struct Badge {
    pub(crate) text: String,
    pub(crate) label: String,
    pub(crate) group: String,
    pub(crate) icon: String,
}

impl Badge {
    /// Returns the badge of a pipeline or stage.
    pub(crate) fn of(status: &str, warnings: bool) -> Self {
        let (text, label, group, icon) = match verdict(status, warnings) {
            "warning" => ("warning", "passed with warnings", "success-with-warnings", "warning"),
            "success" => ("passed", "passed", "success", "success"),
            "manual" => ("blocked", "waiting for manual action", "manual", "manual"),
            "scheduled" => ("delayed", "waiting for delayed job", "scheduled", "scheduled"),
            "waiting_for_resource" => ("waiting", "waiting for resource", "waiting-for-resource", "pending"),
            other => (other, other, other, other),
        };
        Self { text: text.to_owned(), label: label.to_owned(), group: group.replace('_', "-"), icon: icon.to_owned() }
    }

    /// Returns the badge of a job, which has other words for a few things.
    pub(crate) fn of_job(status: &str, allow_failure: bool) -> Self {
        match status {
            "failed" if allow_failure => Self {
                text: "failed".to_owned(),
                label: "failed (allowed to fail)".to_owned(),
                group: "failed-with-warnings".to_owned(),
                icon: "warning".to_owned(),
            },
            "manual" => {
                Self { text: status.to_owned(), label: "manual play action".to_owned(), ..Self::of(status, false) }
            }
            "scheduled" => Self { label: "unschedule action".to_owned(), ..Self::of(status, false) },
            _ => Self::of(status, false),
        }
    }
}
