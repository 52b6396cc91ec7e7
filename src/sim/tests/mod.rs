//! Tests of the simulated GitLab, over HTTP where HTTP matters.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agreement;
mod http;
mod keys;
mod rest;
mod rules;
mod world;
