//! How the list was left: what the next view of the same groups begins with.

use super::app::App;
use crate::domain::health::RowOrder;
use crate::domain::id::{PipelineId, ProjectId};
use crate::text::sanitise::sanitise;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// More folded groups or muted projects than these are not kept.
const MOST: usize = 10_000;
/// Characters of a filter.
const FILTER: usize = 1000;

/// What is remembered of the list of projects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RememberedView {
    /// `None` where the settings of the run decide.
    pub sort: Option<String>,
    reverse: bool,
    flat: bool,
    folded: BTreeSet<String>,
    last_filter: String,
    /// Projects and the pipeline that is no news, until the next one.
    muted: BTreeMap<u64, Option<u64>>,
}

impl RememberedView {
    /// Returns how the list is now.
    pub fn of(app: &App) -> Self {
        let list = &app.overview;
        let muted = list.muted.iter().map(|(project, pipeline)| (project.0, pipeline.map(|pipeline| pipeline.0)));
        Self {
            sort: RowOrder::ALL.iter().find(|(_, order)| *order == list.order).map(|(word, _)| (*word).to_owned()),
            reverse: list.is_reversed,
            flat: list.is_flat,
            folded: list.folded.iter().take(MOST).cloned().collect(),
            last_filter: app.last_filter.clone(),
            muted: muted.take(MOST).collect(),
        }
    }

    /// Makes the list so; words that are none are left out.
    pub fn restore(self, app: &mut App) {
        let list = &mut app.overview;
        let order = RowOrder::ALL.iter().find(|(word, _)| Some(*word) == self.sort.as_deref());
        if let Some((_, order)) = order {
            list.order = *order;
        }
        (list.is_reversed, list.is_flat) = (self.reverse, self.flat);
        list.folded = self.folded.into_iter().take(MOST).collect();
        let muted = self.muted.into_iter().take(MOST);
        list.muted.extend(muted.map(|(project, pipeline)| (ProjectId(project), pipeline.map(PipelineId))));
        app.last_filter = sanitise(&self.last_filter).chars().take(FILTER).collect();
        app.arrange();
    }
}
