//! `glwatch history export`: every fact, one a line.

use crate::cli::error::CliError;
use crate::domain::delivery::DeliveryBatch;
use crate::domain::fact::{JobFact, PipelineFact};
use crate::domain::id::{DeploymentId, EnvironmentId, ProjectId};
use crate::history::store::HistoryStore;
use crate::render::{csv, ndjson};
use crate::report::history::{
    DeploymentFactEntry, FactEntry, IncidentFactEntry, JobFactEntry, MergeRequestFactEntry, PipelineFactEntry,
};
use clap::ArgMatches;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

/// What can be chosen.
pub(super) const FACTS: [&str; 5] = ["pipelines", "jobs", "deployments", "merge-requests", "incidents"];

/// Writes facts as they are read: there may be millions of them.
pub(super) fn run(matches: &ArgMatches, store: &mut HistoryStore) -> Result<(), CliError> {
    let is_csv = matches.get_one::<String>("form").is_some_and(|form| form == "csv");
    let facts = matches.get_one::<String>("facts").map(String::as_str);
    let wants = |kind: &str| facts.map_or(!is_csv || kind == "jobs", |facts| facts == kind);
    let paths = store.project_paths().map_err(CliError::History)?;
    let path = |project: ProjectId| paths.get(&project).cloned();
    let mut writer =
        FactExport { csv: is_csv.then(csv::CsvRows::default), out: BufWriter::new(io::stdout().lock()), failure: None };
    if wants("pipelines") {
        let write = |fact: PipelineFact| {
            let full_path = path(fact.project);
            writer.write(&FactEntry::Pipeline(PipelineFactEntry::new(fact, full_path)));
        };
        store.each_pipeline(write).map_err(CliError::History)?;
    }
    if wants("jobs") {
        let write = |fact: JobFact| {
            let full_path = path(fact.project);
            writer.write(&FactEntry::Job(JobFactEntry::new(fact, full_path)));
        };
        store.each_job(write).map_err(CliError::History)?;
    }
    let deliveries = store.deliveries().map_err(CliError::History)?;
    delivery_entries(deliveries, &path, &wants).for_each(|entry| writer.write(&entry));
    writer.end().map_err(CliError::Output)
}

/// Returns what is exported of the deliveries. Each deployment has its environment with it.
fn delivery_entries<'a>(
    batch: DeliveryBatch,
    path: &'a dyn Fn(ProjectId) -> Option<String>,
    wants: &dyn Fn(&str) -> bool,
) -> impl Iterator<Item = FactEntry> + 'a {
    let tiers: HashMap<(ProjectId, EnvironmentId), Option<String>> =
        batch.environments.into_iter().map(|of| ((of.project, of.id), of.tier)).collect();
    let mut brought: HashMap<(ProjectId, DeploymentId), Vec<u64>> = HashMap::new();
    for merge in batch.merges {
        brought.entry((merge.project, merge.deployment)).or_default().push(merge.iid);
    }
    let deployments = if wants("deployments") { batch.deployments } else { Vec::new() };
    let requests = if wants("merge-requests") { batch.merge_requests } else { Vec::new() };
    let incidents = if wants("incidents") { batch.incidents } else { Vec::new() };
    let deployments = deployments.into_iter().map(move |fact| {
        let tier = tiers.get(&(fact.project, fact.environment)).cloned().flatten();
        let brings = brought.get(&(fact.project, fact.id)).map_or(&[][..], Vec::as_slice);
        let full_path = path(fact.project);
        FactEntry::Deployment(DeploymentFactEntry::new(fact, full_path, tier, brings))
    });
    let requests = requests.into_iter().map(move |fact| {
        let full_path = path(fact.project);
        FactEntry::MergeRequest(MergeRequestFactEntry::new(fact, full_path))
    });
    let incidents = incidents.into_iter().map(move |fact| {
        let full_path = path(fact.project);
        FactEntry::Incident(IncidentFactEntry::new(fact, full_path))
    });
    deployments.chain(requests).chain(incidents)
}

/// Writes facts until one cannot be written.
struct FactExport {
    /// `None` for ndjson.
    csv: Option<csv::CsvRows>,
    out: BufWriter<io::StdoutLock<'static>>,
    failure: Option<io::Error>,
}

impl FactExport {
    fn write(&mut self, entry: &FactEntry) {
        if self.failure.is_some() {
            return;
        }
        let written = match (entry, &mut self.csv) {
            (FactEntry::Job(job), Some(rows)) => rows.write(job, &mut self.out),
            (FactEntry::Pipeline(pipeline), Some(rows)) => rows.write(pipeline, &mut self.out),
            (FactEntry::Deployment(deployment), Some(rows)) => rows.write(deployment, &mut self.out),
            (FactEntry::MergeRequest(request), Some(rows)) => rows.write(request, &mut self.out),
            (FactEntry::Incident(incident), Some(rows)) => rows.write(incident, &mut self.out),
            (entry, None) => ndjson::write_fact(entry, &mut self.out),
        };
        self.failure = written.err();
    }

    /// Returns what went wrong. A reader that has seen enough is no error.
    fn end(mut self) -> io::Result<()> {
        match self.failure.map_or_else(|| self.out.flush(), Err) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
