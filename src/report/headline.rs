//! The state of the groups in one line: how many projects are in which state, the worst first, and how old that is.
//!
//! What could not be read again counts as what it was when it was last read; how old that is goes with it.

use super::cell::Tone;
use crate::domain::project::{ProjectRow, RowState, StateWord};
use crate::domain::status::Status;
use crate::text::age::in_one_unit;
use crate::text::glyph::Mark;
use chrono::{DateTime, TimeDelta, Utc};

/// Rows whose ages differ by no more than this are said to be of one age.
const ALIKE: TimeDelta = TimeDelta::seconds(10);

/// So many projects in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadCount {
    pub mark: Mark,
    pub tone: Tone,
    pub n: usize,
    /// Is shown however little room there is: it failed, or could not be read.
    pub is_vital: bool,
}

/// Counts the rows, the worst first.
pub(crate) fn counts<'a>(rows: impl IntoIterator<Item = &'a ProjectRow>) -> Vec<HeadCount> {
    let mut counts: Vec<((u8, u8), HeadCount)> = Vec::new();
    for row in rows {
        let (rank, mark, tone) = kind(row);
        match counts.iter_mut().find(|(_, count)| count.mark == mark) {
            Some((_, count)) => count.n += 1,
            None => {
                let is_vital = rank.0 < 2;
                counts.push((rank, HeadCount { mark, tone, n: 1, is_vital }));
            }
        }
    }
    counts.sort_by_key(|(rank, _)| *rank);
    counts.into_iter().map(|(_, count)| count).collect()
}

fn kind(row: &ProjectRow) -> ((u8, u8), Mark, Tone) {
    match (row.worst(), row.state_word()) {
        (Some(Status::Failed), _) => ((0, 0), Mark::Status(Status::Failed), Tone::Bad),
        (Some(worst), _) => {
            // GitLab's other words share a glyph, and so a count.
            let worst = if let Status::Other(_) = worst { Status::Other(Box::default()) } else { worst };
            // A warning is looked at before what is still active.
            let rank = if worst == Status::Warning { Status::Canceling.severity() } else { worst.severity() };
            ((2, rank), Mark::Status(worst.clone()), Tone::from(&worst))
        }
        (None, state) => {
            let rank = match state {
                StateWord::Error => 1,
                StateWord::NoAccess => 3,
                StateWord::Ok | StateWord::Stale | StateWord::NoPipeline => 4,
            };
            ((rank, 0), Mark::State(state), Tone::from(state))
        }
    }
}

/// Says whether a row is older than it should be: it could not be read again, or nothing has come for too long.
pub(crate) fn is_old(row: &ProjectRow, now: DateTime<Utc>, expected: Option<TimeDelta>) -> bool {
    matches!(row.state, RowState::Stale { .. }) || expected.is_some_and(|expected| now - row.as_of > expected)
}

/// How old the rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// There are none.
    Nothing,
    /// As young as they should be; the oldest has this age.
    Fresh(TimeDelta),
    /// All are too old.
    Old { youngest: TimeDelta, oldest: TimeDelta },
    /// So many of them are, each older than this.
    PartlyOld { old: usize, of: usize, youngest: TimeDelta },
}

impl Freshness {
    pub fn of(rows: &[ProjectRow], now: DateTime<Utc>, expected: Option<TimeDelta>) -> Self {
        let age = |row: &ProjectRow| (now - row.as_of).max(TimeDelta::zero());
        let Some(oldest) = rows.iter().map(age).max() else { return Self::Nothing };
        let old = rows.iter().filter(|row| is_old(row, now, expected));
        let (count, youngest) = old.fold((0, oldest), |(n, youngest), row| (n + 1, youngest.min(age(row))));
        match count {
            0 => Self::Fresh(oldest),
            count if count == rows.len() => Self::Old { youngest, oldest },
            old => Self::PartlyOld { old, of: rows.len(), youngest },
        }
    }

    /// Says whether all rows are as young as they should be.
    pub fn is_fresh(&self) -> bool {
        matches!(self, Self::Nothing | Self::Fresh(_))
    }

    /// Returns it in words, in two lengths.
    pub fn forms(&self) -> Option<[String; 2]> {
        let forms = match self {
            Self::Nothing => return None,
            Self::Fresh(age) => {
                ["read ".to_owned(), String::new()].map(|read| format!("{read}{} ago", in_one_unit(*age)))
            }
            // Never younger than any of them.
            Self::Old { youngest, oldest } if *oldest - *youngest <= ALIKE => {
                ["all ", ""].map(|all| format!("{all}{} old", in_one_unit(*oldest)))
            }
            Self::Old { youngest, .. } => {
                ["all older than ", ">"].map(|than| format!("{than}{}", in_one_unit(*youngest)))
            }
            Self::PartlyOld { old, of, youngest } => {
                [" older than ", " >"].map(|than| format!("{old} of {of}{than}{}", in_one_unit(*youngest)))
            }
        };
        Some(forms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::{failure, ran, row};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn read_at(row: ProjectRow, seconds: i64) -> ProjectRow {
        ProjectRow { as_of: at(seconds), ..row }
    }

    fn stale(row: ProjectRow) -> ProjectRow {
        let pipelines = row.pipelines().to_vec().into();
        ProjectRow { state: RowState::Stale { pipelines, failure: failure() }, ..row }
    }

    #[test]
    fn the_worst_is_counted_first_and_what_is_stale_as_what_it_was() {
        let rows = [
            ran("a", Status::Success, 1),
            stale(ran("b", Status::Failed, 1)),
            ran("c", Status::Failed, 1),
            row("d", RowState::NoPipeline { ever_ran: Some(false) }),
            row("e", RowState::Error(failure())),
            ran("f", Status::Running, 1),
            row("g", RowState::NoAccess(failure())),
            stale(ran("h", Status::Success, 1)),
            ran("i", Status::Other("odd".into()), 1),
            ran("j", Status::Other("unread".into()), 1),
            ran("k", Status::Warning, 1),
        ];
        let text = |count: &HeadCount| {
            format!("{}{}{}", count.mark.glyph(Default::default()), count.n, if count.is_vital { "!" } else { "" })
        };
        let counts: Vec<String> = counts(&rows).iter().map(text).collect();
        assert_eq!(counts[..2], ["✗2!", "‼1!"]);
        let mut rest = counts[2..].to_vec();
        rest.sort();
        assert_eq!(rest, ["!1", "?2", "–1", "⊠1", "●1", "✓2"]);
        assert_eq!(counts.last().map(String::as_str), Some("–1"));
    }

    #[test]
    fn the_age_is_told_and_never_younger_than_it_is() {
        let fresh = |seconds| read_at(ran("a", Status::Success, 1), seconds);
        let old = |seconds| stale(fresh(seconds));
        let cases = [
            ("no rows", vec![], None),
            ("all were just read: the oldest counts", vec![fresh(92), fresh(95)], Some("read 8s ago")),
            ("one is older than it should be", vec![fresh(30), fresh(95)], Some("1 of 2 older than 1m")),
            ("all are", vec![fresh(10), fresh(12)], Some("all 1m old")),
            ("none could be read again a moment ago", vec![old(97), old(95)], Some("all 5s old")),
            ("some could not", vec![old(97), fresh(98), old(80)], Some("2 of 3 older than 3s")),
            ("of very different ages", vec![old(-7100), old(-90_000)], Some("all older than 2h")),
            ("the server's clock went back", vec![fresh(103)], Some("read 0s ago")),
        ];
        for (sentence, rows, expected) in cases {
            let freshness = Freshness::of(&rows, at(100), Some(TimeDelta::seconds(20)));
            let long = freshness.forms().map(|[long, _]| long);
            assert_eq!(long.as_deref(), expected, "{sentence}");
        }
    }
}
