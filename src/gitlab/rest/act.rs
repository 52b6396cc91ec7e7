//! What acts on pipelines and jobs (<https://docs.gitlab.com/api/jobs/>, <https://docs.gitlab.com/api/pipelines/>).

use super::pipeline::status;
use super::project_key;
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::status::Status;
use crate::gitlab::error::Error;
use crate::gitlab::transport::Transport;
use serde::Deserialize;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A job runs once more, under a new id; of a pipeline every job that failed or was canceled.
    Retry,
    /// What goes on is stopped.
    Cancel,
    /// A manual job is started. GitLab knows it for jobs only.
    Play,
}

impl Act {
    pub fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Play => "play",
        }
    }
}

/// What it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Pipeline(PipelineId),
    Job(JobId),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// Of the pipeline, or of the job: a new one where the job was retried.
    pub id: u64,
    pub status: Status,
    pub web_url: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    id: u64,
    status: Option<String>,
    web_url: Option<String>,
}

pub(crate) async fn send(
    transport: &Transport,
    project: &ProjectRef,
    act: Act,
    subject: Subject,
) -> Result<Acted, Error> {
    let subject = match subject {
        Subject::Pipeline(id) => format!("pipelines/{id}"),
        Subject::Job(id) => format!("jobs/{id}"),
    };
    let path = format!("projects/{}/{subject}/{}", project_key(project), act.word());
    let wire: Wire = transport.act(&path).await?.decode().map_err(Error::unsure)?;
    Ok(Acted { id: wire.id, status: status(wire.status.as_deref()), web_url: wire.web_url })
}
