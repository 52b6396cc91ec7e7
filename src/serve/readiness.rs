//! Whether what is shown is fresh enough to send those who look here.
//!
//! One project that cannot be read is no reason to turn everyone away: its row says that it is old, and how old. Where
//! nothing is fresh, there is nothing to come for.

use crate::collect::watch::WatchUpdate;
use crate::domain::project::{ProjectRow, RowState};
use crate::text::plural::counted;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// The answer to one who asks whether the server is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It may say what is not fresh all the same.
    Ready(Option<String>),
    NotReady(String),
}

/// How far a row can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowFreshness {
    Fresh,
    Old,
    /// It has nothing that could grow old.
    Nothing,
}

/// Judges what is known at a time; data may be so old.
pub(super) fn readiness(update: &WatchUpdate, now: DateTime<Utc>, fresh_for: Duration) -> Readiness {
    let Some(snapshot) = update.whole() else {
        return Readiness::NotReady("nothing has been read yet".to_owned());
    };
    if let Some(failed) = &update.failed {
        return Readiness::NotReady(format!("the last reading failed: {}", failed.cause));
    }
    let fresh_for = TimeDelta::from_std(fresh_for).unwrap_or(TimeDelta::MAX);
    let age = snapshot.read_at().map(|read_at| now - read_at);
    if let Some(age) = age.filter(|age| *age > fresh_for) {
        return Readiness::NotReady(format!("the data is {} s old", age.num_seconds()));
    }
    let count = |wanted| snapshot.rows.iter().filter(|row| freshness(row, now, fresh_for) == wanted).count();
    match (count(RowFreshness::Fresh), count(RowFreshness::Old)) {
        (_, 0) => Readiness::Ready(None),
        (0, _) => Readiness::NotReady("no project is fresh".to_owned()),
        (_, old) => {
            let verb = if old == 1 { "is" } else { "are" };
            let old = counted(old as u64, "project");
            Readiness::Ready(Some(format!("{old} {verb} not fresh")))
        }
    }
}

fn freshness(row: &ProjectRow, now: DateTime<Utc>, fresh_for: TimeDelta) -> RowFreshness {
    match &row.state {
        RowState::Stale { .. } | RowState::Error(_) => RowFreshness::Old,
        RowState::Ok(_) | RowState::NoPipeline { .. } if now - row.as_of > fresh_for => RowFreshness::Old,
        RowState::Ok(_) | RowState::NoPipeline { .. } => RowFreshness::Fresh,
        // The list tells that; nothing of it was read.
        RowState::NoAccess(_) => RowFreshness::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::watch::FailedReading;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::snapshot::Snapshot;
    use crate::domain::status::Status;
    use crate::domain::usage::Usage;
    use std::sync::Arc;

    const FRESH_FOR: Duration = Duration::from_secs(70);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    /// A row that was read so many seconds ago.
    fn aged(row: ProjectRow, seconds: i64) -> ProjectRow {
        ProjectRow { as_of: at(-seconds), ..row }
    }

    fn read(rows: Vec<ProjectRow>, age: i64) -> WatchUpdate {
        let snapshot = Snapshot {
            host: String::new(),
            taken_at: at(-age),
            groups: vec![],
            rows,
            problems: vec![],
            usage: Usage::default(),
        };
        WatchUpdate { snapshot: Some(Arc::new(snapshot)), is_whole: true, ..WatchUpdate::new() }
    }

    #[test]
    fn it_is_ready_as_long_as_something_is_fresh() {
        let green = |age| aged(ran("green", Status::Success, 1), age);
        let stale_for = |age| {
            let mut row = green(age);
            row.outdate(&failure());
            row
        };
        let stale = || stale_for(20);
        let error = || aged(row("error", RowState::Error(failure())), 0);
        let hidden = || aged(row("hidden", RowState::NoAccess(failure())), 0);
        let empty = |age| aged(row("empty", RowState::NoPipeline { ever_ran: Some(false) }), age);
        let ready = Readiness::Ready(None);
        let partly = |words: &str| Readiness::Ready(Some(format!("{words} not fresh")));
        let failed = || Readiness::NotReady("no project is fresh".into());
        let old = |age| Readiness::NotReady(format!("the data is {age} s old"));
        let cases = [
            ("all fresh", read(vec![green(0), empty(0)], 0), ready.clone()),
            ("as old as it may be", read(vec![green(70)], 70), ready.clone()),
            ("older", read(vec![green(71)], 71), old(71)),
            ("nothing could be read again for long", read(vec![stale_for(300), stale_for(310)], 0), old(300)),
            ("long stale among fresh ones", read(vec![green(0), stale_for(500)], 0), partly("1 project is")),
            ("one stale among fresh ones", read(vec![green(0), stale()], 0), partly("1 project is")),
            ("one that was never read among fresh ones", read(vec![green(0), error()], 0), partly("1 project is")),
            ("one fresh among old ones", read(vec![stale(), green(0), error()], 0), partly("2 projects are")),
            ("a project without a pipeline is fresh", read(vec![stale(), empty(0)], 0), partly("1 project is")),
            ("all stale", read(vec![stale(), stale()], 0), failed()),
            ("all stale or never read", read(vec![stale(), error()], 0), failed()),
            ("one that is hidden is nothing fresh", read(vec![stale(), hidden()], 0), failed()),
            ("nothing but hidden ones is all there is", read(vec![hidden()], 0), ready.clone()),
            ("not said to be stale, and too old", read(vec![green(71), green(0)], 0), partly("1 project is")),
            ("all too old, though one was looked for just now", read(vec![green(71), empty(72)], 0), old(71)),
            ("none was ever read", read(vec![error()], 0), failed()),
            ("an empty group", read(vec![], 0), ready.clone()),
            ("an empty group of long ago", read(vec![], 100), old(100)),
            ("our clock is behind", read(vec![green(-30)], -30), ready),
            ("nothing read yet", WatchUpdate::new(), Readiness::NotReady("nothing has been read yet".into())),
            (
                "the group could not be read",
                WatchUpdate {
                    failed: Some(FailedReading { cause: "401".into(), hints: vec![] }),
                    ..read(vec![green(0)], 0)
                },
                Readiness::NotReady("the last reading failed: 401".into()),
            ),
        ];
        for (sentence, update, expected) in cases {
            assert_eq!(readiness(&update, at(0), FRESH_FOR), expected, "{sentence}");
        }
    }
}
