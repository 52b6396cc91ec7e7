//! Decides what is due, and when. Pure: facts in, decisions out.

use super::batch::BatchSize;
use super::torn;
use crate::domain::id::ProjectId;
use crate::domain::job::Job;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::{ProjectRow, RowState};
use crate::domain::snapshot::Snapshot;
use crate::domain::status::Status;
use crate::domain::usage::Api;
use crate::gitlab::client::{DOWNSTREAMS_PER_QUERY, PipelineHead};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::time::Duration;

/// `RateLimit-*` counts in minutes on GitLab.com and by default everywhere else
/// (<https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>).
const LIMIT_WINDOW: Duration = Duration::from_secs(60);
/// The part of the server's limit that watching may use: the rest is for the person who watches.
const OUR_SHARE: f64 = 0.5;
const JITTER: f64 = 0.1;

/// Says whether a pipeline that was read before need not be read again.
///
/// It must look the same as then, have been read whole, have ended, and so must everything that it triggered: a retry,
/// a manual job that is played and a late child all change one of these.
pub(crate) fn is_settled((before, has_ended): (&Pipeline, bool), now: &PipelineHead) -> bool {
    has_ended
        && before.id == now.id
        && Some(&before.status) == now.status.as_ref()
        && is_same_moment(before.updated_at, now.updated_at)
}

/// Compares two times of one thing: REST gives milliseconds, GraphQL whole seconds.
pub(super) fn is_same_moment(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> bool {
    let is_whole = |time: DateTime<Utc>| time.timestamp_subsec_nanos() == 0;
    match (one, other) {
        (Some(one), Some(other)) if is_whole(one) != is_whole(other) => one.timestamp() == other.timestamp(),
        (one, other) => one == other,
    }
}

/// Says whether a pipeline and everything that it triggered was read whole and had ended.
///
/// Each job has ended or waits for a person, who makes the pipeline go on. Parts that contradict each other were read
/// at different moments, be it by an earlier version that kept them.
pub(crate) fn has_ended(pipeline: &Pipeline) -> bool {
    let is_at_rest = |job: &Job| job.status.is_terminal() || job.status == Status::Manual;
    pipeline.status.is_terminal()
        && pipeline.unread.is_none()
        && pipeline.jobs().all(is_at_rest)
        && torn::contradiction(&pipeline.status, pipeline.jobs()).is_none()
        && torn::emptiness(pipeline).is_none()
        && pipeline.descendants().iter().all(|below| below.status.is_terminal() && !below.is_unread)
}

/// Returns how many requests the next refresh will take.
///
/// Over REST one per project, three for each pipeline that goes on, and one for each triggered pipeline that is looked
/// after; over GraphQL a pulse for every hundred that have ended, a batch of `size` for the others, and a query for many
/// triggered pipelines.
pub(crate) fn next_cost(snapshot: &Snapshot, size: BatchSize) -> u64 {
    let goes_on = |row: &&ProjectRow| row.worst().is_some_and(|worst| !worst.is_terminal());
    let all = snapshot.rows.len();
    let going_on = snapshot.rows.iter().filter(goes_on).count();
    let looked_after: usize = snapshot
        .rows
        .iter()
        .filter(|row| !goes_on(row))
        .flat_map(ProjectRow::pipelines)
        .map(|pipeline| pipeline.descendants().len())
        .sum();
    let requests = match snapshot.usage.api {
        Api::Rest => all + 3 * going_on + looked_after,
        Api::Graphql => {
            let looks = looked_after.div_ceil(2 * DOWNSTREAMS_PER_QUERY);
            (all - going_on).div_ceil(size.page()) + going_on.div_ceil(size.get()) + looks
        }
    };
    requests as u64
}

/// Returns the projects that are due in each turn although GitLab tells about others: those that it does not tell about, what
/// could not be read, and what is under way. Jobs move without a change of their pipeline, and nothing tells of them.
pub(crate) fn due_beside(snapshot: &Snapshot, told: &BTreeSet<ProjectId>) -> BTreeSet<ProjectId> {
    let is_due = |row: &&ProjectRow| {
        let is_unread = matches!(row.state, RowState::Stale { .. } | RowState::Error(_));
        let is_partly_read = row.pipelines().iter().any(|pipeline| pipeline.unread.is_some());
        let goes_on = row.worst().is_some_and(|worst| worst.is_active());
        !told.contains(&row.project.id) || is_unread || is_partly_read || goes_on
    };
    snapshot.rows.iter().filter(is_due).map(|row| row.project.id).collect()
}

/// Returns the time from one refresh to the next: as asked for, or longer where that many requests would be too many.
///
/// `cost` is what the next refresh will take, `limit` what the server allows in a minute, `rps` what we allow ourselves.
pub(crate) fn interval(asked: Duration, cost: u64, limit: Option<u64>, rps: f64) -> Duration {
    let ours = Duration::from_secs_f64(cost as f64 / rps);
    let theirs = limit
        .filter(|limit| *limit > 0)
        .map_or(Duration::ZERO, |limit| LIMIT_WINDOW.mul_f64(cost as f64 / (limit as f64 * OUR_SHARE)));
    asked.max(ours).max(theirs)
}

/// Returns how long to wait for the next refresh: up to a tenth longer, so that watches which began together, at nine
/// in the morning or when GitLab came back, do not stay together. `chance` lies between 0 and 1.
pub(crate) fn jittered(interval: Duration, chance: f64) -> Duration {
    interval.mul_f64(1.0 + JITTER * chance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::torn::tests::{bridge, job, with};
    use crate::domain::example::{below, pipeline};
    use crate::domain::health::tests::ran;
    use crate::domain::id::PipelineId;
    use crate::domain::usage::Usage;
    use std::sync::Arc;

    fn at(seconds: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(seconds, 0)
    }

    #[test]
    fn what_is_not_told_unread_or_under_way_is_due_in_each_turn() {
        use crate::domain::health::tests::{failure, row};
        let unread =
            |pipelines: &ProjectRow| RowState::Stale { pipelines: pipelines.pipelines().into(), failure: failure() };
        let passed = ran("a", Status::Success, 0);
        let partly: Arc<[Pipeline]> =
            passed.pipelines().iter().map(|one| Pipeline { unread: Some(failure()), ..one.clone() }).collect();
        let under_way = pipeline(Status::Success, vec![below(2, Status::Running, vec![])]);
        let cases = [
            ("it has ended", passed.clone(), true, false),
            ("nothing tells about it", passed.clone(), false, true),
            ("it runs", ran("a", Status::Running, 0), true, true),
            ("what it triggered runs", row("a", RowState::Ok([under_way].into())), true, true),
            ("it waits for a person", ran("a", Status::Manual, 0), true, false),
            ("it has none", row("a", RowState::NoPipeline { ever_ran: None }), true, false),
            ("it is not for us", row("a", RowState::NoAccess(failure())), true, false),
            ("it could not be read", row("a", RowState::Error(failure())), true, true),
            ("nor again", row("a", unread(&passed)), true, true),
            ("a part of it could not be read", row("a", RowState::Ok(partly)), true, true),
        ];
        for (sentence, row, is_told, is_due) in cases {
            let id = row.project.id;
            let snapshot = Snapshot {
                host: String::new(),
                taken_at: DateTime::UNIX_EPOCH,
                groups: vec![],
                rows: vec![row],
                problems: vec![],
                usage: Usage::default(),
            };
            let told = Some(id).filter(|_| is_told).into_iter().collect();
            assert_eq!(due_beside(&snapshot, &told).contains(&id), is_due, "{sentence}");
        }
    }

    fn read(status: Status, child: Option<Status>) -> Pipeline {
        let downstream = child.map(|status| below(2, status, vec![])).into_iter().collect();
        let passed = torn::tests::job(Status::Success);
        let stages = crate::domain::job::stages([passed]);
        Pipeline { updated_at: at(10), stages, ..pipeline(status, downstream) }
    }

    fn head(id: u64, status: Status, updated: i64) -> PipelineHead {
        PipelineHead { id: PipelineId(id), status: Some(status), ..torn::tests::head(updated) }
    }

    #[test]
    fn only_what_has_ended_and_looks_the_same_is_not_read_again() {
        use Status::*;
        let unread = {
            let mut pipeline = read(Success, Some(Success));
            pipeline.downstream[0].is_unread = true;
            pipeline
        };
        let mut partly = read(Failed, None);
        torn::distrust(&mut partly, None, "no");
        let optional = Job { allow_failure: true, ..job(Manual) };
        let cases = [
            ("ended and unchanged", read(Success, None), head(1, Success, 10), true),
            ("failed and unchanged", read(Failed, Some(Failed)), head(1, Failed, 10), true),
            ("passed without jobs", Pipeline { stages: vec![], ..read(Success, None) }, head(1, Success, 10), false),
            ("a newer pipeline", read(Success, None), head(2, Success, 10), false),
            ("a lower id: the newest was deleted", read(Success, None), head(0, Success, 10), false),
            ("retried", read(Failed, None), head(1, Running, 12), false),
            ("retried and failed again", read(Failed, None), head(1, Failed, 14), false),
            ("still running", read(Running, None), head(1, Running, 10), false),
            ("waits for a person, who may have come", read(Manual, None), head(1, Manual, 10), false),
            ("a status that is not known", read(Other("odd".into()), None), head(1, Other("odd".into()), 10), false),
            ("a child still runs", read(Success, Some(Running)), head(1, Success, 10), false),
            ("a child could not be read", unread, head(1, Success, 10), false),
            ("a part of it could not be read", partly, head(1, Failed, 10), false),
            ("its jobs have ended", with(Success, job(Success)), head(1, Success, 10), true),
            ("a job still runs: the reading was torn", with(Success, job(Running)), head(1, Success, 10), false),
            ("a job failed in a success: torn", with(Success, job(Failed)), head(1, Success, 10), false),
            ("a trigger job leads nowhere: torn", with(Success, bridge(Success, None)), head(1, Success, 10), false),
            ("a trigger job leads on", with(Success, bridge(Success, Some(2))), head(1, Success, 10), true),
            ("a trigger job still runs: torn", with(Success, bridge(Running, Some(2))), head(1, Success, 10), false),
            ("a job waits for a person", with(Success, optional), head(1, Success, 10), true),
            ("a job waits for its time", with(Failed, job(Scheduled)), head(1, Failed, 10), false),
            ("a job of a status that is not known", with(Failed, job(Other("odd".into()))), head(1, Failed, 10), false),
        ];
        for (sentence, before, now, expected) in cases {
            assert_eq!(is_settled((&before, has_ended(&before)), &now), expected, "{sentence}");
        }
    }

    #[test]
    fn the_next_refresh_costs_what_its_api_costs() {
        let rows = |count: usize, active: usize| {
            let one =
                |at: usize| ran(&format!("p{at}"), if at < active { Status::Running } else { Status::Success }, 0);
            (0..count).map(one).collect::<Vec<_>>()
        };
        let cases = [
            ("REST: one each", Api::Rest, 200, 0, 200),
            ("REST: three more for what goes on", Api::Rest, 200, 10, 230),
            ("GraphQL: a pulse a hundred", Api::Graphql, 200, 0, 2),
            ("GraphQL: one batch for what goes on", Api::Graphql, 200, 10, 3),
            ("GraphQL: all of it goes on", Api::Graphql, 120, 120, 3),
            ("an empty group", Api::Graphql, 0, 0, 0),
        ];
        for (sentence, api, count, active, expected) in cases {
            let usage = Usage { api, ..Usage::default() };
            let snapshot = Snapshot {
                host: String::new(),
                taken_at: DateTime::UNIX_EPOCH,
                groups: vec![],
                rows: rows(count, active),
                problems: vec![],
                usage,
            };
            assert_eq!(next_cost(&snapshot, BatchSize::default()), expected, "{sentence}");
        }
    }

    #[test]
    fn the_wait_is_never_shorter_than_the_interval() {
        let seconds = Duration::from_secs;
        let cases = [(0.0, 10_000), (0.5, 10_500), (1.0, 11_000)];
        for (chance, expected) in cases {
            assert_eq!(jittered(seconds(10), chance), Duration::from_millis(expected));
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
