//! The HTTP client below everything: whom it trusts, what it asks through, and that it follows nothing by itself. And a
//! plain way to a server that is no GitLab, which gets none of GitLab's tokens.

use super::auth::Token;
use super::error::{Kind, SetupError};
use super::proxy::ProxyRules;
use super::tls::{self, ClientIdentity, ServerTrust};
use super::transport::check_packing;
use super::transport::failed::{body_kind, connect_kind};
use crate::domain::token::TokenHeader;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Response, StatusCode};
use std::time::Duration;
use url::Url;

/// Connections that are kept open to a server that is no GitLab: one listens, one asks.
const CONNECTIONS: usize = 2;

/// What clients are made of.
#[derive(Debug)]
pub(super) struct HttpPlumbing {
    pub trust: ServerTrust,
    pub identity: Option<ClientIdentity>,
    pub proxy: Option<ProxyRules>,
    /// Connections that are kept open.
    pub connections: usize,
}

impl HttpPlumbing {
    pub(super) fn client(&self) -> Result<reqwest::Client, SetupError> {
        let config = tls::config(self.trust.clone(), self.identity.as_ref())?;
        Ok(self.builder(config).build()?)
    }

    /// Makes a client that shows no certificate.
    pub(super) fn client_without_identity(&self) -> Result<reqwest::Client, SetupError> {
        Ok(self.builder(tls::config(self.trust.clone(), None)?).build()?)
    }

    /// Makes a client that speaks HTTP/1.1 only: a connection of HTTP/2 cannot become a websocket here.
    pub(super) fn http_1(&self) -> Result<reqwest::Client, SetupError> {
        let mut config = tls::config(self.trust.clone(), self.identity.as_ref())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(self.builder(config).http1_only().build()?)
    }

    fn builder(&self, config: rustls::ClientConfig) -> reqwest::ClientBuilder {
        http_builder(config, self.proxy.as_ref(), self.connections)
    }
}

fn http_builder(
    config: rustls::ClientConfig,
    proxy: Option<&ProxyRules>,
    connections: usize,
) -> reqwest::ClientBuilder {
    // A second call finds the provider already there, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("glwatch/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .pool_max_idle_per_host(connections)
        .tls_backend_preconfigured(config);
    match proxy.cloned() {
        None => builder.no_proxy(),
        Some(rules) if !rules.is_empty() => {
            let choose = move |url: &Url| rules.of(url).ok().flatten().cloned();
            builder.no_proxy().proxy(reqwest::Proxy::custom(choose))
        }
        // What the system itself is set to.
        Some(_) => builder,
    }
}

/// What a plain way to a server is made of.
#[derive(Debug)]
pub struct PlainHttpOptions {
    pub home: Url,
    pub token: Option<Token>,
    /// For one request, its body included.
    pub timeout: Duration,
    /// Further trusted certificates, PEM.
    pub ca: Option<Vec<u8>>,
    pub insecure: bool,
    pub proxy: Option<ProxyRules>,
}

/// A way to one server that is no GitLab.
#[derive(Debug)]
pub struct PlainHttp {
    http: reqwest::Client,
    home: Url,
    token: Option<Token>,
    timeout: Duration,
    proxy: Option<String>,
}

impl PlainHttp {
    pub fn new(options: PlainHttpOptions) -> Result<Self, SetupError> {
        let PlainHttpOptions { home, token, timeout, ca, insecure, proxy } = options;
        let trust = ServerTrust::new(ca.as_deref(), insecure)?;
        let http = http_builder(tls::config(trust, None)?, proxy.as_ref(), CONNECTIONS).build()?;
        let proxy = proxy.as_ref().map(|rules| rules.shown_of(&home)).transpose()?.flatten();
        Ok(Self { http, home, token, timeout, proxy })
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Returns the address of the server, without a slash at its end.
    pub fn home(&self) -> &str {
        self.home.as_str().trim_end_matches('/')
    }

    /// Returns the address of a path below the server's; `path` is already encoded.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.home())
    }

    /// Redacts the token from foreign text.
    pub fn scrub(&self, text: &str) -> String {
        self.token.as_ref().map_or_else(|| text.to_owned(), |token| token.scrub(text))
    }

    /// Sends a request and returns the head of its answer. A redirect is an answer like any other.
    pub async fn open(&self, path: &str, headers: HeaderMap) -> Result<Response, Kind> {
        self.in_time(self.send(path, headers)).await
    }

    /// Sends a request and reads the whole answer, whose body has at most so many bytes.
    pub async fn fetch(
        &self,
        path: &str,
        headers: HeaderMap,
        most: u64,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), Kind> {
        let exchange = async {
            let mut response = self.send(path, headers).await?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(body_kind)? {
                if (body.len() + chunk.len()) as u64 > most {
                    return Err(Kind::TooLarge(most));
                }
                body.extend_from_slice(&chunk);
            }
            Ok((response.status(), response.headers().clone(), body))
        };
        self.in_time(exchange).await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Kind>>) -> Result<T, Kind> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(Kind::Timeout(self.timeout)))
    }

    async fn send(&self, path: &str, headers: HeaderMap) -> Result<Response, Kind> {
        let mut request = self.http.get(self.url(path)).headers(headers);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.header(TokenHeader::Authorization));
        }
        let response = request.send().await;
        let response = response.map_err(|error| connect_kind(error, self.timeout, self.proxy.as_deref()))?;
        check_packing(response.headers())?;
        Ok(response)
    }

    /// Returns the next piece of a body that goes on; one that is silent for so long has ended.
    pub async fn next(&self, response: &mut Response, silence: Duration) -> Result<Option<Vec<u8>>, Kind> {
        let chunk = tokio::time::timeout(silence, response.chunk()).await.map_err(|_| Kind::Timeout(silence))?;
        Ok(chunk.map_err(body_kind)?.map(|bytes| bytes.to_vec()))
    }
}
