//! The format of the cache file: one line of JSON for the whole, then one for each project, so that lines can be read on
//! several cores and written one by one. Times are microseconds, durations nanoseconds; nothing is rounded that is compared later.

mod downstream;
mod failure;
mod pipeline;
mod values;

use self::failure::FailureWire;
use self::pipeline::SavedPipelineWire;
pub(super) use self::values::Unknown;
use self::values::{Result, each, micros, option, text, time};
use super::saved::{KnownFields, KnownProject, SavedProject, SavedState};
use crate::collect::batch::BatchSize;
use crate::collect::project::Remembered;
use crate::domain::id::{GroupId, ProjectId};
use crate::domain::project::{Project, RowState};
use crate::domain::snapshot::Group;
use crate::gitlab::client::Fields;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedHeadWire<'a> {
    /// The version of this form.
    pub cache: u32,
    /// The version of the program; another one may have meant something else.
    pub glwatch: Cow<'a, str>,
    pub key: Cow<'a, str>,
    /// How many lines follow.
    pub projects: usize,
    at: i64,
    machine_at: i64,
    refs: Cow<'a, [String]>,
    groups: Vec<GroupWire<'a>>,
    size: usize,
    fields: Option<(i64, Vec<Cow<'a, str>>)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct GroupWire<'a>(u64, Cow<'a, str>, Option<Cow<'a, str>>);

impl<'a> SavedHeadWire<'a> {
    pub(super) fn new(saved: &'a SavedState, cache: u32, glwatch: &'a str, key: &'a str) -> Self {
        let group = |group: &'a Group| GroupWire(group.id.0, text(&group.full_path), option(&group.web_url));
        let fields = |known: &'a KnownFields| (micros(known.at), known.fields.names().map(Cow::from).collect());
        Self {
            cache,
            glwatch: glwatch.into(),
            key: key.into(),
            projects: saved.projects.len(),
            at: micros(saved.at),
            machine_at: micros(saved.machine_at),
            refs: Cow::from(&saved.refs),
            groups: saved.groups.iter().map(group).collect(),
            size: saved.size.get(),
            fields: saved.fields.as_ref().map(fields),
        }
    }

    pub(super) fn with(self, projects: Vec<SavedProject>) -> Result<SavedState> {
        let group = |GroupWire(id, path, url): GroupWire<'_>| Group {
            id: GroupId(id),
            full_path: path.into_owned(),
            web_url: url.map(Cow::into_owned),
        };
        let fields = self.fields.map(|(at, names)| {
            let fields = Arc::new(Fields::of(names.iter().map(Cow::as_ref)));
            Ok(KnownFields { fields, at: time(at)? })
        });
        Ok(SavedState {
            at: time(self.at)?,
            machine_at: time(self.machine_at)?,
            refs: self.refs.into_owned(),
            groups: self.groups.into_iter().map(group).collect(),
            projects,
            size: BatchSize::learnt(self.size),
            fields: fields.transpose()?,
            changes: 0,
        })
    }
}

/// A project's line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedProjectWire<'a> {
    #[serde(rename = "i")]
    id: u64,
    #[serde(rename = "n")]
    name: Cow<'a, str>,
    #[serde(rename = "p")]
    full_path: Cow<'a, str>,
    #[serde(rename = "a")]
    ancestor_names: Cow<'a, [String]>,
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    web_url: Option<Cow<'a, str>>,
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    default_branch: Option<Cow<'a, str>>,
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    ci_enabled: Option<bool>,
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    as_of: Option<i64>,
    #[serde(rename = "k", skip_serializing_if = "Option::is_none")]
    known: Option<KnownWire<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
enum KnownWire<'a> {
    #[serde(rename = "p")]
    Pipelines(Vec<SavedPipelineWire<'a>>),
    #[serde(rename = "n")]
    NoPipeline(Option<bool>),
    #[serde(rename = "a")]
    NoAccess(FailureWire<'a>),
}

impl<'a> SavedProjectWire<'a> {
    pub(super) fn new(saved: &'a SavedProject) -> Self {
        let project = saved.project.as_ref();
        let base = project.web_url.as_deref();
        let known = saved.known.as_ref().and_then(|known| match known {
            KnownProject::Pipelines(whole) => {
                let pipelines = whole.iter().map(|(pipeline, links)| SavedPipelineWire::new(pipeline, links, base));
                Some((whole.as_of, KnownWire::Pipelines(pipelines.collect())))
            }
            KnownProject::Without(RowState::NoPipeline { ever_ran }, as_of) => {
                Some((*as_of, KnownWire::NoPipeline(*ever_ran)))
            }
            KnownProject::Without(RowState::NoAccess(failure), as_of) => {
                Some((*as_of, KnownWire::NoAccess(FailureWire::new(failure))))
            }
            KnownProject::Without(RowState::Ok(_) | RowState::Error(_) | RowState::Stale { .. }, _) => None,
        });
        let (as_of, known) = known.unzip();
        Self {
            id: project.id.0,
            name: text(&project.name),
            full_path: text(&project.full_path),
            ancestor_names: Cow::from(&project.ancestor_names),
            web_url: option(&project.web_url),
            default_branch: option(&project.default_branch),
            ci_enabled: project.ci_enabled,
            as_of: as_of.map(micros),
            known,
        }
    }
}

impl TryFrom<SavedProjectWire<'_>> for SavedProject {
    type Error = Unknown;

    fn try_from(wire: SavedProjectWire<'_>) -> Result<Self> {
        let project = Project {
            id: ProjectId(wire.id),
            name: wire.name.into_owned(),
            full_path: wire.full_path.into_owned(),
            ancestor_names: wire.ancestor_names.into_owned(),
            web_url: wire.web_url.map(Cow::into_owned),
            default_branch: wire.default_branch.map(Cow::into_owned),
            ci_enabled: wire.ci_enabled,
        };
        let as_of = time(wire.as_of.unwrap_or_default())?;
        let known = wire.known.map(|known| match known {
            KnownWire::Pipelines(wires) if wires.is_empty() => Err(Unknown("no pipeline".into())),
            KnownWire::Pipelines(wires) => {
                let pipelines = each(wires, |wire| wire.into_domain(project.web_url.as_deref()))?;
                let (pipelines, links): (Vec<_>, Vec<_>) = pipelines.into_iter().unzip();
                Ok(KnownProject::Pipelines(Remembered::new(pipelines.into(), links.into(), as_of)))
            }
            KnownWire::NoPipeline(ever_ran) => Ok(KnownProject::Without(RowState::NoPipeline { ever_ran }, as_of)),
            KnownWire::NoAccess(failure) => Ok(KnownProject::Without(RowState::NoAccess(failure.into()), as_of)),
        });
        let known = known.transpose()?;
        Ok(Self { project: Arc::new(project), known })
    }
}
