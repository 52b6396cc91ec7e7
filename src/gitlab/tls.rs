//! Which certificates of a server are trusted: as usual, and those that the user names one by one.
//!
//! `openssl req -x509` marks a self-signed certificate as a CA, and the usual rules then refuse it for a server. Where
//! it is byte for byte in the file that the user names, that is meant.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;

#[derive(Debug)]
struct NamedCertificates {
    usual: Verifier,
    named: Vec<CertificateDer<'static>>,
}

/// Returns a configuration that trusts these certificates beside the system's.
pub(super) fn trusting(named: Vec<CertificateDer<'static>>) -> Result<rustls::ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(named, &provider)?;
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(named: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Result<NamedCertificates, Error> {
    let usual = Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(provider))?;
    Ok(NamedCertificates { usual, named })
}

impl ServerCertVerifier for NamedCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match usual {
            // webpki looks at the dates before it looks at what the certificate is for; the name comes last.
            Err(Error::InvalidCertificate(CertificateError::Other(other)))
                if other.to_string().contains("CaUsedAsEndEntity")
                    && self.named.iter().any(|one| one == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            usual => usual,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    use std::time::{Duration, SystemTime};

    /// A self-signed certificate that is marked as a CA, as openssl makes it; valid for these days from now.
    fn marked(days: std::ops::Range<i64>) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["gitlab.example.com".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let at = |days: i64| {
            let day = Duration::from_secs(24 * 3600 * days.unsigned_abs());
            let now = SystemTime::now();
            if days < 0 { now - day } else { now + day }
        };
        (params.not_before, params.not_after) = (at(days.start).into(), at(days.end).into());
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn verify(shown: &CertificateDer<'static>, named: &[CertificateDer<'static>], name: &str) -> Result<(), Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(named.to_vec(), &provider)?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(shown, &[], &name, &[], UnixTime::now()).map(|_| ())
    }

    #[test]
    fn a_certificate_that_is_named_byte_for_byte_is_trusted_within_its_dates_and_for_its_name() {
        let (good, other, old, early) = (marked(-1..9), marked(-1..9), marked(-9..-1), marked(2..9));
        let host = "gitlab.example.com";
        let of = |certificate: &CertificateDer<'static>| vec![certificate.clone()];
        let cases = [
            ("named", &good, of(&good), host, true),
            ("one of several", &good, vec![other.clone(), good.clone()], host, true),
            ("another one of the same name is named", &good, of(&other), host, false),
            ("for another name", &good, of(&good), "other.example.com", false),
            ("no longer valid", &old, of(&old), host, false),
            ("not yet valid", &early, of(&early), host, false),
        ];
        for (sentence, shown, named, name, is_trusted) in cases {
            let verified = verify(shown, &named, name);
            assert_eq!(verified.is_ok(), is_trusted, "{sentence}: {verified:?}");
        }
    }
}
