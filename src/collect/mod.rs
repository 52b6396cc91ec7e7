//! Deciding what to read, reading it, and putting it together into a snapshot.

pub mod batch;
pub mod cache;
pub mod evidence;
pub mod explain_service;
mod external;
mod fetch;
pub mod find;
mod follow;
mod gathered;
mod interim;
mod job_log;
mod list;
mod listener;
mod lookout;
mod merge;
mod pages;
mod partial;
mod permissions;
pub mod plan;
mod project;
mod reasons;
pub mod rehearsal;
mod request;
pub mod run;
mod torn;
pub mod watch;
