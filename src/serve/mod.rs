//! Serves what is known to others: metrics for Prometheus, an API, a page, and an address for GitLab's webhooks.

mod access;
pub mod counter_book;
mod counter_saving;
pub mod environment_metrics;
pub mod event_log;
pub mod exporter;
pub mod families;
pub mod hook_answer;
mod hook_body;
pub mod host_rule;
pub mod http;
pub mod hub;
pub mod metric_store;
mod own_families;
mod own_metrics;
mod page;
mod readiness;
mod recent_ids;
pub mod ref_metrics;
mod ref_runs;
mod run_metrics;
pub mod scrape;
mod status_word;
mod unlisted;
pub mod wake_batch;
pub mod webhook;
