//! Decides whether `--wait` is over: no pipeline, downstream ones included, is active, and each is recent enough.

use super::pipeline::Pipeline;
use super::project::{ProjectRow, RowState};
use chrono::{DateTime, Utc};

/// Says why `--wait` still waits for a project; `None` if it does not.
///
/// - It waits for a project that could not be read this time: a pipeline may be running.
/// - It does not wait for a project that the token may not see: waiting does not change that.
/// - With `newer_than` it waits for a pipeline that was created since, also in a project without pipelines.
pub(crate) fn reason(row: &ProjectRow, newer_than: Option<DateTime<Utc>>) -> Option<&'static str> {
    match &row.state {
        RowState::NoAccess(_) => None,
        RowState::Error(_) | RowState::Stale { .. } => Some("could not be read"),
        RowState::NoPipeline { .. } => newer_than.map(|_| "has no pipeline yet"),
        RowState::Ok(pipelines) if pipelines.iter().any(Pipeline::has_unread_below) => {
            Some("has triggered something that could not be read")
        }
        RowState::Ok(pipelines) if pipelines.iter().any(may_change) => Some("could not be read whole"),
        RowState::Ok(pipelines) => {
            let is_active = pipelines.iter().any(|pipeline| {
                pipeline.status.is_active() || pipeline.descendants().iter().any(|below| below.status.is_active())
            });
            let is_recent = |than| pipelines.iter().any(|pipeline| pipeline.created_at.is_some_and(|at| at >= than));
            match newer_than {
                Some(than) if !is_recent(than) => Some("has no pipeline that recent"),
                _ if is_active => Some("is still active"),
                _ => None,
            }
        }
    }
}

/// Says whether a part of the pipeline is missing that the next reading may bring.
fn may_change(pipeline: &Pipeline) -> bool {
    pipeline.unread.as_ref().is_some_and(|failure| !failure.is_refusal())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::below;
    use crate::domain::failure::Failure;
    use crate::domain::failure::FailureKind;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::status::Status;
    use std::sync::Arc;

    fn with_child(status: Status, child: Status) -> ProjectRow {
        let mut row = ran("p", status, 10);
        if let RowState::Ok(pipelines) = &mut row.state {
            let pipelines = Arc::make_mut(pipelines);
            pipelines[0].downstream.push(below(9, child, vec![]));
        }
        row
    }

    fn with_unread_child() -> ProjectRow {
        let mut row = with_child(Status::Success, Status::Success);
        if let RowState::Ok(pipelines) = &mut row.state {
            let pipelines = Arc::make_mut(pipelines);
            pipelines[0].downstream[0].is_unread = true;
        }
        row
    }

    fn partly(status: Status, kind: FailureKind) -> ProjectRow {
        let mut row = ran("p", status, 10);
        if let RowState::Ok(pipelines) = &mut row.state {
            Arc::make_mut(pipelines)[0].unread = Some(Failure::new(kind, "no jobs"));
        }
        row
    }

    #[test]
    fn a_wait_ends_when_nothing_goes_on_by_itself() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let cases = [
            ("ended", ran("p", Status::Success, 10), None, None),
            ("failed is an end", ran("p", Status::Failed, 10), None, None),
            ("runs", ran("p", Status::Running, 10), None, Some("is still active")),
            ("its turn comes", ran("p", Status::Created, 10), None, Some("is still active")),
            ("waits for a person", ran("p", Status::Manual, 10), None, None),
            ("waits for a clock", ran("p", Status::Scheduled, 10), None, None),
            (
                "a child runs below a green parent",
                with_child(Status::Success, Status::Running),
                None,
                Some("is still active"),
            ),
            (
                "a child that could not be read",
                with_unread_child(),
                None,
                Some("has triggered something that could not be read"),
            ),
            (
                "ended, its jobs were not read this time",
                partly(Status::Failed, FailureKind::Http(500)),
                None,
                Some("could not be read whole"),
            ),
            ("ended, its jobs are not visible", partly(Status::Failed, FailureKind::Forbidden), None, None),
            (
                "runs, its jobs are not visible",
                partly(Status::Running, FailureKind::Forbidden),
                None,
                Some("is still active"),
            ),
            ("too old", ran("p", Status::Success, 10), at(11), Some("has no pipeline that recent")),
            ("recent enough", ran("p", Status::Success, 10), at(10), None),
            ("recent, and runs", ran("p", Status::Running, 10), at(5), Some("is still active")),
            ("no pipeline, none asked for", row("p", RowState::NoPipeline { ever_ran: Some(false) }), None, None),
            (
                "no pipeline, one asked for",
                row("p", RowState::NoPipeline { ever_ran: None }),
                at(5),
                Some("has no pipeline yet"),
            ),
            ("not visible", row("p", RowState::NoAccess(failure())), at(5), None),
            ("not read", row("p", RowState::Error(failure())), None, Some("could not be read")),
        ];
        for (sentence, row, newer_than, expected) in cases {
            assert_eq!(reason(&row, newer_than), expected, "{sentence}");
        }
    }
}
