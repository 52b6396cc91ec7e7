//! Projects that webhooks name and no list does: one may be new, and most are of other groups.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long the list is not read again for the same project. One that comes later is found when the list is read in its
/// turn, after minutes.
const PAUSE: Duration = Duration::from_secs(3600);
/// So many are remembered. Where there are more, lists are read in their turn only.
const MOST_KEPT: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct UnlistedProjects {
    /// When the list was said to be due for each of them.
    told: HashMap<u64, Instant>,
}

impl UnlistedProjects {
    /// Notes an event about a project that is not listed. Returns whether the list should be read for it.
    pub(super) fn note(&mut self, id: u64, now: Instant) -> bool {
        let is_past = |at: &Instant| now.saturating_duration_since(*at) >= PAUSE;
        if self.told.get(&id).is_some_and(|at| !is_past(at)) {
            return false;
        }
        if self.told.len() >= MOST_KEPT {
            self.told.retain(|_, at| !is_past(at));
        }
        let has_room = self.told.len() < MOST_KEPT;
        if has_room {
            self.told.insert(id, now);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_once_for_a_project_that_it_does_not_name() {
        let mut unlisted = UnlistedProjects::default();
        let start = Instant::now();
        let cases = [
            ("the first event", 7, 0, true),
            ("the next one", 7, 1, false),
            ("of another project", 8, 1, true),
            ("much later", 7, 3599, false),
            ("after the pause", 7, 3600, true),
            ("and again", 7, 3601, false),
        ];
        for (sentence, id, after, expected) in cases {
            assert_eq!(unlisted.note(id, start + Duration::from_secs(after)), expected, "{sentence}");
        }
        let filled = (100..).take(MOST_KEPT).filter(|id| unlisted.note(*id, start + Duration::from_secs(4000))).count();
        assert!((MOST_KEPT - 2..MOST_KEPT).contains(&filled), "{filled}");
        assert!(!unlisted.note(1, start + Duration::from_secs(4000)), "there is no room");
        assert!(unlisted.note(1, start + Duration::from_secs(8000)), "those before are past");
    }
}
