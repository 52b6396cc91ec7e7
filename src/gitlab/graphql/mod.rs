//! GitLab's GraphQL API: one `.graphql` file per question, typed answers, conversion to the same domain types as REST.
//!
//! - `document`: from the files to the text that is sent, without the fields that this server does not have
//! - `fields`: which of them it has
//! - `question`: asking, and sorting answers from errors and silence
//! - `pulse`, `downstream`, `snapshot`, `jobs`, `needs`, `glance`, `older`, `trouble`, `past`: the questions
//!
//! What the questions cost under GitLab's rules is held by `tests/suite/queries.rs`.

pub(super) mod document;
pub(super) mod downstream;
pub(super) mod fields;
pub(super) mod glance;
pub(super) mod jobs;
pub(super) mod needs;
pub(super) mod older;
pub(super) mod past;
pub(super) mod pulse;
mod question;
mod reason;
pub(super) mod snapshot;
pub(super) mod trouble;
mod wire;

use self::fields::Fields;

pub use question::{Answered, ProjectSaid};

/// Returns every query as it is sent to a server with these fields, by the name of its operation.
pub fn queries(fields: &Fields) -> Vec<(&'static str, String)> {
    vec![
        fields::query(),
        pulse::query(),
        snapshot::query(fields),
        jobs::query(jobs::PER_QUERY, fields),
        needs::query(fields),
        glance::query(fields),
        downstream::query(downstream::PER_QUERY),
        older::query(older::PER_QUERY),
        trouble::query(fields),
        past::query(fields),
        past::news_query(),
        past::jobs_query(past::JOBS_PER_QUERY, fields),
    ]
}
