//! Requests of which only the refusal matters: may the token read commits and its own user?

use super::{encode, project_key};
use crate::domain::id::ProjectRef;
use crate::gitlab::error::Error;
use crate::gitlab::transport::Transport;

pub(crate) async fn commit(transport: &Transport, project: &ProjectRef, sha: &str) -> Result<(), Error> {
    let path = format!("projects/{}/repository/commits/{}", project_key(project), encode(sha));
    transport.get(&path).await.map(drop)
}

pub(crate) async fn user(transport: &Transport) -> Result<(), Error> {
    transport.get("user").await.map(drop)
}
