//! What is due, and when. Pure: facts in, decisions out.

use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::snapshot::Snapshot;
use crate::gitlab::client::PipelineHead;
use std::time::Duration;

/// `RateLimit-*` counts in minutes on GitLab.com and by default everywhere else
/// (<https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>).
const LIMIT_WINDOW: Duration = Duration::from_secs(60);
/// The part of the server's limit that watching may use: the rest is for the person who watches.
const OUR_SHARE: f64 = 0.5;

/// Says whether a pipeline that was read before need not be read again.
///
/// It must look the same as then, have ended, and so must everything that it triggered: a retry, a manual job that is
/// played and a late child all change one of these.
pub fn is_settled(before: &Pipeline, now: &PipelineHead) -> bool {
    before.id == now.id
        && Some(&before.status) == now.status.as_ref()
        && before.updated_at == now.updated_at
        && has_ended(before)
}

/// Says whether a pipeline and everything that it triggered had ended.
pub fn has_ended(pipeline: &Pipeline) -> bool {
    pipeline.status.is_terminal()
        && pipeline.descendants().iter().all(|below| below.status.is_terminal() && !below.is_unread)
}

/// Returns how many requests the next refresh will take: one per project, and three for each pipeline that goes on.
pub fn next_cost(snapshot: &Snapshot) -> u64 {
    let goes_on = |row: &&ProjectRow| row.worst().is_some_and(|worst| !worst.is_terminal());
    snapshot.rows.len() as u64 + 3 * snapshot.rows.iter().filter(goes_on).count() as u64
}

/// Returns the time from one refresh to the next: as asked for, or longer where that many requests would be too many.
///
/// `cost` is what the next refresh will take, `limit` what the server allows in a minute, `rps` what we allow ourselves.
pub fn interval(asked: Duration, cost: u64, limit: Option<u64>, rps: f64) -> Duration {
    let ours = Duration::from_secs_f64(cost as f64 / rps);
    let theirs = limit
        .filter(|limit| *limit > 0)
        .map_or(Duration::ZERO, |limit| LIMIT_WINDOW.mul_f64(cost as f64 / (limit as f64 * OUR_SHARE)));
    asked.max(ours).max(theirs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::{below, pipeline};
    use crate::domain::id::PipelineId;
    use crate::domain::status::Status;
    use chrono::{DateTime, Utc};

    fn at(seconds: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(seconds, 0)
    }

    fn read(status: Status, child: Option<Status>) -> Pipeline {
        let downstream = child.map(|status| below(2, status, vec![])).into_iter().collect();
        Pipeline { updated_at: at(10), ..pipeline(status, downstream) }
    }

    fn head(id: u64, status: Status, updated: i64) -> PipelineHead {
        PipelineHead { id: PipelineId(id), raw_ref: "main".into(), status: Some(status), updated_at: at(updated) }
    }

    #[test]
    fn only_what_has_ended_and_looks_the_same_is_not_read_again() {
        use Status::*;
        let unread = {
            let mut pipeline = read(Success, Some(Success));
            pipeline.downstream[0].is_unread = true;
            pipeline
        };
        let cases = [
            ("ended and unchanged", read(Success, None), head(1, Success, 10), true),
            ("failed and unchanged", read(Failed, Some(Failed)), head(1, Failed, 10), true),
            ("a newer pipeline", read(Success, None), head(2, Success, 10), false),
            ("a lower id: the newest was deleted", read(Success, None), head(0, Success, 10), false),
            ("retried", read(Failed, None), head(1, Running, 12), false),
            ("retried and failed again", read(Failed, None), head(1, Failed, 14), false),
            ("still running", read(Running, None), head(1, Running, 10), false),
            ("waits for a person, who may have come", read(Manual, None), head(1, Manual, 10), false),
            ("a status that is not known", read(Other("odd".into()), None), head(1, Other("odd".into()), 10), false),
            ("a child still runs", read(Success, Some(Running)), head(1, Success, 10), false),
            ("a child could not be read", unread, head(1, Success, 10), false),
        ];
        for (sentence, before, now, expected) in cases {
            assert_eq!(is_settled(&before, &now), expected, "{sentence}");
        }
    }

    #[test]
    fn the_interval_stretches_to_what_the_server_can_bear() {
        let seconds = Duration::from_secs;
        let cases = [
            ("a small group as often as asked", 10, 20, None, 10),
            ("a large one at our own rate", 10, 2000, None, 80),
            ("a limit that leaves room", 10, 100, Some(2000), 10),
            ("half the limit and no more", 10, 500, Some(600), 100),
            ("a tight limit", 10, 500, Some(60), 1000),
            ("longer than needed is as asked", 300, 500, Some(600), 300),
            ("a limit of nothing is no limit", 10, 20, Some(0), 10),
        ];
        for (sentence, asked, cost, limit, expected) in cases {
            assert_eq!(interval(seconds(asked), cost, limit, 25.0), seconds(expected), "{sentence}");
        }
    }
}
