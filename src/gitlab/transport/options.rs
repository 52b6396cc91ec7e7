//! What a connection is made of, and what requests are sent for.

use crate::domain::host::Host;
use crate::gitlab::credentials::Credentials;
use crate::gitlab::error::SetupError;
use crate::gitlab::proxy::ProxyRules;
use crate::gitlab::retry::RetryOptions;
use crate::gitlab::tls::{self, ClientIdentity, ServerTrust};
use chrono::{DateTime, Utc};
use std::fmt;
use std::time::Duration;

/// A wait longer than this, and the state may no longer be the one that the user agreed to act on.
pub(super) const LONGEST_WAIT_TO_ACT: Duration = Duration::from_secs(5);

/// What a client is made of.
#[derive(Debug, Clone)]
pub struct TransportOptions {
    pub host: Host,
    pub credentials: Credentials,
    /// Requests under way at most.
    pub concurrency: usize,
    /// Requests per second; `None` for the default bucket.
    pub rps: Option<f64>,
    /// For one request, its body included.
    pub timeout: Duration,
    /// Further trusted certificates, PEM.
    pub ca: Option<Vec<u8>>,
    pub insecure: bool,
    /// What the host is shown where it asks for a certificate.
    pub identity: Option<IdentityPem>,
    /// What `HTTPS_PROXY` and the like say; `None` where no proxy counts.
    pub proxy: Option<ProxyRules>,
    pub retry: RetryOptions,
    /// The program's clock, for servers that send no `Date`.
    pub now: fn() -> DateTime<Utc>,
}

/// A client certificate and its key, PEM. The key is never printed.
#[derive(Clone)]
pub struct IdentityPem {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

impl IdentityPem {
    /// Fails where there is no certificate or key in it, or where they do not belong together.
    pub fn check(&self) -> Result<(), SetupError> {
        let identity = ClientIdentity::from_pem(&self.certificate, &self.key)?;
        tls::config(ServerTrust::Anything, Some(&identity))?;
        Ok(())
    }
}

impl fmt::Debug for IdentityPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityPem")
    }
}

/// What requests are sent for. The log names it with each of them, and it decides how long they may wait for their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing in particular: no caller has said what for.
    General,
    /// A reading of the groups.
    Refresh,
    /// Why a pipeline is not green.
    Explain,
    /// The log of a job.
    Log,
    /// What acts, and what is read to decide about it.
    Act,
    /// Whether settings and token can be used.
    Check,
    /// What was, for the memory.
    Backfill,
}

impl Purpose {
    pub fn word(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Refresh => "refresh",
            Self::Explain => "explain",
            Self::Log => "log",
            Self::Act => "act",
            Self::Check => "check",
            Self::Backfill => "backfill",
        }
    }

    /// Returns how long a request may wait for its turn; `None` where only the deadline limits it.
    pub(super) fn longest_wait(self) -> Option<Duration> {
        match self {
            // What was agreed to is about the state of now.
            Self::Act => Some(LONGEST_WAIT_TO_ACT),
            Self::General | Self::Refresh | Self::Explain | Self::Log | Self::Check | Self::Backfill => None,
        }
    }
}
