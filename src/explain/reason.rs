//! Explains GitLab's failure reasons of jobs and pipelines in plain words, with what to do next.
//!
//! The words: `app/models/concerns/enums/ci/commit_status.rb` and `app/models/concerns/enums/ci/pipeline.rb`. One that
//! is not in these tables is newer than this program and shown as it is.

/// What a word means and what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReasonMeaning {
    /// Goes on after "job `unit` failed: ".
    pub plain: &'static str,
    /// An order, without a full stop.
    pub next: &'static str,
}

type ReasonEntry = (&'static str, &'static str, &'static str);

/// What job failure reasons mean.
const JOBS: &[ReasonEntry] = &[
    (
        "unknown_failure",
        "GitLab does not know why",
        "retry it; if it fails again, give the job's number to the administrator",
    ),
    ("script_failure", "its script failed", "read the log"),
    ("api_failure", "GitLab's API failed it", "retry it"),
    (
        "stuck_or_timeout_failure",
        "it got stuck or ran out of time",
        "check the runner and the job's timeout, then retry it",
    ),
    ("runner_system_failure", "the runner failed, not the script", "retry it; if it fails again, look at the runner"),
    (
        "missing_dependency_failure",
        "artifacts of an earlier job are missing",
        "run that earlier job again: its artifacts are expired or erased",
    ),
    (
        "runner_unsupported",
        "no runner supports what it asks for",
        "update the runner, or ask for less in .gitlab-ci.yml",
    ),
    ("stale_schedule", "it was delayed too long to be started", "retry it"),
    ("job_execution_timeout", "it ran out of time", "find what hangs in the log, or raise `timeout`"),
    ("archived_failure", "it is too old to run", "run a new pipeline"),
    ("unmet_prerequisites", "what it needs could not be prepared", "check its environment and cluster"),
    (
        "scheduler_failure",
        "GitLab could not assign it to a runner",
        "retry it; if it fails again, tell the administrator",
    ),
    ("data_integrity_failure", "GitLab found its data damaged", "give the job's number to the administrator"),
    (
        "forward_deployment_failure",
        "a newer deployment has overtaken it",
        "deploy the newer pipeline, or run a new one",
    ),
    (
        "failed_outdated_deployment_job",
        "a newer deployment has overtaken it",
        "deploy the newer pipeline, or run a new one",
    ),
    ("user_blocked", "the user who started it is blocked", "let another user run it"),
    ("project_deleted", "its project is being deleted", "restore the project first"),
    (
        "ci_quota_exceeded",
        "the group has no compute minutes left",
        "buy minutes, wait for the next month, or use runners of your own",
    ),
    ("pipeline_loop_detected", "it would trigger pipelines in a circle", "break the circle of `trigger` jobs"),
    ("no_matching_runner", "no runner has the tags that it needs", "start a runner with its tags, or change `tags`"),
    ("trace_size_exceeded", "its log grew too large", "let it write less, or raise the runner's output_limit"),
    ("builds_disabled", "CI/CD is switched off for the project", "switch it on in the project's settings"),
    (
        "environment_creation_failure",
        "its environment has an invalid parameter",
        "check `environment` in .gitlab-ci.yml",
    ),
    ("deployment_rejected", "its deployment was rejected", "ask who rejected it; the deployment's page says why"),
    ("protected_environment_failure", "its environment is protected", "let a user deploy who may"),
    (
        "insufficient_bridge_permissions",
        "its user may not run pipelines downstream",
        "give the user a role in the downstream project",
    ),
    ("downstream_bridge_project_not_found", "the downstream project was not found", "check `trigger: project`"),
    ("invalid_bridge_trigger", "its trigger is not valid", "check `trigger` in .gitlab-ci.yml"),
    ("upstream_bridge_project_not_found", "the upstream project was not found", "check `needs: project`"),
    (
        "insufficient_upstream_permissions",
        "its user may not follow the upstream project",
        "give the user a role in the upstream project",
    ),
    (
        "bridge_pipeline_is_child_pipeline",
        "a child pipeline cannot have children of its own",
        "trigger them from the parent",
    ),
    (
        "downstream_pipeline_creation_failed",
        "the downstream pipeline could not be created",
        "validate the downstream project's .gitlab-ci.yml and rules",
    ),
    ("secrets_provider_not_found", "its secrets provider was not found", "check the CI/CD variables for secrets"),
    ("reached_max_descendant_pipelines_depth", "child pipelines are nested too deeply", "nest them less"),
    (
        "ip_restriction_failure",
        "the runner's IP address is not allowed in the group",
        "add the runner to the group's allowed addresses",
    ),
    ("reached_max_pipeline_hierarchy_size", "the tree of triggered pipelines is too large", "trigger fewer pipelines"),
    (
        "reached_downstream_pipeline_trigger_rate_limit",
        "too many pipelines were triggered in a minute",
        "retry it in a minute",
    ),
    (
        "runner_configuration_error",
        "the runner could not use its configuration",
        "check `image`, `services` and the runner's settings that the job names",
    ),
    (
        "runner_external_dependency_failure",
        "the runner could not reach what it depends on",
        "retry it; if it fails again, check the registry or service that the log names",
    ),
    ("runner_interrupted", "the runner was interrupted before the job could finish", "retry it: that is safe"),
    (
        "stuck_pending_with_matching_runners",
        "it was pending too long although runners match it",
        "see whether these runners are online and free, then retry it",
    ),
    (
        "stuck_pending_no_matching_runners",
        "it was pending too long, and no runner matches it",
        "start a runner with its tags, or change `tags`",
    ),
    (
        "no_updates_running",
        "it ran, and nothing was heard of it for too long",
        "check the runner and what the script waits for, then retry it",
    ),
    (
        "no_updates_canceling",
        "it was being canceled, and nothing was heard of it for too long",
        "check the runner, then retry it",
    ),
    ("server_timeout_running", "it ran out of time", "find what hangs in the log, or raise `timeout`"),
    (
        "server_timeout_canceling",
        "it was being canceled and ran out of time",
        "find what hangs in `after_script`, then retry it",
    ),
    ("job_execution_server_timeout", "it ran out of time", "find what hangs in the log, or raise `timeout`"),
    (
        "downstream_project_trigger_resolved_to_empty",
        "`trigger: project` came out empty",
        "set the variables or inputs that `trigger: project` uses",
    ),
    (
        "secrets_manager_access_denied",
        "its namespace has no access to GitLab Secrets Manager",
        "ask an owner of the group to enable the secrets manager, or take the secret from elsewhere",
    ),
    (
        "duo_workflow_connection_failure",
        "the runner could not connect to the Duo Agent Platform",
        "check the runner's network and proxy, then retry it",
    ),
    (
        "duo_workflow_not_allowed",
        "the Duo Agent Platform may not run on this runner",
        "use a runner that the Duo Agent Platform may use",
    ),
    ("job_router_failure", "the Job Router failed to run it", "retry it; if it fails again, tell the administrator"),
    (
        "job_token_expired",
        "its job token expired: it may have run longer than the token lives",
        "retry it; if it takes that long again, split it or raise `timeout`",
    ),
    (
        "id_token_burned_project_path",
        "ID tokens are refused: another project had this project's path before",
        "ask an administrator, or move the project to a path that was never used",
    ),
];

/// What pipeline failure reasons mean.
const PIPELINES: &[ReasonEntry] = &[
    ("unknown_failure", "GitLab does not know why", "run it again; if it fails again, tell the administrator"),
    ("config_error", ".gitlab-ci.yml is not valid", "validate it: Build > Pipeline editor > Validate"),
    ("external_validation_failure", "the external validation service refused it", "ask the administrator"),
    ("user_not_verified", "its user is not verified", "verify the account, or let another user run it"),
    ("size_limit_exceeded", "it has more jobs than the instance allows", "split it into child pipelines"),
    (
        "job_activity_limit_exceeded",
        "too many jobs are active in the project",
        "cancel what is not needed, then run it again",
    ),
    ("deployments_limit_exceeded", "it has more deployments than allowed", "split it into child pipelines"),
    ("project_deleted", "its project is being deleted", "restore the project first"),
    ("filtered_by_rules", "its rules leave no job", "check `rules` of the jobs for this ref and source"),
    (
        "filtered_by_workflow_rules",
        "workflow:rules do not let it run",
        "check `workflow: rules` for this ref and source",
    ),
    ("composite_identity_forbidden", "its identity may not run pipelines", "let another user run it"),
    (
        "pipeline_ref_creation_failure",
        "its ref could not be created",
        "run it again; if it fails again, tell the administrator",
    ),
];

/// Job failure reasons that no commit can cause. Reasons that a change of `.gitlab-ci.yml` or of the script can cause as
/// well, such as a timeout or tags that no runner has, are not among them.
const INFRASTRUCTURE: [&str; 18] = [
    "api_failure",
    "archived_failure",
    "ci_quota_exceeded",
    "data_integrity_failure",
    "duo_workflow_connection_failure",
    "ip_restriction_failure",
    "job_router_failure",
    "no_updates_canceling",
    "no_updates_running",
    "project_deleted",
    "runner_external_dependency_failure",
    "runner_interrupted",
    "runner_system_failure",
    "scheduler_failure",
    "stale_schedule",
    "stuck_or_timeout_failure",
    "stuck_pending_with_matching_runners",
    "user_blocked",
];

/// Says whether a job's failure reason is one that no commit can cause.
pub(crate) fn is_infrastructure(word: &str) -> bool {
    INFRASTRUCTURE.contains(&word)
}

/// Returns what a job's failure reason means.
pub(crate) fn of_job(word: &str) -> Option<ReasonMeaning> {
    find(JOBS, word)
}

/// Returns what a pipeline's failure reason means. GraphQL has a sentence in the word's place, which is shown as it is.
pub(crate) fn of_pipeline(word: &str) -> Option<ReasonMeaning> {
    find(PIPELINES, word)
}

fn find(table: &[ReasonEntry], word: &str) -> Option<ReasonMeaning> {
    let (_, plain, next) = table.iter().find(|(known, _, _)| *known == word)?;
    Some(ReasonMeaning { plain, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_meaning_and_a_new_one_has_none() {
        for table in [JOBS, PIPELINES] {
            for (at, (word, plain, next)) in table.iter().enumerate() {
                assert!(table[at + 1..].iter().all(|(other, _, _)| other != word), "{word} is listed twice");
                assert!(
                    !plain.is_empty() && !next.is_empty() && !plain.ends_with('.') && !next.ends_with('.'),
                    "{word}"
                );
            }
        }
        assert_eq!(of_job("job_execution_timeout").unwrap().plain, "it ran out of time");
        assert_eq!(of_job("moon_in_the_way"), None);
        INFRASTRUCTURE.iter().for_each(|word| assert!(of_job(word).is_some(), "{word} has no meaning"));
        let of_18_6_and_later = [
            "runner_configuration_error",
            "runner_external_dependency_failure",
            "runner_interrupted",
            "stuck_pending_with_matching_runners",
            "stuck_pending_no_matching_runners",
            "no_updates_running",
            "no_updates_canceling",
            "server_timeout_running",
            "server_timeout_canceling",
            "job_execution_server_timeout",
            "downstream_project_trigger_resolved_to_empty",
            "secrets_manager_access_denied",
            "duo_workflow_connection_failure",
            "duo_workflow_not_allowed",
            "job_router_failure",
            "job_token_expired",
            "id_token_burned_project_path",
            // No longer written, but old servers have it.
            "stuck_or_timeout_failure",
        ];
        for word in of_18_6_and_later {
            assert!(of_job(word).is_some(), "{word}");
        }
    }
}
