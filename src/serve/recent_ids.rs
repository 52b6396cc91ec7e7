//! The ids of the last deliveries: GitLab repeats one that it believes to have failed.

use std::collections::{HashSet, VecDeque};

const MOST_KEPT: usize = 4096;

/// Longer ids are none of GitLab's, and are not kept.
const LONGEST: usize = 128;

#[derive(Debug, Default)]
pub(super) struct RecentIds {
    known: HashSet<Box<str>>,
    order: VecDeque<Box<str>>,
}

impl RecentIds {
    /// Notes an id. Returns whether it was known.
    pub(super) fn note(&mut self, id: &str) -> bool {
        if id.len() > LONGEST {
            return false;
        }
        if !self.known.insert(id.into()) {
            return true;
        }
        self.order.push_back(id.into());
        if self.order.len() > MOST_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }
}
