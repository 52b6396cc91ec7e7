//! The tables, and how a file of an earlier version becomes one of this version.

use rusqlite::{Connection, Result};

/// Marks a file as ours: "glwt". SQLite keeps it in the header (<https://sqlite.org/pragma.html#pragma_application_id>).
pub(super) const APPLICATION_ID: i32 = 0x676C_7774;

/// The step from each version to the next. A step that was released is never changed.
const STEPS: &[&str] = &[V1, V2, V3, V4, V5, V6, V7, V8];

/// Times are seconds since 1970, durations are seconds.
///
/// - `job_by_name` answers how long a job usually takes, and whether it is flaky.
/// - `job_failed` answers where else the same thing failed.
/// - `job_by_pipeline` answers what became of a pipeline, and whether an attempt was made again.
/// - `pipeline_by_ref` answers since when a ref is red.
const V1: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE project (
        id INTEGER PRIMARY KEY, full_path TEXT NOT NULL, default_branch TEXT, seen_at INTEGER NOT NULL
    );
    CREATE TABLE pipeline (
        project INTEGER NOT NULL, id INTEGER NOT NULL, iid INTEGER, ref TEXT NOT NULL, ref_kind TEXT NOT NULL,
        sha TEXT, source TEXT, author TEXT, commit_title TEXT, created_at INTEGER,
        updated_at INTEGER, status TEXT NOT NULL, started_at INTEGER, finished_at INTEGER, duration INTEGER,
        queued INTEGER, PRIMARY KEY (project, id)
    ) WITHOUT ROWID;
    CREATE INDEX pipeline_by_ref ON pipeline (project, ref, ref_kind, status, id);
    CREATE INDEX pipeline_by_time ON pipeline (coalesce(finished_at, updated_at, created_at));
    CREATE TABLE job (
        project INTEGER NOT NULL, id INTEGER NOT NULL, pipeline INTEGER NOT NULL, name TEXT NOT NULL, stage TEXT NOT NULL,
        kind TEXT NOT NULL, ref_kind TEXT NOT NULL, allow_failure INTEGER NOT NULL, created_at INTEGER, tags TEXT NOT NULL,
        finished_at INTEGER, status TEXT NOT NULL, started_at INTEGER, duration INTEGER, queued INTEGER, reason TEXT,
        PRIMARY KEY (project, id)
    ) WITHOUT ROWID;
    CREATE INDEX job_by_name ON job (project, name, ref_kind, status, finished_at);
    CREATE INDEX job_by_pipeline ON job (project, pipeline, name);
    CREATE INDEX job_failed ON job (name, reason, finished_at) WHERE status = 'failed';
    CREATE TABLE test_failure (
        project INTEGER NOT NULL, job INTEGER NOT NULL, test TEXT NOT NULL, PRIMARY KEY (project, job, test)
    ) WITHOUT ROWID;
    CREATE INDEX test_failure_by_test ON test_failure (test, project, job);
    CREATE TABLE coverage (
        project INTEGER NOT NULL, day INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY (project, day)
    ) WITHOUT ROWID;
";

/// How far the past of each project has been read (`filled.rs`): all that changed between `since` and `until`, and a
/// reading that was begun and not ended, which goes on at `open_next`.
const V2: &str = "
    CREATE TABLE fill (
        project INTEGER PRIMARY KEY, api TEXT NOT NULL, since INTEGER, until INTEGER,
        open_since INTEGER, open_until INTEGER, open_next TEXT
    );
";

/// What was deployed, what it brought and what went wrong in production, how far that was read (`deliveries.rs`), and why
/// not all could be read of a project.
const V3: &str = "
    CREATE TABLE environment (
        project INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, tier TEXT, seen_at INTEGER NOT NULL,
        PRIMARY KEY (project, id)
    ) WITHOUT ROWID;
    CREATE TABLE deployment (
        project INTEGER NOT NULL, id INTEGER NOT NULL, iid INTEGER, environment INTEGER NOT NULL,
        environment_name TEXT NOT NULL, ref TEXT, sha TEXT, pipeline INTEGER, job INTEGER, created_at INTEGER,
        updated_at INTEGER, status TEXT NOT NULL, finished_at INTEGER, merges_read INTEGER NOT NULL,
        PRIMARY KEY (project, id)
    ) WITHOUT ROWID;
    CREATE TABLE merge_request (
        project INTEGER NOT NULL, iid INTEGER NOT NULL, title TEXT NOT NULL, source_branch TEXT, labels TEXT NOT NULL,
        merged_at INTEGER, updated_at INTEGER, PRIMARY KEY (project, iid)
    ) WITHOUT ROWID;
    CREATE TABLE deployed_merge (
        project INTEGER NOT NULL, deployment INTEGER NOT NULL, iid INTEGER NOT NULL, PRIMARY KEY (project, deployment, iid)
    ) WITHOUT ROWID;
    CREATE TABLE incident (
        project INTEGER NOT NULL, iid INTEGER NOT NULL, title TEXT NOT NULL, created_at INTEGER NOT NULL,
        updated_at INTEGER, closed_at INTEGER, PRIMARY KEY (project, iid)
    ) WITHOUT ROWID;
    CREATE TABLE delivery_fill (project INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL);
    CREATE TABLE incident_fill (of_group TEXT PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE fill_gap (
        project INTEGER NOT NULL, part TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL, seen_at INTEGER NOT NULL,
        PRIMARY KEY (project, part)
    ) WITHOUT ROWID;
";

/// What delivery measures need beside: when the first commit of a merge request was made, of what kind the pipeline of a
/// deployment is, and what lies before the first deployment that is known of an environment (`starts.rs`).
const V4: &str = "
    ALTER TABLE merge_request ADD COLUMN first_commit_at INTEGER;
    ALTER TABLE merge_request ADD COLUMN commits_read INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE deployment ADD COLUMN pipeline_source TEXT;
    ALTER TABLE delivery_fill ADD COLUMN listed_at INTEGER;
    CREATE TABLE environment_start (
        project INTEGER NOT NULL, environment_name TEXT NOT NULL, first_at INTEGER NOT NULL, baseline INTEGER,
        PRIMARY KEY (project, environment_name)
    ) WITHOUT ROWID;
";

/// Counters of a server (`counters.rs`): `scope` names the server, as several may serve one host.
const V5: &str = "
    CREATE TABLE saved_counter (
        scope TEXT NOT NULL, owner TEXT NOT NULL, family TEXT NOT NULL, rest TEXT NOT NULL, value REAL NOT NULL,
        last_id INTEGER NOT NULL, saved_at INTEGER NOT NULL, PRIMARY KEY (scope, owner, family, rest)
    ) WITHOUT ROWID;
";

/// Pipelines that have ended, counted once each (`run_totals.rs`). A mark outlives the fact: what was counted is never
/// counted again.
const V6: &str = "
    CREATE TABLE counted_run (project INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (project, id)) WITHOUT ROWID;
    CREATE TABLE run_total (
        project INTEGER NOT NULL, ref_kind TEXT NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL,
        runs INTEGER NOT NULL, PRIMARY KEY (project, ref_kind, source, status)
    ) WITHOUT ROWID;
    CREATE TABLE run_time (
        project INTEGER NOT NULL, measure TEXT NOT NULL, status TEXT NOT NULL, bound INTEGER NOT NULL,
        runs INTEGER NOT NULL, seconds INTEGER NOT NULL, PRIMARY KEY (project, measure, status, bound)
    ) WITHOUT ROWID;
";

/// Indexes that hold what the questions compare, so that a question does not look at rows that are no answer:
///
/// - `job_failed` by time: what failed elsewhere is looked for within days.
/// - `pipeline_by_ref` with the end: what a pipeline builds on is the newest one that had ended.
const V7: &str = "
    DROP INDEX job_failed;
    CREATE INDEX job_failed ON job (name, finished_at, reason) WHERE status = 'failed';
    DROP INDEX pipeline_by_ref;
    CREATE INDEX pipeline_by_ref ON pipeline (project, ref, ref_kind, status, id, finished_at);
    DROP INDEX test_failure_by_test;
";

/// Merge requests where pipelines take the place of deployments: what they became, and how far their lists were read.
const V8: &str = "
    ALTER TABLE merge_request ADD COLUMN target_branch TEXT;
    ALTER TABLE merge_request ADD COLUMN merged_sha TEXT;
    CREATE TABLE merged_fill (project INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL);
";

/// The version that this program writes.
pub(super) fn newest_version() -> i32 {
    i32::try_from(STEPS.len()).unwrap_or(i32::MAX)
}

/// Returns the version of the file; 0 where it is empty.
pub(super) fn version(connection: &Connection) -> Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Makes the tables of this version out of those of `from`. The caller holds the write lock.
pub(super) fn migrate(connection: &Connection, from: i32) -> Result<()> {
    for step in STEPS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", newest_version())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::params_from_iter;
    use rusqlite::types::Value;
    use std::collections::BTreeMap;

    fn names(connection: &Connection, kind: &str) -> Vec<(String, String)> {
        let sql = "SELECT name, coalesce(sql, '') FROM sqlite_master WHERE type = ?1 ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let found = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        found.collect::<Result<_>>().unwrap()
    }

    /// Name, type, whether it must have a value, and its place in the key.
    fn columns(connection: &Connection, table: &str) -> Vec<(String, String, bool, i64)> {
        let mut statement = connection.prepare(&format!("PRAGMA table_info({table})")).unwrap();
        let found = statement.query_map([], |row| Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(5)?))).unwrap();
        found.collect::<Result<_>>().unwrap()
    }

    /// Puts a row into each table, and returns it by table.
    fn fill(connection: &Connection) -> BTreeMap<String, Vec<(String, Value)>> {
        let mut rows = BTreeMap::new();
        for (nth, (table, _)) in names(connection, "table").into_iter().enumerate() {
            let value = |kind: &str| match kind {
                "TEXT" => Value::Text(format!("text {nth}")),
                "REAL" => Value::Real(nth as f64 + 0.5),
                _ => Value::Integer(nth as i64 + 7),
            };
            let row: Vec<(String, Value)> =
                columns(connection, &table).into_iter().map(|(name, kind, ..)| (name, value(&kind))).collect();
            let places = vec!["?"; row.len()].join(", ");
            let values = row.iter().map(|(_, value)| value);
            let insert = format!("INSERT INTO {table} VALUES ({places})");
            connection.execute(&insert, params_from_iter(values)).unwrap();
            rows.insert(table, row);
        }
        rows
    }

    #[test]
    fn a_file_of_each_version_becomes_one_of_this_version_with_all_that_it_has() {
        let fresh = Connection::open_in_memory().unwrap();
        migrate(&fresh, 0).unwrap();
        for from in 1..newest_version() {
            let old = Connection::open_in_memory().unwrap();
            STEPS[..usize::try_from(from).unwrap()].iter().for_each(|step| old.execute_batch(step).unwrap());
            let rows = fill(&old);
            assert!(rows.len() > 3, "version {from}");
            migrate(&old, from).unwrap();
            assert_eq!(version(&old).unwrap(), newest_version());
            assert_eq!(names(&old, "index"), names(&fresh, "index"), "version {from}");
            let tables = |of| names(of, "table").into_iter().map(|(name, _)| name).collect::<Vec<_>>();
            assert_eq!(tables(&old), tables(&fresh), "version {from}");
            for table in tables(&fresh) {
                assert_eq!(columns(&old, &table), columns(&fresh, &table), "version {from}: {table}");
            }
            for (table, row) in rows {
                for (column, value) in row {
                    let kept =
                        old.query_row(&format!("SELECT {column} FROM {table}"), [], |row| row.get::<_, Value>(0));
                    assert_eq!(kept.unwrap(), value, "version {from}: {table}.{column}");
                }
            }
        }
    }
}
