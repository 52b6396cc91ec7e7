//! `[serve]`: where the server listens, who may look, and what proves that a webhook is GitLab's.

use super::error::ConfigError;
use super::origin::Origin;
use super::secret::SecretSource;
use super::settings::Settings;
use crate::domain::host::Host;
use crate::domain::tracking::Compatibility;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

const DEFAULT_LISTEN: &str = "127.0.0.1:9252";
const DEFAULT_SERIES: usize = 200_000;
/// A scrape of more is refused by nearly every Prometheus.
const SERIES: RangeInclusive<usize> = 1..=10_000_000;

/// GitLab sends a ping every three seconds.
const DEFAULT_SILENCE: Duration = Duration::from_secs(10);
const SILENCE: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(600);
const DEFAULT_RECONCILE: Duration = Duration::from_secs(300);
const RECONCILE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(24 * 60 * 60);

/// Whether GitLab's websocket is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CableUse {
    Off,
    /// Where GitLab has one for us.
    Auto,
    /// The same; where there is none, those who ask whether all is well learn of it.
    On,
}

/// How GitLab's websocket is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CableSettings {
    pub usage: CableUse,
    /// Nothing for so long, and the connection is dead.
    pub patience: Duration,
    /// How often everything is read all the same.
    pub reconcile: Duration,
}

/// A secret and where it is named.
pub(crate) type NamedSecret = Option<(SecretSource, Origin)>;

/// What is served, and to whom.
#[derive(Debug, Clone)]
pub(crate) struct ServeSettings {
    pub listen: (SocketAddr, Origin),
    pub compatibility: Compatibility,
    pub has_openmetrics: bool,
    pub max_series: usize,
    pub cable: CableSettings,
    /// Names by which the server is asked for beside this machine's own.
    pub hosts: Vec<String>,
    /// The API and the page are open on an address that others reach.
    pub is_open: bool,
    /// What the API and the page ask for.
    pub access_token: NamedSecret,
    /// What `X-Gitlab-Token` must be.
    pub webhook_secret: NamedSecret,
    /// What webhooks are signed with.
    pub signing_token: NamedSecret,
}

impl ServeSettings {
    /// Reads the section. Secrets in a file are those of its host.
    pub(super) fn resolve(settings: &Settings, host: &Host) -> Result<Self, ConfigError> {
        let address = |text: &str| {
            text.parse::<SocketAddr>().map_err(|_| format!("is no address and port, such as {DEFAULT_LISTEN}"))
        };
        let default = SocketAddr::from(([127, 0, 0, 1], 9252));
        let compatibility = |text: &str| match text {
            "corrected" => Ok(Compatibility::Corrected),
            "strict" => Ok(Compatibility::Strict),
            _ => Err("is neither \"corrected\" nor \"strict\"".to_owned()),
        };
        let series = |text: &str| {
            let count = text.parse().ok().filter(|count| SERIES.contains(count));
            count.ok_or_else(|| format!("is not a number from {} to {}", SERIES.start(), SERIES.end()))
        };
        let origin = settings.get("serve.listen").map_or(Origin::Default, |setting| setting.origin.clone());
        Ok(Self {
            listen: (settings.parsed("serve.listen", default, address)?, origin),
            compatibility: settings.parsed("serve.compatibility", Compatibility::Corrected, compatibility)?,
            has_openmetrics: settings.switch_or("serve.openmetrics", true)?,
            max_series: settings.parsed("serve.max-series", DEFAULT_SERIES, series)?,
            cable: cable(settings)?,
            hosts: hosts(settings)?,
            is_open: settings.switch_or("serve.insecure-open", false)?,
            access_token: settings.secret("serve.access-token", host),
            webhook_secret: settings.secret("serve.webhook-secret", host),
            signing_token: settings.secret("serve.signing-token", host),
        })
    }

    /// Returns where a secret of this section comes from.
    pub(super) fn secret(&self, name: &str) -> Option<&(SecretSource, Origin)> {
        match name {
            "serve.access-token" => self.access_token.as_ref(),
            "serve.webhook-secret" => self.webhook_secret.as_ref(),
            "serve.signing-token" => self.signing_token.as_ref(),
            _ => None,
        }
    }
}

/// Reads names of hosts, in the form in which they are compared.
fn hosts(settings: &Settings) -> Result<Vec<String>, ConfigError> {
    let Some(setting) = settings.get("serve.hosts") else { return Ok(Vec::new()) };
    let is_name = |text: &str| {
        text.parse::<IpAddr>().is_ok()
            || !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let host = |text: &str| {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let name = name.parse::<IpAddr>().map_or(name, |address| address.to_string());
        let refusal = || setting.refuse(text, "is no name of a host, such as hub.example.com, without a port");
        is_name(&name).then_some(name).ok_or_else(refusal)
    };
    setting.list().map(host).collect()
}

fn cable(settings: &Settings) -> Result<CableSettings, ConfigError> {
    let uses = [("off", CableUse::Off), ("auto", CableUse::Auto), ("on", CableUse::On)];
    Ok(CableSettings {
        usage: settings.choice("serve.cable", &uses, CableUse::Off)?,
        patience: settings.time("serve.cable-silence", DEFAULT_SILENCE, SILENCE)?,
        reconcile: settings.time("serve.cable-reconcile", DEFAULT_RECONCILE, RECONCILE)?,
    })
}
