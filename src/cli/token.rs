//! Reading token and headers from wherever the configuration says.

use super::error::CliError;
use crate::config::{ConfigError, Connection, Origin, TokenSource};
use crate::gitlab::{Credentials, ExtraHeader, Token};
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// More than any token has; a larger file is the wrong file.
const MAX_TOKEN: u64 = 16 * 1024;

/// Returns what proves who asks; refuses to send it where others can read it.
pub(super) fn credentials(connection: &Connection) -> Result<Credentials, CliError> {
    let token = read(connection)?;
    let headers = headers(connection)?;
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

fn headers(connection: &Connection) -> Result<Vec<ExtraHeader>, CliError> {
    let Some((texts, origin)) = &connection.headers else { return Ok(Vec::new()) };
    let parse = |text: &SecretString| {
        ExtraHeader::parse(text.expose_secret()).map_err(|problem| {
            let hints = vec!["a header is given as 'Name: value', such as --header 'X-Gate: open'".into()];
            CliError::Config(ConfigError { origin: origin.clone(), value: None, problem, hints })
        })
    };
    texts.iter().map(parse).collect()
}

/// Returns the token.
fn read(connection: &Connection) -> Result<Option<Token>, CliError> {
    let Some((source, origin)) = &connection.token else { return Ok(None) };
    let origin = origin.to_string();
    let text = match source {
        TokenSource::Given(secret) => secret.expose_secret().to_owned(),
        TokenSource::File(path) => read_file(path, &origin)?,
        TokenSource::Command(words) => run(words, &origin)?,
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(CliError::Token { origin, problem: "is empty" });
    }
    let token = Token::new(text).ok_or(CliError::Token {
        origin,
        problem: "has characters that no token has, such as a blank or a line break",
    })?;
    Ok(Some(token))
}

/// Runs a program, without a shell in between, and returns the first line that it writes.
///
/// It keeps standard input and standard error, where a password manager asks for its passphrase.
fn run(words: &[String], origin: &str) -> Result<String, CliError> {
    let failed = |source| CliError::Command { origin: origin.to_owned(), source };
    let Some((program, arguments)) = words.split_first() else {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it names no program")));
    };
    let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut written = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_TOKEN).read_to_end(&mut written).map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(failed(io::Error::other(format!("it ended with {status}"))));
    }
    let text = String::from_utf8_lossy(&written);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn read_file(path: &Path, origin: &str) -> Result<String, CliError> {
    let failed = |source| CliError::File { origin: origin.to_owned(), path: path.display().to_string(), source };
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin().take(MAX_TOKEN).read_to_string(&mut text).map_err(failed)?;
    } else {
        std::fs::File::open(path).map_err(failed)?.take(MAX_TOKEN).read_to_string(&mut text).map_err(failed)?;
    }
    Ok(text)
}
