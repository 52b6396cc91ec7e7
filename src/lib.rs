//! glwatch shows the state of every pipeline of a whole GitLab group.
//!
//! Imports between the modules go one way only; `tests/architecture.rs` holds the code to this table:
//!
//! ```text
//! main -> cli -> everything
//! render  -> report, domain, text
//! report  -> domain, text
//! collect -> gitlab, domain              gitlab -> domain, text
//! config  -> domain, text                text   -> domain
//! domain  -> nothing                     sim    -> nothing
//! ```

pub mod collect;
pub mod domain;
pub mod gitlab;
pub mod render;
pub mod report;
#[cfg(feature = "demo")]
pub mod sim;
pub mod text;
