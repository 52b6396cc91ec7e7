//! What is known about a pipeline before its evidence is gathered: from one GraphQL query, or from a reading of the group.

use super::evidence::{LOOK_BACK, PreviousPipeline, Subject, raw_refs, suspects};
use crate::domain::evidence::{JobDetails, JobEvidence, Previous};
use crate::domain::failure::FailureKind;
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::job::{self, Job, JobKind};
use crate::domain::pipeline::{Downstream, DownstreamLink, Pipeline};
use crate::domain::project::ProjectRow;
use crate::domain::snapshot::Snapshot;
use crate::domain::status::Status;
use crate::domain::usage::Api;
use crate::gitlab::client::{
    Bridges, Client, OLDER_PIPELINES_PER_QUERY, OlderPipelines, PipelineHead, PipelineOverview,
};
use futures_util::future::join_all;
use std::collections::{HashMap, HashSet};

/// What a first look has shown. It says what to read beside the pipeline and its jobs.
#[derive(Debug, Clone)]
pub struct FirstLook {
    pub(super) suspects: Vec<JobEvidence>,
    pub(super) links: Vec<DownstreamLink>,
    /// The pending jobs that no runner can take; `None` where that was not asked.
    pub(super) stuck: Option<HashSet<JobId>>,
    facts: Option<PipelineFacts>,
}

impl FirstLook {
    /// Returns what need not be read again.
    pub(super) fn facts(&self) -> Option<&PipelineFacts> {
        self.facts.as_ref()
    }
}

/// A pipeline and its trigger jobs as a reading of the group has brought them: all that REST would tell.
#[derive(Debug, Clone)]
pub(super) struct PipelineFacts {
    /// Without its stages.
    pub pipeline: Pipeline,
    pub bridges: Bridges,
    /// Every attempt at a job, trigger jobs apart.
    jobs: HashMap<JobId, Status>,
}

impl PipelineFacts {
    /// Takes the facts from a row; `None` where it lacks one that REST tells.
    fn of_row(pipeline: &Pipeline) -> Option<Self> {
        // GitLab tells the source of every pipeline, and over GraphQL together with what is wrong with its configuration:
        // where there is none, the server's GraphQL is too old to tell either.
        if pipeline.unread.is_some() || pipeline.source.is_none() {
            return None;
        }
        let mut bridges = Bridges::default();
        for bridge in pipeline.jobs().filter(|job| job.kind == JobKind::Bridge) {
            // REST lists no bridge that was tried again, and has a word where GraphQL has none.
            if bridge.status == Status::Failed && bridge.failure_reason.is_none() {
                return None;
            }
            if let Some(id) = bridge.downstream_id {
                let below = pipeline.downstream.iter().find(|below| below.id == id && !below.is_unread)?;
                bridges.links.push(link(bridge.id, below)?);
            }
            bridges.attempts.push(Job { attempts: None, earlier: Vec::new(), ..bridge.clone() });
        }
        bridges.links.sort_by_key(|link| link.bridge);
        let attempts = pipeline.jobs().flat_map(|job| std::iter::once(job).chain(&job.earlier));
        let jobs = attempts.filter(|job| job.kind == JobKind::Job).map(|job| (job.id, job.status.clone())).collect();
        let pipeline = Pipeline { stages: Vec::new(), downstream: Vec::new(), ..pipeline.clone() };
        Some(Self { pipeline, bridges, jobs })
    }

    /// Says whether these are the jobs that the facts were read with: else the pipeline has moved on since.
    pub(super) fn agrees_with(&self, jobs: &[(Job, JobDetails)]) -> bool {
        jobs.len() == self.jobs.len() && jobs.iter().all(|(job, _)| self.jobs.get(&job.id) == Some(&job.status))
    }
}

/// Returns what a bridge says about a pipeline that was followed; `None` where it is not known whose that is.
fn link(bridge: JobId, below: &Downstream) -> Option<DownstreamLink> {
    Some(DownstreamLink {
        id: below.id,
        iid: below.iid,
        bridge,
        project_id: None,
        project: Some(below.project.clone()?),
        status: below.status.clone(),
        has_warnings: None,
        has_below: None,
        web_url: below.web_url.clone(),
    })
}

impl From<PipelineOverview> for Subject {
    fn from(glance: PipelineOverview) -> Self {
        let PipelineOverview { project, full_path, mut pipeline, jobs, stuck, heads } = glance;
        pipeline.stages = job::stages(jobs.attempts.iter().cloned());
        let mut links = jobs.links;
        // REST lists no bridge that was tried again.
        links.retain(|link| pipeline.jobs().any(|job| job.id == link.bridge));
        links.sort_by_key(|link| link.bridge);
        let attempts = jobs.attempts.into_iter().map(|job| (job, JobDetails::default())).collect();
        let suspects = suspects(&pipeline, attempts);
        let id = pipeline.id;
        let first_look = Some(FirstLook { suspects, links, stuck: Some(stuck), facts: None });
        Self { project: ProjectRef::Id(project), full_path, pipeline: id, before: before(id, &heads), first_look }
    }
}

/// Looks for the pipeline before among the newest ones of any ref.
fn before(id: PipelineId, heads: &[PipelineHead]) -> PreviousPipeline {
    let Some(raw_ref) = heads.iter().find(|head| head.id == id).map(|head| &head.raw_ref) else {
        return PreviousPipeline::Unknown;
    };
    let found = heads.iter().find(|head| head.id < id && head.raw_ref == *raw_ref);
    match found {
        None if heads.len() >= LOOK_BACK => PreviousPipeline::OfRef(raw_ref.clone()),
        found => PreviousPipeline::Known(found.map(|head| head.id)),
    }
}

/// Returns the pipelines of a snapshot that failed, or that triggered one that did, in the order of its rows, with what
/// the reading has brought of them. The pipelines before them are asked for together where GraphQL answers.
pub(crate) async fn failed_of(client: &Client, snapshot: &Snapshot) -> Vec<Subject> {
    let is_failed = |pipeline: &&Pipeline| pipeline.worst() == Status::Failed;
    let failed: Vec<(&ProjectRow, &Pipeline)> = snapshot
        .rows
        .iter()
        .flat_map(|row| row.pipelines().iter().filter(is_failed).map(move |pipeline| (row, pipeline)))
        .collect();
    let mut before = match snapshot.usage.api {
        Api::Graphql => previous_of(client, &failed).await,
        Api::Rest => HashMap::new(),
    };
    let subject = |(row, pipeline): (&ProjectRow, &Pipeline)| Subject {
        project: ProjectRef::Id(row.project.id),
        full_path: row.project.full_path.clone(),
        pipeline: pipeline.id,
        before: before.remove(&pipeline.id).map_or_else(|| before_on(pipeline), PreviousPipeline::Read),
        first_look: Some(pipeline).filter(|_| !is_spared(row, snapshot)).and_then(of_row),
    };
    failed.into_iter().map(subject).collect()
}

/// Says where to look for the pipeline before one that is the newest of its ref.
fn before_on(pipeline: &Pipeline) -> PreviousPipeline {
    match raw_refs(&pipeline.git_ref).as_mut_slice() {
        [raw_ref] => PreviousPipeline::OfRef(std::mem::take(raw_ref)),
        _ => PreviousPipeline::Unknown,
    }
}

/// Says whether a part of a project's pipelines could not be told, so that the row lacks it.
fn is_spared(row: &ProjectRow, snapshot: &Snapshot) -> bool {
    let mut problems = snapshot.problems.iter();
    problems
        .any(|problem| problem.failure.kind == FailureKind::GraphqlField && problem.subject == row.project.full_path)
}

fn of_row(pipeline: &Pipeline) -> Option<FirstLook> {
    let facts = PipelineFacts::of_row(pipeline)?;
    let current = |job: &Job| (Job { earlier: Vec::new(), ..job.clone() }, JobDetails::default());
    let attempts = pipeline.jobs().flat_map(|job| std::iter::once(job).chain(&job.earlier)).map(current).collect();
    let suspects = suspects(pipeline, attempts);
    Some(FirstLook { suspects, links: facts.bridges.links.clone(), stuck: None, facts: Some(facts) })
}

/// Asks which pipeline was before each of these on its ref. What an answer leaves open is missing.
async fn previous_of(client: &Client, failed: &[(&ProjectRow, &Pipeline)]) -> HashMap<PipelineId, Option<Previous>> {
    let wanted = |(row, pipeline): &(&ProjectRow, &Pipeline)| {
        let project = row.project.full_path.clone();
        let refs = raw_refs(&pipeline.git_ref).into_iter();
        refs.map(move |raw_ref| (pipeline.id, project.clone(), raw_ref)).collect::<Vec<_>>()
    };
    let wanted: Vec<_> = failed.iter().flat_map(wanted).collect();
    let read = |part: Vec<(PipelineId, String, String)>| async move {
        let asked: Vec<(String, String)> =
            part.iter().map(|(_, project, raw)| (project.clone(), raw.clone())).collect();
        let answers = client.newest_of_refs(&asked).await.unwrap_or_default();
        part.into_iter().map(|(id, ..)| id).zip(answers).collect::<Vec<_>>()
    };
    let parts = wanted.chunks(OLDER_PIPELINES_PER_QUERY).map(|part| read(part.to_vec()));
    let mut lists: HashMap<PipelineId, Vec<Option<OlderPipelines>>> = HashMap::new();
    for (id, list) in join_all(parts).await.into_iter().flatten() {
        lists.entry(id).or_default().push(list);
    }
    lists.into_iter().filter_map(|(id, lists)| Some((id, previous(id, lists)?))).collect()
}

/// Picks the pipeline before one from the newest pipelines of each of its refs; `None` where they do not tell.
fn previous(id: PipelineId, lists: Vec<Option<OlderPipelines>>) -> Option<Option<Previous>> {
    let lists: Vec<OlderPipelines> = lists.into_iter().collect::<Option<_>>()?;
    let is_listed = lists.iter().any(|list| list.newest.iter().any(|known| known.id == id));
    // A list without the pipeline that it was asked for is not the whole list.
    if !is_listed {
        return None;
    }
    for list in lists {
        match list.newest.into_iter().find(|known| known.id < id) {
            Some(found) => return Some(Some(found)),
            None if list.has_more => return None,
            None => {}
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;
    use crate::domain::failure::Failure;
    use crate::domain::pipeline::Downstream;

    /// A failed pipeline over GraphQL: a job that was tried again, and a bridge.
    fn read() -> Pipeline {
        let job = |id, status| Job { id: JobId(id), ..example::job("unit", status) };
        let bridge = Job {
            id: JobId(3),
            kind: JobKind::Bridge,
            downstream_id: Some(PipelineId(900)),
            ..example::job("deploy", Status::Success)
        };
        let attempts = [job(1, Status::Failed), job(2, Status::Failed), bridge];
        let below =
            Downstream { project: Some("acme/deploy".into()), ..example::below(900, Status::Failed, Vec::new()) };
        Pipeline {
            source: Some("push".into()),
            downstream: vec![below],
            stages: job::stages(attempts),
            ..example::pipeline(Status::Failed, Vec::new())
        }
    }

    #[test]
    fn a_row_is_as_good_as_read_again_where_it_lacks_nothing() {
        type Change = fn(&mut Pipeline);
        fn bridge(pipeline: &mut Pipeline) -> &mut Job {
            let jobs = pipeline.stages.iter_mut().flat_map(|stage| &mut stage.jobs);
            jobs.filter(|job| job.kind == JobKind::Bridge).last().unwrap()
        }
        let cases: [(&str, Change, bool); 7] = [
            ("whole", |_| {}, true),
            ("a part is unread", |pipeline| pipeline.unread = Some(Failure::new(FailureKind::Graphql, "x")), false),
            ("a server that is too old to tell all", |pipeline| pipeline.source = None, false),
            ("what it triggered is unread", |pipeline| pipeline.downstream[0].is_unread = true, false),
            ("what it triggered was not followed", |pipeline| pipeline.downstream.clear(), false),
            ("it is not known whose the triggered one is", |pipeline| pipeline.downstream[0].project = None, false),
            ("a bridge failed for a reason without a word", |pipeline| bridge(pipeline).status = Status::Failed, false),
        ];
        for (sentence, change, expected) in cases {
            let mut pipeline = read();
            change(&mut pipeline);
            assert_eq!(PipelineFacts::of_row(&pipeline).is_some(), expected, "{sentence}");
        }
    }

    #[test]
    fn facts_hold_as_long_as_the_jobs_are_the_same() {
        let facts = PipelineFacts::of_row(&read()).unwrap();
        assert_eq!(facts.bridges.links.iter().map(|link| link.id.0).collect::<Vec<_>>(), [900]);
        let cases = [
            ("the same", &[(1, Status::Failed), (2, Status::Failed)][..], true),
            ("one was tried again", &[(1, Status::Failed), (2, Status::Failed), (4, Status::Running)], false),
            ("one is gone", &[(1, Status::Failed)], false),
            ("one has another state", &[(1, Status::Failed), (2, Status::Running)], false),
            ("another one", &[(1, Status::Failed), (4, Status::Failed)], false),
        ];
        for (sentence, jobs, expected) in cases {
            let job = |(id, status): &(u64, Status)| {
                (Job { id: JobId(*id), ..example::job("unit", status.clone()) }, JobDetails::default())
            };
            let jobs: Vec<_> = jobs.iter().map(job).collect();
            assert_eq!(facts.agrees_with(&jobs), expected, "{sentence}");
        }
    }

    #[test]
    fn the_pipeline_before_is_known_where_the_list_tells() {
        let list = |ids: &[u64], has_more| {
            let previous = |id: &u64| Previous {
                id: PipelineId(*id),
                status: Status::Success,
                coverage: None,
                web_url: None,
                tests: None,
            };
            Some(OlderPipelines { newest: ids.iter().map(previous).collect(), has_more })
        };
        let cases = [
            ("the next in the list", vec![list(&[7, 5, 3], true)], Some(Some(5))),
            ("a newer one came meanwhile", vec![list(&[9, 7, 5], false)], Some(Some(5))),
            ("the first of its ref", vec![list(&[7], false)], Some(None)),
            ("the list goes on", vec![list(&[9, 8, 7], true)], None),
            ("the list does not have it", vec![list(&[], false)], None),
            ("no answer", vec![None], None),
            ("a merge request's first ref", vec![list(&[4], false), list(&[7, 6], false)], Some(Some(4))),
            ("its second ref", vec![list(&[], false), list(&[7, 6], false)], Some(Some(6))),
            ("one of its refs is not told", vec![None, list(&[7, 6], false)], None),
        ];
        for (sentence, lists, expected) in cases {
            let found = previous(PipelineId(7), lists).map(|found| found.map(|found| found.id.0));
            assert_eq!(found, expected, "{sentence}");
        }
    }
}
