//! What only the tests and benches of this repository need of the inside; it promises nothing.

pub use crate::collect::rehearsal::Rehearsal;
pub use crate::config::exporter::ExporterConfig;
pub use crate::gitlab::testing::{PAST_JOBS_OF_EACH, jobs_of_each, queries};
