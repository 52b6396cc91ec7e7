//! A counter between two processes.

/// What a counter had come to.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedCounter {
    /// The family's name.
    pub family: String,
    /// What it is about, and what tells it from others about the same.
    pub owner: String,
    pub rest: String,
    pub value: f64,
    /// The newest pipeline or job that it counts; 0 where what it counts has no id.
    pub last_id: u64,
}

/// How saving has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveEnd {
    Saved,
    /// What was saved before is lost: everything must be saved again.
    SavedInNewFile,
    Failed,
    /// Not known yet: the disk is slow, or another process writes.
    Late,
}
