//! What a correct client must find out about the past: read from the plot, where each failure has its cause.

use serde_json::{Value, json};

use crate::history::{FailureCause, PastDeployment, PastPipeline, RedStretch};
use crate::plan::{Pipeline, USERS};
use crate::rest::time;
use crate::status::{has_warnings, verdict};
use crate::world::{PlayableHistory, World};

pub(crate) fn expected_history(world: &World, now: i64) -> Value {
    let with = |(at, project): (usize, &crate::world::Project)| {
        project.history.as_ref().map(|past| ProjectPast { world, now, at, past }.body())
    };
    let projects: Vec<Value> = world.projects.iter().enumerate().filter_map(with).collect();
    let sum = |path: &str| projects.iter().filter_map(|project| project.pointer(path)?.as_u64()).sum::<u64>();
    let pooled = json!({
        "pipelines": sum("/counts/pipelines"), "success": sum("/counts/success"), "failed": sum("/counts/failed"),
        "jobs": sum("/counts/jobs"), "attempts": sum("/counts/attempts"), "failures": sum("/counts/failures"),
    });
    json!({ "now": time(now), "pooled": pooled, "projects": projects })
}

struct ProjectPast<'w> {
    world: &'w World,
    now: i64,
    at: usize,
    past: &'w PlayableHistory,
}

impl ProjectPast<'_> {
    fn body(&self) -> Value {
        let project = &self.world.projects[self.at];
        let events = &self.past.events;
        let known = events.len_at(self.now);
        let (mut pipelines, mut failures) = (Vec::with_capacity(known), Vec::new());
        let (mut jobs, mut attempts) = (0, 0);
        for (at, plot) in events.pipelines.iter().enumerate().take(known) {
            let tree = self.world.tree(self.past.line, at as i64);
            let played = &tree.pipelines[0];
            let own = || played.jobs.iter().filter(|job| !job.bridge && !job.is_external());
            jobs += own().count();
            attempts += own().map(|job| job.attempts_at(self.now).count()).sum::<usize>();
            pipelines.push(self.pipeline(played));
            failures.extend(self.failure(plot, played));
            failures.extend(self.failed_deployments(at, played));
        }
        let (success, failed) = (count(&pipelines, "success"), count(&pipelines, "failed"));
        let rate = (success + failed > 0).then(|| success as f64 / (success + failed) as f64);
        let stretches: Vec<Value> = events.red_stretches.iter().map(|stretch| self.stretch(stretch)).collect();
        let exists = |deployment: &&PastDeployment| deployment.created <= self.now;
        let deployments = events.deployments.iter().filter(exists).enumerate();
        let deployments: Vec<Value> = deployments.map(|(at, deployment)| self.deployment(at, deployment)).collect();
        let counts = json!({
            "pipelines": known, "success": success, "failed": failed, "jobs": jobs, "attempts": attempts,
            "failures": failures.len(), "deployments": deployments.len(),
        });
        json!({
            "id": project.id, "full_path": project.full_path, "from": time(events.from), "counts": counts,
            "success_rate": rate, "pipelines": pipelines, "failures": failures, "flaky_jobs": self.flaky(),
            "red_stretches": stretches, "deployments": deployments, "merge_requests": self.merge_requests(),
            "incidents": self.incidents(),
        })
    }

    fn id(&self, pipeline: usize) -> u64 {
        let slot = self.world.lines[self.past.line].slot;
        self.world.pipeline_id(slot, self.past.events.pipelines[pipeline].created)
    }

    fn pipeline(&self, played: &Pipeline) -> Value {
        let (started, finished) = (played.started(self.now), played.finished(self.now));
        let seconds = |ms: i64| ms / 1_000;
        let status = played.status(self.now);
        json!({
            "id": played.id, "ref": played.ref_name, "sha": played.sha, "source": played.source, "status": status,
            "verdict": verdict(&status, has_warnings(&played.items(self.now))), "created_at": time(played.created),
            "started_at": started.map(time), "finished_at": finished.map(time),
            "duration_s": finished.zip(started).map(|(end, start)| seconds(end - start)),
            "queued_s": started.map(|start| seconds(start - played.created)),
        })
    }

    /// Returns the planted failure, once the job has failed.
    fn failure(&self, plot: &PastPipeline, played: &Pipeline) -> Option<Value> {
        let planted = plot.failure.as_ref()?;
        let job = played.jobs.get(planted.job)?;
        let first = job.attempts.first().filter(|attempt| attempt.finished(self.now).is_some())?;
        Some(json!({
            "pipeline": played.id, "ref": played.ref_name, "sha": played.sha, "job": job.name, "job_id": first.id,
            "cause": planted.cause.word(), "reason": planted.reason, "test": planted.test,
            "rerun": planted.retried.is_some(),
        }))
    }

    /// A deployment that failed is the fault of its commit: nothing else was planted.
    fn failed_deployments(&self, pipeline: usize, played: &Pipeline) -> Vec<Value> {
        let failed = |attempt: &&crate::plan::Attempt| attempt.status(self.now) == Some("failed");
        let mut found = Vec::new();
        if self.past.events.deployments_of(pipeline).next().is_none() {
            return found;
        }
        for job in played.jobs.iter().filter(|job| job.stage == "deploy") {
            found.extend(job.attempts.iter().filter(failed).map(|attempt| {
                json!({
                    "pipeline": played.id, "ref": played.ref_name, "sha": played.sha, "job": job.name,
                    "job_id": attempt.id, "cause": FailureCause::Yours.word(), "reason": job.reason, "test": null,
                    "rerun": false,
                })
            }));
        }
        found
    }

    /// Returns the flaky job when it showed both verdicts on one commit.
    fn flaky(&self) -> Vec<Value> {
        let events = &self.past.events;
        let planted = |failure: &&crate::history::PlantedFailure| failure.cause == FailureCause::Flaky;
        let failures = || {
            let known = events.pipelines.iter().take(events.len_at(self.now));
            known.filter_map(|pipeline| pipeline.failure.as_ref()).filter(planted)
        };
        let seen = failures().filter(|failure| failure.retried.is_some()).count();
        let name = |job: usize| self.past.jobs.longest().get(job).map(|spec| spec.name.clone());
        let found = events.flaky.as_ref().filter(|_| seen > 0);
        let body = found.map(|flaky| {
            json!({ "job": name(flaky.job), "test": flaky.test, "failures": failures().count(), "reruns": seen })
        });
        body.into_iter().collect()
    }

    fn stretch(&self, stretch: &RedStretch) -> Value {
        let events = &self.past.events;
        let first = &events.pipelines[stretch.first];
        let trunk = events.pipelines[stretch.first..=stretch.last].iter().filter(|pipeline| pipeline.kind.is_trunk());
        let project = &self.world.projects[self.at];
        json!({
            "job": self.past.jobs.longest().get(stretch.job).map(|spec| spec.name.clone()),
            "first_pipeline": self.id(stretch.first), "since": time(first.created),
            "sha": crate::history::trunk_sha(self.world.seed, project.id, first.commit), "author": USERS[first.user].0,
            "last_pipeline": self.id(stretch.last), "pipelines": trunk.count(),
            "repaired_by": stretch.repaired.map(|at| self.id(at)),
        })
    }

    fn deployment(&self, at: usize, this: &PastDeployment) -> Value {
        let pipeline = &self.past.events.pipelines[this.pipeline];
        let brings: &[usize] = if this.finished <= self.now { &this.brings } else { &[] };
        let iids: Vec<usize> = brings.iter().map(|at| at + 1).collect();
        json!({
            "id": self.world.event_id(self.at, this.created), "iid": at + 1, "environment": this.environment.name(),
            "tier": this.environment.name(), "status": this.status(self.now), "pipeline": self.id(this.pipeline),
            "sha": crate::history::trunk_sha(self.world.seed, self.world.projects[self.at].id, pipeline.commit),
            "created_at": time(this.created), "finished_at": (this.finished <= self.now).then(|| time(this.finished)),
            "rollback": this.rollback, "failure_reasons": this.reasons, "merge_requests": iids,
        })
    }

    fn merge_requests(&self) -> Vec<Value> {
        let known = self.past.events.merge_requests.iter().enumerate().filter(|(_, of)| of.created <= self.now);
        let body = |(at, of): (usize, &crate::history::PastMergeRequest)| {
            json!({
                "iid": at + 1, "first_commit_at": time(of.first_commit), "created_at": time(of.created),
                "merged_at": of.merged.filter(|merged| *merged <= self.now).map(time),
            })
        };
        known.map(body).collect()
    }

    fn incidents(&self) -> Vec<Value> {
        let issues = self.past.events.issues.iter().enumerate();
        let known = issues.filter(|(_, issue)| issue.incident && issue.created <= self.now);
        let closed = |at: Option<i64>| at.filter(|at| *at <= self.now).map(time);
        known
            .map(|(at, issue)| {
                json!({ "iid": at + 1, "created_at": time(issue.created), "closed_at": closed(issue.closed) })
            })
            .collect()
    }
}

fn count(pipelines: &[Value], word: &str) -> usize {
    pipelines.iter().filter(|pipeline| pipeline["status"] == word).count()
}
