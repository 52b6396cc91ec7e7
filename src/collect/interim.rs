//! The row of a project while its group is still being read. Downstream pipelines are known only from its bridges.

use super::merge::ReadProject;
use super::project::ReadingOutcome;
use crate::domain::project::{ProjectRow, RowState};
use std::sync::Arc;

/// Returns what is known so far. Nothing in it is better than what is known in the end.
pub(super) fn row(read: &ReadProject) -> ProjectRow {
    let state = match &read.reading.reading {
        ReadingOutcome::Settled(last) => RowState::Ok(Arc::clone(&last.pipelines)),
        ReadingOutcome::Pipelines(drafts) => RowState::Ok(Arc::clone(drafts.pipelines())),
        ReadingOutcome::None { ever_ran } => RowState::NoPipeline { ever_ran: *ever_ran },
        ReadingOutcome::NoAccess(failure) => RowState::NoAccess(failure.clone()),
        ReadingOutcome::Error(failure) => RowState::Error(failure.clone()),
    };
    ProjectRow { project: Arc::clone(&read.project), state, as_of: read.as_of }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::drafts::PipelineDraft;
    use crate::collect::project::ProjectReading;
    use crate::domain::example::pipeline as example;
    use crate::domain::health::tests;
    use crate::domain::id::{JobId, PipelineId};
    use crate::domain::pipeline::DownstreamLink;
    use crate::domain::status::Status;
    use chrono::DateTime;

    #[test]
    fn a_row_is_never_greener_before_its_downstreams_are_followed() {
        use Status::{Failed, Other, Running, Success, Warning};
        let unread = || Other("unread".into());
        let cases = [
            ("nothing triggered", vec![], Success),
            ("a child that nothing but its bridge tells about", vec![(Success, None, None)], unread()),
            ("a child that may have triggered others", vec![(Success, Some(false), None)], unread()),
            ("a child that its bridge tells all about", vec![(Success, Some(false), Some(false))], Success),
            ("a child that passed with a warning", vec![(Success, Some(true), Some(false))], Warning),
            ("a failed child", vec![(Failed, None, None)], Failed),
            ("a child that goes on", vec![(Running, Some(false), Some(false))], Running),
        ];
        for (sentence, links, expected) in cases {
            let link =
                |(n, (status, has_warnings, has_below)): (u64, (Status, Option<bool>, Option<bool>))| DownstreamLink {
                    id: PipelineId(2 + n),
                    iid: None,
                    bridge: JobId(1),
                    project_id: None,
                    project: None,
                    status,
                    has_warnings,
                    has_below,
                    web_url: None,
                };
            let links = (0..).zip(links).map(link).collect();
            let draft = PipelineDraft { pipeline: example(Success, vec![]), links, is_settled: false };
            let reading = ProjectReading { reading: ReadingOutcome::Pipelines(vec![draft].into()), is_glob_cut: false };
            let project = tests::row("acme/api", RowState::NoPipeline { ever_ran: None }).project;
            let row = row(&ReadProject { project, reading, as_of: DateTime::UNIX_EPOCH });
            assert_eq!(row.worst(), Some(expected), "{sentence}");
        }
    }
}
