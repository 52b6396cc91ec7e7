//! glwatch shows the state of every pipeline of a whole GitLab group.
//!
//! Imports between the modules go one way only; `tests/architecture.rs` holds the code to this table:
//!
//! ```text
//! main -> cli -> everything
//! serve   -> collect, report, render, domain, text
//! hub_client -> collect, gitlab, report, explain, domain, text
//! tui     -> collect, act, explain, report, domain, text
//! render  -> report, domain, text
//! report  -> explain, stats, dora, domain, text, cores
//! collect -> gitlab, explain, domain, cores, private_file
//! history -> gitlab, domain, private_file
//! act     -> gitlab, domain
//! testing -> collect, config, gitlab
//! gitlab  -> domain, text
//! stats   -> explain, domain             dora -> domain
//! explain -> domain, text                config -> domain, text
//! text    -> domain
//! domain  -> nothing                     private_file -> nothing
//! cores   -> nothing
//! ```

pub mod act;
mod cli;
pub mod collect;
mod config;
mod cores;
pub mod domain;
mod dora;
mod explain;
pub mod gitlab;
pub mod history;
pub mod hub_client;
mod private_file;
pub mod render;
pub mod report;
pub mod serve;
pub mod stats;
#[doc(hidden)]
pub mod testing;
pub mod text;
pub mod tui;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with its command line, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    cli::run(arguments)
}
