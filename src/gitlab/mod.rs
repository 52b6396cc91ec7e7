//! The only module that speaks HTTP to GitLab: requests out, domain types back.
//!
//! [`client::Client`] is the face; behind it every request takes one path: auth, budget, send, retry, decode.

mod auth;
mod budget;
pub mod cable;
pub mod client;
mod credentials;
pub mod error;
mod graphql;
mod job_page;
mod lenient;
mod page;
mod plain_http;
mod proxy;
mod redirect;
mod refusal;
mod rest;
mod retry;
mod tls;
mod transport;

/// What only tests ask for: the queries as they are sent.
pub(crate) mod testing {
    pub use super::graphql::past::JOBS_OF_EACH as PAST_JOBS_OF_EACH;
    pub use super::graphql::queries;
    pub use super::graphql::snapshot::jobs_of_each;
}

pub use auth::Token;
pub use budget::DEFAULT_RPS;
pub use credentials::{Credentials, ExtraHeader};
pub use page::ListPage;
pub use plain_http::{PlainHttp, PlainHttpOptions};
pub use proxy::ProxyRules;
pub(crate) use refusal::clean as clean_foreign;
pub use retry::RetryOptions;
pub use transport::{IdentityPem, TransportOptions};
