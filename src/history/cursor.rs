//! Spans of the past that were read, and where a reading goes on. Pure.

use crate::domain::fact::{SECONDS_PER_DAY, UnixSeconds};
use crate::domain::usage::Api;
use std::ops::Range;

/// All pipelines that changed after `since`, as they were at `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilledSpan {
    pub since: UnixSeconds,
    pub until: UnixSeconds,
}

/// A reading that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFill {
    pub span: FilledSpan,
    /// Where it goes on, in the API's own words; empty at the first page.
    pub next: String,
}

/// How far a project was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillCursor {
    /// What it was read over: REST lists lack some of what GraphQL tells.
    pub api: Api,
    pub whole: Option<FilledSpan>,
    pub open: Option<OpenFill>,
}

impl FillCursor {
    /// Notes that a span was read to its end, and returns the days of which all is known because of it: those that
    /// began in it or where the last one ended, and are over.
    pub fn complete(&mut self, span: FilledSpan) -> Range<i64> {
        // What an earlier span knows counts only where nothing lies between them.
        let before = self.whole.filter(|whole| whole.since <= span.until && span.since <= whole.until);
        let whole = before.map_or(span, |before| FilledSpan {
            since: before.since.min(span.since),
            until: before.until.max(span.until),
        });
        (self.whole, self.open) = (Some(whole), None);
        let first_whole = |time: UnixSeconds| -(-time).div_euclid(SECONDS_PER_DAY);
        let begin = first_whole(whole.since);
        let begin = match before {
            Some(before) if before.since <= span.since => begin.max(before.until.div_euclid(SECONDS_PER_DAY)),
            Some(_) | None => begin,
        };
        begin..whole.until.div_euclid(SECONDS_PER_DAY).max(begin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = SECONDS_PER_DAY;

    #[test]
    fn a_day_is_filled_when_all_of_it_was_read() {
        let span = |since: i64, until: i64| FilledSpan { since, until };
        type Case = (&'static str, Option<FilledSpan>, FilledSpan, FilledSpan, Range<i64>);
        let cases: [Case; 7] = [
            ("the day that goes on is not", None, span(3 * DAY, 5 * DAY + 7), span(3 * DAY, 5 * DAY + 7), 3..5),
            (
                "nor the one in whose midst it begins",
                None,
                span(3 * DAY + 1, 5 * DAY),
                span(3 * DAY + 1, 5 * DAY),
                4..5,
            ),
            ("less than a day", None, span(3 * DAY + 1, 4 * DAY - 1), span(3 * DAY + 1, 4 * DAY - 1), 4..4),
            (
                "what is new goes on where the last one ended",
                Some(span(DAY, 5 * DAY + 7)),
                span(5 * DAY + 1, 7 * DAY + 9),
                span(DAY, 7 * DAY + 9),
                5..7,
            ),
            (
                "the same day again",
                Some(span(DAY, 5 * DAY + 7)),
                span(5 * DAY + 1, 5 * DAY + 9),
                span(DAY, 5 * DAY + 9),
                5..5,
            ),
            (
                "further back",
                Some(span(4 * DAY, 5 * DAY + 7)),
                span(2 * DAY, 5 * DAY + 9),
                span(2 * DAY, 5 * DAY + 9),
                2..5,
            ),
            ("a gap between them", Some(span(DAY, 2 * DAY)), span(4 * DAY, 6 * DAY), span(4 * DAY, 6 * DAY), 4..6),
        ];
        for (sentence, before, read, whole, days) in cases {
            let mut cursor = FillCursor { api: Api::Graphql, whole: before, open: None };
            assert_eq!(cursor.complete(read), days, "{sentence}");
            assert_eq!(cursor.whole, Some(whole), "{sentence}");
        }
    }
}
