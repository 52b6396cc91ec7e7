//! Tests of the simulated GitLab, over HTTP where HTTP matters.

mod actions;
mod agreement;
mod cable;
mod complexity;
mod failures;
mod graphql;
mod graphql_agreement;
mod history;
mod history_graphql;
mod history_keys;
mod hooks;
mod http;
mod keys;
mod obedience;
#[path = "../../../../tests/gitlab/published.rs"]
mod published;
mod rest;
mod rules;
mod slice;
mod test_reports;
mod traces;
mod webhooks;
mod world;
