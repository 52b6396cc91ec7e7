//! The values of all counters: they outlive their series, and the process.
//!
//! A scraper takes a lower value for a start from nothing, and counts all of it once more. So where counters are saved, a
//! value is shown only after it was: whatever ends the process, the next one goes on at what was shown or above.

use super::metric_store::SeriesKey;
use crate::domain::saved_counter::{SaveEnd, SavedCounter};
use std::collections::BTreeMap;

/// A counter's value, and the newest pipeline or job that it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountedRuns {
    pub value: f64,
    pub last_id: u64,
}

#[derive(Debug, Clone, Copy)]
struct CounterEntry {
    /// What it had come to when the process started.
    base: f64,
    counted: CountedRuns,
    /// What was saved last, and can be shown.
    shown: f64,
    is_saved: bool,
}

/// Counters by family and what they are about.
#[derive(Debug)]
pub struct CounterBook {
    families: BTreeMap<String, BTreeMap<SeriesKey, CounterEntry>>,
    most: usize,
    count: usize,
    /// Whether they are saved, and that works.
    waits: bool,
}

impl CounterBook {
    /// Makes an empty one that keeps so many. What is beyond them is counted, but not kept.
    pub(super) fn new(most: usize) -> Self {
        Self { families: BTreeMap::new(), most, count: 0, waits: false }
    }

    /// Takes over what an earlier process has saved. From now on what is shown is what is saved.
    pub fn restore(&mut self, saved: Vec<SavedCounter>) {
        self.waits = true;
        for SavedCounter { family, owner, rest, value, last_id } in saved {
            let key = SeriesKey { owner: owner.into(), rest: rest.into() };
            let counted = CountedRuns { value, last_id };
            let entry = CounterEntry { base: value, counted, shown: value, is_saved: true };
            self.insert(&family, key, entry);
        }
    }

    fn insert(&mut self, family: &str, key: SeriesKey, entry: CounterEntry) {
        if self.count < self.most {
            let before = self.families.entry(family.into()).or_default().insert(key, entry);
            self.count += usize::from(before.is_none());
        }
    }

    fn entry(&self, family: &str, key: &SeriesKey) -> Option<&CounterEntry> {
        self.families.get(family)?.get(key)
    }

    /// Returns what a counter has come to, whether it is shown or not.
    pub(super) fn get(&self, family: &str, key: &SeriesKey) -> Option<CountedRuns> {
        self.entry(family, key).map(|entry| entry.counted)
    }

    /// Returns what is shown of a counter; `None` of one that is not kept.
    pub(super) fn shown(&self, family: &str, key: &SeriesKey) -> Option<f64> {
        self.entry(family, key).map(|entry| if self.waits { entry.shown } else { entry.counted.value })
    }

    pub(super) fn set(&mut self, family: &str, key: &SeriesKey, counted: CountedRuns) {
        match self.families.get_mut(family).and_then(|counters| counters.get_mut(key)) {
            Some(entry) => {
                entry.is_saved &= entry.counted == counted;
                entry.counted = counted;
            }
            None => {
                let entry = CounterEntry { base: 0.0, counted, shown: 0.0, is_saved: false };
                self.insert(family, key.clone(), entry);
            }
        }
    }

    /// Adds what was counted since the start to what an earlier process had counted, and returns what is shown of it.
    pub(super) fn follow(&mut self, family: &str, key: &SeriesKey, since_start: f64) -> f64 {
        let base = self.entry(family, key).map_or(0.0, |entry| entry.base);
        self.set(family, key, CountedRuns { value: base + since_start, last_id: 0 });
        self.shown(family, key).unwrap_or(since_start)
    }

    /// Returns what is shown of each counter of a family, by what tells them apart.
    pub(super) fn of_family(&self, family: &str) -> impl Iterator<Item = (&str, f64)> {
        let shown = |entry: &CounterEntry| if self.waits { entry.shown } else { entry.counted.value };
        self.families.get(family).into_iter().flatten().map(move |(key, entry)| (&*key.rest, shown(entry)))
    }

    /// Returns the counters that were not saved as they are; `with_saved` all.
    pub(super) fn unsaved(&self, with_saved: bool) -> Vec<SavedCounter> {
        let of_family = |(family, counters): (&String, &BTreeMap<SeriesKey, CounterEntry>)| {
            let unsaved = counters.iter().filter(|(_, entry)| with_saved || !entry.is_saved);
            let saved = |(key, entry): (&SeriesKey, &CounterEntry)| SavedCounter {
                family: family.clone(),
                owner: key.owner.to_string(),
                rest: key.rest.to_string(),
                value: entry.counted.value,
                last_id: entry.counted.last_id,
            };
            unsaved.map(saved).collect::<Vec<_>>()
        };
        self.families.iter().flat_map(of_family).collect()
    }

    /// Notes how saving has ended. As long as it fails, what is counted is shown at once: a counter that halts would say
    /// that nothing happens.
    pub(super) fn saved(&mut self, batch: &[SavedCounter], end: SaveEnd) {
        let was_shown = !self.waits;
        self.waits = match end {
            SaveEnd::Saved | SaveEnd::SavedInNewFile => true,
            SaveEnd::Failed => false,
            SaveEnd::Late => self.waits,
        };
        if end == SaveEnd::SavedInNewFile {
            self.families.values_mut().flat_map(BTreeMap::values_mut).for_each(|entry| entry.is_saved = false);
        }
        if !matches!(end, SaveEnd::Saved | SaveEnd::SavedInNewFile) {
            return;
        }
        if was_shown {
            // Up to here everything was shown as it is.
            let entries = self.families.values_mut().flat_map(BTreeMap::values_mut);
            entries.for_each(|entry| entry.shown = entry.shown.max(entry.counted.value));
        }
        for SavedCounter { family, owner, rest, value, last_id } in batch {
            let key = SeriesKey { owner: owner.as_str().into(), rest: rest.as_str().into() };
            let entry = self.families.get_mut(family.as_str()).and_then(|counters| counters.get_mut(&key));
            if let Some(entry) = entry {
                entry.shown = entry.shown.max(*value);
                entry.is_saved = entry.counted == CountedRuns { value: *value, last_id: *last_id };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(rest: &str) -> SeriesKey {
        SeriesKey { owner: "ref".into(), rest: rest.into() }
    }

    fn runs(value: f64) -> CountedRuns {
        CountedRuns { value, last_id: 7 }
    }

    #[test]
    fn what_is_saved_is_shown_and_while_saving_fails_what_is_counted() {
        let mut book = CounterBook::new(10);
        book.set("runs", &key("a"), runs(3.0));
        assert_eq!(book.shown("runs", &key("a")), Some(3.0), "nothing is saved, so nothing is waited for");
        book.restore(Vec::new());
        assert_eq!(book.shown("runs", &key("a")), Some(0.0));
        let cases = [
            ("it was not known in time", SaveEnd::Late, 0.0, 1),
            ("the disk is full", SaveEnd::Failed, 3.0, 1),
            ("it was saved", SaveEnd::Saved, 3.0, 0),
            ("the file was begun again", SaveEnd::SavedInNewFile, 3.0, 0),
        ];
        for (sentence, end, shown, unsaved) in cases {
            let batch = book.unsaved(end == SaveEnd::SavedInNewFile);
            book.saved(&batch, end);
            assert_eq!(book.shown("runs", &key("a")), Some(shown), "{sentence}");
            assert_eq!(book.unsaved(false).len(), unsaved, "{sentence}");
        }
        book.set("runs", &key("a"), runs(4.0));
        let batch = book.unsaved(false);
        book.set("runs", &key("a"), runs(5.0));
        book.saved(&batch, SaveEnd::Saved);
        assert_eq!((book.shown("runs", &key("a")), book.unsaved(false).len()), (Some(4.0), 1), "it went on meanwhile");
        book.set("runs", &key("b"), runs(1.0));
        let batch = book.unsaved(false);
        book.saved(&batch[..1], SaveEnd::SavedInNewFile);
        assert_eq!(book.unsaved(false).len(), 1, "all that a new file lacks");
    }

    #[test]
    fn what_an_earlier_process_has_counted_is_the_base_of_what_this_one_counts() {
        let mut book = CounterBook::new(2);
        let saved = |rest: &str| SavedCounter {
            family: "runs".into(),
            owner: "ref".into(),
            rest: rest.into(),
            value: 40.0,
            last_id: 7,
        };
        book.restore(vec![saved("a"), saved("b"), saved("c")]);
        assert_eq!(book.follow("runs", &key("a"), 2.0), 40.0, "it is not saved yet");
        let batch = book.unsaved(false);
        book.saved(&batch, SaveEnd::Saved);
        assert_eq!(book.follow("runs", &key("a"), 2.0), 42.0);
        assert_eq!(book.get("runs", &key("b")), Some(runs(40.0)));
        assert_eq!(book.follow("runs", &key("c"), 2.0), 2.0, "there are too many to keep");
    }
}
