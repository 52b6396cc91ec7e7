//! Which pipelines of a project a list is to show: the filters that REST and GraphQL have in common.

use std::collections::HashSet;

use super::listed_pipeline::ListedPipeline;
use super::plan::{Pipeline, USERS};
use super::status::is_complete;

/// What a caller asked for; `None` asks for everything.
#[derive(Debug, Default)]
pub(crate) struct PipelineFilter<'a> {
    /// Child pipelines are listed only when this says `parent_pipeline`.
    pub(crate) source: Option<&'a str>,
    pub(crate) ref_name: Option<&'a str>,
    pub(crate) sha: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) username: Option<&'a str>,
    pub(crate) status: Option<&'a str>,
    pub(crate) scope: Option<ListScope>,
    pub(crate) updated_after: Option<i64>,
    pub(crate) updated_before: Option<i64>,
    pub(crate) created_after: Option<i64>,
    pub(crate) created_before: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListScope {
    Running,
    Pending,
    Finished,
    /// These two are answered with the newest pipeline of each branch or tag.
    Branches,
    Tags,
}

impl ListScope {
    pub(crate) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "running" => Self::Running,
            "pending" => Self::Pending,
            "finished" => Self::Finished,
            "branches" => Self::Branches,
            "tags" => Self::Tags,
            _ => return None,
        })
    }
}

impl PipelineFilter<'_> {
    /// Drops what was not asked for from a list that has the newest pipeline first.
    pub(crate) fn keep(&self, found: &mut Vec<ListedPipeline<'_>>, now: i64) {
        found.retain(|item| self.by_history(item).unwrap_or_else(|| self.has(item, now)));
        if matches!(self.scope, Some(ListScope::Branches | ListScope::Tags)) {
            let mut seen = HashSet::new();
            found.retain(|item| seen.insert(item.ref_name.clone()));
        }
    }

    /// Answers from the history alone, where that is possible: it spares the playing of weeks.
    fn by_history(&self, item: &ListedPipeline<'_>) -> Option<bool> {
        let (_, _, past) = item.past()?;
        let settled = item.settled()?;
        let outside = self.source.is_some_and(|wanted| wanted != past.kind.source())
            || self.name.is_some()
            || self.username.is_some_and(|wanted| wanted != USERS[past.user].0)
            || self.created_after.is_some_and(|limit| past.created <= limit)
            || self.created_before.is_some_and(|limit| past.created >= limit)
            || self.updated_after.is_some_and(|limit| settled <= limit)
            || self.updated_before.is_some_and(|limit| past.created >= limit);
        let certain = self.ref_name.is_none()
            && self.sha.is_none()
            && self.status.is_none()
            && self.scope.is_none()
            && self.updated_after.is_none_or(|limit| past.created > limit)
            && self.updated_before.is_none_or(|limit| settled < limit);
        if outside { Some(false) } else { certain.then_some(true) }
    }

    fn has(&self, pipeline: &Pipeline, now: i64) -> bool {
        let is = |wanted: Option<&str>, word: &str| wanted.is_none_or(|wanted| wanted == word);
        self.source.map_or(pipeline.source != "parent_pipeline", |source| pipeline.source == source)
            && is(self.ref_name, &pipeline.ref_name)
            && is(self.sha, &pipeline.sha)
            && self.name.is_none_or(|wanted| pipeline.name.as_deref() == Some(wanted))
            && is(self.username, USERS[pipeline.user].0)
            && self.status.is_none_or(|wanted| pipeline.status(now) == wanted)
            && self.updated_after.is_none_or(|limit| pipeline.updated(now) > limit)
            && self.updated_before.is_none_or(|limit| pipeline.updated(now) < limit)
            && self.created_after.is_none_or(|limit| pipeline.created > limit)
            && self.created_before.is_none_or(|limit| pipeline.created < limit)
            && self.scope.is_none_or(|scope| scope.has(pipeline, now))
    }
}

impl ListScope {
    fn has(self, pipeline: &Pipeline, now: i64) -> bool {
        match self {
            Self::Running => pipeline.status(now) == "running",
            Self::Pending => pipeline.status(now) == "pending",
            Self::Finished => is_complete(&pipeline.status(now)) && pipeline.status(now) != "skipped",
            Self::Branches | Self::Tags => {
                pipeline.tag == (self == Self::Tags) && !pipeline.ref_name.starts_with("refs/")
            }
        }
    }
}
