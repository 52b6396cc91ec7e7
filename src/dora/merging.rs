//! Successes of one pipeline to one environment are one deployment.

use super::known::{BroughtMerge, ProductionEvent};
use crate::domain::fact::UnixSeconds;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A deployment: has the number, time and commit of the success that finished last, and the merge requests of all.
#[derive(Debug, Clone)]
pub(super) struct MergedDeployment {
    pub last: ProductionEvent,
    pub merges: Vec<Arc<BroughtMerge>>,
    /// The first success ever of its environment.
    pub is_baseline: bool,
}

/// Puts events in the order in which they finished; of those of one second, by their number.
pub(super) fn in_order(mut events: Vec<ProductionEvent>) -> Vec<ProductionEvent> {
    events.sort_by_key(|event| (event.finished_at, event.id));
    events
}

/// Merges successes in order, and returns deployments in order.
///
/// They are one only while no other success of the environment lies between them, else a rollback by GitLab's button,
/// which runs a job of the old pipeline, would vanish; and while each follows within the window, else a job that is run
/// again weeks later would move the deployment. `window` is `None` where nothing is merged.
pub(super) fn merge(
    successes: Vec<ProductionEvent>,
    window: Option<i64>,
    begun_before: &HashSet<Arc<str>>,
) -> Vec<MergedDeployment> {
    let mut places: HashMap<Arc<str>, Vec<MergedDeployment>> = HashMap::new();
    for mut success in in_order(successes) {
        let of_place = places.entry(Arc::clone(&success.place)).or_default();
        let merges = std::mem::take(&mut success.merges);
        let before = of_place.last_mut().filter(|before| is_one(&before.last, &success, window));
        match before {
            Some(before) => {
                before.merges.extend(merges);
                before.last = success;
            }
            None => {
                let is_baseline = window.is_some() && of_place.is_empty() && !begun_before.contains(&success.place);
                of_place.push(MergedDeployment { last: success, merges, is_baseline });
            }
        }
    }
    let mut deployments: Vec<MergedDeployment> = places.into_values().flatten().collect();
    for deployment in &mut deployments {
        let mut seen: HashSet<u64> = HashSet::new();
        deployment.merges.retain(|merge| seen.insert(merge.iid));
    }
    deployments.sort_by_key(|deployment| deployment.order());
    deployments
}

fn is_one(before: &ProductionEvent, next: &ProductionEvent, window: Option<i64>) -> bool {
    let is_near = |window| next.finished_at.saturating_sub(before.finished_at) <= window;
    before.pipeline.is_some() && before.pipeline == next.pipeline && window.is_some_and(is_near)
}

impl MergedDeployment {
    pub(super) fn order(&self) -> (UnixSeconds, u64) {
        (self.last.finished_at, self.last.id)
    }
}
