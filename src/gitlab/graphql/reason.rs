//! Maps GitLab's sentence about a failed job back to the word that REST has for it.
//!
//! GraphQL has only the sentence (`app/presenters/commit_status_presenter.rb`). What two words share, what a newer
//! GitLab says otherwise or what is translated, has no word here and is asked for over REST where an output prints it.

use crate::domain::job::JobKind;

const SENTENCES: &[(&str, &str)] = &[
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
    (
        "runner_configuration_error",
        "There has been a configuration error. Check your job configuration or contact your runner administrator.",
    ),
    ("runner_external_dependency_failure", "The runner could not reach an external dependency. Please try again."),
    (
        "runner_interrupted",
        "The runner process was interrupted before this job could finish. The job is safe to retry.",
    ),
    (
        "stuck_pending_with_matching_runners",
        "The job was stuck in pending state with matching runners available. Check your job configuration or try again",
    ),
    (
        "stuck_pending_no_matching_runners",
        "The job was stuck in pending state with no matching runners available. Check your runner tags or configuration",
    ),
    (
        "no_updates_running",
        "The job was running but showed no activity for an extended period. Check your job script or try again",
    ),
    ("no_updates_canceling", "The job was canceling but showed no activity for an extended period. Try again"),
    ("server_timeout_running", "The running job exceeded the maximum execution time set for the job"),
    ("server_timeout_canceling", "The canceling job exceeded the maximum execution time set for the job"),
    // The same text as `job_execution_timeout`: neither has a word here.
    ("job_execution_server_timeout", "The script exceeded the maximum execution time set for the job"),
    (
        "downstream_project_trigger_resolved_to_empty",
        "This job could not be executed because the trigger:project value resolved to a blank value. Check that the variables or inputs used in trigger:project are set.",
    ),
    ("job_token_expired", "The CI job token has expired. The job may have exceeded the maximum time limit."),
];

/// Sentences of which the end is GitLab's or another service's own text.
const BEGINNINGS: &[(&str, &str)] = &[
    (
        "secrets_manager_access_denied",
        "This job could not retrieve secrets because the namespace does not have access to GitLab Secrets Manager",
    ),
    (
        "duo_workflow_connection_failure",
        "The Duo Workflow job failed because the runner could not connect to the Duo Agent Platform",
    ),
    ("duo_workflow_not_allowed", "Duo Agent Platform cannot run on this runner"),
    ("job_router_failure", "The Job Router failed to run this job"),
    (
        "id_token_burned_project_path",
        "ID token issuance is disabled in CI because this project's path was previously used by a different project",
    ),
];

/// Cuts off the link that GitLab appends to some sentences: ` <a href="…">How do I fix it?</a>`.
pub(super) fn without_link(said: &str) -> &str {
    said.split_once("<a ").map_or(said, |(said, _)| said).trim_end()
}

/// Returns what another system says about its failed status: not what GitLab says about any that failed.
pub(super) fn description(said: Option<&str>) -> Option<String> {
    let said = without_link(said?.trim());
    (!said.is_empty() && words(said).next().is_none()).then(|| said.to_owned())
}

/// Returns every word that a sentence may mean.
fn words(said: &str) -> impl Iterator<Item = &'static str> {
    let said = said.trim_end_matches('.');
    let whole = SENTENCES.iter().filter(move |(_, known)| known.trim_end_matches('.') == said);
    let begun = BEGINNINGS.iter().filter(move |(_, known)| said.starts_with(known));
    whole.chain(begun).map(|(word, _)| *word)
}

/// Returns REST's word for what GitLab says about a failed job, where no other word has the same sentence.
///
/// A failed script is the one reason that GitLab has no sentence for. What another system reported has none at all.
pub(super) fn word(kind: JobKind, sentence: Option<&str>) -> Option<&'static str> {
    let said = without_link(sentence.unwrap_or_default().trim());
    if said.is_empty() || kind == JobKind::External {
        return (kind == JobKind::Job).then_some("script_failure");
    }
    let mut words = words(said);
    words.next().filter(|_| words.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_becomes_the_word_and_what_is_new_has_none() {
        const LINK: &str = " <a href=\"https://docs.example/x\">How do I fix it?</a>";
        let linked = format!("The deployment job is older than the latest deployment, and therefore failed.{LINK}");
        let router = "The Job Router failed to run this job. no capacity";
        let interrupted = "The runner process was interrupted before this job could finish. The job is safe to retry.";
        let shared = "The script exceeded the maximum execution time set for the job";
        let running = "The running job exceeded the maximum execution time set for the job";
        let stuck = "There has been a timeout failure or the job got stuck. Check your timeout limits or try again";
        let cases = [
            ("a known sentence", JobKind::Job, Some("No matching runner available"), Some("no_matching_runner")),
            (
                "a full stop more or less",
                JobKind::Job,
                Some("This deployment job was rejected"),
                Some("deployment_rejected"),
            ),
            ("a link behind it", JobKind::Job, Some(&*linked), Some("failed_outdated_deployment_job")),
            ("nothing but a link", JobKind::Job, Some(LINK), Some("script_failure")),
            ("an end of its own", JobKind::Job, Some(router), Some("job_router_failure")),
            ("of 18.7", JobKind::Job, Some(interrupted), Some("runner_interrupted")),
            ("one sentence for two words", JobKind::Job, Some(shared), None),
            ("a time-out that only one word has", JobKind::Job, Some(running), Some("server_timeout_running")),
            ("what only old servers say", JobKind::Job, Some(stuck), Some("stuck_or_timeout_failure")),
            ("a script has no sentence", JobKind::Job, None, Some("script_failure")),
            ("a bridge runs no script", JobKind::Bridge, None, None),
            ("a sentence of tomorrow", JobKind::Job, Some("The moon was in the way"), None),
            ("a translated one", JobKind::Job, Some("Es gab einen Fehler im System des Runners"), None),
            ("another system's status has no reason", JobKind::External, None, None),
            (
                "not even where GitLab says so",
                JobKind::External,
                Some("There has been an API failure, please try again"),
                None,
            ),
        ];
        for (sentence, kind, said, expected) in cases {
            assert_eq!(word(kind, said), expected, "{sentence}");
        }
    }

    #[test]
    fn what_gitlab_says_of_any_failed_status_describes_none() {
        let cases = [
            (None, None),
            (Some(""), None),
            (Some("There has been an API failure, please try again"), None),
            (Some("The plan failed"), Some("The plan failed")),
        ];
        for (said, expected) in cases {
            assert_eq!(description(said).as_deref(), expected, "{said:?}");
        }
    }
}
