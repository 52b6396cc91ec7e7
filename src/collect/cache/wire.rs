//! The format of the cache file: one line of JSON for the whole, then one for each project, so that lines can be read on
//! several cores and written one by one. Times are microseconds, durations nanoseconds; nothing is rounded that is compared later.

use super::saved::{KnownFields, KnownProject, SavedProject, SavedState};
use crate::collect::batch::BatchSize;
use crate::collect::project::Remembered;
use crate::domain::failure::{FailedRequest, Failure, FailureKind, RequestLine};
use crate::domain::id::{GroupId, JobId, PipelineId, ProjectId};
use crate::domain::job::{Job, JobKind, Stage};
use crate::domain::pipeline::{Downstream, DownstreamLink, Pipeline, Ref, RefKind};
use crate::domain::project::{Project, RowState};
use crate::domain::snapshot::Group;
use crate::domain::status::Status;
use crate::gitlab::client::Fields;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// A line that is JSON, but not what this version writes.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is nothing that is known here")]
pub(super) struct Unknown(String);

type Result<T> = std::result::Result<T, Unknown>;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedHeadWire<'a> {
    /// The version of this form.
    pub cache: u32,
    /// The version of the program; another one may have meant something else.
    pub glwatch: Cow<'a, str>,
    pub key: Cow<'a, str>,
    /// How many lines follow.
    pub projects: usize,
    at: i64,
    machine_at: i64,
    refs: Cow<'a, [String]>,
    groups: Vec<GroupWire<'a>>,
    size: usize,
    fields: Option<(i64, Vec<Cow<'a, str>>)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct GroupWire<'a>(u64, Cow<'a, str>, Option<Cow<'a, str>>);

impl<'a> SavedHeadWire<'a> {
    pub(super) fn new(saved: &'a SavedState, cache: u32, glwatch: &'a str, key: &'a str) -> Self {
        let group = |group: &'a Group| GroupWire(group.id.0, text(&group.full_path), option(&group.web_url));
        let fields = |known: &'a KnownFields| (micros(known.at), known.fields.names().map(Cow::from).collect());
        Self {
            cache,
            glwatch: glwatch.into(),
            key: key.into(),
            projects: saved.projects.len(),
            at: micros(saved.at),
            machine_at: micros(saved.machine_at),
            refs: Cow::from(&saved.refs),
            groups: saved.groups.iter().map(group).collect(),
            size: saved.size.get(),
            fields: saved.fields.as_ref().map(fields),
        }
    }

    pub(super) fn with(self, projects: Vec<SavedProject>) -> Result<SavedState> {
        let group = |GroupWire(id, path, url): GroupWire<'_>| Group {
            id: GroupId(id),
            full_path: path.into_owned(),
            web_url: url.map(Cow::into_owned),
        };
        let fields = self.fields.map(|(at, names)| {
            let fields = Arc::new(Fields::of(names.iter().map(Cow::as_ref)));
            Ok(KnownFields { fields, at: time(at)? })
        });
        Ok(SavedState {
            at: time(self.at)?,
            machine_at: time(self.machine_at)?,
            refs: self.refs.into_owned(),
            groups: self.groups.into_iter().map(group).collect(),
            projects,
            size: BatchSize::learnt(self.size),
            fields: fields.transpose()?,
            changes: 0,
        })
    }
}

/// A project's line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedProjectWire<'a> {
    #[serde(rename = "i")]
    id: u64,
    #[serde(rename = "n")]
    name: Cow<'a, str>,
    #[serde(rename = "p")]
    full_path: Cow<'a, str>,
    #[serde(rename = "a")]
    ancestor_names: Cow<'a, [String]>,
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    web_url: Option<Cow<'a, str>>,
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    default_branch: Option<Cow<'a, str>>,
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    ci_enabled: Option<bool>,
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    as_of: Option<i64>,
    #[serde(rename = "k", skip_serializing_if = "Option::is_none")]
    known: Option<KnownWire<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
enum KnownWire<'a> {
    #[serde(rename = "p")]
    Pipelines(Vec<SavedPipelineWire<'a>>),
    #[serde(rename = "n")]
    NoPipeline(Option<bool>),
    #[serde(rename = "a")]
    NoAccess(FailureWire<'a>),
}

impl<'a> SavedProjectWire<'a> {
    pub(super) fn new(saved: &'a SavedProject) -> Self {
        let project = saved.project.as_ref();
        let base = project.web_url.as_deref();
        let known = saved.known.as_ref().and_then(|known| match known {
            KnownProject::Pipelines(whole) => {
                let pipelines = whole.iter().map(|(pipeline, links)| SavedPipelineWire::new(pipeline, links, base));
                Some((whole.as_of, KnownWire::Pipelines(pipelines.collect())))
            }
            KnownProject::Without(RowState::NoPipeline { ever_ran }, as_of) => {
                Some((*as_of, KnownWire::NoPipeline(*ever_ran)))
            }
            KnownProject::Without(RowState::NoAccess(failure), as_of) => {
                Some((*as_of, KnownWire::NoAccess(FailureWire::new(failure))))
            }
            KnownProject::Without(RowState::Ok(_) | RowState::Error(_) | RowState::Stale { .. }, _) => None,
        });
        let (as_of, known) = known.unzip();
        Self {
            id: project.id.0,
            name: text(&project.name),
            full_path: text(&project.full_path),
            ancestor_names: Cow::from(&project.ancestor_names),
            web_url: option(&project.web_url),
            default_branch: option(&project.default_branch),
            ci_enabled: project.ci_enabled,
            as_of: as_of.map(micros),
            known,
        }
    }
}

impl TryFrom<SavedProjectWire<'_>> for SavedProject {
    type Error = Unknown;

    fn try_from(wire: SavedProjectWire<'_>) -> Result<Self> {
        let project = Project {
            id: ProjectId(wire.id),
            name: wire.name.into_owned(),
            full_path: wire.full_path.into_owned(),
            ancestor_names: wire.ancestor_names.into_owned(),
            web_url: wire.web_url.map(Cow::into_owned),
            default_branch: wire.default_branch.map(Cow::into_owned),
            ci_enabled: wire.ci_enabled,
        };
        let as_of = time(wire.as_of.unwrap_or_default())?;
        let known = wire.known.map(|known| match known {
            KnownWire::Pipelines(wires) if wires.is_empty() => Err(Unknown("no pipeline".into())),
            KnownWire::Pipelines(wires) => {
                let pipelines = each(wires, |wire| wire.into_domain(project.web_url.as_deref()))?;
                let (pipelines, links): (Vec<_>, Vec<_>) = pipelines.into_iter().unzip();
                Ok(KnownProject::Pipelines(Remembered::new(pipelines.into(), links.into(), as_of)))
            }
            KnownWire::NoPipeline(ever_ran) => Ok(KnownProject::Without(RowState::NoPipeline { ever_ran }, as_of)),
            KnownWire::NoAccess(failure) => Ok(KnownProject::Without(RowState::NoAccess(failure.into()), as_of)),
        });
        let known = known.transpose()?;
        Ok(Self { project: Arc::new(project), known })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedPipelineWire<'a> {
    #[serde(rename = "i")]
    id: u64,
    #[serde(rename = "ii", skip_serializing_if = "Option::is_none")]
    iid: Option<u64>,
    #[serde(rename = "s")]
    status: Cow<'a, str>,
    #[serde(rename = "w", default, skip_serializing_if = "is_false")]
    has_warnings: bool,
    #[serde(rename = "r")]
    ref_name: Cow<'a, str>,
    #[serde(rename = "rk")]
    ref_kind: Cow<'a, str>,
    #[serde(rename = "h", skip_serializing_if = "Option::is_none")]
    sha: Option<Cow<'a, str>>,
    #[serde(rename = "so", skip_serializing_if = "Option::is_none")]
    source: Option<Cow<'a, str>>,
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    /// Created, started, finished, updated.
    #[serde(rename = "t")]
    times: [Option<i64>; 4],
    /// Ran, queued.
    #[serde(rename = "d")]
    durations: [Option<u64>; 2],
    /// The bits of the number: JSON would round it.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    coverage: Option<u64>,
    #[serde(rename = "us", skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(rename = "ct", skip_serializing_if = "Option::is_none")]
    commit_title: Option<Cow<'a, str>>,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    failure_reason: Option<Cow<'a, str>>,
    #[serde(rename = "y", skip_serializing_if = "Option::is_none")]
    yaml_errors: Option<Cow<'a, str>>,
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    web_url: Option<Cow<'a, str>>,
    #[serde(rename = "st")]
    stages: Vec<SavedStageWire<'a>>,
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    downstream: Vec<SavedDownstreamWire<'a>>,
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkWire<'a>>,
    /// Why something of it could not be read.
    #[serde(rename = "x", skip_serializing_if = "Option::is_none")]
    unread: Option<FailureWire<'a>>,
}

impl<'a> SavedPipelineWire<'a> {
    fn new(pipeline: &'a Pipeline, links: &'a [DownstreamLink], base: Option<&str>) -> Self {
        let times = [pipeline.created_at, pipeline.started_at, pipeline.finished_at, pipeline.updated_at];
        Self {
            id: pipeline.id.0,
            iid: pipeline.iid,
            status: word(&pipeline.status),
            has_warnings: pipeline.has_warnings,
            ref_name: text(&pipeline.git_ref.name),
            ref_kind: pipeline.git_ref.kind.word().into(),
            sha: option(&pipeline.sha),
            source: option(&pipeline.source),
            name: option(&pipeline.name),
            times: times.map(|time| time.map(micros)),
            durations: [pipeline.duration, pipeline.queued].map(|time| time.map(nanos)),
            coverage: pipeline.coverage.map(f64::to_bits),
            user: option(&pipeline.user),
            commit_title: option(&pipeline.commit_title),
            failure_reason: option(&pipeline.failure_reason),
            yaml_errors: option(&pipeline.yaml_errors),
            web_url: below(&pipeline.web_url, base),
            stages: pipeline.stages.iter().map(|stage| SavedStageWire::new(stage, base)).collect(),
            downstream: pipeline.downstream.iter().map(SavedDownstreamWire::new).collect(),
            links: links.iter().map(LinkWire::new).collect(),
            unread: pipeline.unread.as_ref().map(FailureWire::new),
        }
    }

    fn into_domain(self, base: Option<&str>) -> Result<(Pipeline, Vec<DownstreamLink>)> {
        let [created_at, started_at, finished_at, updated_at] = self.times;
        let [duration, queued] = self.durations.map(|time| time.map(Duration::from_nanos));
        let pipeline = Pipeline {
            id: PipelineId(self.id),
            iid: self.iid,
            status: status(self.status)?,
            has_warnings: self.has_warnings,
            git_ref: Ref { name: self.ref_name.into_owned(), kind: ref_kind(&self.ref_kind)? },
            sha: self.sha.map(Cow::into_owned),
            source: self.source.map(Cow::into_owned),
            name: self.name.map(Cow::into_owned),
            created_at: created_at.map(time).transpose()?,
            started_at: started_at.map(time).transpose()?,
            finished_at: finished_at.map(time).transpose()?,
            updated_at: updated_at.map(time).transpose()?,
            duration,
            queued,
            coverage: self.coverage.map(f64::from_bits),
            user: self.user.map(Cow::into_owned),
            commit_title: self.commit_title.map(Cow::into_owned),
            failure_reason: self.failure_reason.map(Cow::into_owned),
            yaml_errors: self.yaml_errors.map(Cow::into_owned),
            web_url: whole(self.web_url, base)?,
            stages: each(self.stages, |stage| stage.into_domain(base))?,
            downstream: each(self.downstream, Downstream::try_from)?,
            unread: self.unread.map(Failure::from),
        };
        let links = each(self.links, DownstreamLink::try_from)?;
        Ok((pipeline, links))
    }
}

/// Kind, message, request.
#[derive(Debug, Serialize, Deserialize)]
struct FailureWire<'a>(Cow<'a, str>, Cow<'a, str>, Option<RequestWire<'a>>);

/// Method, URL, query, status, id, path in the answer, attempts, time.
#[derive(Debug, Serialize, Deserialize)]
struct RequestWire<'a>(
    Cow<'a, str>,
    Cow<'a, str>,
    Option<Cow<'a, str>>,
    Option<u16>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    u32,
    u64,
);

impl<'a> FailureWire<'a> {
    fn new(failure: &'a Failure) -> Self {
        let request = failure.request.as_deref().map(|request| {
            let FailedRequest { line, status, request_id, json_path, attempts, elapsed } = request;
            let (method, url, query) = (text(&line.method), text(&line.url), option(&line.query));
            let (id, path) = (option(request_id), option(json_path));
            RequestWire(method, url, query, *status, id, path, *attempts, nanos(*elapsed))
        });
        Self(failure.kind.word(), text(&failure.message), request)
    }
}

impl From<FailureWire<'_>> for Failure {
    fn from(FailureWire(kind, message, request): FailureWire<'_>) -> Self {
        let request = request.map(|RequestWire(method, url, query, status, id, path, attempts, elapsed)| {
            let query = query.map(Cow::into_owned);
            Box::new(FailedRequest {
                line: RequestLine { method: method.into_owned(), url: url.into_owned(), query },
                status,
                request_id: id.map(Cow::into_owned),
                json_path: path.map(Cow::into_owned),
                attempts,
                elapsed: Duration::from_nanos(elapsed),
            })
        });
        Self { kind: FailureKind::from_word(&kind), message: message.into_owned(), request }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedStageWire<'a>(Cow<'a, str>, Cow<'a, str>, Vec<SavedJobWire<'a>>);

impl<'a> SavedStageWire<'a> {
    fn new(stage: &'a Stage, base: Option<&str>) -> Self {
        let jobs = stage.jobs.iter().map(|job| SavedJobWire::new(job, &stage.name, base)).collect();
        Self(text(&stage.name), word(&stage.status), jobs)
    }

    fn into_domain(self, base: Option<&str>) -> Result<Stage> {
        let Self(name, word, jobs) = self;
        let jobs = each(jobs, |job| job.into_domain(&name, base))?;
        Ok(Stage { status: status(word)?, jobs, name: name.into_owned() })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedJobWire<'a> {
    #[serde(rename = "i")]
    id: u64,
    #[serde(rename = "n")]
    name: Cow<'a, str>,
    /// Where it is not the job's own.
    #[serde(rename = "st", skip_serializing_if = "Option::is_none")]
    stage: Option<Cow<'a, str>>,
    #[serde(rename = "br", default, skip_serializing_if = "is_false")]
    is_bridge: bool,
    #[serde(rename = "s")]
    status: Cow<'a, str>,
    #[serde(rename = "al", default, skip_serializing_if = "is_false")]
    allow_failure: bool,
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    started_at: Option<i64>,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    finished_at: Option<i64>,
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    failure_reason: Option<Cow<'a, str>>,
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    web_url: Option<Cow<'a, str>>,
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    is_external: bool,
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    downstream_id: Option<u64>,
}

impl<'a> SavedJobWire<'a> {
    fn new(job: &'a Job, stage: &str, base: Option<&str>) -> Self {
        Self {
            id: job.id.0,
            name: text(&job.name),
            stage: (job.stage != stage).then(|| text(&job.stage)),
            is_bridge: job.kind == JobKind::Bridge,
            is_external: job.kind == JobKind::External,
            status: word(&job.status),
            allow_failure: job.allow_failure,
            attempts: job.attempts,
            started_at: job.started_at.map(micros),
            finished_at: job.finished_at.map(micros),
            duration: job.duration.map(nanos),
            failure_reason: option(&job.failure_reason),
            web_url: below(&job.web_url, base),
            description: option(&job.description),
            downstream_id: job.downstream_id.map(|id| id.0),
        }
    }

    fn into_domain(self, stage: &str, base: Option<&str>) -> Result<Job> {
        Ok(Job {
            id: JobId(self.id),
            name: self.name.into_owned(),
            stage: self.stage.map_or_else(|| stage.to_owned(), Cow::into_owned),
            kind: match (self.is_bridge, self.is_external) {
                (true, _) => JobKind::Bridge,
                (false, true) => JobKind::External,
                (false, false) => JobKind::Job,
            },
            status: status(self.status)?,
            allow_failure: self.allow_failure,
            attempts: self.attempts,
            earlier: Vec::new(),
            started_at: self.started_at.map(time).transpose()?,
            finished_at: self.finished_at.map(time).transpose()?,
            duration: self.duration.map(Duration::from_nanos),
            failure_reason: self.failure_reason.map(Cow::into_owned),
            web_url: whole(self.web_url, base)?,
            description: self.description.map(Cow::into_owned),
            downstream_id: self.downstream_id.map(PipelineId),
        })
    }
}

/// Id, project, status, warnings, unread, page, what is below it, and its number in its project.
#[derive(Debug, Serialize, Deserialize)]
struct SavedDownstreamWire<'a>(
    u64,
    Option<Cow<'a, str>>,
    Cow<'a, str>,
    bool,
    bool,
    Option<Cow<'a, str>>,
    Vec<SavedDownstreamWire<'a>>,
    Option<u64>,
);

impl<'a> SavedDownstreamWire<'a> {
    fn new(below: &'a Downstream) -> Self {
        Self(
            below.id.0,
            option(&below.project),
            word(&below.status),
            below.has_warnings,
            below.is_unread,
            option(&below.web_url),
            below.downstream.iter().map(Self::new).collect(),
            below.iid,
        )
    }
}

impl TryFrom<SavedDownstreamWire<'_>> for Downstream {
    type Error = Unknown;

    fn try_from(wire: SavedDownstreamWire<'_>) -> Result<Self> {
        let SavedDownstreamWire(id, project, word, has_warnings, is_unread, web_url, downstream, iid) = wire;
        Ok(Self {
            id: PipelineId(id),
            iid,
            project: project.map(Cow::into_owned),
            status: status(word)?,
            has_warnings,
            is_unread,
            web_url: web_url.map(Cow::into_owned),
            downstream: each(downstream, Self::try_from)?,
        })
    }
}

/// Id, iid, bridge, the project's id and path, status, warnings, whether something is below, page.
#[derive(Debug, Serialize, Deserialize)]
struct LinkWire<'a>(
    u64,
    Option<u64>,
    u64,
    Option<u64>,
    Option<Cow<'a, str>>,
    Cow<'a, str>,
    Option<bool>,
    Option<bool>,
    Option<Cow<'a, str>>,
);

impl<'a> LinkWire<'a> {
    fn new(link: &'a DownstreamLink) -> Self {
        Self(
            link.id.0,
            link.iid,
            link.bridge.0,
            link.project_id.map(|id| id.0),
            option(&link.project),
            word(&link.status),
            link.has_warnings,
            link.has_below,
            option(&link.web_url),
        )
    }
}

impl TryFrom<LinkWire<'_>> for DownstreamLink {
    type Error = Unknown;

    fn try_from(wire: LinkWire<'_>) -> Result<Self> {
        let LinkWire(id, iid, bridge, project_id, project, word, has_warnings, has_below, web_url) = wire;
        Ok(Self {
            id: PipelineId(id),
            iid,
            bridge: JobId(bridge),
            project_id: project_id.map(ProjectId),
            project: project.map(Cow::into_owned),
            status: status(word)?,
            has_warnings,
            has_below,
            web_url: web_url.map(Cow::into_owned),
        })
    }
}

/// Takes over each of them, in room for just as many: `collect` would use that of the wires again, which is twice as much.
fn each<W, T>(wires: Vec<W>, convert: impl Fn(W) -> Result<T>) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(wires.len());
    for wire in wires {
        all.push(convert(wire)?);
    }
    Ok(all)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_false(is: &bool) -> bool {
    !is
}

fn text(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

fn option(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(Cow::Borrowed)
}

fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

fn time(micros: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| Unknown(micros.to_string()))
}

/// What takes longer than five hundred years is not told apart.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Writes a status; a word that no status of ours has is marked, as it may be `warning`, which is ours.
fn word(status: &Status) -> Cow<'_, str> {
    match status {
        Status::Other(word) => Cow::Owned(format!("?{word}")),
        status => Cow::Borrowed(status.word()),
    }
}

fn status(word: Cow<'_, str>) -> Result<Status> {
    match word.strip_prefix('?') {
        Some(other) => Ok(Status::Other(other.into())),
        None => Status::from_word(&word).ok_or_else(|| Unknown(word.into_owned())),
    }
}

fn ref_kind(word: &str) -> Result<RefKind> {
    let kinds = [RefKind::Branch, RefKind::Tag, RefKind::MergeRequest, RefKind::MergeTrain, RefKind::Other];
    kinds.into_iter().find(|kind| kind.word() == word).ok_or_else(|| Unknown(word.to_owned()))
}

/// Writes a URL without the project's own in front of it, which is half of what a job is.
fn below<'a>(url: &'a Option<String>, base: Option<&str>) -> Option<Cow<'a, str>> {
    let url = url.as_deref()?;
    let rest = base.and_then(|base| url.strip_prefix(base));
    Some(rest.map_or_else(|| format!("={url}"), |rest| format!("+{rest}")).into())
}

fn whole(url: Option<Cow<'_, str>>, base: Option<&str>) -> Result<Option<String>> {
    let Some(url) = url else { return Ok(None) };
    match (url.strip_prefix('+'), url.strip_prefix('='), base) {
        (Some(rest), _, Some(base)) => Ok(Some([base, rest].concat())),
        (_, Some(url), _) => Ok(Some(url.to_owned())),
        _ => Err(Unknown(url.into_owned())),
    }
}
