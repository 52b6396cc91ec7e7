//! The digest for Markdown: rows that need attention first, with the jobs that caused it; the rest below.

use super::culprits;
use super::links::own_link;
use super::status::{missing, ref_label, state_message};
use super::urgency::Urgency;
use super::what;
use crate::domain::excerpt::SnapshotView;
use crate::domain::health::Counts;
use crate::domain::past::KnownPast;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::{ProjectRow, RowState, StateWord};
use crate::text::age::{age, in_zone};
use crate::text::duration::duration;
use crate::text::glyph::Mark;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The report behind `markdown`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MarkdownDigest {
    pub counts: Counts,
    /// Projects that are counted and not shown.
    pub hidden: usize,
    /// Full paths of the groups, with their addresses.
    pub groups: Vec<LinkedText>,
    /// `2026-11-20 20:00 CET`
    pub taken_at: String,
    /// What the digest lacks, in sentences; empty when it is complete.
    pub missing: Vec<String>,
    /// What needs attention, then what is under way, each in the order of the rows.
    pub first: Vec<DigestEntry>,
    /// What passed.
    pub quiet: Vec<DigestEntry>,
}

/// A text and where it leads; never anywhere but to the GitLab that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkedText {
    pub text: String,
    pub url: Option<String>,
}

/// One pipeline, or a project that shows none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DigestEntry {
    pub project: LinkedText,
    pub git_ref: String,
    /// What the glyph shows.
    pub mark: Mark,
    /// The word beside it.
    pub word: String,
    pub pipeline: Option<LinkedText>,
    /// Failed jobs, triggered pipelines, or why there is no pipeline.
    pub note: String,
    pub duration: String,
    /// How long it usually takes.
    pub usual: String,
    pub age: String,
    /// How long the ref has been red, where that is known.
    pub since: String,
}

impl MarkdownDigest {
    pub(crate) fn new(excerpt: &SnapshotView<'_>, zone: Tz) -> Self {
        let snapshot = excerpt.whole;
        let mut entries: Vec<(Urgency, DigestEntry)> =
            excerpt.rows.iter().flat_map(|row| entries(row, excerpt.past, &snapshot.host, snapshot.taken_at)).collect();
        entries.sort_by_key(|(urgency, _)| *urgency);
        let (quiet, first): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(urgency, _)| *urgency == Urgency::Quiet);
        let group = |group: &crate::domain::snapshot::Group| LinkedText {
            text: group.full_path.clone(),
            url: own_link(&snapshot.host, group.web_url.as_deref()),
        };
        Self {
            counts: Counts::of(snapshot),
            hidden: excerpt.hidden(),
            groups: snapshot.groups.iter().map(group).collect(),
            taken_at: in_zone(snapshot.taken_at, zone).format("%Y-%m-%d %H:%M %Z").to_string(),
            missing: missing(snapshot),
            first: first.into_iter().map(|(_, entry)| entry).collect(),
            quiet: quiet.into_iter().map(|(_, entry)| entry).collect(),
        }
    }
}

fn entries(row: &ProjectRow, past: &KnownPast, host: &str, now: DateTime<Utc>) -> Vec<(Urgency, DigestEntry)> {
    let project =
        LinkedText { text: row.project.full_path.clone(), url: own_link(host, row.project.web_url.as_deref()) };
    match &row.state {
        RowState::Ok(pipelines) => pipelines
            .iter()
            .map(|pipeline| (Urgency::from(&pipeline.worst()), of_pipeline(&project, pipeline, past, (host, now))))
            .collect(),
        RowState::Stale { pipelines, failure } => {
            let old = format!("as it was {} ago: {}", age(now, row.as_of), failure);
            let entry =
                |pipeline| DigestEntry { note: old.clone(), ..of_pipeline(&project, pipeline, past, (host, now)) };
            pipelines.iter().map(|pipeline| (Urgency::from(StateWord::Stale), entry(pipeline))).collect()
        }
        RowState::NoPipeline { .. } | RowState::NoAccess(_) | RowState::Error(_) => {
            let state = row.state_word();
            let entry = DigestEntry {
                project,
                git_ref: String::new(),
                mark: Mark::State(state),
                word: state.word().replace('_', " "),
                pipeline: None,
                note: state_message(&row.state).into_owned(),
                duration: String::new(),
                usual: String::new(),
                age: String::new(),
                since: String::new(),
            };
            vec![(Urgency::from(state), entry)]
        }
    }
}

fn of_pipeline(
    project: &LinkedText,
    pipeline: &Pipeline,
    past: &KnownPast,
    (host, now): (&str, DateTime<Utc>),
) -> DigestEntry {
    let usual = past.usual(pipeline.id).map(|usual| format!("~{}", duration(usual)));
    let worst = pipeline.worst();
    DigestEntry {
        project: project.clone(),
        git_ref: ref_label(pipeline),
        word: worst.word().to_owned(),
        mark: Mark::Status(worst),
        pipeline: Some(LinkedText {
            text: format!("#{}", pipeline.id),
            url: own_link(host, pipeline.web_url.as_deref()),
        }),
        note: culprits::summary(pipeline),
        duration: pipeline.duration.map(duration).unwrap_or_default(),
        usual: usual.unwrap_or_default(),
        age: pipeline.created_at.map(|then| age(now, then)).unwrap_or_default(),
        since: what::red_since(past.of_failed(pipeline)).map(|then| age(now, then)).unwrap_or_default(),
    }
}
