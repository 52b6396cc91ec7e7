//! A job's log as a person reads it, cleaned while it streams past: it is never held, however long it is.
//!
//! What becomes of what the log contains:
//!
//! - Escape sequences and control characters go; an escape sequence ends with its line, whatever it says. Bidi controls
//!   and bytes that are no UTF-8 become `�`, what is invisible goes, as in [`sanitise`](super::sanitise).
//! - Sixteen colours and bold can be kept: as facts beside the text, never as the log's own bytes.
//! - Text after a carriage return replaces the whole line, as in GitLab's viewer, not only as much as it covers: what
//!   stays of a progress bar is its last state. Until such text comes, the line stays. A backspace takes a character back.
//! - `section_start:…` and `section_end:…` become events, and text before one a line of its own.
//! - Timestamps of the runner (`FF_TIMESTAMPS`) go if the log's first line has one; `+` joins the line before.
//!
//! Lines bear the numbers of GitLab's viewer, which leaves out empty ones: they are kept here with the number of the
//! line before them, and a line that holds nothing but a section's marker is none.
//! (`lib/gitlab/ci/ansi2json` and `ci/job_details/store/utils.js` in GitLab's source.)

mod cleaner;
mod line;
mod marker;
mod style;
#[cfg(test)]
mod tests;
mod timestamp;

pub use cleaner::{CleanLine, CleanerEvent, LogCleaner};
pub use style::{LogStyle, StyledRun};
