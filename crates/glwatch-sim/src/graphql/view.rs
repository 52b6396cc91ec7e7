//! What the objects of one answer look at.

use crate::rest::RestApi;

pub(super) struct AnswerView<'w> {
    pub(super) rest: &'w RestApi<'w>,
    /// Whether a token was sent: some fields are null without.
    pub(super) reader: bool,
    /// Whether the caller sees any group and project at all.
    pub(super) sees: bool,
    /// Projects whose `pipelines` fail.
    pub(super) broken: &'w [u64],
    /// The most on one page.
    pub(super) max_page: usize,
    /// What the query costs, and what it may cost.
    pub(super) score: u32,
    pub(super) limit: u32,
}

impl AnswerView<'_> {
    pub(super) fn now(&self) -> i64 {
        self.rest.now
    }
}
