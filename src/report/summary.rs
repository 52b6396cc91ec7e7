//! The summary of a report: counts, cost, and the time of the snapshot.

use super::cell::Tone;
use super::item::{Span, status_words};
use crate::domain::health::Counts;
use crate::domain::usage::Usage;
use crate::text::plural::counted;
use crate::text::sanitise::sanitise;

#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub counts: Counts,
    /// Projects that are counted and not shown.
    pub hidden: usize,
    pub usage: Usage,
    /// `20:00 CET`
    pub taken_at: String,
}

impl Summary {
    /// Returns the counts in phrases that each want to stay on one line: `42 projects:` `3 failed,` `30 success`.
    pub fn phrases(&self) -> Vec<Span> {
        let counts = &self.counts;
        let by_status = counts
            .by_status
            .iter()
            .map(|(status, n)| (format!("{n} {}", sanitise(&status_words(status))), status.into()));
        let by_state = [
            (counts.error, counted(counts.error as u64, "error"), Tone::Bad),
            (counts.stale, format!("{} stale", counts.stale), Tone::Warn),
            (counts.no_access, format!("{} no access", counts.no_access), Tone::Warn),
            (counts.no_pipeline, format!("{} without pipeline", counts.no_pipeline), Tone::Muted),
        ];
        let by_state = by_state.into_iter().filter(|(n, ..)| *n > 0).map(|(_, text, tone)| (text, tone));
        let mut parts: Vec<Span> = by_status.chain(by_state).map(|(text, tone)| Span::new(text, tone)).collect();
        let head = counted(counts.projects as u64, "project");
        let head = if parts.is_empty() { head } else { format!("{head}:") };
        let last = parts.len().saturating_sub(1);
        parts.iter_mut().take(last).for_each(|part| part.text.push(','));
        parts.insert(0, Span::new(head, Tone::Plain));
        parts
    }
}
