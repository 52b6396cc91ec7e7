//! Serves what is known to others: metrics for Prometheus, an API, a page, and an address for GitLab's webhooks.

pub mod environment_metrics;
pub mod families;
pub mod hook_answer;
pub mod metric_store;
pub mod ref_metrics;
pub mod scrape;
mod status_word;
pub mod webhook;
