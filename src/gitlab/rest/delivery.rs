//! What was deployed, and what went wrong: deployments (<https://docs.gitlab.com/api/deployments/>) with their merge
//! requests, environments (<https://docs.gitlab.com/api/environments/>), and incidents, which are issues
//! (<https://docs.gitlab.com/api/issues/>).
//!
//! GraphQL is no cheaper: it answers `environments` for one project in a request and `deployments` for one environment,
//! and links no merge requests to them.

use super::job::{Identified, all_pages};
use super::{encode, group};
use crate::domain::delivery::{DeploymentCourse, DeploymentFact, EnvironmentFact, IncidentFact, MergeRequestFact};
use crate::domain::fact::UnixSeconds;
use crate::domain::id::{DeploymentId, EnvironmentId, GroupRef, JobId, PipelineId, ProjectId};
use crate::domain::status::Status;
use crate::gitlab::error::Error;
use crate::gitlab::lenient::{Item, LenientList, loose};
use crate::gitlab::page::{ListPage, PER_PAGE};
use crate::gitlab::transport::Transport;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A page of what changed since a time, the longest unchanged first.
///
/// What changes while the list is read moves to its end, so that what is behind it moves up. The next page is therefore
/// asked for by the time of the last item, and by number only within one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChangedPage<F> {
    pub facts: Vec<F>,
    /// When the last of them changed; `None` where that is not said.
    pub last_change: Option<DateTime<Utc>>,
    pub has_next: bool,
}

#[derive(Deserialize)]
struct DeploymentWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    iid: Option<u64>,
    #[serde(default, rename = "ref", deserialize_with = "loose")]
    git_ref: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    sha: Option<String>,
    status: String,
    #[serde(default, deserialize_with = "loose")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    updated_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    finished_at: Option<DateTime<Utc>>,
    environment: DeployedEnvironmentWire,
    #[serde(default, deserialize_with = "loose")]
    deployable: Option<DeployableWire>,
}

#[derive(Deserialize)]
struct DeployedEnvironmentWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
}

#[derive(Deserialize)]
struct DeployableWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    finished_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    pipeline: Option<DeployedPipelineWire>,
}

#[derive(Deserialize)]
struct DeployedPipelineWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    source: Option<String>,
}

#[derive(Deserialize)]
struct EnvironmentWire {
    id: u64,
    name: String,
    #[serde(default, deserialize_with = "loose")]
    tier: Option<String>,
}

#[derive(Deserialize)]
struct MergeRequestWire {
    iid: u64,
    #[serde(default, deserialize_with = "loose")]
    project_id: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    title: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    source_branch: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    target_branch: Option<String>,
    /// Of the merge commit; else of the squashed one; else of the branch's own newest one, which is then the target's.
    #[serde(default, deserialize_with = "loose")]
    merge_commit_sha: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    squash_commit_sha: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    sha: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    labels: Option<Vec<String>>,
    #[serde(default, deserialize_with = "loose")]
    merged_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct IncidentWire {
    iid: u64,
    project_id: u64,
    #[serde(default, deserialize_with = "loose")]
    issue_type: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    title: Option<String>,
    created_at: DateTime<Utc>,
    #[serde(default, deserialize_with = "loose")]
    updated_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    closed_at: Option<DateTime<Utc>>,
}

impl Identified for EnvironmentWire {
    fn id(&self) -> u64 {
        self.id
    }
}

impl Identified for MergeRequestWire {
    fn id(&self) -> u64 {
        self.iid
    }
}

fn seconds(time: Option<DateTime<Utc>>) -> Option<UnixSeconds> {
    time.map(|time| time.timestamp())
}

impl MergeRequestWire {
    fn convert(self, project: ProjectId) -> MergeRequestFact {
        let shas = [self.merge_commit_sha, self.squash_commit_sha, self.sha];
        MergeRequestFact {
            project,
            iid: self.iid,
            title: self.title.unwrap_or_default(),
            source_branch: self.source_branch,
            target_branch: self.target_branch,
            merged_sha: shas.into_iter().flatten().find(|sha| !sha.is_empty()).filter(|_| self.merged_at.is_some()),
            labels: self.labels.unwrap_or_default(),
            merged_at: seconds(self.merged_at),
            updated_at: seconds(self.updated_at),
            first_commit_at: None,
            has_commits: false,
        }
    }
}

impl DeploymentWire {
    fn convert(self, project: ProjectId) -> DeploymentFact {
        let of_job = self.deployable.as_ref().and_then(|job| job.finished_at);
        DeploymentFact {
            project,
            id: DeploymentId(self.id),
            iid: self.iid,
            environment: EnvironmentId(self.environment.id),
            environment_name: self.environment.name.unwrap_or_default(),
            ref_name: self.git_ref,
            sha: self.sha,
            pipeline: self.deployable.as_ref().and_then(|job| Some(PipelineId(job.pipeline.as_ref()?.id))),
            pipeline_source: self.deployable.as_ref().and_then(|job| job.pipeline.as_ref()?.source.clone()),
            job: self.deployable.as_ref().and_then(|job| job.id).map(JobId),
            created_at: seconds(self.created_at),
            course: DeploymentCourse {
                updated_at: seconds(self.updated_at),
                status: Status::from_gitlab(&self.status),
                finished_at: seconds(self.finished_at.or(of_job)),
            },
            has_merges: false,
        }
    }
}

/// Reads a page of a list that is ordered by the time of the last change. An item that cannot be read makes the page odd:
/// what it says would be missing without a word.
async fn changed<W: DeserializeOwned, F>(
    transport: &Transport,
    path: &str,
    (after, number): (DateTime<Utc>, u32),
    change: fn(&W) -> Option<DateTime<Utc>>,
    convert: impl Fn(W) -> F,
) -> Result<ChangedPage<F>, Error> {
    let after = encode(&after.to_rfc3339_opts(SecondsFormat::Millis, true));
    let path = format!("{path}updated_after={after}&order_by=updated_at&sort=asc&per_page={PER_PAGE}&page={number}");
    let answer = transport.get(&path).await?;
    let LenientList(Some(items)) = answer.decode::<LenientList<W>>()? else {
        return Err(answer.odd("the answer is not a list"));
    };
    let Some(wires) = items.into_iter().map(Item::read).collect::<Option<Vec<W>>>() else {
        return Err(answer.odd("the list has items that lack what makes them one"));
    };
    let page = ListPage::new(wires, number, &answer.headers);
    let last_change = page.items.last().and_then(change);
    Ok(ChangedPage { has_next: page.next.is_some(), last_change, facts: page.items.into_iter().map(convert).collect() })
}

pub(in crate::gitlab) async fn deployments(
    transport: &Transport,
    project: ProjectId,
    place: (DateTime<Utc>, u32),
) -> Result<ChangedPage<DeploymentFact>, Error> {
    let path = format!("projects/{project}/deployments?");
    let convert = |wire: DeploymentWire| wire.convert(project);
    changed(transport, &path, place, |wire: &DeploymentWire| wire.updated_at, convert).await
}

pub(in crate::gitlab) async fn environments(
    transport: &Transport,
    project: ProjectId,
) -> Result<Vec<EnvironmentFact>, Error> {
    let seen_at = transport.server_now().timestamp();
    let wires: Vec<EnvironmentWire> = all_pages(transport, &format!("projects/{project}/environments?")).await?;
    let convert = |EnvironmentWire { id, name, tier }| EnvironmentFact {
        project,
        id: EnvironmentId(id),
        name,
        tier: tier.filter(|tier| !tier.is_empty()),
        seen_at,
    };
    Ok(wires.into_iter().map(convert).collect())
}

/// Reads the merge requests that a deployment is the first of its environment to bring.
pub(in crate::gitlab) async fn merge_requests(
    transport: &Transport,
    project: ProjectId,
    deployment: DeploymentId,
) -> Result<Vec<MergeRequestFact>, Error> {
    let path = format!("projects/{project}/deployments/{deployment}/merge_requests?");
    let wires: Vec<MergeRequestWire> = all_pages(transport, &path).await?;
    // One of another project is none of this deployment's: the rules name a merge request by its project and number.
    let own = wires.into_iter().filter(|wire| wire.project_id.is_none_or(|of| of == project.0));
    Ok(own.map(|wire| wire.convert(project)).collect())
}

/// Reads a page of the merge requests that were merged into a branch.
pub(in crate::gitlab) async fn merged_requests(
    transport: &Transport,
    project: ProjectId,
    branch: &str,
    place: (DateTime<Utc>, u32),
) -> Result<ChangedPage<MergeRequestFact>, Error> {
    let path = format!("projects/{project}/merge_requests?state=merged&target_branch={}&", encode(branch));
    let convert = |wire: MergeRequestWire| wire.convert(project);
    let page = changed(transport, &path, place, |wire: &MergeRequestWire| wire.updated_at, convert).await?;
    // A server that does not know the filter lists those into other branches, too.
    let is_into = |fact: &MergeRequestFact| fact.target_branch.as_deref().is_none_or(|target| target == branch);
    Ok(ChangedPage { facts: page.facts.into_iter().filter(is_into).collect(), ..page })
}

/// The filters by the time of the end need this order and this status.
pub(in crate::gitlab) async fn deployment_before(
    transport: &Transport,
    project: ProjectId,
    environment: &str,
    (known, before): (DeploymentId, DateTime<Utc>),
) -> Result<Option<DeploymentFact>, Error> {
    let (environment, before) = (encode(environment), encode(&before.to_rfc3339_opts(SecondsFormat::Secs, true)));
    // Two: the one that is known may be among them, because its time was cut to whole seconds.
    let path = format!(
        "projects/{project}/deployments?status=success&order_by=finished_at&sort=desc&environment={environment}\
         &finished_before={before}&per_page=2"
    );
    let wires: Vec<DeploymentWire> = transport.get(&path).await?.decode()?;
    Ok(wires.into_iter().map(|wire| wire.convert(project)).find(|fact| fact.id != known))
}

#[derive(Deserialize)]
struct MergeCommitWire {
    id: String,
    #[serde(default, deserialize_with = "loose")]
    authored_date: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    committed_date: Option<DateTime<Utc>>,
}

/// A rebase makes commits again and keeps when they were written: that counts.
pub(in crate::gitlab) async fn first_commit(
    transport: &Transport,
    project: ProjectId,
    iid: u64,
) -> Result<Option<UnixSeconds>, Error> {
    let path = format!("projects/{project}/merge_requests/{iid}/commits?per_page={PER_PAGE}&page=");
    let mut first: Option<DateTime<Utc>> = None;
    let mut number = 1;
    let mut last_seen = String::new();
    loop {
        let answer = transport.get(&format!("{path}{number}")).await?;
        let wires: Vec<MergeCommitWire> = answer.decode()?;
        let page = ListPage::new(wires, number, &answer.headers);
        let times = page.items.iter().filter_map(|commit| commit.authored_date.or(commit.committed_date));
        first = first.into_iter().chain(times).min();
        let last = page.items.last().map(|commit| commit.id.clone()).unwrap_or_default();
        match page.next {
            Some(next) if last != last_seen => (number, last_seen) = (next, last),
            Some(_) | None => return Ok(first.map(|first| first.timestamp())),
        }
    }
}

pub(in crate::gitlab) async fn incidents(
    transport: &Transport,
    of: &GroupRef,
    place: (DateTime<Utc>, u32),
) -> Result<ChangedPage<IncidentFact>, Error> {
    let path = format!("groups/{}/issues?issue_type=incident&scope=all&state=all&", group::key(of));
    let convert = |wire: IncidentWire| {
        let is_incident = wire.issue_type.as_deref().is_none_or(|kind| kind == "incident");
        is_incident.then(|| IncidentFact {
            project: ProjectId(wire.project_id),
            iid: wire.iid,
            title: wire.title.unwrap_or_default(),
            created_at: wire.created_at.timestamp(),
            updated_at: seconds(wire.updated_at),
            closed_at: seconds(wire.closed_at),
        })
    };
    let page = changed(transport, &path, place, |wire: &IncidentWire| wire.updated_at, convert).await?;
    // A server that does not know the filter lists every issue.
    Ok(ChangedPage {
        facts: page.facts.into_iter().flatten().collect(),
        last_change: page.last_change,
        has_next: page.has_next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_merge_request_became_a_commit_of_the_target_branch() {
        let cases = [
            ("a merge commit", json!("m"), json!("q"), json!("s"), Some("m")),
            ("squashed and fast-forwarded", json!(null), json!("q"), json!("s"), Some("q")),
            ("fast-forwarded", json!(null), json!(null), json!("s"), Some("s")),
            ("empty names are none", json!(""), json!(""), json!("s"), Some("s")),
            ("odd names are none", json!(7), json!([]), json!({}), None),
        ];
        for (sentence, merge_commit_sha, squash_commit_sha, sha, expected) in cases {
            let mut body = json!({
                "iid": 5, "merged_at": "2026-11-01T10:00:00Z", "target_branch": "main",
                "merge_commit_sha": merge_commit_sha, "squash_commit_sha": squash_commit_sha, "sha": sha,
            });
            let convert = |body: &serde_json::Value| {
                let wire: MergeRequestWire = serde_json::from_value(body.clone()).unwrap();
                wire.convert(ProjectId(1)).merged_sha
            };
            assert_eq!(convert(&body).as_deref(), expected, "{sentence}");
            body["merged_at"] = json!(null);
            assert_eq!(convert(&body), None, "{sentence}, but not merged: GitLab names the commit of a try");
        }
    }
}
