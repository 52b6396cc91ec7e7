//! The terms of what one reading over REST costs: as the formula has them, and as the simulated server counted them.

use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The most that GitLab puts on one page.
pub(crate) const PAGE: u64 = 100;

/// Requests of one run: `4N + pages + 1 per group + further job pages + followed downstreams`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) groups: u64,
    pub(crate) list_pages: u64,
    /// The newest pipeline of each project.
    pub(crate) newest: u64,
    /// Details, jobs and bridges of each pipeline found: one request of each kind.
    pub(crate) details: u64,
    pub(crate) jobs: u64,
    pub(crate) bridges: u64,
    /// Page 2 and later of a pipeline's jobs.
    pub(crate) job_pages: u64,
    /// Details and bridges of downstream pipelines that are not the newest of a project in the group.
    pub(crate) followed: u64,
}

impl Terms {
    /// Returns what `projects` projects cost that have one small pipeline each and nothing downstream.
    pub(crate) fn uniform(projects: u64) -> Self {
        Self {
            groups: 1,
            list_pages: projects.div_ceil(PAGE).max(1),
            newest: projects,
            details: projects,
            jobs: projects,
            bridges: projects,
            job_pages: 0,
            followed: 0,
        }
    }

    /// Returns what the world costs that `truth` describes; downstreams may be two levels deep.
    pub(crate) fn of_expected(truth: &Value) -> Self {
        let projects = list(truth, "projects");
        let newest: Vec<&Value> = projects.iter().flat_map(|project| list(project, "pipelines")).collect();
        let with_ci = projects.iter().filter(|project| project["state"] != "no_access").count() as u64;
        let known: HashSet<u64> = newest.iter().filter_map(|pipeline| pipeline["id"].as_u64()).collect();
        let unknown: HashSet<u64> = newest
            .iter()
            .flat_map(|pipeline| list(pipeline, "downstream"))
            .filter_map(|below| below["id"].as_u64())
            .filter(|id| !known.contains(id))
            .collect();
        let found = newest.len() as u64;
        Self {
            newest: with_ci,
            details: found,
            jobs: found,
            bridges: found,
            job_pages: newest.iter().map(|pipeline| further_job_pages(pipeline)).sum(),
            followed: 2 * unknown.len() as u64,
            ..Self::uniform(projects.len() as u64)
        }
    }

    /// Reads the terms off the server's counters. Jobs are read of the projects' own pipelines only, so what details
    /// and bridges are more than those is of downstreams.
    pub(crate) fn of_stats(stats: &Value) -> Self {
        let counts: HashMap<&str, u64> = stats["by_kind"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(kind, count)| Some((kind.as_str(), count.as_u64()?)))
            .collect();
        let count = |kind: &str| counts.get(kind).copied().unwrap_or(0);
        let job_pages = stats["further_pages"]["jobs"].as_u64().unwrap_or(0);
        let own = count("jobs") - job_pages;
        let (details, bridges) = (own.min(count("pipeline")), own.min(count("bridges")));
        Self {
            groups: count("group"),
            list_pages: count("group_projects"),
            newest: count("pipelines"),
            details,
            jobs: own,
            bridges,
            job_pages,
            followed: count("pipeline") - details + count("bridges") - bridges,
        }
    }

    pub(crate) fn total(&self) -> u64 {
        let Self { groups, list_pages, newest, details, jobs, bridges, job_pages, followed } = self;
        groups + list_pages + newest + details + jobs + bridges + job_pages + followed
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Counts the pages that a pipeline's attempts at jobs fill beyond the first.
fn further_job_pages(pipeline: &Value) -> u64 {
    let jobs = list(pipeline, "stages").iter().flat_map(|stage| list(stage, "jobs"));
    let attempts: u64 = jobs.filter(|job| job["kind"] == "job").filter_map(|job| job["attempts"].as_u64()).sum();
    attempts.div_ceil(PAGE).saturating_sub(1)
}
