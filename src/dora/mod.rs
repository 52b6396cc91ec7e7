//! How well is software delivered? DORA's five measures, counted from what is remembered; pure.
//!
//! - `known`: what is known of one project, and the rules' own numbers
//! - `gather`: that, out of the facts of the memory
//! - `stand_in`: pipelines that take the place of deployments
//! - `merging`: successes of one pipeline are one deployment
//! - `verdict`: the verdict on each deployment, merge request and failed attempt, over all facts
//! - `measures`: the window is cut out last, and what lies in it is counted
//! - `levels`: the levels that reports have published
//! - `study`: projects judged, and put together in rows
//! - `trust`: which projects' numbers rest on little
//!
//! Verdicts know no window: moving it changes none. A group is counted from the values of its projects, never from their
//! medians. What is not known is no value, never 0. There is no ranking of people: no fact here names one.

pub(crate) mod gather;
pub(crate) mod known;
pub(crate) mod levels;
pub(crate) mod measures;
mod merging;
pub(crate) mod stand_in;
pub(crate) mod study;
pub(crate) mod trust;
pub(crate) mod verdict;

#[cfg(test)]
pub(crate) mod example;
#[cfg(test)]
mod tests;
