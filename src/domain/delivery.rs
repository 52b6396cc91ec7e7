//! Facts about what was deployed, what it brought, and what went wrong in production.
//!
//! As with all facts, merging two about the same thing gives the same result in any order, and twice is once.

use super::fact::UnixSeconds;
use super::id::{DeploymentId, EnvironmentId, JobId, PipelineId, ProjectId};
use super::status::Status;
use std::cmp::Ordering;

/// Where a project deploys to, as the list of environments has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvironmentFact {
    pub project: ProjectId,
    pub id: EnvironmentId,
    pub name: String,
    /// GitLab's word, such as `production`.
    pub tier: Option<String>,
    /// When the list said so: the latest counts.
    pub seen_at: UnixSeconds,
}

/// One attempt to bring a commit to an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeploymentFact {
    pub project: ProjectId,
    pub id: DeploymentId,
    pub iid: Option<u64>,
    pub environment: EnvironmentId,
    /// Its name at that time: an environment may be gone before its list is read.
    pub environment_name: String,
    pub ref_name: Option<String>,
    pub sha: Option<String>,
    /// Of its job; `None` where a program made it without one.
    pub pipeline: Option<PipelineId>,
    /// GitLab's word for what started that, such as `parent_pipeline`.
    pub pipeline_source: Option<String>,
    pub job: Option<JobId>,
    pub created_at: Option<UnixSeconds>,
    pub course: DeploymentCourse,
    /// Whether the merge requests that it brought were asked for.
    pub has_merges: bool,
}

/// How a deployment went: changes as one, so that parts of two moments are never mixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeploymentCourse {
    pub updated_at: Option<UnixSeconds>,
    pub status: Status,
    pub finished_at: Option<UnixSeconds>,
}

/// A merge request that a deployment, or a pipeline which takes the place of one, may have brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MergeRequestFact {
    pub project: ProjectId,
    pub iid: u64,
    pub title: String,
    pub source_branch: Option<String>,
    pub target_branch: Option<String>,
    /// The commit that the target branch was at once it was merged.
    pub merged_sha: Option<String>,
    pub labels: Vec<String>,
    pub merged_at: Option<UnixSeconds>,
    /// The latest counts.
    pub updated_at: Option<UnixSeconds>,
    /// When its first commit was made.
    pub first_commit_at: Option<UnixSeconds>,
    /// Whether its commits were asked for.
    pub has_commits: bool,
}

/// That GitLab links a merge request to a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeployedMerge {
    pub project: ProjectId,
    pub deployment: DeploymentId,
    /// The merge request's.
    pub iid: u64,
}

/// What lies before the first success to an environment that the memory has: asked for once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvironmentStart {
    pub project: ProjectId,
    pub environment_name: String,
    /// When the first success finished that was known then, or the one before it which the answer told of.
    pub first_at: UnixSeconds,
    /// The first success ever, where nothing lies before it.
    pub baseline: Option<DeploymentId>,
}

/// An issue of the type incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IncidentFact {
    pub project: ProjectId,
    pub iid: u64,
    pub title: String,
    pub created_at: UnixSeconds,
    /// The latest counts.
    pub updated_at: Option<UnixSeconds>,
    /// `None` while it is open.
    pub closed_at: Option<UnixSeconds>,
}

/// Facts about deliveries that are written together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeliveryBatch {
    pub environments: Vec<EnvironmentFact>,
    pub deployments: Vec<DeploymentFact>,
    pub merge_requests: Vec<MergeRequestFact>,
    pub merges: Vec<DeployedMerge>,
    pub incidents: Vec<IncidentFact>,
    pub starts: Vec<EnvironmentStart>,
}

/// Returns the one with the larger key.
fn larger<F, K: Ord>(one: F, other: F, key: impl Fn(&F) -> K) -> F {
    if key(&one) >= key(&other) { one } else { other }
}

impl EnvironmentFact {
    /// Joins two facts about the same environment.
    pub(crate) fn merge(self, other: Self) -> Self {
        larger(self, other, |fact| (fact.seen_at, fact.name.clone(), fact.tier.clone()))
    }
}

impl DeploymentFact {
    /// Joins two facts about the same deployment.
    pub(crate) fn merge(self, other: Self) -> Self {
        Self {
            project: self.project,
            id: self.id,
            iid: self.iid.max(other.iid),
            environment: self.environment.max(other.environment),
            environment_name: self.environment_name.max(other.environment_name),
            ref_name: self.ref_name.max(other.ref_name),
            sha: self.sha.max(other.sha),
            pipeline: self.pipeline.max(other.pipeline),
            pipeline_source: self.pipeline_source.max(other.pipeline_source),
            job: self.job.max(other.job),
            created_at: self.created_at.max(other.created_at),
            course: self.course.merge(other.course),
            has_merges: self.has_merges || other.has_merges,
        }
    }
}

impl DeploymentFact {
    /// Returns when it ended, as far as GitLab says so: its own time or its job's, else that of its last change.
    pub(crate) fn finished_at(&self) -> Option<UnixSeconds> {
        self.course.finished_at.or(self.course.updated_at)
    }
}

impl DeploymentCourse {
    /// The latest counts; of the same moment an end does, because GitLab writes it last.
    fn merge(self, other: Self) -> Self {
        let key = |course: &Self| (course.updated_at, course.status.is_terminal(), course.finished_at);
        match key(&self).cmp(&key(&other)).then_with(|| self.status.word().cmp(other.status.word())) {
            Ordering::Less => other,
            Ordering::Equal | Ordering::Greater => self,
        }
    }
}

impl MergeRequestFact {
    /// Joins two facts about the same merge request.
    pub(crate) fn merge(self, other: Self) -> Self {
        // Commits are asked for apart, once, and by no other answer.
        let first_commit_at = self.first_commit_at.max(other.first_commit_at);
        let has_commits = self.has_commits || other.has_commits;
        let newest = larger(self, other, |fact| {
            let Self { project: _, iid: _, title, source_branch, labels, merged_at, updated_at, .. } = fact.clone();
            (updated_at, merged_at, title, source_branch, labels, fact.target_branch.clone(), fact.merged_sha.clone())
        });
        Self { first_commit_at, has_commits, ..newest }
    }
}

impl IncidentFact {
    /// Joins two facts about the same incident.
    pub(crate) fn merge(self, other: Self) -> Self {
        larger(self, other, |fact| (fact.updated_at, fact.closed_at, fact.created_at, fact.title.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deployment() -> impl Strategy<Value = DeploymentFact> {
        let status = prop::sample::select(vec!["created", "running", "success", "failed", "blocked"]);
        let course = (prop::option::of(0_i64..3), status, prop::option::of(0_i64..3));
        (course, prop::option::of(0_u64..3), any::<bool>()).prop_map(
            |((updated_at, status, finished_at), pipeline, has)| {
                let course = DeploymentCourse { updated_at, status: Status::from_gitlab(status), finished_at };
                DeploymentFact {
                    project: ProjectId(7),
                    id: DeploymentId(1),
                    iid: Some(1),
                    environment: EnvironmentId(2),
                    environment_name: "production".into(),
                    ref_name: Some("main".into()),
                    sha: None,
                    pipeline: pipeline.map(PipelineId),
                    pipeline_source: None,
                    job: None,
                    created_at: None,
                    course,
                    has_merges: has,
                }
            },
        )
    }

    fn merge_request() -> impl Strategy<Value = MergeRequestFact> {
        let times = (prop::option::of(0_i64..3), prop::option::of(0_i64..3), prop::option::of(0_i64..3));
        (times, "[ab]", prop::collection::vec("[ab]", 0..2)).prop_map(
            |((updated_at, merged_at, first_commit_at), title, labels)| MergeRequestFact {
                project: ProjectId(7),
                iid: 1,
                title,
                source_branch: None,
                target_branch: None,
                merged_sha: None,
                labels,
                merged_at,
                updated_at,
                first_commit_at,
                has_commits: first_commit_at.is_some(),
            },
        )
    }

    fn incident() -> impl Strategy<Value = IncidentFact> {
        (prop::option::of(0_i64..3), prop::option::of(0_i64..3), 0_i64..3).prop_map(
            |(updated_at, closed_at, created_at)| IncidentFact {
                project: ProjectId(7),
                iid: 1,
                title: "Down".into(),
                created_at,
                updated_at,
                closed_at,
            },
        )
    }

    fn environment() -> impl Strategy<Value = EnvironmentFact> {
        ("[ab]", prop::option::of("[ab]"), 0_i64..3).prop_map(|(name, tier, seen_at)| EnvironmentFact {
            project: ProjectId(7),
            id: EnvironmentId(2),
            name,
            tier,
            seen_at,
        })
    }

    /// Two facts in any order, three in any grouping, and one twice.
    fn is_a_merge<F: Clone + PartialEq + std::fmt::Debug>(facts: [F; 3], merge: fn(F, F) -> F) {
        let [a, b, c] = facts;
        assert_eq!(merge(a.clone(), b.clone()), merge(b.clone(), a.clone()));
        assert_eq!(merge(merge(a.clone(), b.clone()), c.clone()), merge(a.clone(), merge(b, c)));
        assert_eq!(merge(a.clone(), a.clone()), a);
    }

    proptest! {
        #[test]
        fn the_order_of_facts_does_not_matter(
            deployments in prop::array::uniform3(deployment()), requests in prop::array::uniform3(merge_request()),
            incidents in prop::array::uniform3(incident()), environments in prop::array::uniform3(environment()),
        ) {
            is_a_merge(deployments, DeploymentFact::merge);
            is_a_merge(requests, MergeRequestFact::merge);
            is_a_merge(incidents, IncidentFact::merge);
            is_a_merge(environments, EnvironmentFact::merge);
        }
    }
}
