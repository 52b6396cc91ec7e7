//! Sorts the ways in which a connection or a body fails by what the user can do about each.

use crate::gitlab::error::{CertificateProblem, Kind, ProxyProblem};
use rustls::{AlertDescription, CertificateError, InvalidMessage};
use std::error::Error as StdError;
use std::io;
use std::time::Duration;

type FailedStep<'a> = &'a (dyn StdError + 'static);

/// Sorts a request that was not answered. `proxy` is what the host is asked through, by its address without a password.
pub(in crate::gitlab) fn connect_kind(error: reqwest::Error, timeout: Duration, proxy: Option<&str>) -> Kind {
    let error = error.without_url();
    if error.is_timeout() {
        return Kind::Timeout(timeout);
    }
    let causes = causes(&error);
    let tls = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(rustls::Error::InvalidCertificate(problem)) = tls {
        let problem = certificate_problem(problem);
        return Kind::Certificate { problem, source: error };
    }
    if let Some(rustls::Error::AlertReceived(alert)) = tls
        && let Some(is_refused) = refused_identity(*alert)
    {
        return Kind::ClientCertificate { is_refused, source: error };
    }
    if let Some(proxy) = proxy
        && let Some(problem) = proxy_problem(&causes)
    {
        return Kind::Proxy { proxy: proxy.to_owned(), problem, source: error };
    }
    if matches!(tls, Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType))) {
        return Kind::NotTls(error);
    }
    if is_refused(&causes) {
        Kind::Refused(error)
    } else if is_unresolved(&causes) {
        Kind::Dns(error)
    } else {
        Kind::Connection(error)
    }
}

/// Sorts a body that did not come whole: it was cut off, or it is not packed as it says.
pub(in crate::gitlab) fn body_kind(error: reqwest::Error) -> Kind {
    let error = error.without_url();
    let causes = causes(&error);
    let is_cut = causes.iter().any(|cause| cause.to_string().contains("error reading a body from connection"));
    let is_unpacking = |cause: &FailedStep<'_>| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| {
            matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other)
        })
    };
    if !is_cut && causes.iter().any(is_unpacking) { Kind::NotPacked(error) } else { Kind::BodyCut(error) }
}

/// Says whether a server hung up because of our certificate: it wants one, or it does not take the one that it got.
fn refused_identity(alert: AlertDescription) -> Option<bool> {
    match alert {
        AlertDescription::CertificateRequired => Some(false),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => Some(true),
        _ => None,
    }
}

fn causes(error: &reqwest::Error) -> Vec<FailedStep<'_>> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause);
        // An io::Error hides what it wraps from `source`.
        next = match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    causes
}

fn is_refused(causes: &[FailedStep<'_>]) -> bool {
    let refused = |io: &io::Error| io.kind() == io::ErrorKind::ConnectionRefused;
    causes.iter().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(refused))
}

fn is_unresolved(causes: &[FailedStep<'_>]) -> bool {
    causes.iter().any(|cause| cause.to_string().starts_with("dns error"))
}

/// Says what is wrong with a proxy; through one, only its own name is resolved and only its port connected to.
fn proxy_problem(causes: &[FailedStep<'_>]) -> Option<ProxyProblem> {
    let says = |text: &str| causes.iter().any(|cause| cause.to_string().contains(text));
    // The HTTP client has no public type for it.
    if says("tunnel error: proxy authorization required") {
        Some(ProxyProblem::Login)
    } else if says("tunnel error: unsuccessful") {
        Some(ProxyProblem::NoTunnel)
    } else if is_refused(causes) {
        Some(ProxyProblem::Refused)
    } else if is_unresolved(causes) {
        Some(ProxyProblem::Dns)
    } else {
        None
    }
}

fn certificate_problem(error: &CertificateError) -> CertificateProblem {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateProblem::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => CertificateProblem::NotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::OtherName
        }
        CertificateError::UnknownIssuer => CertificateProblem::UnknownIssuer,
        // What rustls has no word for goes by the name that webpki gives it.
        CertificateError::Other(other) if other.to_string().contains("UnsupportedCertVersion") => {
            CertificateProblem::Version1
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            CertificateProblem::MarkedAsCa
        }
        _ => CertificateProblem::Other,
    }
}
