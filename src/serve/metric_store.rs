//! The series of the exporter's families, by what they are about. A scrape only writes them down: their text is made when
//! a value comes.

use super::counter_book::{CountedRuns, CounterBook};
use super::families::{self, FamilySpec};
use crate::render::exposition::{MetricsFormat, label_text, write_header, write_series};
use crate::text::sanitise::sanitise;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// What a series is about: all of a ref's, or of an environment's, go together.
pub type SeriesOwner = Arc<str>;

/// What tells a series from others of its family: its owner, and the values of further labels. It is whole, where the
/// exporter that this one replaces keeps a checksum of 32 bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeriesKey {
    pub owner: SeriesOwner,
    pub rest: Box<str>,
}

#[derive(Debug)]
struct StoredSeries {
    /// `a="x",b="y"`.
    labels: Box<str>,
    value: f64,
    /// Which pass has set it last.
    pass: u64,
}

/// A series that is set: its labels, and which of their values tell it from others of its owner.
#[derive(Debug, Clone, Copy)]
pub struct SeriesLabels<'a> {
    pub identity: &'a [&'a str],
    pub labels: &'a [(&'static str, &'a str)],
}

/// All series of all families, up to a number of them.
#[derive(Debug)]
pub struct MetricStore {
    families: BTreeMap<&'static str, BTreeMap<SeriesKey, StoredSeries>>,
    counters: CounterBook,
    most: usize,
    count: usize,
    dropped: u64,
    pass: u64,
}

impl MetricStore {
    /// Makes an empty one that takes so many series.
    pub fn new(most: usize) -> Self {
        Self { families: BTreeMap::new(), counters: CounterBook::new(most), most, count: 0, dropped: 0, pass: 0 }
    }

    /// Returns how many series there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns how many series a family has.
    pub fn count(&self, family: &'static FamilySpec) -> usize {
        self.families.get(family.name).map_or(0, BTreeMap::len)
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns how many series were refused because there were too many.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Begins to set all series of an owner again.
    pub fn begin(&mut self) {
        self.pass += 1;
    }

    /// Removes the series of an owner that were not set since the last `begin`.
    pub fn remove_unset(&mut self, owner: &SeriesOwner) {
        let pass = self.pass;
        self.retain(owner, |series| series.pass == pass);
    }

    /// Removes all series of an owner.
    pub fn remove(&mut self, owner: &SeriesOwner) {
        self.retain(owner, |_| false);
    }

    fn retain(&mut self, owner: &SeriesOwner, keeps: impl Fn(&StoredSeries) -> bool) {
        for series in self.families.values_mut() {
            let from = SeriesKey { owner: Arc::clone(owner), rest: "".into() };
            let of_owner = series.range(from..).take_while(|(key, _)| key.owner == *owner);
            let gone: Vec<SeriesKey> =
                of_owner.filter(|(_, series)| !keeps(series)).map(|(key, _)| key.clone()).collect();
            self.count -= gone.len();
            for key in gone {
                series.remove(&key);
            }
        }
    }

    /// Returns the counters, those of series that are gone among them.
    pub fn counters(&mut self) -> &mut CounterBook {
        &mut self.counters
    }

    /// Returns what a counter has come to, also where its series is gone or was an earlier process's.
    pub(super) fn counted(
        &self,
        family: &'static FamilySpec,
        owner: &SeriesOwner,
        identity: &[&str],
    ) -> Option<CountedRuns> {
        let kept = self.counters.get(family.name, &SeriesKey { owner: Arc::clone(owner), rest: joined(identity) });
        let live = || self.get(family, owner, identity).map(|value| CountedRuns { value, last_id: 0 });
        kept.or_else(live)
    }

    /// Sets a counter, and the newest pipeline or job that it counts.
    pub(super) fn set_counter(
        &mut self,
        family: &'static FamilySpec,
        owner: &SeriesOwner,
        labels: SeriesLabels<'_>,
        counted: CountedRuns,
    ) {
        let key = SeriesKey { owner: Arc::clone(owner), rest: joined(labels.identity) };
        self.counters.set(family.name, &key, counted);
        self.set(family, owner, labels, counted.value);
    }

    /// Returns a value.
    pub fn get(&self, family: &'static FamilySpec, owner: &SeriesOwner, identity: &[&str]) -> Option<f64> {
        let key = SeriesKey { owner: Arc::clone(owner), rest: joined(identity) };
        Some(self.families.get(family.name)?.get(&key)?.value)
    }

    /// Sets a value. Where there are too many series, a new one is refused and counted.
    pub fn set(&mut self, family: &'static FamilySpec, owner: &SeriesOwner, labels: SeriesLabels<'_>, value: f64) {
        let series = self.families.entry(family.name).or_default();
        let key = SeriesKey { owner: Arc::clone(owner), rest: joined(labels.identity) };
        let pass = self.pass;
        let text = || label_text(labels.labels.iter().copied()).into();
        if let Some(known) = series.get_mut(&key) {
            *known = StoredSeries { labels: text(), value, pass };
        } else if self.count < self.most {
            series.insert(key, StoredSeries { labels: text(), value, pass });
            self.count += 1;
        } else {
            self.dropped += 1;
        }
    }

    /// Removes a series.
    pub fn unset(&mut self, family: &'static FamilySpec, owner: &SeriesOwner, identity: &[&str]) {
        let key = SeriesKey { owner: Arc::clone(owner), rest: joined(identity) };
        let Some(series) = self.families.get_mut(family.name) else { return };
        self.count -= usize::from(series.remove(&key).is_some());
    }

    /// Writes every family that has a series. In OpenMetrics a counter must end in `_total`: without that, one that keeps
    /// its name is of unknown kind there.
    pub(crate) fn write(&self, (format, has_totals): (MetricsFormat, bool), out: &mut dyn Write) -> io::Result<()> {
        let (counter, total) = match (format, has_totals) {
            (MetricsFormat::PrometheusText, _) => ("counter", ""),
            (MetricsFormat::OpenMetrics, true) => ("counter", "_total"),
            (MetricsFormat::OpenMetrics, false) => ("unknown", ""),
        };
        for family in families::ALL {
            let Some(series) = self.families.get(family.name).filter(|series| !series.is_empty()) else { continue };
            let (kind, suffix) = if family.is_counter { (counter, total) } else { ("gauge", "") };
            write_header((family.name, kind, family.help), format, out)?;
            for (key, stored) in series {
                let shown = family.is_counter.then(|| self.counters.shown(family.name, key)).flatten();
                write_series((family.name, suffix), &stored.labels, shown.unwrap_or(stored.value), out)?;
            }
        }
        Ok(())
    }
}

/// Joins values as they are written: two foreign texts that become the same harmless one would else be one line twice, and
/// a scraper refuses the whole page for it. No harmless text has the separator.
fn joined(identity: &[&str]) -> Box<str> {
    identity.iter().map(|value| sanitise(value)).collect::<Vec<_>>().join("\u{0}").into()
}

/// Names a counter of the server's own, by the values of its labels.
pub(super) fn own_key(values: &[String]) -> SeriesKey {
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    SeriesKey { owner: "itself".into(), rest: joined(&values) }
}

/// Returns the values of its labels.
pub(super) fn own_values(rest: &str) -> Vec<String> {
    rest.split('\u{0}').map(str::to_owned).collect()
}

/// Names what a series is about, by what is written of it.
pub(super) fn owner(parts: &[&str]) -> SeriesOwner {
    joined(parts).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::families::{PIPELINE_ID, PIPELINE_RUN_COUNT};

    fn text(store: &MetricStore) -> String {
        let mut out = Vec::new();
        store.write((MetricsFormat::PrometheusText, false), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn set(store: &mut MetricStore, name: &str, value: f64) {
        let owner = owner(&["ref", "acme/api", "branch", name]);
        let labels = [("project", "acme/api"), ("ref", name)];
        store.set(&PIPELINE_ID, &owner, SeriesLabels { identity: &[], labels: &labels }, value);
    }

    #[test]
    fn two_names_that_are_written_alike_are_one_series() {
        let mut store = MetricStore::new(10);
        for name in ["main", "ma\u{200b}in", "ma\u{feff}in"] {
            set(&mut store, name, 7.0);
        }
        let lines = text(&store);
        assert_eq!(lines.lines().filter(|line| !line.starts_with('#')).count(), 1, "{lines}");
    }

    #[test]
    fn what_is_hostile_stays_in_its_label() {
        let mut store = MetricStore::new(10);
        set(&mut store, "a\"} 1\ngitlab_ci_pipeline_id{ref=\"b", 7.0);
        let lines = text(&store);
        let series: Vec<&str> = lines.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(series.len(), 1, "{lines}");
        assert!(series[0].ends_with("} 7") && series[0].contains("a\\\"} 1"), "{lines}");
    }

    #[test]
    fn there_are_no_more_series_than_permitted_and_what_was_refused_is_counted() {
        let mut store = MetricStore::new(2);
        for name in ["a", "b", "c", "a"] {
            set(&mut store, name, 1.0);
        }
        assert_eq!((store.len(), store.dropped()), (2, 1));
        store.remove(&owner(&["ref", "acme/api", "branch", "a"]));
        set(&mut store, "c", 1.0);
        assert_eq!((store.len(), store.dropped()), (2, 1), "{}", text(&store));
    }

    #[test]
    fn what_was_not_set_again_is_gone_and_others_stay() {
        let mut store = MetricStore::new(10);
        set(&mut store, "a", 1.0);
        set(&mut store, "b", 1.0);
        store.begin();
        let a = owner(&["ref", "acme/api", "branch", "a"]);
        store.set(&PIPELINE_RUN_COUNT, &a, SeriesLabels { identity: &[], labels: &[("ref", "a")] }, 3.0);
        store.remove_unset(&a);
        assert_eq!(store.get(&PIPELINE_RUN_COUNT, &a, &[]), Some(3.0));
        assert_eq!(store.get(&PIPELINE_ID, &a, &[]), None);
        assert_eq!((store.len(), store.is_empty()), (2, false));
    }
}
