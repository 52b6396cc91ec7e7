//! A simulated GitLab: a group that lives, served as REST v4 and GraphQL over HTTP on a loopback port.
//!
//! It plays GitLab for `--demo`, for the integration tests and for the benches. It obeys GitLab's documentation and not
//! our client: no struct is shared with glwatch, so a misspelt key cannot hide on both sides.
//!
//! ```text
//! scenarios/demo.toml -> scenario, job_spec   what the file says
//!                     -> world                groups, projects, lines of pipelines; ids
//!                     -> history              what happened before, weeks of it
//!                     -> timeline, plan       one pipeline's life, every status change with its time
//!                     -> action_log           what people did to them through the API
//!                     -> report, trace        test reports and logs of its jobs
//!                     -> expected             what a correct client must report
//!                     -> rest/, graphql/      what GitLab answers
//!                     -> webhooks, cable      what GitLab says unasked
//! options, clock, faults -> server            HTTP, latency, limits, misbehaviour
//! ```
//!
//! A person can talk to a running one: `GET /-/sim/stats`, `GET /-/sim/truth`, `GET /-/sim/history`, `POST /-/sim/reset`,
//! `POST /-/sim/advance?seconds=60`, `POST /-/sim/stop`.

mod action_log;
mod badge;
mod cable;
mod clock;
mod connection;
mod expected;
mod faults;
mod graphql;
mod history;
mod hook_shelf;
mod job_spec;
mod listed_pipeline;
mod log;
mod options;
mod pipeline_filter;
mod plan;
mod query;
mod reply;
mod report;
mod rest;
mod rng;
mod scenario;
mod server;
mod status;
mod timeline;
mod trace;
mod uniform;
mod webhooks;
mod world;

#[cfg(test)]
mod tests;

pub use cable::{CableFault, CableOptions, StatusesField};
pub use clock::Clock;
pub use faults::{Action, Fault, FaultOn};
pub use graphql::complexity;
pub use log::Request;
pub use options::{
    Access, GraphqlOptions, Options, RateLimit, Served, TOKEN_API, TOKEN_EXPIRED, TOKEN_JOB, TOKEN_READ_API,
    TOKEN_READ_USER, Version, WorldKind,
};
pub use server::Sim;
pub use webhooks::{HookDeliveries, HookTrouble, Webhook};
