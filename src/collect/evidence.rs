//! Gathers evidence about a pipeline in trouble: jobs, logs, tests, the previous pipeline, and failures below it.
//!
//! Which logs and reports are worth reading is known only after the pipeline and its jobs. Where a first look has told
//! already, they are read at the same time, which saves a round trip. A glance says only what to read; what a reading of
//! the group has brought is as good as read again, as long as the jobs agree with it (`first_look`).

use super::first_look::{FirstLook, PipelineFacts};
use super::job_log;
use crate::domain::evidence::{Below, Evidence, JobDetails, JobEvidence, Previous, Unread};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::job::{self, Job};
use crate::domain::log::LogExcerpt;
use crate::domain::pipeline::{DOWNSTREAM_DEPTH, Downstream, DownstreamLink, Pipeline, Ref, RefKind};
use crate::domain::status::Status;
use crate::domain::test_report::TestReport;
use crate::domain::usage::ApiChoice;
use crate::explain::cause::{is_evidence, wants_log};
use crate::gitlab::client::{Client, PipelineFilter};
use crate::gitlab::error::Error;
use futures_util::future::join_all;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::pin::Pin;

/// A matrix of 200 jobs that fail for one reason need not all be read.
const MOST_LOGS: usize = 10;
/// How many pipelines are looked through for the one before; a glance brings as many.
pub(super) const LOOK_BACK: usize = 20;

/// The pipeline that is asked about.
#[derive(Debug, Clone)]
pub struct Subject {
    pub project: ProjectRef,
    pub full_path: String,
    pub pipeline: PipelineId,
    pub before: PreviousPipeline,
    pub first_look: Option<FirstLook>,
}

/// What is known of the pipeline before on the same ref.
#[derive(Debug, Clone)]
pub enum PreviousPipeline {
    Unknown,
    /// The ref as GitLab gives it: it can be looked for at once.
    OfRef(String),
    /// Which it is, or that there is none.
    Known(Option<PipelineId>),
    /// All of it but its tests, or that there is none.
    Read(Option<Previous>),
}

/// How much is gathered.
#[derive(Debug, Clone, Copy)]
pub struct EvidenceOptions {
    /// Lines at the end of each log.
    pub log_lines: usize,
    /// Over GraphQL there is more to know.
    pub api: ApiChoice,
}

/// Gathers what there is to know. Only a pipeline that cannot be read is an error; every other loss is listed in `unread`.
pub async fn gather(client: &Client, subject: Subject, options: EvidenceOptions) -> Result<Evidence, Error> {
    let seen = HashSet::from([subject.pipeline]);
    level(client, subject, options, seen, DOWNSTREAM_DEPTH).await
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Evidence, Error>> + Send + 'a>>;

/// Gathers one pipeline, and what failed below it. `seen` ends circles.
fn level(
    client: &Client,
    subject: Subject,
    options: EvidenceOptions,
    seen: HashSet<PipelineId>,
    depth: usize,
) -> Pending<'_> {
    Box::pin(async move {
        let gathering = Gathering { client, subject: &subject, options, seen, depth };
        let early = async {
            let look = subject.first_look.as_ref()?;
            let plan = gathering.plan(&look.suspects, &look.links);
            let findings = gathering.findings(&plan).await;
            Some((plan, findings))
        };
        let all_but_the_one_before = async {
            let (facts, early) = tokio::join!(Facts::read(client, &subject), early);
            let Facts { pipeline, attempts, links, missing } = facts?;
            let jobs = suspects(&pipeline, attempts);
            let plan = gathering.plan(&jobs, &links);
            let findings = async {
                match early {
                    Some((early, findings)) if early.is_like(&plan) => findings,
                    // GitLab has moved on, or there is more than fitted on the page.
                    _ => gathering.findings(&plan).await,
                }
            };
            let (findings, graphql, previous) = tokio::join!(
                findings,
                gathering.graphql_facts(&pipeline, &jobs),
                gathering.previous_by_details(&pipeline),
            );
            Ok((pipeline, jobs, findings, graphql, previous, missing))
        };
        let (all, previous) = tokio::join!(all_but_the_one_before, gathering.previous_at_once());
        let (pipeline, mut jobs, findings, graphql, later, missing_statuses) = all?;
        let previous = previous.or(later).unwrap_or(Ok(None));
        let Findings { mut logs, tests, below } = findings;
        let mut unread: Vec<Unread> = missing_statuses.into_iter().collect();
        for job in &mut jobs {
            let log = logs.remove(&job.job.id);
            job.log = log.and_then(|log| keep(log, format!("the log of {}", job.job.name), &mut unread));
            unread.extend(job.log.as_ref().and_then(|log| missing_end(&job.job, log)));
            job.details.is_stuck = graphql.stuck.as_ref().map(|stuck| stuck.contains(&job.job.id));
        }
        let tests = keep(tests, "the test report".into(), &mut unread).flatten();
        let previous = keep(previous, "the pipeline before".into(), &mut unread).flatten();
        let (below, missing) = below;
        unread.extend(missing);
        let failure_reason = pipeline.failure_reason.clone().or(graphql.failure_reason);
        let pipeline = Pipeline { failure_reason, ..pipeline };
        let project_id = match subject.project {
            ProjectRef::Id(id) => Some(id),
            ProjectRef::Path(_) => None,
        };
        Ok(Evidence { project: subject.full_path, project_id, pipeline, jobs, tests, previous, below, unread })
    })
}

/// Takes what was read, and notes what was not.
fn keep<T>(read: Result<T, Error>, what: String, unread: &mut Vec<Unread>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            unread.push(Unread { what, failure: Failure::from(&error) });
            None
        }
    }
}

/// Says what is missing of a log that was read but does not come to its end.
fn missing_end(job: &Job, log: &LogExcerpt) -> Option<Unread> {
    let (kind, message) = match (log.limit, log.is_cut) {
        (Some(limit), _) => (FailureKind::LogLimit, format!("the runner cut the log at its limit of {limit} bytes")),
        (None, true) => (FailureKind::LogTooLarge, format!("only its first {} bytes were read", log.bytes)),
        (None, false) => return None,
    };
    let failure = Failure::new(kind, message);
    Some(Unread { what: format!("the end of the log of {}", job.name), failure })
}

/// A pipeline with all attempts at its jobs.
struct Facts {
    pipeline: Pipeline,
    attempts: Vec<(Job, JobDetails)>,
    links: Vec<DownstreamLink>,
    /// Why the statuses of other systems could not be read.
    missing: Option<Unread>,
}

impl Facts {
    async fn read(client: &Client, subject: &Subject) -> Result<Self, Error> {
        let Subject { project, pipeline: id, first_look, .. } = subject;
        let all_but_jobs = async || tokio::try_join!(client.pipeline(project, *id), client.bridges(project, *id));
        let jobs = client.detailed_jobs(project, *id);
        let (jobs, mut pipeline, bridges) = match first_look.as_ref().and_then(FirstLook::facts) {
            None => {
                let (jobs, (pipeline, bridges)) = tokio::try_join!(jobs, all_but_jobs())?;
                (jobs, pipeline, bridges)
            }
            Some(known) => {
                let jobs = jobs.await?;
                let (pipeline, bridges) = match known {
                    PipelineFacts { pipeline, bridges, .. } if known.agrees_with(&jobs.attempts) => {
                        (pipeline.clone(), bridges.clone())
                    }
                    _ => all_but_jobs().await?,
                };
                (jobs, pipeline, bridges)
            }
        };
        pipeline.commit_title = pipeline.commit_title.or(jobs.commit_title);
        let bridges_alone = bridges.attempts.into_iter().map(|bridge| (bridge, JobDetails::default()));
        let mut attempts: Vec<(Job, JobDetails)> = jobs.attempts.into_iter().chain(bridges_alone).collect();
        pipeline.stages = job::stages(attempts.iter().map(|(job, _)| job.clone()));
        let mut missing = None;
        if !pipeline.is_explained_by_jobs() {
            let known = attempts.iter().map(|(job, _)| job.id).collect();
            let mut unread = Vec::new();
            let read = client.external_statuses(project, &pipeline, &known).await;
            let statuses = keep(read, "the commit's statuses".into(), &mut unread).unwrap_or_default();
            missing = unread.pop();
            attempts.extend(statuses.into_iter().map(|status| (status, JobDetails::default())));
            pipeline.stages = job::stages(attempts.iter().map(|(job, _)| job.clone()));
        }
        let has_allowed_failure = pipeline.jobs().any(Job::is_allowed_failure);
        pipeline.has_warnings |= has_allowed_failure;
        pipeline.downstream = bridges.links.iter().map(downstream).collect();
        Ok(Self { pipeline, attempts, links: bridges.links, missing })
    }
}

/// Picks the current jobs that failed, wait, or passed only when they were tried again, in the pipeline's order.
pub(super) fn suspects(pipeline: &Pipeline, attempts: Vec<(Job, JobDetails)>) -> Vec<JobEvidence> {
    let mut by_id: HashMap<JobId, JobDetails> = HashMap::new();
    let mut earlier: HashMap<(String, String), Vec<(JobId, Status)>> = HashMap::new();
    for (job, details) in attempts {
        earlier.entry((job.stage.clone(), job.name.clone())).or_default().push((job.id, job.status));
        by_id.insert(job.id, details);
    }
    let suspect = |job: &Job| {
        let mut before = earlier.remove(&(job.stage.clone(), job.name.clone())).unwrap_or_default();
        before.retain(|(id, _)| *id != job.id);
        before.sort_by_key(|(id, _)| *id);
        let earlier: Vec<Status> = before.into_iter().map(|(_, status)| status).collect();
        let details = by_id.remove(&job.id).unwrap_or_default();
        is_evidence(job, &earlier).then(|| JobEvidence { job: job.clone(), details, earlier, log: None, past: None })
    };
    pipeline.jobs().filter_map(suspect).collect()
}

/// What only GraphQL tells.
#[derive(Default)]
struct GraphqlFacts {
    stuck: Option<HashSet<JobId>>,
    failure_reason: Option<String>,
}

/// What is worth reading beside the pipeline and its jobs.
struct Plan<'a> {
    logs: BTreeSet<JobId>,
    tests: bool,
    below: Vec<&'a DownstreamLink>,
}

impl Plan<'_> {
    fn is_like(&self, other: &Self) -> bool {
        let below = |plan: &Self| -> Vec<_> { plan.below.iter().map(|link| (link.bridge, link.id)).collect() };
        self.logs == other.logs && self.tests == other.tests && below(self) == below(other)
    }
}

/// What was read as planned.
struct Findings {
    logs: HashMap<JobId, Result<LogExcerpt, Error>>,
    tests: Result<Option<TestReport>, Error>,
    below: (Vec<Below>, Vec<Unread>),
}

struct Gathering<'a> {
    client: &'a Client,
    subject: &'a Subject,
    options: EvidenceOptions,
    seen: HashSet<PipelineId>,
    depth: usize,
}

impl Gathering<'_> {
    /// Plans the logs of the first failed jobs, those that count before those that were allowed to fail, and what failed
    /// below.
    fn plan<'l>(&self, suspects: &[JobEvidence], links: &'l [DownstreamLink]) -> Plan<'l> {
        let mut order: Vec<&JobEvidence> = suspects.iter().filter(|suspect| wants_log(&suspect.job)).collect();
        order.sort_by_key(|suspect| suspect.job.allow_failure);
        let logs = order.iter().take(MOST_LOGS).map(|suspect| suspect.job.id).collect();
        let is_wanted = |link: &&DownstreamLink| {
            // A green one may have triggered a red one without waiting for it.
            let has_ended = matches!(link.status, Status::Failed | Status::Success | Status::Warning);
            self.depth > 0 && has_ended && !self.seen.contains(&link.id)
        };
        Plan { logs, tests: !order.is_empty(), below: links.iter().filter(is_wanted).collect() }
    }

    async fn findings(&self, plan: &Plan<'_>) -> Findings {
        let (logs, tests, below) = tokio::join!(self.logs(plan), self.tests(plan), self.below(plan));
        Findings { logs, tests, below }
    }

    async fn logs(&self, plan: &Plan<'_>) -> HashMap<JobId, Result<LogExcerpt, Error>> {
        let read = |id: JobId| async move {
            (id, job_log::excerpt(self.client, &self.subject.project, id, self.options.log_lines).await)
        };
        join_all(plan.logs.iter().copied().map(read)).await.into_iter().collect()
    }

    async fn tests(&self, plan: &Plan<'_>) -> Result<Option<TestReport>, Error> {
        if !plan.tests {
            return Ok(None);
        }
        absent_is_none(self.client.test_report(&self.subject.project, self.subject.pipeline).await)
    }

    /// Reads the pipeline before where it need not wait for this one's details.
    async fn previous_at_once(&self) -> Option<Result<Option<Previous>, Error>> {
        match &self.subject.before {
            PreviousPipeline::Unknown => None,
            PreviousPipeline::OfRef(raw) => Some(self.previous(vec![raw.clone()]).await),
            PreviousPipeline::Known(Some(id)) => Some(self.read_previous(*id).await.map(Some)),
            PreviousPipeline::Read(Some(known)) => Some(self.with_tests(known.clone()).await.map(Some)),
            PreviousPipeline::Known(None) | PreviousPipeline::Read(None) => Some(Ok(None)),
        }
    }

    /// Reads the pipeline before where only this one's details tell the ref.
    async fn previous_by_details(&self, pipeline: &Pipeline) -> Option<Result<Option<Previous>, Error>> {
        // GitLab lists no children: what it lists before one is its own parent.
        let is_child = pipeline.source.as_deref() == Some("parent_pipeline");
        match self.subject.before {
            PreviousPipeline::Unknown if is_child => None,
            PreviousPipeline::Unknown => Some(self.previous(raw_refs(&pipeline.git_ref)).await),
            PreviousPipeline::OfRef(_) | PreviousPipeline::Known(_) | PreviousPipeline::Read(_) => None,
        }
    }

    /// Reads the newest older pipeline of the first of these refs that has one.
    async fn previous(&self, raw_refs: Vec<String>) -> Result<Option<Previous>, Error> {
        for raw in raw_refs {
            if let Some(id) = head_before(self.client, self.subject, &raw).await? {
                return self.read_previous(id).await.map(Some);
            }
        }
        Ok(None)
    }

    async fn read_previous(&self, id: PipelineId) -> Result<Previous, Error> {
        let project = &self.subject.project;
        let (details, tests) = tokio::join!(self.client.pipeline(project, id), self.client.test_report(project, id));
        let Pipeline { id, status, coverage, web_url, .. } = details?;
        Ok(Previous { id, status, coverage, web_url, tests: absent_is_none(tests)? })
    }

    /// Adds what its tests said to a pipeline that is known.
    async fn with_tests(&self, known: Previous) -> Result<Previous, Error> {
        let tests = self.client.test_report(&self.subject.project, known.id).await;
        Ok(Previous { tests: absent_is_none(tests)?, ..known })
    }

    /// Follows the bridges to what failed.
    async fn below(&self, plan: &Plan<'_>) -> (Vec<Below>, Vec<Unread>) {
        let seen: HashSet<PipelineId> =
            self.seen.iter().copied().chain(plan.below.iter().map(|link| link.id)).collect();
        let known = &seen;
        let follow = |link| async move {
            let read = level(self.client, subject_of(link)?, self.options, known.clone(), self.depth - 1).await;
            Some((link, read))
        };
        let mut below = Vec::new();
        let mut unread = Vec::new();
        let followed = join_all(plan.below.iter().copied().map(follow)).await;
        for (link, read) in followed.into_iter().flatten() {
            if let Some(evidence) = keep(read, format!("downstream pipeline #{}", link.id), &mut unread) {
                below.push(Below { bridge: link.bridge, evidence });
            }
        }
        (below, unread)
    }

    /// Asks GraphQL what REST does not tell: whether a pending job is stuck, and why a pipeline without jobs failed.
    async fn graphql_facts(&self, pipeline: &Pipeline, suspects: &[JobEvidence]) -> GraphqlFacts {
        let has_pending = suspects.iter().any(|suspect| suspect.job.status == Status::Pending);
        let has_failed_job = suspects.iter().any(|suspect| suspect.job.status == Status::Failed);
        let is_unexplained = pipeline.status == Status::Failed && !has_failed_job && pipeline.yaml_errors.is_none();
        let is_reason_open = is_unexplained && pipeline.failure_reason.is_none();
        let stuck = match &self.subject.first_look {
            _ if !has_pending => Some(HashSet::new()),
            look => look.as_ref().and_then(|look| look.stuck.clone()),
        };
        if let Some(stuck) = stuck.filter(|_| (has_pending || is_unexplained) && !is_reason_open) {
            return GraphqlFacts {
                stuck: Some(stuck).filter(|_| self.options.api != ApiChoice::Rest),
                failure_reason: None,
            };
        }
        let (true, Some(iid)) = (self.options.api != ApiChoice::Rest && (has_pending || is_unexplained), pipeline.iid)
        else {
            return GraphqlFacts::default();
        };
        match self.client.trouble(&self.subject.full_path, iid).await {
            Ok((stuck, failure_reason)) => GraphqlFacts { stuck: Some(stuck), failure_reason },
            // It only tells more than REST where it answers.
            Err(_) => GraphqlFacts::default(),
        }
    }
}

/// Names a ref as GitLab does: a merge request has one for its branch and one for the result of the merge.
pub(super) fn raw_refs(git_ref: &Ref) -> Vec<String> {
    match (git_ref.kind, git_ref.name.strip_prefix('!')) {
        (RefKind::MergeRequest, Some(iid)) => {
            ["head", "merge"].iter().map(|part| format!("refs/merge-requests/{iid}/{part}")).collect()
        }
        (RefKind::MergeTrain, Some(iid)) => vec![format!("refs/merge-requests/{iid}/train")],
        _ => vec![git_ref.name.clone()],
    }
}

/// Finds the newest pipeline of a ref that is older than the subject.
async fn head_before(client: &Client, subject: &Subject, raw_ref: &str) -> Result<Option<PipelineId>, Error> {
    let filter = PipelineFilter::Ref(raw_ref.to_owned());
    let heads = client.pipelines(&subject.project, &filter, LOOK_BACK).await?;
    Ok(heads.into_iter().map(|head| head.id).find(|id| *id < subject.pipeline))
}

/// A pipeline without test reports has none to tell about; that this token may not see them is an error.
fn absent_is_none<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(error) if error.status() == Some(404) => Ok(None),
        read => read.map(Some),
    }
}

/// What a bridge says of the pipeline that it triggered; what is below that one is part of the evidence.
fn downstream(link: &DownstreamLink) -> Downstream {
    Downstream {
        id: link.id,
        iid: link.iid,
        project: link.project.clone(),
        status: link.status.clone(),
        has_warnings: false,
        is_unread: false,
        web_url: link.web_url.clone(),
        downstream: Vec::new(),
    }
}

fn subject_of(link: &DownstreamLink) -> Option<Subject> {
    let project = match (link.project_id, &link.project) {
        (Some(id), _) => ProjectRef::Id(id),
        (None, Some(path)) => ProjectRef::Path(path.clone()),
        (None, None) => return None,
    };
    let full_path = link.project.clone().unwrap_or_else(|| project.to_string());
    Some(Subject { project, full_path, pipeline: link.id, before: PreviousPipeline::Unknown, first_look: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;

    #[test]
    fn a_log_without_its_end_is_a_part_that_is_missing() {
        let job = example::job("unit", Status::Failed);
        let log = |limit, is_cut| LogExcerpt { limit, is_cut, bytes: 9, ..LogExcerpt::default() };
        let cases = [
            ("a whole log", log(None, false), None),
            ("cut by the runner", log(Some(4), false), Some(FailureKind::LogLimit)),
            ("cut at our own limit", log(None, true), Some(FailureKind::LogTooLarge)),
            ("cut by both", log(Some(4), true), Some(FailureKind::LogLimit)),
        ];
        for (sentence, log, expected) in cases {
            let missing = missing_end(&job, &log);
            assert_eq!(missing.map(|missing| missing.failure.kind), expected, "{sentence}");
        }
    }
}
