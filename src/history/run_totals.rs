//! Counts pipelines that have ended, each once, whatever becomes of the facts about it: what a server shows must never
//! count less than before, and facts that are too old are removed.

use super::rows;
use super::store::{HistoryError, HistoryStore};
use crate::domain::fact::PipelineFact;
use crate::domain::id::ProjectId;
use crate::domain::run_totals::{RunMeasure, RunTimes, RunTotal, RunTotals, TIME_BOUNDS, bucket};
use rusqlite::{Connection, Row, Transaction, params};

/// Where pipelines come from, as GitLab documents it. Whatever else an answer says is one kind: labels must not be without
/// number.
const SOURCES: [&str; 18] = [
    "push",
    "web",
    "trigger",
    "schedule",
    "api",
    "external",
    "pipeline",
    "chat",
    "webide",
    "merge_request_event",
    "external_pull_request_event",
    "parent_pipeline",
    "ondemand_dast_scan",
    "ondemand_dast_validation",
    "security_orchestration_policy",
    "container_registry_push",
    "duo_workflow",
    "pipeline_execution_policy_schedule",
];
/// Pipelines that are counted in one step, so that another process gets its turn.
const STEP: usize = 2000;

impl HistoryStore {
    /// Counts the pipelines that have ended since this was asked last.
    pub fn count_runs(&mut self) -> Result<(), HistoryError> {
        loop {
            let ended = self.ask(uncounted)?;
            self.transaction(|transaction| ended.iter().try_for_each(|fact| count(transaction, fact)))?;
            if ended.len() < STEP {
                return Ok(());
            }
        }
    }

    /// Returns what was counted so far.
    pub fn run_totals(&self) -> Result<RunTotals, HistoryError> {
        self.ask(|connection| Ok(RunTotals { runs: runs(connection)?, times: times(connection)? }))
    }

    /// Returns a number that changes when something else writes to the file.
    pub fn data_version(&self) -> Result<i64, HistoryError> {
        self.ask(|connection| connection.pragma_query_value(None, "data_version", |row| row.get(0)))
    }
}

fn uncounted(connection: &Connection) -> rusqlite::Result<Vec<PipelineFact>> {
    let sql = format!(
        "SELECT {} FROM pipeline p WHERE status IN ('success', 'warning', 'failed', 'canceled', 'skipped') \
         AND NOT EXISTS (SELECT 1 FROM counted_run c WHERE c.project = p.project AND c.id = p.id) LIMIT {STEP}",
        rows::PIPELINE_COLUMNS
    );
    connection.prepare_cached(&sql)?.query_map([], rows::read_pipeline)?.collect()
}

fn count(transaction: &Transaction<'_>, fact: &PipelineFact) -> rusqlite::Result<()> {
    let project = fact.project.0.cast_signed();
    let mark = "INSERT OR IGNORE INTO counted_run VALUES (?1, ?2)";
    if transaction.prepare_cached(mark)?.execute([project, fact.id.0.cast_signed()])? == 0 {
        // Another process was faster.
        return Ok(());
    }
    let source = fact.source.as_deref().unwrap_or_default().to_lowercase();
    let source = if source.is_empty() || SOURCES.contains(&source.as_str()) { source.as_str() } else { "other" };
    let status = fact.course.status.word();
    let add = "INSERT INTO run_total VALUES (?1, ?2, ?3, ?4, 1) ON CONFLICT DO UPDATE SET runs = runs + 1";
    transaction.prepare_cached(add)?.execute(params![project, fact.ref_kind.word(), source, status])?;
    let measures = [(RunMeasure::Duration, status, fact.course.duration), (RunMeasure::Queued, "", fact.course.queued)];
    for (measure, status, seconds) in measures {
        // Longer than that is no time; the sum must stay one.
        let Some(seconds) = seconds.map(|seconds| seconds.min(u64::from(u32::MAX))) else { continue };
        let bound = TIME_BOUNDS.get(bucket(seconds)).map_or(i64::MAX, |bound| bound.cast_signed());
        let add = "INSERT INTO run_time VALUES (?1, ?2, ?3, ?4, 1, ?5) \
                   ON CONFLICT DO UPDATE SET runs = runs + 1, seconds = seconds + excluded.seconds";
        let values = params![project, measure.word(), status, bound, seconds.cast_signed()];
        transaction.prepare_cached(add)?.execute(values)?;
    }
    Ok(())
}

fn runs(connection: &Connection) -> rusqlite::Result<Vec<RunTotal>> {
    let sql = "SELECT project, ref_kind, source, status, runs FROM run_total";
    let total = |row: &Row<'_>| {
        Ok(RunTotal {
            project: ProjectId(rows::id(row, 0)?),
            ref_kind: row.get(1)?,
            source: row.get(2)?,
            status: row.get(3)?,
            count: rows::id(row, 4)?,
        })
    };
    connection.prepare_cached(sql)?.query_map([], total)?.collect()
}

fn times(connection: &Connection) -> rusqlite::Result<Vec<RunTimes>> {
    let sql = "SELECT project, measure, status, bound, runs, seconds FROM run_time ORDER BY project, measure, status";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found: Vec<RunTimes> = Vec::new();
    while let Some(row) = rows.next()? {
        let (project, status) = (ProjectId(rows::id(row, 0)?), row.get::<_, String>(2)?);
        // One of a newer version.
        let Some(measure) = RunMeasure::from_word(row.get_ref(1)?.as_str()?) else { continue };
        let (bound, count, seconds): (i64, u64, u64) = (row.get(3)?, rows::id(row, 4)?, rows::id(row, 5)?);
        let is_same = |one: &RunTimes| one.project == project && one.measure == measure && one.status == status;
        if !found.last().is_some_and(is_same) {
            found.push(RunTimes { project, measure, status, counts: [0; TIME_BOUNDS.len() + 1], seconds: 0 });
        }
        if let Some(times) = found.last_mut() {
            times.counts[bucket(bound.cast_unsigned())] += count;
            times.seconds = times.seconds.saturating_add(seconds);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::FactBatch;
    use crate::domain::status::Status;
    use crate::history::place::HistoryPlace;
    use crate::history::store::tests::pipeline_fact;

    fn fact(id: u64, status: Status, source: &str, duration: Option<u64>) -> PipelineFact {
        let mut fact = pipeline_fact(id, status);
        fact.source = Some(source.to_owned());
        (fact.course.duration, fact.course.queued) = (duration, Some(5));
        fact
    }

    #[test]
    fn a_pipeline_is_counted_once_also_after_it_is_forgotten_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = HistoryPlace::in_folder(folder.path(), "https://gitlab.example.com");
        let mut store = HistoryStore::open(&place, 0).unwrap();
        let facts = vec![
            fact(1, Status::Success, "push", Some(40)),
            fact(2, Status::Success, "PUSH", Some(100_000)),
            fact(3, Status::Failed, "a source without end", None),
            fact(4, Status::Running, "push", None),
        ];
        let batch = FactBatch { pipelines: facts, ..FactBatch::default() };
        for _ in 0..2 {
            store.write(&batch, 0).unwrap();
            store.count_runs().unwrap();
            store.count_runs().unwrap();
            store.prune(i64::MAX).unwrap();
        }
        let RunTotals { mut runs, times } = store.run_totals().unwrap();
        runs.sort_by(|one, other| one.status.cmp(&other.status));
        let counted: Vec<(&str, &str, u64)> =
            runs.iter().map(|one| (one.source.as_str(), one.status.as_str(), one.count)).collect();
        assert_eq!(counted, [("other", "failed", 1), ("push", "success", 2)]);
        let of = |measure| times.iter().find(|one| one.measure == measure).unwrap();
        let duration = of(RunMeasure::Duration);
        assert_eq!((duration.counts, duration.seconds), ([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1], 100_040));
        assert_eq!((of(RunMeasure::Queued).counts[0], of(RunMeasure::Queued).seconds), (3, 15));
        store
            .write(&FactBatch { pipelines: vec![fact(4, Status::Success, "push", Some(1))], ..FactBatch::default() }, 0)
            .unwrap();
        store.count_runs().unwrap();
        assert_eq!(store.run_totals().unwrap().runs.iter().map(|one| one.count).sum::<u64>(), 4);
    }
}
