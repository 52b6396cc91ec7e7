//! Converts sections of the configuration into the options of other modules.

use super::clock;
use super::error::CliError;
use super::{files, output, token};
use crate::collect;
use crate::config::{ClientCertificate, Config, Connection, Origin, Output};
use crate::domain::host::Host;
use crate::domain::project_source::ProjectSource;
use crate::gitlab::client::{Client, ListFilter};
use crate::gitlab::error::SetupError;
use crate::gitlab::{self, IdentityPem, ProxyRules, RetryOptions};
use std::path::PathBuf;

/// Makes the client of a run.
pub(super) fn client(config: &Config, proxy: Option<&ProxyRules>) -> Result<Client, CliError> {
    let Connection { host, ca_file, client_certificate, insecure, .. } = &config.connection;
    if let Some(files) = client_certificate.as_ref().filter(|_| host.is_plain()) {
        return Err(CliError::Refused {
            problem: format!(
                "{}: a client certificate is shown over https only, and {host} is not",
                files.certificate.1
            ),
            hints: vec!["give --host with https://, or leave the certificate out".into()],
        });
    }
    let ca = ca_file.as_ref().map(read_pem).transpose()?;
    let credentials = token::credentials(&config.connection, config.pace.max_time)?;
    // Plain http to this machine is safe for a token only as long as no proxy passes it on.
    let proxy = proxy.filter(|_| credentials.is_empty() || !host.is_plain()).cloned();
    let options = gitlab::TransportOptions {
        host: host.clone(),
        credentials,
        concurrency: config.collecting.concurrency,
        rps: config.collecting.rps,
        timeout: config.collecting.timeout,
        ca,
        insecure: *insecure,
        identity: client_certificate.as_ref().map(read_identity).transpose()?,
        proxy,
        retry: RetryOptions { first_wait: config.collecting.retry_wait, ..RetryOptions::default() },
        now: clock::now,
    };
    Client::new(options).map_err(|source| setup_error(source, config, host))
}

/// Says why no client can be made that asks this host.
pub(super) fn setup_error(source: SetupError, config: &Config, host: &Host) -> CliError {
    match (source, &config.connection.ca_file) {
        (SetupError::Proxy { variable, problem }, _) => CliError::Refused {
            problem: format!("{variable} {problem}"),
            hints: vec![format!("correct {variable}, or except {host} in NO_PROXY")],
        },
        (source, Some((path, origin))) => {
            CliError::Certificate { origin: origin.to_string(), path: path.display().to_string(), source }
        }
        (source, None) => CliError::Start(std::io::Error::other(source)),
    }
}

/// Reads a client certificate and its key; whether they fit is tried before a request is sent.
fn read_identity(files: &ClientCertificate) -> Result<IdentityPem, CliError> {
    let ClientCertificate { certificate, key } = files;
    let identity = IdentityPem { certificate: read_pem(certificate)?, key: read_pem(key)? };
    output::to_stderr(
        &files::readable_by_others(&key.0, "a private key")
            .map(|line| format!("warning: {line}"))
            .into_iter()
            .collect::<Vec<_>>(),
    );
    identity.check().map_err(|source| {
        let (path, origin) = if matches!(source, SetupError::NoCertificate) { certificate } else { key };
        CliError::Certificate { origin: origin.to_string(), path: path.display().to_string(), source }
    })?;
    Ok(identity)
}

pub(super) fn read_pem((path, origin): &(PathBuf, Origin)) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|source| CliError::File {
        origin: origin.to_string(),
        path: path.display().to_string(),
        source,
    })
}

/// Says whether an output names the reasons for which jobs failed.
fn prints_reasons(output: Output) -> bool {
    match output {
        Output::Json | Output::Ndjson | Output::Junit | Output::Markdown => true,
        Output::Table | Output::Wide | Output::Csv | Output::Openmetrics => false,
    }
}

/// Returns what a reading reads.
pub(super) fn collecting(config: &Config) -> collect::run::CollectOptions {
    let scope = &config.scope;
    collect::run::CollectOptions {
        sources: scope.groups.iter().cloned().map(ProjectSource::from).collect(),
        list: ListFilter { subgroups: scope.subgroups, archived: scope.archived },
        filter: scope.filter.clone(),
        refs: scope.refs.clone(),
        api: config.collecting.api,
        wants_reasons: config.display.outputs().any(prints_reasons),
        tried_at_most: None,
        max_time: config.pace.max_time,
        list_every: config.pace.list_interval,
    }
}

/// Returns what a reading of the server reads: what its answers contain.
pub(super) fn serving(config: &Config) -> collect::run::CollectOptions {
    collect::run::CollectOptions { wants_reasons: true, ..collecting(config) }
}
