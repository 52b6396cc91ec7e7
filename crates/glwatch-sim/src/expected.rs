//! What a correct client must report about the world, computed from the world and not from the REST answers.

mod history;

pub(crate) use history::expected_history;

use serde_json::{Value, json};

use super::plan::{Job, Pipeline, Tree};
use super::status::{composite, has_warnings, severity, verdict};
use super::world::World;

/// How deep downstream pipelines are followed.
const DEPTH: usize = 3;

pub(crate) fn expected_status(world: &World, now: i64) -> Value {
    let root = &world.groups[world.root];
    let shown = |i: &usize| {
        let project = &world.projects[*i];
        !project.archived && !project.marked_for_deletion && world.is_within(project.group, world.root)
    };
    let projects: Vec<Value> = (0..world.projects.len()).filter(shown).map(|i| project(world, i, now)).collect();
    json!({ "groups": [{ "id": root.id, "full_path": root.full_path }], "projects": projects })
}

fn project(world: &World, index: usize, now: i64) -> Value {
    let project = &world.projects[index];
    let newest = world.pipelines_of(index, now).into_iter().find(|pipeline| pipeline.source != "parent_pipeline");
    let (state, ever_ran) = match (&newest, project.ci_off) {
        (_, true) => ("no_access", Value::Null),
        (Some(_), _) => ("ok", json!(true)),
        (None, _) => ("no_pipeline", json!(false)),
    };
    let pipelines: Vec<Value> = newest
        .filter(|_| !project.ci_off)
        .and_then(|pipeline| world.tree_with(pipeline.id, now))
        .map(|(tree, at)| pipeline(world, &tree, at, now))
        .into_iter()
        .collect();
    json!({
        "id": project.id, "full_path": project.full_path, "state": state, "ever_ran": ever_ran, "pipelines": pipelines,
    })
}

fn pipeline(world: &World, tree: &Tree, at: usize, now: i64) -> Value {
    let this = &tree.pipelines[at];
    let mut below = Vec::new();
    descend(tree, at, now, DEPTH, &mut below);
    let own = own_verdict(this, now);
    let worst =
        below.iter().map(|(b, _)| own_verdict(&tree.pipelines[*b], now)).chain([own]).min_by_key(|w| severity(w));
    let downstream: Vec<Value> = below
        .iter()
        .map(|(b, left)| {
            let below = &tree.pipelines[*b];
            let mut deeper = Vec::new();
            descend(tree, *b, now, *left, &mut deeper);
            let verdicts = deeper.iter().map(|(d, _)| own_verdict(&tree.pipelines[*d], now));
            json!({
                "id": below.id, "project": world.projects[below.project].full_path, "status": below.status(now),
                "worst": verdicts.chain([own_verdict(below, now)]).min_by_key(|w| severity(w)),
            })
        })
        .collect();
    let (short, kind) = ref_kind(&this.ref_name, this.tag);
    json!({
        "id": this.id, "iid": this.iid, "status": this.status(now), "worst": worst, "ref": short, "ref_kind": kind,
        "source": this.source, "stages": stages(this, now), "downstream": downstream,
    })
}

fn own_verdict(pipeline: &Pipeline, now: i64) -> String {
    verdict(&pipeline.status(now), pipeline.has_warnings(now)).to_owned()
}

/// Lists what lies below, each bridge's pipeline before that pipeline's own, with the depth left beneath it.
fn descend(tree: &Tree, at: usize, now: i64, depth: usize, found: &mut Vec<(usize, usize)>) {
    if depth == 0 {
        return;
    }
    let mut bridges: Vec<(u64, usize)> =
        tree.pipelines[at].jobs.iter().filter_map(|job| Some((job.current(now)?.id, job.downstream?))).collect();
    bridges.sort_unstable();
    for (_, below) in bridges {
        if tree.pipelines[below].created <= now && !found.iter().any(|(known, _)| *known == below) {
            found.push((below, depth - 1));
            descend(tree, below, now, depth - 1, found);
        }
    }
}

/// Returns what a person calls the ref, and its kind.
fn ref_kind(raw: &str, tag: bool) -> (String, &'static str) {
    let request = raw.strip_prefix("refs/merge-requests/").and_then(|rest| rest.split_once('/'));
    match request {
        Some((iid, "head" | "merge")) => (format!("!{iid}"), "merge_request"),
        Some((iid, "train")) => (format!("!{iid}"), "merge_train"),
        _ if raw.starts_with("refs/") => (raw.to_owned(), "other"),
        _ if tag => (raw.to_owned(), "tag"),
        _ => (raw.to_owned(), "branch"),
    }
}

fn stages(pipeline: &Pipeline, now: i64) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    // Jobs stand in id order by construction: a stage's first job has its smallest id.
    for job in &pipeline.jobs {
        if !names.contains(&job.stage.as_str()) {
            names.push(&job.stage);
        }
    }
    names.into_iter().map(|name| stage(pipeline, name, now)).collect()
}

fn kind(job: &Job) -> &'static str {
    match (job.bridge, job.is_external()) {
        (true, _) => "bridge",
        (false, true) => "external",
        (false, false) => "job",
    }
}

fn stage(pipeline: &Pipeline, name: &str, now: i64) -> Value {
    let mut jobs: Vec<&Job> = pipeline.jobs.iter().filter(|job| job.stage == name).collect();
    jobs.sort_by_key(|job| (&job.name, job.attempts.first().map(|attempt| attempt.id)));
    let items: Vec<_> = jobs.iter().filter_map(|job| job.item(now)).collect();
    let status = composite(&items).unwrap_or_default();
    let job = |job: &&Job| {
        let current = job.current(now)?;
        Some(json!({
            "name": job.name, "kind": kind(job), "status": current.status(now),
            "allow_failure": job.allow_failure, "attempts": job.attempts_at(now).count(), "id": current.id,
        }))
    };
    json!({
        "name": name, "status": verdict(&status, has_warnings(&items)),
        "jobs": jobs.iter().filter_map(job).collect::<Vec<_>>(),
    })
}
