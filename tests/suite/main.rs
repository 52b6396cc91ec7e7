//! The one integration binary. Which file holds what:
//!
//! - `status.rs`: the group as the simulated GitLab knows it, in every output
//! - `trouble.rs`: bad input and bad servers, each with its message and exit code
//! - `cost.rs`: how many requests a run makes, and how many at once
//! - `secrets.rs`: the token shows nowhere
//! - `terminal.rs`: the real binary in a real terminal

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../support/mod.rs"]
mod support;

mod secrets;
mod status;
mod terminal;
mod trouble;
