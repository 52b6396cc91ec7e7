//! The series of a status: one for the word that applies, or one for each word.

use super::families::FamilySpec;
use super::metric_store::{MetricStore, SeriesLabels, SeriesOwner};

/// The words that have a series. One that GitLab adds, such as `canceling`, has none.
const WORDS: [&str; 13] = [
    "created",
    "waiting_for_resource",
    "preparing",
    "pending",
    "running",
    "success",
    "failed",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
    "error",
    "success_with_warnings",
];

/// Sets the series of a status. `is_sparse`: the words that do not apply have none.
pub(super) fn set_status(
    store: &mut MetricStore,
    family: &'static FamilySpec,
    owner: &SeriesOwner,
    (labels, status): (SeriesLabels<'_>, &str),
    is_sparse: bool,
) {
    for word in WORDS {
        let mut identity = labels.identity.to_vec();
        identity.push(word);
        if is_sparse && word != status {
            store.unset(family, owner, &identity);
            continue;
        }
        let mut all = labels.labels.to_vec();
        all.push(("status", word));
        let value = f64::from(u8::from(word == status));
        store.set(family, owner, SeriesLabels { identity: &identity, labels: &all }, value);
    }
}
