//! The credentials of a run: the token and additional headers.

use super::error::CliError;
use super::secret::SecretRequest;
use crate::config::{ConfigError, Connection, Origin, SecretSource};
use crate::gitlab::{Credentials, ExtraHeader, Token};
use std::time::Duration;

/// Returns what proves who asks; refuses to send it where others can read it.
///
/// A program that writes a secret may take as long as `limit`.
pub(super) fn credentials(connection: &Connection, limit: Duration) -> Result<Credentials, CliError> {
    let token = token(connection, limit)?;
    let headers = headers(connection, limit)?;
    let credentials = Credentials { token, token_header: connection.token_header, headers };
    let refuse = |origin: &Origin, value, problem: String, hint: &str| {
        let hints = vec![hint.to_owned()];
        Err(CliError::Config(ConfigError { origin: origin.clone(), value, problem, hints }))
    };
    if !credentials.is_empty() && connection.host.is_exposed() {
        let what = if credentials.token.is_some() { "token" } else { "header" };
        let problem = format!("is not encrypted, so the {what} would be there for all to read; it was not sent");
        let hint = format!("use https, or give no {what} if public projects are enough");
        return refuse(&connection.host_origin, Some(connection.host.to_string()), problem, &hint);
    }
    match (credentials.conflict(), &connection.headers) {
        (Some(name), Some((_, origin))) => {
            let other = if name == "Authorization" { "private-token" } else { "authorization" };
            let hint = format!("let the token go elsewhere with --token-header {other}, or give only one of the two");
            refuse(origin, None, format!("gives {name}, and so does the token"), &hint)
        }
        _ => Ok(credentials),
    }
}

fn headers(connection: &Connection, limit: Duration) -> Result<Vec<ExtraHeader>, CliError> {
    let Some((source, origin)) = &connection.headers else { return Ok(Vec::new()) };
    let parse = |text: &String| {
        ExtraHeader::parse(text).map_err(|problem| {
            let hints = vec!["a header is given as 'Name: value', such as --header 'X-Gate: open'".into()];
            CliError::Config(ConfigError { origin: origin.clone(), value: None, problem, hints })
        })
    };
    SecretRequest { what: "header", source, origin, limit }.lines()?.iter().map(parse).collect()
}

fn token(connection: &Connection, limit: Duration) -> Result<Option<Token>, CliError> {
    let Some((source, origin)) = &connection.token else { return Ok(None) };
    let text = SecretRequest { what: "token", source, origin, limit }.text()?;
    let token = Token::new(&text).ok_or_else(|| CliError::Secret {
        origin: origin.to_string(),
        what: "token",
        problem: "has characters that no token has, such as a blank or a line break".into(),
    })?;
    Ok(Some(token))
}

/// Warns of the files with a token or headers that others on this machine may read.
pub(super) fn warnings(connection: &Connection) -> Vec<String> {
    let secrets = [("token", &connection.token), ("header", &connection.headers)];
    let warning = |(what, secret): (_, &Option<(SecretSource, Origin)>)| {
        let (source, origin) = secret.as_ref()?;
        SecretRequest { what, source, origin, limit: Duration::ZERO }.warning()
    };
    secrets.into_iter().filter_map(warning).collect()
}
