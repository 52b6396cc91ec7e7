//! A project's month, made up: pushes to `main` and merge requests, one in seven with a failed job, some of them run again.

use glwatch::domain::fact::{FactBatch, JobCourse, JobFact, PipelineCourse, PipelineFact, ProjectFact};
use glwatch::domain::fact::{TestFailureFact, UnixSeconds};
use glwatch::domain::id::{JobId, PipelineId, ProjectId};
use glwatch::domain::job::JobKind;
use glwatch::domain::pipeline::RefKind;
use glwatch::domain::status::Status;

/// Three stages of four.
pub(crate) const JOBS: [&str; 12] = [
    "compile",
    "assets",
    "image",
    "lint",
    "unit",
    "integration",
    "e2e",
    "security scan",
    "docs",
    "package",
    "staging",
    "production",
];

pub(crate) fn pipeline_id(project: u64, nth: u64) -> u64 {
    1_000_000 + nth * 1000 + project
}

/// Returns so many pipelines, spread evenly from a time to another.
pub(crate) fn project(project: u64, pipelines: u64, from: UnixSeconds, to: UnixSeconds) -> FactBatch {
    let id = ProjectId(project);
    let full_path = format!("acme/team-{}/service-{project}", project % 20);
    let named = ProjectFact { id, full_path, default_branch: Some("main".into()), seen_at: to };
    let mut batch = FactBatch { projects: vec![named], ..FactBatch::default() };
    for nth in 0..pipelines {
        let created = from + (to - from) * nth.cast_signed() / pipelines.cast_signed();
        add_pipeline(&mut batch, project, nth, created);
    }
    batch
}

fn add_pipeline(batch: &mut FactBatch, project: u64, nth: u64, created: UnixSeconds) {
    let id = pipeline_id(project, nth);
    // Whatever is odd is odd in the same way in each run.
    let roll = (project * 31 + nth * 17) % 70;
    let failed_job = (roll < 10).then_some(roll % 12);
    let is_rerun = roll.is_multiple_of(3);
    let (ref_name, ref_kind) = match nth % 3 {
        0 => (format!("!{}", nth / 6), RefKind::MergeRequest),
        _ => ("main".to_owned(), RefKind::Branch),
    };
    let status = if failed_job.is_some() && !is_rerun { Status::Failed } else { Status::Success };
    let length = 600 + (roll * 13).cast_signed();
    batch.pipelines.push(PipelineFact {
        project: ProjectId(project),
        id: PipelineId(id),
        iid: Some(nth),
        ref_name,
        ref_kind,
        sha: Some(format!("{:040x}", u128::from(project) << 64 | u128::from(nth))),
        source: Some("push".into()),
        author: Some("Ada Lovelace".into()),
        commit_title: Some("Let the queue wait for the bank".into()),
        created_at: Some(created),
        course: PipelineCourse {
            updated_at: Some(created + length),
            status,
            started_at: Some(created + 5),
            finished_at: Some(created + length),
            duration: Some(length.unsigned_abs() - 5),
            queued: Some(5),
        },
    });
    for (place, name) in (0..).zip(JOBS) {
        let is_failed = failed_job == Some(place);
        batch.jobs.push(job(project, id, place, name, ref_kind, created, is_failed));
        if is_failed && roll.is_multiple_of(2) {
            let test = format!("suite::case_{}", roll % 5);
            batch.test_failures.push(TestFailureFact {
                project: ProjectId(project),
                job: JobId(id * 20 + place),
                test,
            });
        }
        if is_failed && is_rerun {
            batch.jobs.push(JobFact {
                id: JobId(id * 20 + 12),
                ..job(project, id, place, name, ref_kind, created + 100, false)
            });
        }
    }
}

fn job(
    project: u64,
    pipeline: u64,
    place: u64,
    name: &str,
    ref_kind: RefKind,
    created: UnixSeconds,
    is_failed: bool,
) -> JobFact {
    let stage = place / 4;
    let started = created + 5 + (stage * 190).cast_signed();
    let seconds = 60 + (place * 37 + pipeline) % 120;
    let reason = if place.is_multiple_of(5) { "runner_system_failure" } else { "script_failure" };
    JobFact {
        project: ProjectId(project),
        pipeline: PipelineId(pipeline),
        id: JobId(pipeline * 20 + place),
        name: name.to_owned(),
        stage: ["build", "test", "deploy"][usize::try_from(stage).unwrap_or(0)].to_owned(),
        kind: JobKind::Job,
        ref_kind,
        allow_failure: false,
        created_at: Some(created),
        tags: vec!["linux".into(), "docker".into()],
        course: JobCourse {
            finished_at: Some(started + seconds.cast_signed()),
            status: if is_failed { Status::Failed } else { Status::Success },
            started_at: Some(started),
            duration: Some(seconds),
            queued: Some(3),
            failure_reason: is_failed.then(|| reason.to_owned()),
        },
    }
}
