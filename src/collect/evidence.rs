//! Gathering what there is to know about a pipeline in trouble: jobs, logs, tests, the pipeline before, and what failed below.

use super::job_log;
use crate::domain::evidence::{Below, Evidence, JobDetails, JobEvidence, Previous, Unread};
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::job::{self, Job};
use crate::domain::log::LogExcerpt;
use crate::domain::pipeline::{DOWNSTREAM_DEPTH, Downstream, DownstreamLink, Pipeline, RefKind};
use crate::domain::project::Failure;
use crate::domain::status::Status;
use crate::domain::test_report::TestReport;
use crate::domain::usage::ApiChoice;
use crate::explain::cause::{is_evidence, wants_log};
use crate::gitlab::client::{Client, PipelineFilter};
use crate::gitlab::error::Error;
use futures_util::future::join_all;
use std::collections::{HashMap, HashSet};
use std::pin::Pin;

/// A matrix of 200 jobs that fail for one reason need not all be read.
const MOST_LOGS: usize = 10;
/// How many pipelines of a ref are looked through for the one before.
const LOOK_BACK: usize = 20;

/// The pipeline that is asked about.
#[derive(Debug, Clone)]
pub struct Subject {
    pub project: ProjectRef,
    pub full_path: String,
    pub pipeline: PipelineId,
    /// Its ref as GitLab gives it, where that is known: the pipeline before can then be looked for at once.
    pub raw_ref: Option<String>,
}

/// How much is gathered.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Lines at the end of each log.
    pub log_lines: usize,
    /// Over GraphQL there is more to know.
    pub api: ApiChoice,
}

/// Gathers what there is to know. Only a pipeline that cannot be read is an error; every other loss is told in `unread`.
pub async fn gather(client: &Client, subject: Subject, options: Options) -> Result<Evidence, Error> {
    let seen = HashSet::from([subject.pipeline]);
    level(client, subject, options, seen, DOWNSTREAM_DEPTH).await
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Evidence, Error>> + 'a>>;

/// Gathers one pipeline, and what failed below it. `seen` ends circles.
fn level(client: &Client, subject: Subject, options: Options, seen: HashSet<PipelineId>, depth: usize) -> Pending<'_> {
    Box::pin(async move {
        let before = async {
            match &subject.raw_ref {
                Some(raw) => Some(head_before(client, &subject, raw).await),
                None => None,
            }
        };
        let (facts, before) = tokio::join!(Facts::read(client, &subject), before);
        let Facts { pipeline, attempts, links } = facts?;
        let suspects = suspects(&pipeline, attempts);
        let gathering = Gathering { client, subject: &subject, pipeline: &pipeline, options };
        let (logs, tests, previous, below, told) = tokio::join!(
            gathering.logs(&suspects),
            gathering.tests(&suspects),
            gathering.previous(before),
            gathering.below(links, seen, depth),
            gathering.told_by_graphql(&suspects),
        );
        let mut unread: Vec<Unread> = Vec::new();
        let mut jobs = suspects;
        for (job, log) in jobs.iter_mut().zip(logs) {
            job.log = keep(log, format!("the log of {}", job.job.name), &mut unread).flatten();
            job.details.is_stuck = told.stuck.as_ref().map(|stuck| stuck.contains(&job.job.id));
        }
        let tests = keep(tests, "the test report".into(), &mut unread).flatten();
        let previous = keep(previous, "the pipeline before".into(), &mut unread).flatten();
        let (below, lost) = below;
        unread.extend(lost);
        let failure_reason = pipeline.failure_reason.clone().or(told.failure_reason);
        let pipeline = Pipeline { failure_reason, ..pipeline };
        Ok(Evidence { project: subject.full_path, pipeline, jobs, tests, previous, below, unread })
    })
}

/// Takes what was read, and notes what was not.
fn keep<T>(read: Result<T, Error>, what: String, unread: &mut Vec<Unread>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            unread.push(Unread { what, failure: Failure { kind: error.word(), message: error.to_string() } });
            None
        }
    }
}

/// A pipeline with all attempts at its jobs.
struct Facts {
    pipeline: Pipeline,
    attempts: Vec<(Job, JobDetails)>,
    links: Vec<DownstreamLink>,
}

impl Facts {
    async fn read(client: &Client, subject: &Subject) -> Result<Self, Error> {
        let Subject { project, pipeline: id, .. } = subject;
        let (mut pipeline, jobs, bridges) = tokio::try_join!(
            client.pipeline(project, *id),
            client.detailed_jobs(project, *id),
            client.bridges(project, *id),
        )?;
        let bridges_alone = bridges.attempts.into_iter().map(|bridge| (bridge, JobDetails::default()));
        let attempts: Vec<(Job, JobDetails)> = jobs.into_iter().chain(bridges_alone).collect();
        pipeline.stages = job::stages(attempts.iter().map(|(job, _)| job.clone()));
        let has_allowed_failure = pipeline.jobs().any(Job::is_allowed_failure);
        pipeline.has_warnings |= has_allowed_failure;
        pipeline.downstream = bridges.links.iter().map(downstream).collect();
        Ok(Self { pipeline, attempts, links: bridges.links })
    }
}

/// Picks the current jobs that failed, wait, or passed only when they were tried again, in the pipeline's order.
fn suspects(pipeline: &Pipeline, attempts: Vec<(Job, JobDetails)>) -> Vec<JobEvidence> {
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
        is_evidence(job, &earlier).then(|| JobEvidence { job: job.clone(), details, earlier, log: None })
    };
    pipeline.jobs().filter_map(suspect).collect()
}

/// What only GraphQL tells.
#[derive(Default)]
struct Told {
    stuck: Option<HashSet<JobId>>,
    failure_reason: Option<String>,
}

struct Gathering<'a> {
    client: &'a Client,
    subject: &'a Subject,
    pipeline: &'a Pipeline,
    options: Options,
}

impl<'a> Gathering<'a> {
    /// Reads the logs of the first failed jobs, those that count before those that were allowed to fail.
    async fn logs(&self, suspects: &[JobEvidence]) -> Vec<Result<Option<LogExcerpt>, Error>> {
        let mut order: Vec<&JobEvidence> = suspects.iter().filter(|suspect| wants_log(&suspect.job)).collect();
        order.sort_by_key(|suspect| suspect.job.allow_failure);
        let wanted: HashSet<JobId> = order.iter().take(MOST_LOGS).map(|suspect| suspect.job.id).collect();
        let read = |suspect: &JobEvidence| {
            let id = suspect.job.id;
            let is_wanted = wanted.contains(&id);
            async move {
                if !is_wanted {
                    return Ok(None);
                }
                job_log::excerpt(self.client, &self.subject.project, id, self.options.log_lines).await.map(Some)
            }
        };
        join_all(suspects.iter().map(read)).await
    }

    async fn tests(&self, suspects: &[JobEvidence]) -> Result<Option<TestReport>, Error> {
        let is_worth_it =
            suspects.iter().any(|suspect| suspect.job.status == Status::Failed && wants_log(&suspect.job));
        if !is_worth_it {
            return Ok(None);
        }
        absent_is_none(self.client.test_report(&self.subject.project, self.pipeline.id).await)
    }

    /// Reads the newest pipeline of the same ref that is older.
    async fn previous(&self, known: Option<Result<Option<PipelineId>, Error>>) -> Result<Option<Previous>, Error> {
        let project = &self.subject.project;
        let id = match known {
            Some(known) => known?,
            None => self.look_for_the_one_before().await?,
        };
        let Some(id) = id else { return Ok(None) };
        let (details, tests) = tokio::join!(self.client.pipeline(project, id), self.client.test_report(project, id));
        let details = details?;
        let Pipeline { id, status, coverage, web_url, .. } = details;
        Ok(Some(Previous { id, status, coverage, web_url, tests: absent_is_none(tests)? }))
    }

    async fn look_for_the_one_before(&self) -> Result<Option<PipelineId>, Error> {
        for raw in self.raw_refs() {
            if let Some(id) = head_before(self.client, self.subject, &raw).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Names the ref as GitLab does: a merge request has one for its branch and one for the result of the merge.
    fn raw_refs(&self) -> Vec<String> {
        let name = &self.pipeline.git_ref.name;
        match (self.pipeline.git_ref.kind, name.strip_prefix('!')) {
            (RefKind::MergeRequest, Some(iid)) => {
                ["head", "merge"].iter().map(|part| format!("refs/merge-requests/{iid}/{part}")).collect()
            }
            (RefKind::MergeTrain, Some(iid)) => vec![format!("refs/merge-requests/{iid}/train")],
            _ => vec![name.clone()],
        }
    }

    /// Follows the bridges to what failed.
    async fn below(
        &self,
        links: Vec<DownstreamLink>,
        seen: HashSet<PipelineId>,
        depth: usize,
    ) -> (Vec<Below>, Vec<Unread>) {
        let seen: HashSet<PipelineId> = seen.into_iter().chain(links.iter().map(|link| link.id)).collect();
        let is_wanted = |link: &DownstreamLink| depth > 0 && link.status == Status::Failed;
        let known = &seen;
        let follow = |link: DownstreamLink| async move {
            let subject = subject_of(&link)?;
            let read = level(self.client, subject, self.options, known.clone(), depth - 1).await;
            Some((link, read))
        };
        let mut below = Vec::new();
        let mut unread = Vec::new();
        let followed = join_all(links.into_iter().filter(is_wanted).map(follow)).await;
        for (link, read) in followed.into_iter().flatten() {
            if let Some(evidence) = keep(read, format!("downstream pipeline #{}", link.id), &mut unread) {
                below.push(Below { bridge: link.bridge, evidence });
            }
        }
        (below, unread)
    }

    /// Asks GraphQL what REST does not tell: whether a pending job is stuck, and why a pipeline without jobs failed.
    async fn told_by_graphql(&self, suspects: &[JobEvidence]) -> Told {
        let has_pending = suspects.iter().any(|suspect| suspect.job.status == Status::Pending);
        let has_failed_job = suspects.iter().any(|suspect| suspect.job.status == Status::Failed);
        let is_unexplained =
            self.pipeline.status == Status::Failed && !has_failed_job && self.pipeline.yaml_errors.is_none();
        let (true, Some(iid)) =
            (self.options.api != ApiChoice::Rest && (has_pending || is_unexplained), self.pipeline.iid)
        else {
            return Told::default();
        };
        match self.client.trouble(&self.subject.full_path, iid).await {
            Ok((stuck, failure_reason)) => Told { stuck: Some(stuck), failure_reason },
            // It only tells more than REST where it answers.
            Err(_) => Told::default(),
        }
    }
}

/// Finds the newest pipeline of a ref that is older than the subject.
async fn head_before(client: &Client, subject: &Subject, raw_ref: &str) -> Result<Option<PipelineId>, Error> {
    let filter = PipelineFilter::Ref(raw_ref.to_owned());
    let heads = client.pipelines(&subject.project, &filter, LOOK_BACK).await?;
    Ok(heads.into_iter().map(|head| head.id).find(|id| *id < subject.pipeline))
}

/// A pipeline without test reports, or one whose reports this token may not see, has none to tell about.
fn absent_is_none<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(error) if error.is_no_access() => Ok(None),
        read => read.map(Some),
    }
}

/// What a bridge says of the pipeline that it triggered; what is below that one stands in the evidence.
fn downstream(link: &DownstreamLink) -> Downstream {
    Downstream {
        id: link.id,
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
    Some(Subject { project, full_path, pipeline: link.id, raw_ref: None })
}
