//! Judging why a pipeline is not green: evidence in, causes out. Pure.
//!
//! - `reason`: GitLab's words in plain words, and what to do next
//! - `wait`: why a job has not begun
//! - `tests`: which tests failed, and which of them are new
//! - `log`: what of a log is worth showing
//! - `cause`: the answer
//! - `attribution`: whose fault it is
//! - `shared`: what failures of several projects have in common

pub mod attribution;
pub mod cause;
mod error_line;
mod key_line;
pub mod log;
pub mod reason;
pub mod sentence;
pub mod shared;
pub mod tests;
mod wait;
