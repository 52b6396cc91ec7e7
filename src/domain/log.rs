//! An excerpt of a job's log, cleaned.

/// A line of a log as a person reads it: no control codes, no section markers, the last state of a progress bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// From 1, as GitLab numbers them.
    pub number: u64,
    pub text: String,
}

/// The parts of a log that tell why its job failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogExcerpt {
    /// The runner's section in which the job failed, such as `step_script`.
    pub section: Option<String>,
    /// The line that tells the most about the failure; the last one where none looks like an error.
    pub key_line: Option<LogLine>,
    /// What the runner gives as the reason, where that is more than an exit code.
    pub verdict: Option<String>,
    /// The runner's own limit of bytes, where it cut the log there: the end is missing.
    pub limit: Option<u64>,
    /// Lines that look like the error, in the log's order.
    pub errors: Vec<LogLine>,
    /// The last lines of that section.
    pub tail: Vec<LogLine>,
    /// What the runner says at the log's end: `ERROR: Job failed: exit code 137`.
    pub exit_code: Option<i32>,
    /// Lines in all.
    pub lines: u64,
    /// Bytes in all, control codes included.
    pub bytes: u64,
    /// Reading stopped before the end, because of its size.
    pub is_cut: bool,
}
