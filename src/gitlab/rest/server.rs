//! `GET /metadata` (<https://docs.gitlab.com/api/metadata/>), before GitLab 15.2 `GET /version`.

use crate::domain::server::Server;
use crate::gitlab::error::Error;
use crate::gitlab::transport::Transport;
use serde::Deserialize;

#[derive(Deserialize)]
struct ServerWire {
    version: String,
    /// Missing in `/version`.
    enterprise: Option<bool>,
}

pub(crate) async fn read(transport: &Transport) -> Result<Server, Error> {
    let answer = match transport.get("metadata").await {
        Err(error) if error.status() == Some(404) => transport.get("version").await?,
        answer => answer?,
    };
    let wire: ServerWire = answer.decode()?;
    Ok(Server { version: wire.version, is_enterprise: wire.enterprise })
}
