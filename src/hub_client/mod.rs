//! Reads another `glwatch serve` instead of GitLab: many look, and GitLab sees one client.
//!
//! A hub is foreign like any server. It gets its own token, never GitLab's, and what it says is checked before it is shown.

pub mod client;
pub mod document;
pub mod error;
mod event_stream;
pub mod explained;
mod failure_wire;
pub mod feed;
mod past;
mod pipeline_wire;
pub mod reader;
pub mod scope;
