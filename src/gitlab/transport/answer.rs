//! Decodes answers that came with a 2xx.

use crate::domain::failure::RequestLine;
use crate::gitlab::credentials::Credentials;
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::refusal::{clean, is_html};
use crate::text::json_place::json_place;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

const PAGE: &str = "an HTML page, such as a login page or a proxy's";

/// An answer that came with a 2xx.
#[derive(Debug)]
pub(in crate::gitlab) struct HttpAnswer {
    pub(in crate::gitlab) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) request: RequestLine,
    pub(super) credentials: Arc<Credentials>,
}

impl HttpAnswer {
    /// Decodes the body; a failure names the place in it.
    pub(in crate::gitlab) fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if is_html(&self.headers) {
            // As with a refusal: GitLab's JSON does not announce itself as a page.
            return Err(self.error(Kind::NotJson { found: PAGE.into() }));
        }
        serde_json::from_slice(&self.body).map_err(|error| self.error(self.undecodable(&error)))
    }

    fn error(&self, kind: Kind) -> Error {
        let request = Box::new(self.request.clone());
        Error { request, kind, attempts: 1, elapsed: Duration::ZERO, request_id: None }
    }

    /// Makes an error of an answer that says all that it was asked for.
    pub(in crate::gitlab) fn refuse(&self, kind: Kind) -> Error {
        self.error(kind)
    }

    /// Makes an error of an answer that can be decoded and is not what was asked for.
    pub(in crate::gitlab) fn odd(&self, problem: &str) -> Error {
        self.error(Kind::Decode { path: ".".into(), problem: problem.into() })
    }

    fn undecodable(&self, error: &serde_json::Error) -> Kind {
        let start = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        if start == Some(&b'<') {
            return Kind::NotJson { found: PAGE.into() };
        }
        if start.is_none() {
            return Kind::NotJson { found: "an empty body".into() };
        }
        // Both quote what was found, which is foreign text.
        let quote = |text: &str| clean(&self.credentials.scrub(text));
        Kind::Decode { path: quote(&json_place(&self.body, error)), problem: quote(&error.to_string()) }
    }
}
