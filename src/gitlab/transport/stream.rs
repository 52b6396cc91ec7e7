//! Streams bodies without holding them in memory: logs of jobs.

use super::exchange::Exchange;
use super::failed::{body_kind, connect_kind};
use super::{Refusal, Transport, check_packing};
use crate::domain::failure::RequestLine;
use crate::gitlab::budget::Turn;
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::redirect;
use crate::gitlab::refusal::{MAX_READ, is_html};
use reqwest::header::{ACCEPT, ETAG, IF_NONE_MATCH, LOCATION};
use reqwest::{Method, Response, StatusCode};
use std::ops::{ControlFlow, Deref};
use tokio::time::Instant;
use url::Url;

/// How much of a log is wanted.
#[derive(Debug, Clone, Copy)]
pub struct TraceLimits<'a> {
    /// So many bytes at its beginning are known and not handed out again.
    pub known: u64,
    /// The `ETag` of the log as it is known: GitLab then need not send it again.
    pub etag: Option<&'a str>,
    /// After so many bytes, those that are known included, reading stops.
    pub most: u64,
}

/// How the reading of a log ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceEnd {
    /// It is so many bytes long by now, maybe less than was known: a log can be erased.
    Read { bytes: u64, etag: Option<String> },
    /// It is as it was.
    Unchanged,
    /// It is longer than what was wanted; `total` where the server tells.
    Cut { total: Option<u64> },
    /// The sink had enough.
    Stopped,
}

/// Takes a log piece by piece, in a task of any runtime.
pub trait TraceSink: Send {
    /// Takes the next bytes; the sink may end the reading.
    fn take(&mut self, bytes: &[u8]) -> impl Future<Output = ControlFlow<()>> + Send;
}

impl Transport {
    /// Reads a REST resource of any size; `path` is already encoded. The time of a request counts from piece to piece.
    pub(in crate::gitlab) async fn stream(
        &self,
        path: &str,
        limits: TraceLimits<'_>,
        sink: &mut impl TraceSink,
    ) -> Result<TraceEnd, Error> {
        let url = self.host.rest(path);
        let line = super::get(&url);
        let request = line.to_string();
        let start = Instant::now();
        let mut waits = self.retry.waits();
        let mut attempts = 0;
        let mut rest = limits;
        loop {
            attempts += 1;
            let refusal = match self.stream_once((&line, &url, attempts), &mut rest, sink).await {
                Ok(end) => return Ok(end),
                Err(refusal) => refusal,
            };
            tracing::debug!(request, attempts, problem = %refusal.kind, "failed");
            if !self.goes_on(&refusal, refusal.kind.is_passing(), &mut waits).await {
                let Refusal { kind, request_id, .. } = refusal;
                return Err(Error { request: Box::new(line), kind, attempts, elapsed: start.elapsed(), request_id });
            }
        }
    }

    /// Makes one attempt; what was handed out counts as known from then on.
    async fn stream_once(
        &self,
        asked: (&RequestLine, &Url, u32),
        rest: &mut TraceLimits<'_>,
        sink: &mut impl TraceSink,
    ) -> Result<TraceEnd, Refusal> {
        let (_turn, mut response, mut exchange) = self.begin(asked, rest.etag).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            exchange.end();
            return Ok(TraceEnd::Unchanged);
        }
        self.check(asked.1, &mut response, &mut exchange).await?;
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (etag, total) = (text(ETAG), response.content_length());
        let mut at = 0;
        while let Some(chunk) = self.next(&mut response, &mut exchange).await? {
            let start: u64 = at;
            at += chunk.len() as u64;
            let (from, to) = (start.max(rest.known), at.min(rest.most));
            if from < to {
                // The known tag is that of a shorter log.
                (rest.known, rest.etag) = (to, None);
                let _idle = self.budget.idle();
                if sink.take(&chunk[(from - start) as usize..(to - start) as usize]).await.is_break() {
                    exchange.end();
                    return Ok(TraceEnd::Stopped);
                }
            }
            if at > rest.most {
                exchange.end();
                return Ok(TraceEnd::Cut { total });
            }
        }
        Ok(TraceEnd::Read { bytes: at, etag })
    }

    /// Sends the request, through redirects: at most one of them to another origin, where token and headers do not go.
    async fn begin(
        &self,
        (line, url, attempts): (&RequestLine, &Url, u32),
        etag: Option<&str>,
    ) -> Result<(Turn<'_>, Response, Exchange), Refusal> {
        let mut url = url.clone();
        for _ in 0..=redirect::MAX_HOPS {
            let turn = self.turn().await?;
            let mut exchange = self.exchange(line, &url, attempts);
            let is_own = self.host.is_origin_of(&url);
            let mut request = self.request(Method::GET, &url).header(ACCEPT, "text/plain, */*");
            if is_own && let Some(etag) = etag {
                request = request.header(IF_NONE_MATCH, etag);
            }
            let sent = async {
                request.send().await.map_err(|error| connect_kind(error, self.timeout, self.proxy.as_deref()))
            };
            let response = self.in_time(sent).await?;
            exchange.answer_with(response.status());
            if is_own {
                self.learn(response.headers());
            }
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                return Ok((turn, response, exchange));
            }
            exchange.end();
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            url = redirect::log_target(&self.host, &url, location)?;
        }
        Err(Kind::Redirect { to: url.path().to_owned(), why: "again and again", is_login: false }.into())
    }

    /// Takes an answer that is no log for a refusal.
    async fn check(&self, url: &Url, response: &mut Response, exchange: &mut Exchange) -> Result<(), Refusal> {
        let headers = response.headers().clone();
        if !response.status().is_success() {
            let mut body = Vec::new();
            while body.len() < MAX_READ
                && let Some(chunk) = self.next(response, exchange).await?
            {
                body.extend_from_slice(&chunk);
            }
            exchange.end();
            return self.judge(url, false, (response.status(), headers, body)).map(|_| ());
        }
        check_packing(&headers)?;
        if is_html(&headers) { Err(Kind::NotLog.into()) } else { Ok(()) }
    }

    /// Returns the next piece of a body. The time of the run does not count here: the reader may take its time.
    async fn next(
        &self,
        response: &mut Response,
        exchange: &mut Exchange,
    ) -> Result<Option<impl Deref<Target = [u8]> + use<>>, Refusal> {
        let chunk = async { response.chunk().await.map_err(body_kind) };
        let chunk = tokio::time::timeout(self.timeout, chunk).await;
        let chunk = chunk.unwrap_or(Err(Kind::Timeout(self.timeout)))?;
        self.budget.hear();
        match &chunk {
            Some(chunk) => exchange.count(chunk.len()),
            None => exchange.end(),
        }
        self.count_bytes(chunk.as_ref().map_or(0, |chunk| chunk.len() as u64));
        Ok(chunk)
    }
}
