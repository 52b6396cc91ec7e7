//! Turns what was read of an environment into series.

use super::counter_book::CountedRuns;
use super::families as family;
use super::metric_store::{MetricStore, SeriesLabels, SeriesOwner, owner};
use super::status_word::set_status;
use crate::collect::exported::environment::EnvironmentReadout;
use crate::domain::id::JobId;

/// Returns what the series of an environment belong to.
pub fn environment_owner(project: &str, name: &str) -> SeriesOwner {
    owner(&["environment", project, name])
}

/// Takes over a reading of an environment. `known_job` is the job of the deployment that was known before.
pub fn show_environment(
    store: &mut MetricStore,
    project: &str,
    (readout, known_job): (&EnvironmentReadout, JobId),
    is_sparse: bool,
) {
    let environment = &readout.environment;
    let owner = environment_owner(project, &environment.name);
    store.begin();
    let names = [("project", project), ("environment", environment.name.as_str())];
    let labels = SeriesLabels { identity: &[], labels: &names };
    let last = environment.last.as_ref();
    let deployed_at = last.and_then(|last| last.created_at).unwrap_or_default();
    let behind = readout.latest.committed_at.map_or(0, |at| at.saturating_sub(deployed_at).max(0));
    let job = last.map_or(JobId(0), |last| last.job);
    let counted = store.counted(&family::ENVIRONMENT_DEPLOYMENT_COUNT, &owner, &[]);
    let counted = counted.unwrap_or(CountedRuns { value: 0.0, last_id: 0 });
    let is_new = job > known_job.max(JobId(counted.last_id));
    let deployments =
        CountedRuns { value: counted.value + f64::from(u8::from(is_new)), last_id: job.0.max(counted.last_id) };
    store.set_counter(&family::ENVIRONMENT_DEPLOYMENT_COUNT, &owner, labels, deployments);
    let values = [
        (&family::ENVIRONMENT_BEHIND_COMMITS_COUNT, readout.commits_behind as f64),
        (&family::ENVIRONMENT_BEHIND_DURATION_SECONDS, behind as f64),
        (&family::ENVIRONMENT_DEPLOYMENT_DURATION_SECONDS, last.and_then(|last| last.duration).unwrap_or_default()),
        (&family::ENVIRONMENT_DEPLOYMENT_JOB_ID, job.0 as f64),
        (&family::ENVIRONMENT_DEPLOYMENT_TIMESTAMP, deployed_at as f64),
    ];
    for (family, value) in values {
        store.set(family, &owner, labels, value);
    }
    let status = last.map_or("", |last| last.status.as_str());
    set_status(store, &family::ENVIRONMENT_DEPLOYMENT_STATUS, &owner, (labels, status), is_sparse);
    let id = environment.id.0.to_string();
    let information = [
        ("project", project),
        ("environment", environment.name.as_str()),
        ("environment_id", id.as_str()),
        ("external_url", environment.external_url.as_str()),
        ("kind", last.map_or("", |last| last.kind.word())),
        ("ref", last.map_or("", |last| last.ref_name.as_str())),
        ("latest_commit_short_id", readout.latest.short_id.as_str()),
        ("current_commit_short_id", last.map_or("", |last| last.commit.as_str())),
        ("available", if environment.is_available { "true" } else { "false" }),
        ("username", last.map_or("", |last| last.username.as_str())),
    ];
    let labels = SeriesLabels { identity: &[], labels: &information };
    store.set(&family::ENVIRONMENT_INFORMATION, &owner, labels, 1.0);
    store.remove_unset(&owner);
}
