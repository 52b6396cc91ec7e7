//! How good is the CI? Accuracy, promptness, cost and actionability, counted from what is remembered; pure.
//!
//! - A pipeline belongs to the window in which it was created, and its attempts, failures and the red time that it began
//!   belong to it.
//! - Evidence about a fact is looked for up to [`plan::LOOKBACK_SECONDS`] before it, and up to now. The window is cut out
//!   last: moving it changes no verdict.
//! - Groups are counted from the values of their projects, never from their medians.
//! - What is not known is no value, never 0.

mod commit;
mod cost;
mod critical_path;
mod origin;
pub mod plan;
mod project;
mod spread;
mod stretch;
pub mod study;
pub(crate) mod tally;

pub use cost::{CostRates, SecondsSpent};
pub use spread::Spread;

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;
