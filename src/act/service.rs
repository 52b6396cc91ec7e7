//! Performing actions while something else is shown: one after the other, each once, in the order in which they were asked.

use super::perform;
use super::plan::PlannedAction;
use crate::domain::project::Failure;
use crate::domain::status::Status;
use crate::gitlab::client::{ActionResult, Client, Purpose};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

/// What became of an action.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionEnd {
    /// GitLab did it: the pipeline or job that it answered with; a retried job has a new id.
    Done { id: u64, status: Status },
    /// It was certainly not done.
    Refused(Failure),
    /// It was sent, and nothing says whether it was done.
    Unsure(Failure),
}

/// An action, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionOutcome {
    pub planned: PlannedAction,
    pub end: ActionEnd,
}

/// Performs what is asked until the sender is dropped. `time` is how long one action may take.
pub async fn run(
    client: Client,
    time: Duration,
    mut asked: UnboundedReceiver<PlannedAction>,
    outcomes: UnboundedSender<ActionOutcome>,
) {
    while let Some(planned) = asked.recv().await {
        let client = client.for_purpose(Purpose::Act, Instant::now() + time);
        let end = match perform(&client, &planned).await {
            ActionResult::Done(answer) => ActionEnd::Done { id: answer.id, status: answer.status },
            ActionResult::Refused(error) => ActionEnd::Refused(Failure::from(&error)),
            ActionResult::Unsure(error) => ActionEnd::Unsure(Failure::from(&error)),
        };
        if outcomes.send(ActionOutcome { planned, end }).is_err() {
            return;
        }
    }
}
