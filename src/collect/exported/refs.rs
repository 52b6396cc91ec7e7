//! Finds the refs of a project that are tracked.

use crate::domain::exported::{TrackedKind, TrackedRef};
use crate::domain::id::ProjectRef;
use crate::domain::tracking::{RefRules, TrackingRules};
use crate::gitlab::client::Client;
use crate::gitlab::error::Error;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// Finds all of them: branches and tags that exist, and merge requests that have pipelines.
pub async fn discover(
    client: &Client,
    project: &ProjectRef,
    rules: &TrackingRules,
    now: DateTime<Utc>,
) -> Result<BTreeSet<TrackedRef>, Error> {
    let mut refs = BTreeSet::new();
    for kind in [TrackedKind::Branch, TrackedKind::Tag, TrackedKind::MergeRequest] {
        let of_kind = rules.refs(kind);
        if !of_kind.enabled {
            continue;
        }
        let is_limited = of_kind.most_recent > 0 || of_kind.max_age.as_secs() > 0;
        if kind != TrackedKind::MergeRequest && !is_limited {
            refs.extend(existing(client, project, kind, of_kind).await?);
            continue;
        }
        let existing = match (kind, of_kind.exclude_gone) {
            (_, false) => None,
            (TrackedKind::MergeRequest, true) => Some(open_ones(client, project, of_kind).await?),
            (TrackedKind::Branch | TrackedKind::Tag, true) => Some(existing(client, project, kind, of_kind).await?),
        };
        refs.extend(from_pipelines(client, project, (kind, of_kind), existing.as_ref(), now).await?);
    }
    Ok(refs)
}

/// Lists the branches or tags that exist.
async fn existing(
    client: &Client,
    project: &ProjectRef,
    kind: TrackedKind,
    rules: &RefRules,
) -> Result<BTreeSet<TrackedRef>, Error> {
    let names = client.ref_names(project, kind).await?;
    Ok(names.into_iter().filter(|name| rules.pattern.matches(name)).map(|name| TrackedRef::new(kind, name)).collect())
}

/// Lists the merge requests that are open and whose titles fit. A project that has none to show to this token has none.
async fn open_ones(client: &Client, project: &ProjectRef, rules: &RefRules) -> Result<BTreeSet<TrackedRef>, Error> {
    let open = match client.open_merge_requests(project).await {
        Err(error) if error.is_no_access() => Vec::new(),
        open => open?,
    };
    let wanted = open.into_iter().filter(|(_, title)| rules.pattern.matches(title));
    Ok(wanted.map(|(iid, _)| TrackedRef::new(TrackedKind::MergeRequest, iid.to_string())).collect())
}

/// Lists the refs whose pipelines changed last.
async fn from_pipelines(
    client: &Client,
    project: &ProjectRef,
    (kind, rules): (TrackedKind, &RefRules),
    existing: Option<&BTreeSet<TrackedRef>>,
    now: DateTime<Utc>,
) -> Result<BTreeSet<TrackedRef>, Error> {
    let since = (!rules.max_age.is_zero()).then(|| now - rules.max_age);
    let most =
        if rules.most_recent == 0 { usize::MAX } else { usize::try_from(rules.most_recent).unwrap_or(usize::MAX) };
    let mut refs = BTreeSet::new();
    let mut page = 1;
    loop {
        let (raw_refs, has_next) = client.pipeline_refs(project, kind, (since, page)).await?;
        for raw in raw_refs {
            let tracked = TrackedRef::of_pipeline(&raw, kind == TrackedKind::Tag);
            let is_wanted = tracked.kind == kind
                && (kind == TrackedKind::MergeRequest || rules.pattern.matches(&tracked.name))
                && existing.is_none_or(|existing| existing.contains(&tracked));
            if is_wanted && refs.len() < most {
                refs.insert(tracked);
            }
        }
        if !has_next || refs.len() >= most {
            return Ok(refs);
        }
        page += 1;
    }
}
