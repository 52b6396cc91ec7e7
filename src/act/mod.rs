//! Acts on pipelines and jobs. A plan is made without a request; one function performs it.

pub mod hooks;
pub mod plan;
pub mod rights;
pub mod service;

use self::plan::PlannedAction;
use crate::domain::id::ProjectRef;
pub use crate::gitlab::client::{Action, ActionSubject};
use crate::gitlab::client::{ActionResult, Client};

/// Performs a planned action. It is sent once, whatever becomes of it.
pub async fn perform(client: &Client, planned: &PlannedAction) -> ActionResult {
    client.act(&ProjectRef::Id(planned.target.project), planned.action, planned.subject()).await
}
