//! From GitLab's sentence about a failed job back to the word that REST has for it.
//!
//! GraphQL has only the sentence (`app/presenters/commit_status_presenter.rb`). What two words share, or what a newer
//! GitLab says otherwise, has no word here and is asked for over REST where an output prints it.

use crate::domain::job::JobKind;

const SENTENCES: [(&str, &str); 37] = [
    ("unknown_failure", "There is an unknown failure, please try again"),
    ("api_failure", "There has been an API failure, please try again"),
    (
        "stuck_or_timeout_failure",
        "There has been a timeout failure or the job got stuck. Check your timeout limits or try again",
    ),
    ("runner_system_failure", "There has been a runner system failure, please try again"),
    ("missing_dependency_failure", "There has been a missing dependency failure"),
    ("runner_unsupported", "No runners support the requirements to run this job."),
    ("stale_schedule", "Delayed job could not be executed by some reason, please try again"),
    ("job_execution_timeout", "The script exceeded the maximum execution time set for the job"),
    ("archived_failure", "The job is archived and cannot be run"),
    ("unmet_prerequisites", "The job failed to complete prerequisite tasks"),
    (
        "scheduler_failure",
        "The scheduler failed to assign job to the runner, please try again or contact system administrator",
    ),
    (
        "data_integrity_failure",
        "There has been an unknown job problem, please contact your system administrator with the job ID to review the logs",
    ),
    (
        "forward_deployment_failure",
        "The deployment job is older than the previously succeeded deployment job, and therefore cannot be run",
    ),
    ("user_blocked", "The user who created this job is blocked"),
    ("project_deleted", "The job belongs to a deleted project"),
    ("ci_quota_exceeded", "No more compute minutes available"),
    ("pipeline_loop_detected", "This job could not be executed because it would create infinitely looping pipelines"),
    ("no_matching_runner", "No matching runner available"),
    ("trace_size_exceeded", "The job log size limit was reached"),
    ("builds_disabled", "The CI/CD is disabled for this project"),
    (
        "environment_creation_failure",
        "This job could not be executed because it would create an environment with an invalid parameter.",
    ),
    ("deployment_rejected", "This deployment job was rejected."),
    ("failed_outdated_deployment_job", "The deployment job is older than the latest deployment, and therefore failed."),
    (
        "protected_environment_failure",
        "The environment this job is deploying to is protected. Only users with permission may successfully run this job.",
    ),
    (
        "insufficient_bridge_permissions",
        "This job could not be executed because of insufficient permissions to create a downstream pipeline",
    ),
    (
        "downstream_bridge_project_not_found",
        "This job could not be executed because downstream bridge project could not be found",
    ),
    (
        "invalid_bridge_trigger",
        "This job could not be executed because downstream pipeline trigger definition is invalid",
    ),
    (
        "upstream_bridge_project_not_found",
        "This job could not be executed because upstream bridge project could not be found",
    ),
    (
        "insufficient_upstream_permissions",
        "This job could not be executed because of insufficient permissions to track the upstream project",
    ),
    (
        "bridge_pipeline_is_child_pipeline",
        "This job belongs to a child pipeline and cannot create further child pipelines",
    ),
    ("downstream_pipeline_creation_failed", "The downstream pipeline could not be created"),
    ("secrets_provider_not_found", "The secrets provider can not be found. Check your CI/CD variables and try again."),
    ("reached_max_descendant_pipelines_depth", "You reached the maximum depth of child pipelines"),
    (
        "ip_restriction_failure",
        "This job could not be executed because group IP address restrictions are enabled, and the runner's IP address is not in the allowed range.",
    ),
    ("reached_max_pipeline_hierarchy_size", "The downstream pipeline tree is too large"),
    (
        "reached_downstream_pipeline_trigger_rate_limit",
        "Too many downstream pipelines triggered in the last minute. Try again later.",
    ),
    ("script_failure", ""),
];

/// Returns REST's word for what GitLab says about a failed job.
///
/// A failed script is the one reason that GitLab has no sentence for.
pub(super) fn word(kind: JobKind, sentence: Option<&str>) -> Option<&'static str> {
    let said = sentence.unwrap_or_default().trim().trim_end_matches('.');
    if said.is_empty() && kind == JobKind::Bridge {
        return None;
    }
    let (word, _) = SENTENCES.iter().find(|(_, known)| known.trim_end_matches('.') == said)?;
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_sentence_means_one_word() {
        let sentences: HashSet<&str> = SENTENCES.iter().map(|(_, said)| said.trim_end_matches('.')).collect();
        assert_eq!(sentences.len(), SENTENCES.len());
    }

    #[test]
    fn a_sentence_becomes_the_word_and_what_is_new_has_none() {
        let cases = [
            ("a known sentence", JobKind::Job, Some("No matching runner available"), Some("no_matching_runner")),
            (
                "a full stop more or less",
                JobKind::Job,
                Some("This deployment job was rejected"),
                Some("deployment_rejected"),
            ),
            ("a script has no sentence", JobKind::Job, None, Some("script_failure")),
            ("a bridge runs no script", JobKind::Bridge, None, None),
            ("a sentence of tomorrow", JobKind::Job, Some("The moon was in the way"), None),
        ];
        for (sentence, kind, said, expected) in cases {
            assert_eq!(word(kind, said), expected, "{sentence}");
        }
    }
}
