//! Reading the token from wherever the configuration says.

use super::error::CliError;
use crate::config::{ConfigError, Connection, TokenSource};
use crate::gitlab::Token;
use secrecy::ExposeSecret;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// More than any token has; a larger file is the wrong file.
const MAX_TOKEN: u64 = 16 * 1024;

/// Returns the token; refuses to send one where others can read it.
pub(super) fn read(connection: &Connection) -> Result<Option<Token>, CliError> {
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
    if connection.host.is_exposed() {
        return Err(CliError::Config(ConfigError {
            origin: connection.host_origin.clone(),
            value: Some(connection.host.to_string()),
            problem: "is not encrypted, so the token would be there for all to read; it was not sent".into(),
            hints: vec!["use https, or give no token if public projects are enough".into()],
        }));
    }
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
