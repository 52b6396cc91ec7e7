//! The counters of a server, from one process to the next.

use super::place::HistoryPlace;
use super::store::{HistoryError, HistoryStore, SECONDS_PER_DAY};
use crate::domain::fact::UnixSeconds;
use crate::domain::saved_counter::SavedCounter;
use rusqlite::{Row, params};

/// What no server has saved for so long is forgotten: each saves all of its counters every day.
const FORGOTTEN: i64 = 90 * SECONDS_PER_DAY;

/// Returns what a server has saved in a file that cannot be opened because there is no room on its disk.
pub fn counters_without_room(place: &HistoryPlace, scope: &str) -> Result<Vec<SavedCounter>, HistoryError> {
    HistoryStore::open_whole(place)?.saved_counters(scope)
}

impl HistoryStore {
    /// Returns what a server has saved.
    pub fn saved_counters(&self, scope: &str) -> Result<Vec<SavedCounter>, HistoryError> {
        let sql = "SELECT family, owner, rest, value, last_id FROM saved_counter WHERE scope = ?1";
        let counter = |row: &Row<'_>| {
            Ok(SavedCounter {
                family: row.get(0)?,
                owner: row.get(1)?,
                rest: row.get(2)?,
                value: row.get(3)?,
                last_id: row.get::<_, i64>(4)?.cast_unsigned(),
            })
        };
        self.ask(|connection| connection.prepare_cached(sql)?.query_map([scope], counter)?.collect())
    }

    /// Saves all or none. A value that is lower than what is saved changes nothing. Says whether a new file has taken the
    /// place of a damaged one, so that nothing else is saved.
    pub fn save_counters(
        &mut self,
        scope: &str,
        counters: &[SavedCounter],
        now: UnixSeconds,
    ) -> Result<bool, HistoryError> {
        self.write_or_replace(now, |transaction| {
            let sql = "INSERT INTO saved_counter VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET \
                       value = max(value, excluded.value), last_id = max(last_id, excluded.last_id), \
                       saved_at = max(saved_at, excluded.saved_at)";
            let mut write = transaction.prepare_cached(sql)?;
            for SavedCounter { family, owner, rest, value, last_id } in counters {
                write.execute(params![scope, owner, family, rest, value, last_id.cast_signed(), now])?;
            }
            Ok(())
        })
    }

    /// Forgets what no server has saved for long.
    pub fn forget_counters(&mut self, now: UnixSeconds) -> Result<(), HistoryError> {
        let sql = "DELETE FROM saved_counter WHERE saved_at < ?1";
        self.transaction(|transaction| transaction.execute(sql, [now.saturating_sub(FORGOTTEN)])).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(rest: &str, value: f64) -> SavedCounter {
        let (family, owner) = ("runs".to_owned(), "ref\u{0}acme/api\u{0}main".to_owned());
        SavedCounter { family, owner, rest: rest.to_owned(), value, last_id: 7_000_000_000 }
    }

    #[test]
    fn counters_come_back_by_server_and_never_lower() {
        let folder = tempfile::tempdir().unwrap();
        let place = HistoryPlace::in_folder(folder.path(), "https://gitlab.example.com");
        let mut store = HistoryStore::open(&place, 0).unwrap();
        store.save_counters("a", &[counter("push\u{0}", 3.0), counter("schedule\u{0}", 1.5)], 1000).unwrap();
        store.save_counters("b", &[counter("push\u{0}", 40.0)], 1000).unwrap();
        store.save_counters("a", &[counter("push\u{0}", 2.0)], 1001).unwrap();
        drop(store);
        let mut store = HistoryStore::open(&place, 0).unwrap();
        assert_eq!(store.saved_counters("a").unwrap(), [counter("push\u{0}", 3.0), counter("schedule\u{0}", 1.5)]);
        assert_eq!(store.saved_counters("b").unwrap(), [counter("push\u{0}", 40.0)]);
        assert_eq!(store.saved_counters("c").unwrap(), []);
        store.save_counters("a", &[counter("push\u{0}", 4.0)], 1001 + FORGOTTEN).unwrap();
        store.forget_counters(1001 + FORGOTTEN).unwrap();
        assert_eq!(store.saved_counters("a").unwrap(), [counter("push\u{0}", 4.0)], "what was not saved for long");
        assert_eq!(store.saved_counters("b").unwrap(), []);
    }

    #[test]
    fn a_file_that_is_damaged_or_gone_is_begun_again_and_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let place = HistoryPlace::in_folder(folder.path(), "https://gitlab.example.com");
        let mut store = HistoryStore::open(&place, 0).unwrap();
        assert!(!store.save_counters("a", &[counter("x", 3.0)], 0).unwrap());
        crate::history::place::set_aside(store.file(), 1).unwrap();
        assert!(store.save_counters("a", &[counter("y", 4.0)], 0).unwrap());
        assert!(!store.save_counters("a", &[counter("z", 5.0)], 0).unwrap());
        assert_eq!(store.saved_counters("a").unwrap(), [counter("y", 4.0), counter("z", 5.0)]);
    }
}
