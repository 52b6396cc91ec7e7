//! The state of the groups as flat records: one per pipeline, or one for a project that shows none.
//!
//! Fields have the names and values of the JSON contract, as text; null is empty.

use super::contract::{PipelineEntry, ProjectEntry, StatusDocument};

/// What a record can say of a pipeline and its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CsvField {
    FullPath,
    Ref,
    RefKind,
    Status,
    Worst,
    Id,
    Stages,
    DurationS,
    CreatedAt,
    User,
    CommitTitle,
    Source,
    Coverage,
    QueuedS,
    State,
    Error,
    WebUrl,
    ProjectId,
    Iid,
    Sha,
    StartedAt,
    FinishedAt,
    UpdatedAt,
    FailureReason,
    AsOf,
    UsualS,
    Since,
    RedSince,
    Attribution,
    What,
}

impl CsvField {
    /// All, in the order of `wide` and then what it has no room for. Scripts count on it: new ones go to the end.
    pub(crate) const ALL: [Self; 30] = [
        Self::FullPath,
        Self::Ref,
        Self::RefKind,
        Self::Status,
        Self::Worst,
        Self::Id,
        Self::Stages,
        Self::DurationS,
        Self::CreatedAt,
        Self::User,
        Self::CommitTitle,
        Self::Source,
        Self::Coverage,
        Self::QueuedS,
        Self::State,
        Self::Error,
        Self::WebUrl,
        Self::ProjectId,
        Self::Iid,
        Self::Sha,
        Self::StartedAt,
        Self::FinishedAt,
        Self::UpdatedAt,
        Self::FailureReason,
        Self::AsOf,
        Self::UsualS,
        Self::Since,
        Self::RedSince,
        Self::Attribution,
        Self::What,
    ];

    /// Returns its name; where project and pipeline have a field of the same name, the plain one is the pipeline's.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullPath => "full_path",
            Self::Ref => "ref",
            Self::RefKind => "ref_kind",
            Self::Status => "status",
            Self::Worst => "worst",
            Self::Id => "id",
            Self::Stages => "stages",
            Self::DurationS => "duration_s",
            Self::CreatedAt => "created_at",
            Self::User => "user",
            Self::CommitTitle => "commit_title",
            Self::Source => "source",
            Self::Coverage => "coverage",
            Self::QueuedS => "queued_s",
            Self::State => "state",
            Self::Error => "error",
            Self::WebUrl => "web_url",
            Self::ProjectId => "project_id",
            Self::Iid => "iid",
            Self::Sha => "sha",
            Self::StartedAt => "started_at",
            Self::FinishedAt => "finished_at",
            Self::UpdatedAt => "updated_at",
            Self::FailureReason => "failure_reason",
            Self::AsOf => "as_of",
            Self::UsualS => "usual_s",
            Self::Since => "since",
            Self::RedSince => "red_since",
            Self::Attribution => "attribution",
            Self::What => "what",
        }
    }

    /// Says whether the memory adds to it.
    pub(crate) fn is_of_past(self) -> bool {
        matches!(self, Self::UsualS | Self::Since | Self::RedSince | Self::Attribution)
    }

    fn of(self, project: &ProjectEntry<'_>, pipeline: Option<&PipelineEntry<'_>>) -> String {
        match self {
            Self::FullPath => project.full_path.to_owned(),
            Self::State => project.state.to_owned(),
            Self::Error => project.error.as_ref().map(|error| error.message.to_owned()).unwrap_or_default(),
            Self::ProjectId => project.id.to_string(),
            Self::AsOf => project.as_of.clone(),
            Self::WebUrl => {
                let url = pipeline.map_or(project.web_url, |pipeline| pipeline.web_url);
                url.unwrap_or_default().to_owned()
            }
            Self::Ref
            | Self::RefKind
            | Self::Status
            | Self::Worst
            | Self::Id
            | Self::Stages
            | Self::DurationS
            | Self::CreatedAt
            | Self::User
            | Self::CommitTitle
            | Self::Source
            | Self::Coverage
            | Self::QueuedS
            | Self::Iid
            | Self::Sha
            | Self::StartedAt
            | Self::FinishedAt
            | Self::UpdatedAt
            | Self::FailureReason
            | Self::UsualS
            | Self::Since
            | Self::RedSince
            | Self::Attribution
            | Self::What => pipeline.and_then(|pipeline| self.of_pipeline(pipeline)).unwrap_or_default(),
        }
    }

    fn of_pipeline(self, pipeline: &PipelineEntry<'_>) -> Option<String> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        match self {
            Self::Ref => text(Some(pipeline.git_ref)),
            Self::RefKind => text(Some(pipeline.ref_kind)),
            Self::Status => text(Some(pipeline.status)),
            Self::Worst => text(Some(&pipeline.worst)),
            Self::Id => Some(pipeline.id.to_string()),
            Self::Stages => Some(stages(pipeline)),
            Self::DurationS => pipeline.duration_s.map(|seconds| seconds.to_string()),
            Self::CreatedAt => pipeline.created_at.clone(),
            Self::User => text(pipeline.user),
            Self::CommitTitle => text(pipeline.commit_title),
            Self::Source => text(pipeline.source),
            Self::Coverage => pipeline.coverage.map(|percent| percent.to_string()),
            Self::QueuedS => pipeline.queued_s.map(|seconds| seconds.to_string()),
            Self::WebUrl => text(pipeline.web_url),
            Self::Iid => pipeline.iid.map(|iid| iid.to_string()),
            Self::Sha => text(pipeline.sha),
            Self::StartedAt => pipeline.started_at.clone(),
            Self::FinishedAt => pipeline.finished_at.clone(),
            Self::UpdatedAt => pipeline.updated_at.clone(),
            Self::FailureReason => text(pipeline.failure_reason),
            Self::UsualS => pipeline.usual_s.map(|seconds| seconds.to_string()),
            Self::Since => pipeline.since.clone(),
            Self::RedSince => pipeline.red_since.clone(),
            Self::Attribution => text(pipeline.attribution),
            Self::What => text(Some(&pipeline.what)),
            Self::FullPath | Self::State | Self::Error | Self::ProjectId | Self::AsOf => None,
        }
    }
}

/// `build: success, test: failed`
fn stages(pipeline: &PipelineEntry<'_>) -> String {
    let stages: Vec<String> = pipeline.stages.iter().map(|stage| format!("{}: {}", stage.name, stage.status)).collect();
    stages.join(", ")
}

/// Records and the fields that each of them has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CsvRecords {
    pub fields: Vec<CsvField>,
    /// As many cells each as there are fields.
    pub rows: Vec<Vec<String>>,
}

impl CsvRecords {
    pub(crate) fn new(document: &StatusDocument<'_>, fields: Vec<CsvField>) -> Self {
        let record = |project: &ProjectEntry<'_>, pipeline: Option<&PipelineEntry<'_>>| {
            fields.iter().map(|field| field.of(project, pipeline)).collect::<Vec<_>>()
        };
        let records = |project: ProjectEntry<'_>| match project.pipelines.as_slice() {
            [] => vec![record(&project, None)],
            pipelines => pipelines.iter().map(|pipeline| record(&project, Some(pipeline))).collect(),
        };
        Self { rows: document.projects.iter().flat_map(records).collect(), fields }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_field_stands_once_in_the_list() {
        let names: HashSet<_> = CsvField::ALL.iter().map(|field| field.name()).collect();
        assert_eq!(names.len(), CsvField::ALL.len());
    }
}
