//! Which certificates of a server are trusted: as usual, and those that the user names one by one. And the certificate
//! that the user shows a server that asks for one.
//!
//! `openssl req -x509` marks a self-signed certificate as a CA, and the usual rules then refuse it for a server. Where
//! it is byte for byte in the file that the user names, that is meant.

use super::error::SetupError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::sync::{Arc, OnceLock};

/// Which servers are believed.
#[derive(Debug, Clone)]
pub(super) enum ServerTrust {
    /// Any: the user accepts the risk.
    Anything,
    /// Those that the system trusts, and these certificates.
    System(Vec<CertificateDer<'static>>),
}

impl ServerTrust {
    /// Trusts what the system trusts and the certificates of a PEM text; or, where that is accepted, anything.
    pub(super) fn new(ca: Option<&[u8]>, is_anything: bool) -> Result<Self, SetupError> {
        let mut named = Vec::new();
        if let Some(pem) = ca {
            // Says what is wrong with a file better than what follows.
            if reqwest::Certificate::from_pem_bundle(pem)?.is_empty() {
                return Err(SetupError::NoCertificate);
            }
            named = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect();
            check(&named).map_err(SetupError::DamagedCertificate)?;
        }
        Ok(if is_anything { Self::Anything } else { Self::System(named) })
    }
}

/// A certificate that shows a server who asks, with its key.
#[derive(Debug)]
pub(super) struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl ClientIdentity {
    /// Reads both from PEM; they may be in one file.
    pub(super) fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, SetupError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate).filter_map(Result::ok).collect();
        if chain.is_empty() {
            return Err(SetupError::NoCertificate);
        }
        let is_encrypted = |marker: &str| key.windows(marker.len()).any(|part| part == marker.as_bytes());
        // The older form has the ordinary heading above a key that is encrypted all the same.
        if ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"].into_iter().any(is_encrypted) {
            return Err(SetupError::EncryptedKey);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| SetupError::NoKey)?;
        Ok(Self { chain, key })
    }
}

/// Fails where one of the certificates that the user names cannot be read: that is said before anything is asked.
fn check(named: &[CertificateDer<'static>]) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    named.iter().try_for_each(|certificate| roots.add(certificate.clone()))
}

/// Returns a configuration that trusts these servers, and shows them this certificate where they ask for one.
pub(super) fn config(trust: ServerTrust, identity: Option<&ClientIdentity>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = TrustVerifier { trust, usual: OnceLock::new(), provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some(ClientIdentity { chain, key }) => config.with_client_auth_cert(chain.clone(), key.clone_key())?,
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Judges a server's certificate. The system's certificates are some hundred files, so they are read when the first
/// server is judged: never over plain http.
#[derive(Debug)]
struct TrustVerifier {
    trust: ServerTrust,
    usual: OnceLock<Result<Verifier, Error>>,
    provider: Arc<CryptoProvider>,
}

impl TrustVerifier {
    fn usual(&self, named: &[CertificateDer<'static>]) -> Result<&Verifier, Error> {
        let make = || Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(&self.provider));
        self.usual.get_or_init(make).as_ref().map_err(Clone::clone)
    }
}

impl ServerCertVerifier for TrustVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let named = match &self.trust {
            ServerTrust::Anything => return Ok(ServerCertVerified::assertion()),
            ServerTrust::System(named) => named,
        };
        let usual = self.usual(named)?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match usual {
            // webpki looks at the dates before it looks at what the certificate is for; the name comes last.
            Err(Error::InvalidCertificate(CertificateError::Other(other)))
                if other.to_string().contains("CaUsedAsEndEntity") && named.iter().any(|one| one == end_entity) =>
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
        match self.trust {
            // Not even a certificate that cannot be read is looked at.
            ServerTrust::Anything => Ok(HandshakeSignatureValid::assertion()),
            ServerTrust::System(_) => {
                verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
            }
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.trust {
            ServerTrust::Anything => Ok(HandshakeSignatureValid::assertion()),
            ServerTrust::System(_) => {
                verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
            }
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
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

    fn verify(shown: &CertificateDer<'static>, trust: ServerTrust, name: &str) -> Result<(), Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = TrustVerifier { trust, usual: OnceLock::new(), provider };
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
            let verified = verify(shown, ServerTrust::System(named), name);
            assert_eq!(verified.is_ok(), is_trusted, "{sentence}: {verified:?}");
        }
    }

    #[test]
    fn a_client_certificate_is_read_or_refused_with_the_reason() {
        let own = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["me".to_owned()]).unwrap().self_signed(&own).unwrap().pem();
        let key = own.serialize_pem();
        let other = KeyPair::generate().unwrap().serialize_pem();
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let old = key.replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n", 1);
        let both = format!("{key}{certificate}");
        let cases = [
            ("two files", &*certificate, &*key, "fits"),
            ("one file with both", &both, &both, "fits"),
            ("the key of another one", &certificate, &other, "keys may not be consistent: KeyMismatch"),
            ("no certificate", "nothing", &key, "it has no certificate in it"),
            ("no key", &certificate, "nothing", "it has no private key in it"),
            ("an encrypted key", &certificate, encrypted, "its private key is encrypted"),
            ("an encrypted key of the older form", &certificate, &old, "its private key is encrypted"),
        ];
        for (sentence, certificate, key, expected) in cases {
            let identity = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes());
            let said = match &identity {
                Ok(identity) => match config(ServerTrust::Anything, Some(identity)) {
                    Ok(_) => "fits".to_owned(),
                    Err(error) => error.to_string(),
                },
                Err(error) => error.to_string(),
            };
            assert_eq!(said, expected, "{sentence}");
        }
    }
}
