//! The file of one host: opened, checked, written in batches.
//!
//! - Two processes may use it at once: SQLite's write-ahead log, and a wait for the other's write.
//! - A process may be killed at any moment: a batch is there as a whole or not at all.
//! - A damaged file is set aside and a new one begun; a file of a newer version, or of another program, is left alone.

use super::place::{self, HistoryPlace};
use super::{delivery_rows, rows, schema};
pub use crate::domain::fact::SECONDS_PER_DAY;
use crate::domain::fact::{FactBatch, PipelineFact, UnixSeconds};
use crate::private_file::Untrusted;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a write waits for another process. A batch takes milliseconds; a slow disk may take seconds.
const OTHER_PROCESS: Duration = Duration::from_secs(5);
const OPEN_FLAGS: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX).union(OpenFlags::SQLITE_OPEN_NOFOLLOW);
/// Between two tries to take the whole file.
const ANOTHER_TRY: Duration = Duration::from_millis(5);
/// Rows that pruning removes in one step, so that another process gets its turn.
const PRUNE_STEP: usize = 5000;

/// Why the memory of a host cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{0}")]
    Untrusted(#[from] Untrusted),
    #[error("{}: a newer glwatch wrote it (version {found}, this one knows {known})", file.display())]
    NewerVersion { file: PathBuf, found: i32, known: i32 },
    #[error("{}: another program's file", file.display())]
    NotOurs { file: PathBuf },
    #[error("{}: it is about {found}, not {wanted}", file.display())]
    OtherHost { file: PathBuf, found: String, wanted: String },
    #[error("{}: {source}", file.display())]
    Io { file: PathBuf, source: io::Error },
    #[error("{}: {source}", file.display())]
    Sqlite { file: PathBuf, source: rusqlite::Error },
}

impl HistoryError {
    /// Says whether the file itself is damaged, so that only another one helps.
    fn is_damage(&self) -> bool {
        match self {
            Self::Sqlite { source: rusqlite::Error::SqliteFailure(error, _), .. } => {
                matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            }
            Self::Sqlite { source, .. } => matches!(
                source,
                rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
                    | rusqlite::Error::InvalidColumnType(..)
            ),
            Self::Untrusted(_)
            | Self::NewerVersion { .. }
            | Self::NotOurs { .. }
            | Self::OtherHost { .. }
            | Self::Io { .. } => false,
        }
    }

    /// Says whether there was most likely no room on the disk. A file that may not grow is an I/O error for SQLite.
    pub fn is_lack_of_room(&self) -> bool {
        match self {
            Self::Sqlite { source: rusqlite::Error::SqliteFailure(error, _), .. } => {
                matches!(error.code, ErrorCode::DiskFull | ErrorCode::SystemIoFailure)
            }
            _ => false,
        }
    }
}

/// What is read and written.
#[derive(Debug)]
pub struct HistoryStore {
    connection: Connection,
    place: HistoryPlace,
    /// The file's name without links.
    file: PathBuf,
    /// What tells it from another file of this name.
    inode: Option<u64>,
    /// Where a damaged file was moved, if one was found.
    set_aside: Option<PathBuf>,
}

impl HistoryStore {
    /// Opens the file of a host, or makes it. `now` names a damaged file that is set aside.
    pub fn open(place: &HistoryPlace, now: UnixSeconds) -> Result<Self, HistoryError> {
        let file = place.prepare()?;
        match connect(place, &file) {
            Err(error) if error.is_damage() => Self::replace(place, file, now),
            connection => Ok(Self::opened(connection?, place, file, None)),
        }
    }

    /// Opens the same file once more, for another thread.
    pub fn again(&self) -> Result<Self, HistoryError> {
        let connection = connect(&self.place, &self.file)?;
        Ok(Self { connection, place: self.place.clone(), file: self.file.clone(), set_aside: None, inode: self.inode })
    }

    /// Moves a damaged file away and begins a new one, unless another process has done so.
    fn replace(place: &HistoryPlace, file: PathBuf, now: UnixSeconds) -> Result<Self, HistoryError> {
        let lost = |source| HistoryError::Io { file: file.clone(), source };
        let _lock = place::lock(&file).map_err(lost)?;
        let sound = connect(place, &file).and_then(|connection| {
            let verdict: String = connection
                .pragma_query_value(None, "quick_check", |row| row.get(0))
                .map_err(|source| HistoryError::Sqlite { file: file.clone(), source })?;
            Ok((verdict == "ok").then_some(connection))
        });
        let aside = match sound {
            Ok(Some(connection)) => {
                return Ok(Self::opened(connection, place, file, None));
            }
            Err(error) if !error.is_damage() => return Err(error),
            Ok(None) | Err(_) => place::set_aside(&file, now).map_err(lost)?,
        };
        place.prepare()?;
        Ok(Self::opened(connect(place, &file)?, place, file, Some(aside)))
    }

    fn opened(connection: Connection, place: &HistoryPlace, file: PathBuf, set_aside: Option<PathBuf>) -> Self {
        Self { connection, place: place.clone(), inode: inode(&file), file, set_aside }
    }

    /// Returns where a damaged file was moved, once.
    pub fn take_set_aside(&mut self) -> Option<PathBuf> {
        self.set_aside.take()
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Writes all facts of a batch, and that their projects were looked at, or none of it. Where the file turns out to be
    /// damaged, a new one takes its place and the batch.
    pub fn write(&mut self, batch: &FactBatch, now: UnixSeconds) -> Result<(), HistoryError> {
        let day = now.div_euclid(SECONDS_PER_DAY);
        self.write_or_replace(now, |transaction| rows::write_batch(transaction, batch, day)).map(drop)
    }

    /// Writes as a whole, and says whether a new file took the place of the one before, so that this is all that it has.
    pub(super) fn write_or_replace(
        &mut self,
        now: UnixSeconds,
        write: impl Fn(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<bool, HistoryError> {
        // Another process, or thread, may have set it aside.
        let is_moved = inode(&self.file) != self.inode;
        if is_moved {
            *self = Self::open(&self.place, now)?;
        }
        let mut written = self.transaction(&write);
        if written.as_ref().is_err_and(HistoryError::is_lack_of_room) && self.begin_log_again() {
            written = self.transaction(&write);
        }
        match written {
            Err(error) if error.is_damage() => {
                *self = Self::replace(&self.place, self.file.clone(), now)?;
                self.transaction(&write).map(|()| true)
            }
            written => written.map(|()| is_moved),
        }
    }

    /// Brings what is in the log into the file, so that the log begins again in the room that it has; says whether that
    /// worked. On a full disk what changes a number can still be written then, and only what is new cannot.
    fn begin_log_again(&self) -> bool {
        let is_kept: rusqlite::Result<i64> =
            self.connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get(0));
        matches!(is_kept, Ok(0))
    }

    /// Returns a store for one question to a file beside which there is no room: SQLite wants some of every reader that
    /// shares the file, so it is taken whole.
    pub(super) fn open_whole(place: &HistoryPlace) -> Result<Self, HistoryError> {
        let file = place.prepare()?;
        let lost = |source| HistoryError::Sqlite { file: file.clone(), source };
        let connection = Connection::open_with_flags(&file, OPEN_FLAGS).map_err(lost)?;
        connection.busy_timeout(OTHER_PROCESS).map_err(lost)?;
        connection.pragma_update(None, "locking_mode", "exclusive").map_err(lost)?;
        check(&connection, &file)?;
        Ok(Self::opened(connection, place, file, None))
    }

    /// Says whether a pipeline is known as this fact has it, or better.
    pub(super) fn has_pipeline(&self, fact: &PipelineFact) -> Result<bool, HistoryError> {
        let known = self.ask(|connection| rows::pipeline(connection, fact.project, fact.id))?;
        Ok(known.is_some_and(|known| known.clone().merge(fact.clone()) == known))
    }

    /// Removes what ended longer than `keep` seconds ago, unless that was done less than a day before `now`.
    pub fn prune_daily(&mut self, now: UnixSeconds, keep: i64) -> Result<(), HistoryError> {
        let query = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'pruned_at'";
        let last: Option<i64> = self.ask(|connection| connection.query_row(query, [], |row| row.get(0)).optional())?;
        if last.is_some_and(|last| (last..last.saturating_add(SECONDS_PER_DAY)).contains(&now)) {
            return Ok(());
        }
        self.prune(now.saturating_sub(keep))?;
        self.transaction(|transaction| {
            transaction.execute("INSERT OR REPLACE INTO meta VALUES ('pruned_at', ?1)", [now.to_string()])
        })?;
        Ok(())
    }

    /// Removes what ended before `limit`, in steps, and returns how many rows it were.
    pub fn prune(&mut self, limit: UnixSeconds) -> Result<usize, HistoryError> {
        let mut removed = 0;
        for step in &prune_steps() {
            loop {
                let now = self.transaction(|transaction| transaction.execute(step, [limit]))?;
                removed += now;
                if now < PRUNE_STEP {
                    break;
                }
            }
        }
        removed += self.transaction(|transaction| delivery_rows::prune(transaction, limit))?;
        // What is gone has to be read again where it is wanted again.
        self.transaction(|transaction| rows::forget_filled(transaction, limit))?;
        Ok(removed)
    }

    /// Runs one write as a whole. The lock is taken first: a read that becomes a write cannot wait for another process.
    pub(super) fn transaction<T>(
        &mut self,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        let lost = |source| HistoryError::Sqlite { file: self.file.clone(), source };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(lost)?;
        let outcome = write(&transaction).map_err(lost)?;
        transaction.commit().map_err(lost)?;
        Ok(outcome)
    }

    /// Asks something.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, HistoryError> {
        question(&self.connection).map_err(|source| HistoryError::Sqlite { file: self.file.clone(), source })
    }
}

fn inode(file: &Path) -> Option<u64> {
    fs::metadata(file).ok().map(|facts| facts.ino())
}

/// Returns what removes old facts; each is repeated until it removes less than a step.
fn prune_steps() -> [String; 4] {
    let old = "coalesce(finished_at, updated_at, created_at, 0) < ?1";
    [
        format!(
            "DELETE FROM job WHERE (project, id) IN (SELECT j.project, j.id FROM pipeline p JOIN job j \
             ON j.project = p.project AND j.pipeline = p.id \
             WHERE coalesce(p.finished_at, p.updated_at, p.created_at) < ?1 LIMIT {PRUNE_STEP})"
        ),
        format!(
            "DELETE FROM pipeline WHERE (project, id) IN (SELECT project, id FROM pipeline WHERE {old} LIMIT {PRUNE_STEP})"
        ),
        format!(
            "DELETE FROM test_failure WHERE (project, job, test) IN (SELECT t.project, t.job, t.test FROM test_failure t \
             LEFT JOIN job j ON j.project = t.project AND j.id = t.job WHERE j.id IS NULL AND ?1 = ?1 LIMIT {PRUNE_STEP})"
        ),
        format!(
            "DELETE FROM coverage WHERE (project, day) IN (SELECT project, day FROM coverage \
             WHERE day < ?1 / {SECONDS_PER_DAY} LIMIT {PRUNE_STEP})"
        ),
    ]
}

/// Opens the file and brings it to this version.
fn connect(place: &HistoryPlace, file: &Path) -> Result<Connection, HistoryError> {
    let lost = |source| HistoryError::Sqlite { file: file.to_owned(), source };
    let mut connection = Connection::open_with_flags(file, OPEN_FLAGS).map_err(lost)?;
    connection.busy_timeout(OTHER_PROCESS).map_err(lost)?;
    connection.set_prepared_statement_cache_capacity(64);
    let version = check(&connection, file)?;
    // A batch of the last moments may be lost with the machine's power, never with the process.
    write_ahead(&connection).map_err(lost)?;
    connection.pragma_update(None, "synchronous", "normal").map_err(lost)?;
    if version < schema::newest_version() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(lost)?;
        // Another process may have been faster.
        let version = check(&transaction, file)?;
        if version < schema::newest_version() {
            schema::migrate(&transaction, version).map_err(lost)?;
            let host = "INSERT OR IGNORE INTO meta VALUES ('host', ?1)";
            transaction.execute(host, [&place.host]).map_err(lost)?;
        }
        transaction.commit().map_err(lost)?;
    }
    let found: String =
        connection.query_row("SELECT value FROM meta WHERE key = 'host'", [], |row| row.get(0)).map_err(lost)?;
    if found != place.host {
        return Err(HistoryError::OtherHost { file: file.to_owned(), found, wanted: place.host.clone() });
    }
    Ok(connection)
}

/// Makes a file write-ahead that is not yet. SQLite takes it whole for that and does not wait for others, although it was
/// told how long to: two processes that begin a file at once would meet here.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == ErrorCode::DatabaseBusy && begun.elapsed() < OTHER_PROCESS =>
            {
                std::thread::sleep(ANOTHER_TRY);
            }
            outcome => return outcome,
        }
    }
}

/// Returns the version of a file of ours.
fn check(connection: &Connection, file: &Path) -> Result<i32, HistoryError> {
    let lost = |source| HistoryError::Sqlite { file: file.to_owned(), source };
    // Of one moment: another process may be making the tables.
    let reading = connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose().map_err(lost)?;
    let version = schema::version(connection).map_err(lost)?;
    let program: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(lost)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(lost)?;
    let is_new = version == 0 && program == 0 && tables == 0;
    if !is_new && program != schema::APPLICATION_ID {
        return Err(HistoryError::NotOurs { file: file.to_owned() });
    }
    let known = schema::newest_version();
    if version > known {
        return Err(HistoryError::NewerVersion { file: file.to_owned(), found: version, known });
    }
    reading.map_or(Ok(()), Transaction::finish).map_err(lost)?;
    Ok(version)
}

#[cfg(test)]
pub(crate) mod tests;
