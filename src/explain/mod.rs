//! Judging why a pipeline is not green: evidence in, causes out. Pure.
//!
//! - `reason`: GitLab's words in plain words, and what to do next
//! - `wait`: why a job has not begun
//! - `tests`: which tests failed, and which of them are new
//! - `log`: what of a log is worth showing
//! - `cause`: the answer
//! - `attribution`: whose fault it is
//! - `shared`: what failures of several projects have in common

pub(crate) mod attribution;
pub(crate) mod cause;
mod error_line;
mod key_line;
pub(crate) mod log;
pub(crate) mod reason;
pub(crate) mod sentence;
pub(crate) mod shared;
pub(crate) mod tests;
mod wait;
