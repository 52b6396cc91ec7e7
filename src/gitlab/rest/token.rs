//! `GET /personal_access_tokens/self` (<https://docs.gitlab.com/api/personal_access_tokens/#self-inform>).
//!
//! Answers for personal, project and group access tokens of any scope, not for OAuth tokens.

use crate::domain::token::AccessToken;
use crate::gitlab::error::Error;
use crate::gitlab::transport::Transport;
use serde::Deserialize;

#[derive(Deserialize)]
struct RestTokenWire {
    name: Option<String>,
    scopes: Option<Vec<String>>,
    expires_at: Option<String>,
    revoked: Option<bool>,
    active: Option<bool>,
    /// Only on fine-grained tokens, whose `scopes` prove nothing.
    granular_scopes: Option<serde_json::Value>,
}

pub(crate) async fn read(transport: &Transport) -> Result<AccessToken, Error> {
    let wire: RestTokenWire = transport.get("personal_access_tokens/self").await?.decode()?;
    // Documented as a date; only that part counts should it ever be a time.
    let day = wire.expires_at.as_deref().and_then(|text| text.get(..10)?.parse().ok());
    Ok(AccessToken {
        name: wire.name.unwrap_or_default(),
        scopes: wire.scopes.unwrap_or_default(),
        expires_on: day,
        is_revoked: wire.revoked == Some(true),
        is_inactive: wire.active == Some(false),
        is_fine_grained: wire.granular_scopes.is_some_and(|scopes| !scopes.is_null()),
    })
}
