//! What is shown of refs and environments: takes over what the tracker finds, and remembers what counters need.

use super::counter_book::CounterBook;
use super::environment_metrics::{environment_owner, show_environment};
use super::families as family;
use super::metric_store::{MetricStore, SeriesLabels, SeriesOwner};
use super::ref_metrics::{RefMemory, ShownRef, ref_owner, show_ref};
use crate::collect::exported::tracker::{TrackerCounts, TrackerNews};
use crate::domain::tracking::Compatibility;
use crate::domain::usage::Usage;
use std::collections::HashMap;

/// The exporter's state.
#[derive(Debug)]
pub struct ExporterState {
    store: MetricStore,
    memories: HashMap<SeriesOwner, RefMemory>,
    compatibility: Compatibility,
    counts: TrackerCounts,
    read: u64,
    failed: u64,
}

impl ExporterState {
    /// Makes an empty one that takes so many series.
    pub fn new(most_series: usize, compatibility: Compatibility) -> Self {
        Self {
            store: MetricStore::new(most_series),
            memories: HashMap::new(),
            compatibility,
            counts: TrackerCounts::default(),
            read: 0,
            failed: 0,
        }
    }

    pub fn store(&self) -> &MetricStore {
        &self.store
    }

    /// Returns all counters, those about the server itself among them.
    pub fn counters(&mut self) -> &mut CounterBook {
        self.store.counters()
    }

    /// Returns what is tracked.
    pub fn counts(&self) -> TrackerCounts {
        self.counts
    }

    /// Returns how many refs and environments could not be read since the start.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Takes over what the tracker has found.
    pub fn take(&mut self, news: TrackerNews) {
        match news {
            TrackerNews::Ref { project, tracked, rules, readouts, told } => {
                self.read += 1;
                let shown =
                    ShownRef { project: &project, tracked: &tracked, rules: &rules, compatibility: self.compatibility };
                let memory = self.memories.entry(shown.owner()).or_default();
                show_ref(&mut self.store, shown, memory, (&readouts, &told));
            }
            TrackerNews::RefGone { project, tracked } => {
                let owner = ref_owner(&project, &tracked);
                self.store.remove(&owner);
                self.memories.remove(&owner);
            }
            TrackerNews::Environment { project, rules, readout, known_job } => {
                self.read += 1;
                show_environment(&mut self.store, &project, (&readout, known_job), rules.is_sparse);
            }
            TrackerNews::EnvironmentGone { project, name } => self.store.remove(&environment_owner(&project, &name)),
            TrackerNews::Failed { project, failure } => {
                tracing::warn!(%project, %failure, "could not be read for the metrics");
                self.failed += 1;
            }
            TrackerNews::Looked(counts) => self.counts = counts,
        }
    }

    /// Sets the series about the exporter itself.
    pub fn show_itself(&mut self, usage: &Usage) {
        let owner: SeriesOwner = "itself".into();
        let series = self.store.len() as f64;
        let values = [
            (&family::GCPE_CURRENTLY_QUEUED_TASKS_COUNT, self.counts.due as f64),
            (&family::GCPE_ENVIRONMENTS_COUNT, self.counts.environments as f64),
            (&family::GCPE_EXECUTED_TASKS_COUNT, self.read as f64),
            (&family::GCPE_GITLAB_API_REQUESTS_COUNT, usage.requests as f64),
            (&family::GCPE_GITLAB_API_REQUESTS_LIMIT, usage.limit.unwrap_or_default() as f64),
            (&family::GCPE_GITLAB_API_REQUESTS_REMAINING, usage.remaining.unwrap_or_default() as f64),
            (&family::GCPE_METRICS_COUNT, series),
            (&family::GCPE_PROJECTS_COUNT, self.counts.projects as f64),
            (&family::GCPE_REFS_COUNT, self.counts.refs as f64),
        ];
        for (family, value) in values {
            self.store.set(family, &owner, SeriesLabels { identity: &[], labels: &[] }, value);
        }
    }
}
