//! The permissions that a fine-grained token needs, per command and API: one table for the checks, the hints and the help.
//!
//! GitLab writes a permission as `[Pipeline: Read]`
//! (<https://docs.gitlab.com/auth/tokens/fine_grained_access_tokens_rest/>, `..._graphql/`; generally available since 19.2).

use std::fmt;

/// A permission of a fine-grained token, in GitLab's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Permission {
    pub resource: &'static str,
    pub action: &'static str,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}: {}", self.resource, self.action))
    }
}

const fn read(resource: &'static str) -> Permission {
    Permission { resource, action: "Read" }
}

pub(crate) const READ_CODE: Permission = read("Code");
pub(crate) const READ_USER: Permission = read("User");
pub(crate) const READ_METADATA: Permission = read("Metadata");

const READ_GROUP: Permission = read("Group");
const READ_PROJECT: Permission = read("Project");
const READ_PIPELINE: Permission = read("Pipeline");
const READ_JOB: Permission = read("Job");
const UPDATE_PIPELINE: Permission = Permission { resource: "Pipeline", action: "Update" };
const UPDATE_JOB: Permission = Permission { resource: "Job", action: "Update" };
const RUN_JOB: Permission = Permission { resource: "Job", action: "Run" };

/// What one command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needed {
    pub command: &'static str,
    pub rest: &'static [Permission],
    pub graphql: &'static [Permission],
    /// Without these the command works, and its output lacks something.
    pub helpful: &'static [Helpful],
}

/// A permission without which only a part of the output is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Helpful {
    pub permission: Permission,
    /// What is missing without it.
    pub shows: &'static str,
}

const COMMIT: Helpful = Helpful { permission: READ_CODE, shows: "the commit's title" };
const USER: Helpful = Helpful { permission: READ_USER, shows: "the user who started a pipeline" };
const VERSION: Helpful = Helpful { permission: READ_METADATA, shows: "GitLab's version" };

/// By command. What GitLab declares for `/groups/:id` and its projects is not published in detail; both are needed to
/// find the projects.
pub(crate) const NEEDED: [Needed; 6] = [
    Needed {
        command: "status",
        rest: &[READ_GROUP, READ_PROJECT, READ_PIPELINE],
        graphql: &[READ_PROJECT, READ_PIPELINE, READ_JOB],
        helpful: &[COMMIT, USER, VERSION],
    },
    Needed {
        command: "explain",
        rest: &[READ_PROJECT, READ_PIPELINE, READ_JOB],
        graphql: &[READ_PROJECT, READ_PIPELINE, READ_JOB],
        helpful: &[COMMIT, USER],
    },
    Needed {
        command: "logs",
        rest: &[READ_PROJECT, READ_PIPELINE, READ_JOB],
        graphql: &[READ_PROJECT, READ_PIPELINE, READ_JOB],
        helpful: &[],
    },
    Needed {
        command: "retry",
        rest: &[READ_PROJECT, READ_PIPELINE, READ_JOB, UPDATE_PIPELINE, RUN_JOB],
        graphql: &[],
        helpful: &[],
    },
    Needed {
        command: "cancel",
        rest: &[READ_PROJECT, READ_PIPELINE, READ_JOB, UPDATE_PIPELINE, UPDATE_JOB],
        graphql: &[],
        helpful: &[],
    },
    Needed { command: "play", rest: &[READ_PROJECT, READ_PIPELINE, READ_JOB, RUN_JOB], graphql: &[], helpful: &[] },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_reads_as_in_gitlabs_own_sentence() {
        assert_eq!(RUN_JOB.to_string(), "Job: Run");
        assert_eq!(READ_PIPELINE.to_string(), "Pipeline: Read");
    }

    #[test]
    fn only_what_acts_needs_more_than_to_read() {
        for needed in NEEDED {
            let acts = needed.rest.iter().any(|permission| permission.action != "Read");
            assert_eq!(acts, matches!(needed.command, "retry" | "cancel" | "play"), "{}", needed.command);
            assert!(needed.graphql.iter().all(|permission| permission.action == "Read"), "{}", needed.command);
        }
    }
}
