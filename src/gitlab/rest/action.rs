//! Actions on pipelines and jobs (<https://docs.gitlab.com/api/jobs/>, <https://docs.gitlab.com/api/pipelines/>).

use super::pipeline::status;
use super::project_key;
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::status::Status;
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::transport::Transport;
use reqwest::Method;
use serde::Deserialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Runs a job once more, under a new id; of a pipeline every job that failed or was canceled.
    Retry,
    /// Stops what is active.
    Cancel,
    /// Starts a manual job.
    Play,
}

impl Action {
    pub fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Play => "play",
        }
    }

    /// Says whether GitLab knows the action for whole pipelines, too.
    pub fn takes_pipelines(self) -> bool {
        match self {
            Self::Retry | Self::Cancel => true,
            Self::Play => false,
        }
    }
}

/// The pipeline or job that an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionSubject {
    Pipeline(PipelineId),
    Job(JobId),
}

/// What became of an action.
#[derive(Debug)]
pub enum ActionResult {
    /// GitLab did it.
    Done(ActionAnswer),
    /// It was certainly not done.
    Refused(Error),
    /// It was sent, and nothing says whether it was done.
    Unsure(Error),
}

impl ActionResult {
    /// Says whether the token is refused as a whole, so that no further action can succeed.
    pub fn ends_plan(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_fatal())
    }
}

/// GitLab's answer to an action that it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionAnswer {
    /// Of the pipeline, or of the job: a new one where the job was retried.
    pub id: u64,
    pub status: Status,
    pub web_url: Option<String>,
}

#[derive(Deserialize)]
struct ActionWire {
    id: u64,
    status: Option<String>,
    web_url: Option<String>,
}

/// Sends an action, once.
pub(crate) async fn send(
    transport: &Transport,
    project: &ProjectRef,
    action: Action,
    subject: ActionSubject,
) -> ActionResult {
    let subject = match subject {
        ActionSubject::Pipeline(id) => format!("pipelines/{id}"),
        ActionSubject::Job(id) => format!("jobs/{id}"),
    };
    let path = format!("projects/{}/{subject}/{}", project_key(project), action.word());
    let sent = transport.send_once(Method::POST, &path, None).await;
    match sent.and_then(|answer| answer.decode::<ActionWire>().map_err(Error::unsure)) {
        Ok(ActionWire { id, status: word, web_url }) => {
            ActionResult::Done(ActionAnswer { id, status: status(word.as_deref()), web_url })
        }
        Err(error) if matches!(error.kind, Kind::Unsure(_)) => ActionResult::Unsure(error),
        Err(error) => ActionResult::Refused(error),
    }
}
