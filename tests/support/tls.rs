//! A TLS front of the test's own, with a certificate that no machine trusts.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::crypto::ring::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// `https://127.0.0.1:PORT` in front of a plain HTTP server; dropping it stops it.
pub(crate) struct TlsFront {
    url: String,
    ca: String,
    /// The protocol that was agreed on, for each connection.
    used: Arc<Mutex<Vec<String>>>,
    /// Holds the tasks of all connections.
    _runtime: tokio::runtime::Runtime,
}

impl TlsFront {
    /// Starts a front of what listens at `http://ADDRESS`.
    pub(crate) fn of(url: &str) -> Self {
        Self::speaking(url, &["http/1.1"])
    }

    /// Starts one that offers these protocols, best first.
    pub(crate) fn speaking(url: &str, protocols: &[&str]) -> Self {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        Self::showing(url, protocols, certificate.der().clone(), &key, ca.pem())
    }

    /// Starts one with a self-signed certificate for this name that is marked as a CA's, as openssl makes it.
    pub(crate) fn marked_as_ca(url: &str, name: &str, is_over: bool) -> Self {
        let mut own = CertificateParams::new(vec![name.to_owned()]).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        if is_over {
            own.not_before = rcgen::date_time_ymd(2001, 1, 1);
            own.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let own = own.self_signed(&key).unwrap();
        Self::showing(url, &["http/1.1"], own.der().clone(), &key, own.pem())
    }

    /// Starts one whose certificate says that it is of X.509 version 1, as old appliances have them.
    pub(crate) fn of_version_1(url: &str) -> Self {
        const VERSION_3: [u8; 5] = [0xA0, 3, 2, 1, 2];
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        let mut der = own.der().to_vec();
        let at = der.windows(VERSION_3.len()).position(|part| part == VERSION_3).unwrap();
        der[at + 4] = 0;
        Self::showing(url, &["http/1.1"], der.into(), &key, own.pem())
    }

    /// Starts one that asks each client for a certificate; returns one that it takes, with its key, PEM.
    pub(crate) fn asking(url: &str) -> (Self, String) {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let [key, client_key] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let sign =
            |name: &str, key| CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(key, &ca).unwrap();
        let (own, client) = (sign("127.0.0.1", &key), sign("ada", &client_key));
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let asked = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()));
        let asked = asked.build().unwrap();
        let front = Self::started(url, &["http/1.1"], own.der().clone(), &key, ca.pem(), Some(asked));
        (front, client.pem() + &client_key.serialize_pem())
    }

    fn showing(url: &str, protocols: &[&str], certificate: CertificateDer<'static>, key: &KeyPair, ca: String) -> Self {
        Self::started(url, protocols, certificate, key, ca, None)
    }

    fn started(
        url: &str,
        protocols: &[&str],
        certificate: CertificateDer<'static>,
        key: &KeyPair,
        ca: String,
        asked: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Self {
        let behind: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match asked {
            Some(asked) => config.with_client_cert_verifier(asked),
            None => config.with_no_client_auth(),
        };
        let key = any_supported_type(&PrivateKeyDer::try_from(key.serialize_der()).unwrap()).unwrap();
        // Shown as it is: whether it can be used is what the tests are about.
        let shown = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
        let mut config = config.with_cert_resolver(Arc::new(shown));
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let used: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&used);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        runtime.spawn(async move {
            while let Ok((plain, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                let noted = Arc::clone(&noted);
                tokio::spawn(async move {
                    // A client that does not trust us hangs up: what the test is about, and no trouble here.
                    let Ok(mut front) = acceptor.accept(plain).await else { return };
                    let protocol = front.get_ref().1.alpn_protocol().unwrap_or(b"none");
                    noted.lock().unwrap().push(String::from_utf8_lossy(protocol).into_owned());
                    let Ok(mut back) = tokio::net::TcpStream::connect(behind).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut front, &mut back).await;
                });
            }
        });
        Self { url, ca, used, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the protocol of each connection so far.
    pub(crate) fn connections(&self) -> Vec<String> {
        self.used.lock().unwrap().clone()
    }

    /// Returns the certificate of the CA that signed the front's own, PEM.
    pub(crate) fn ca(&self) -> &str {
        &self.ca
    }
}
