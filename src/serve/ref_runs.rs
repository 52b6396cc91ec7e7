//! Counts the pipelines of a ref: those that were read, and those that only a list has told.

use crate::domain::exported::{PipelineReadout, ToldRuns};
use crate::domain::id::PipelineId;
use crate::domain::tracking::Compatibility;
use std::collections::BTreeMap;

/// What is remembered of the pipelines of a ref.
#[derive(Debug, Default)]
pub(super) struct RunMemory {
    /// The newest that was counted.
    last: Option<PipelineId>,
    /// Every source that was counted, with the variables that were shown with it last.
    sources: BTreeMap<String, String>,
}

/// What a counter is about, and what comes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunsOfSource {
    pub source: String,
    pub variables: String,
    pub more: u64,
    /// The newest that is known of them, new or not.
    pub newest: Option<PipelineId>,
}

impl RunMemory {
    /// Takes over a reading, and returns every counter of the ref that is shown. `counted` says which pipeline an earlier
    /// process has counted last for a source and its variables.
    ///
    /// What is there when the ref is first seen is not counted: it would look like a run of that moment.
    pub(super) fn count(
        &mut self,
        (readouts, told): (&[PipelineReadout], &ToldRuns),
        compatibility: Compatibility,
        counted: impl Fn(&str, &str) -> Option<PipelineId>,
    ) -> Vec<RunsOfSource> {
        let before = self.last;
        let mut counters = CountedSources::default();
        for PipelineReadout { pipeline, .. } in readouts {
            let last = match compatibility {
                // The exporter takes what it has read before in the same reading for what was there before.
                Compatibility::Strict => self.last,
                Compatibility::Corrected => before,
            };
            let last = last.or_else(|| counted(&pipeline.source, &pipeline.variables));
            let is_new = last.is_some_and(|last| last < pipeline.id);
            counters.add((&pipeline.source, &pipeline.variables), Some(pipeline.id), is_new);
            self.last = self.last.max(Some(pipeline.id));
            self.sources.insert(pipeline.source.clone(), pipeline.variables.clone());
        }
        if let Some(before) = before.filter(|_| compatibility == Compatibility::Corrected) {
            self.count_told((readouts, told), before, &mut counters);
        }
        counters.0.into_values().collect()
    }

    /// Counts what is newer than the last that was known and was not read, and adds the sources to which nothing comes: what
    /// was counted stays true when the newest pipeline has another source.
    fn count_told(
        &mut self,
        (readouts, told): (&[PipelineReadout], &ToldRuns),
        before: PipelineId,
        counters: &mut CountedSources,
    ) {
        // Where no pipeline is left, nothing of the ref is shown.
        let Some(newest) = readouts.last() else { return };
        let is_read = |id: PipelineId| readouts.iter().any(|readout| readout.pipeline.id == id);
        for (id, source) in told.iter().filter(|(id, _)| **id > before && !is_read(**id)) {
            let source = source.as_ref().unwrap_or(&newest.pipeline.source);
            let variables = self.sources.entry(source.clone()).or_default();
            counters.add((source, variables), Some(*id), true);
            self.last = self.last.max(Some(*id));
        }
        for (source, variables) in &self.sources {
            counters.add((source, variables), None, false);
        }
    }
}

/// The counters of a ref, by source and variables.
#[derive(Debug, Default)]
struct CountedSources(BTreeMap<(String, String), RunsOfSource>);

impl CountedSources {
    fn add(&mut self, (source, variables): (&str, &str), id: Option<PipelineId>, is_new: bool) {
        let key = (source.to_owned(), variables.to_owned());
        let (source, variables) = key.clone();
        let runs = self.0.entry(key).or_insert(RunsOfSource { source, variables, more: 0, newest: None });
        runs.more += u64::from(is_new);
        runs.newest = runs.newest.max(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exported::ExportedPipeline;

    fn read(id: u64, source: &str, variables: &str) -> PipelineReadout {
        let pipeline = ExportedPipeline {
            id: PipelineId(id),
            status: "success".to_owned(),
            source: source.to_owned(),
            variables: variables.to_owned(),
            coverage: None,
            duration: None,
            queued: None,
            updated_at: None,
        };
        PipelineReadout { pipeline, jobs: None, tests: None }
    }

    fn told(runs: &[(u64, &str)]) -> ToldRuns {
        let source = |source: &str| (!source.is_empty()).then(|| source.to_owned());
        runs.iter().map(|(id, word)| (PipelineId(*id), source(word))).collect()
    }

    /// Returns what all readings have added, by source and variables.
    fn counts(
        compatibility: Compatibility,
        counted: Option<u64>,
        readings: &[(Vec<PipelineReadout>, ToldRuns)],
    ) -> Vec<(String, u64)> {
        let (mut memory, mut all) = (RunMemory::default(), BTreeMap::new());
        for (readouts, told) in readings {
            let found = memory.count((readouts, told), compatibility, |_, _| counted.map(PipelineId));
            for runs in found {
                let name = [runs.source, runs.variables].join(" ").trim_end().to_owned();
                *all.entry(name).or_insert(0) += runs.more;
            }
        }
        all.into_iter().collect()
    }

    #[test]
    fn every_pipeline_is_counted_once_for_its_own_source() {
        use Compatibility::{Corrected, Strict};
        let push = |id| vec![read(id, "push", "")];
        let schedule = |id| vec![read(id, "schedule", "")];
        let with = |id, variables| vec![read(id, "push", variables)];
        let none = || told(&[]);
        let cases = [
            ("first seen", Corrected, None, vec![(push(5), told(&[(4, "push"), (5, "push")]))], vec![("push", 0)]),
            (
                "read again",
                Corrected,
                None,
                vec![(push(5), none()), (push(5), told(&[(5, "push")]))],
                vec![("push", 0)],
            ),
            ("a new one", Corrected, None, vec![(push(5), none()), (push(6), none())], vec![("push", 1)]),
            (
                "three that a list has told",
                Corrected,
                None,
                vec![(push(5), none()), (push(8), told(&[(6, "push"), (7, "push"), (8, "push")]))],
                vec![("push", 3)],
            ),
            (
                "two pushes and then a schedule",
                Corrected,
                None,
                vec![(push(5), none()), (schedule(8), told(&[(6, "push"), (7, "push"), (8, "schedule")]))],
                vec![("push", 2), ("schedule", 1)],
            ),
            (
                "the same told twice, with what was counted before",
                Corrected,
                None,
                vec![
                    (push(5), none()),
                    (push(7), told(&[(6, "push"), (7, "push")])),
                    (push(8), told(&[(5, "push"), (6, "push"), (7, "push"), (8, "push")])),
                ],
                vec![("push", 3)],
            ),
            (
                "a source that no list tells is the newest one's",
                Corrected,
                None,
                vec![(push(5), none()), (schedule(7), told(&[(6, ""), (7, "")]))],
                vec![("push", 0), ("schedule", 2)],
            ),
            (
                "a source that was never read",
                Corrected,
                None,
                vec![(push(5), none()), (push(7), told(&[(6, "web"), (7, "push")]))],
                vec![("push", 1), ("web", 1)],
            ),
            (
                "two that are read at once",
                Corrected,
                None,
                vec![(push(5), none()), ([push(6), schedule(7)].concat(), told(&[(6, "push")]))],
                vec![("push", 1), ("schedule", 1)],
            ),
            (
                "several at first sight",
                Corrected,
                None,
                vec![([push(4), push(5)].concat(), none()), ([push(4), push(5)].concat(), none())],
                vec![("push", 0)],
            ),
            (
                "the newest was deleted, and came no more",
                Corrected,
                None,
                vec![(push(5), none()), (push(4), none()), (push(4), none()), (push(6), told(&[(6, "push")]))],
                vec![("push", 1)],
            ),
            (
                "the newest of three was deleted before it was read",
                Corrected,
                None,
                vec![(push(5), none()), (push(6), told(&[(6, "push"), (7, "push"), (8, "schedule")]))],
                vec![("push", 2), ("schedule", 1)],
            ),
            ("all are gone", Corrected, None, vec![(push(5), none()), (Vec::new(), none())], vec![("push", 0)]),
            ("an earlier process has counted it", Corrected, Some(5), vec![(push(5), none())], vec![("push", 0)]),
            ("one began while none ran", Corrected, Some(4), vec![(push(5), none())], vec![("push", 1)]),
            (
                "each with variables of its own",
                Corrected,
                None,
                vec![(with(5, "A:1"), none()), (with(7, "A:2"), told(&[(6, "push"), (7, "push")]))],
                vec![("push A:1", 0), ("push A:2", 2)],
            ),
            (
                "as the exporter counts",
                Strict,
                None,
                vec![(push(5), none()), (schedule(8), told(&[(6, "push"), (7, "push"), (8, "schedule")]))],
                vec![("push", 0), ("schedule", 1)],
            ),
        ];
        for (sentence, compatibility, counted, readings, expected) in cases {
            let found = counts(compatibility, counted, &readings);
            let found: Vec<(&str, u64)> = found.iter().map(|(name, more)| (name.as_str(), *more)).collect();
            assert_eq!(found, expected, "{sentence}");
        }
    }
}
