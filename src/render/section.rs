//! The status table in the log of a GitLab job: rows that need attention are open, passed ones are folded.
//!
//! The log takes `\e[0Ksection_start:UNIX_TIME:NAME[collapsed=true]\r\e[0KHEADER` for the start of a section
//! (<https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections>).

use super::table::{self, TableStyle};
use crate::report::status::{Row, StatusReport};
use crate::report::urgency::Urgency;
use crate::text::plural::counted;
use chrono::{DateTime, Utc};
use std::io::{self, Write};

/// Writes the rows in two sections; one without rows is left out.
pub(crate) fn write(
    report: &StatusReport,
    style: &TableStyle,
    at: DateTime<Utc>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (quiet, open): (Vec<Row>, Vec<Row>) =
        report.rows.iter().cloned().partition(|row| row.urgency == Urgency::Quiet);
    let attention = open.iter().filter(|row| row.urgency == Urgency::Attention).count();
    let header = match (attention, open.len() - attention) {
        (attention, 0) => format!("{} to look at", counted(attention, "row")),
        (0, active) => format!("{} under way", counted(active, "row")),
        (attention, active) => format!("{} to look at, {active} under way", counted(attention, "row")),
    };
    let sections = [
        ("glwatch_attention", "", header, open),
        ("glwatch_quiet", "[collapsed=true]", format!("{} without findings", counted(quiet.len(), "row")), quiet),
    ];
    for (name, option, header, rows) in sections.into_iter().filter(|(.., rows)| !rows.is_empty()) {
        let at = at.timestamp();
        writeln!(out, "\u{1B}[0Ksection_start:{at}:{name}{option}\r\u{1B}[0K{header}")?;
        table::write(&StatusReport { rows, ..report.clone() }, style, out)?;
        writeln!(out, "\u{1B}[0Ksection_end:{at}:{name}\r\u{1B}[0K")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::excerpt::SnapshotView;
    use crate::domain::project::RowState;
    use crate::domain::snapshot::Snapshot;
    use crate::render::example::{one_of_each, pipeline, project, snapshot};
    use crate::report::cell::Column;
    use crate::report::layout::StagesWidth;
    use crate::report::status::StatusOptions;

    fn rendered(snapshot: &Snapshot) -> String {
        let style = TableStyle { width: None, color: false, ascii: true, stages: StagesWidth::Auto };
        let options = StatusOptions { wide: false, zone: chrono_tz::UTC, times: false };
        let columns = vec![Column::Project, Column::Pipeline];
        let mut out = Vec::new();
        let report = StatusReport::of(&SnapshotView::all(snapshot), columns, &options);
        write(&report, &style, snapshot.taken_at, &mut out).unwrap();
        String::from_utf8(out).unwrap().replace('\u{1B}', "ESC").replace('\r', "CR")
    }

    #[test]
    fn what_needs_a_look_is_open_and_what_passed_is_folded() {
        insta::assert_snapshot!(rendered(&one_of_each()), @r###"
    ESC[0Ksection_start:1795201200:glwatch_attentionCRESC[0K6 rows to look at, 3 under way
    acme/payments/api	x failed #8123
    acme/payments/gateway	x failed in child #8121
    acme/payments/gateway	* running #8122
    acme/platform/pipelines/composite-release-train	* running #8120
    acme/legacy/billing	E error
    acme/tools/yaml	x failed #8125
    acme/labs/quantum	? quarantined #8119
    acme/web/shop	! warning #8118
    acme/secret/vault	# no access
    ESC[0Ksection_end:1795201200:glwatch_attentionCRESC[0K
    ESC[0Ksection_start:1795201200:glwatch_quiet[collapsed=true]CRESC[0K5 rows without findings
    acme/web/日本語ドキュメント	v success #8116
    acme/web/🚀-launcher	v success #8115
    acme/?evil??	v success #8117
    acme/docs/handbook	- none
    acme/docs/style	- none
    ESC[0Ksection_end:1795201200:glwatch_quietCRESC[0K
    "###);
    }

    #[test]
    fn an_empty_section_is_left_out() {
        let green = project(1, "acme/p", RowState::Ok([pipeline(1, "success", 1, vec![])].into()));
        let text = rendered(&snapshot(vec![green]));
        assert!(text.contains("glwatch_quiet") && !text.contains("glwatch_attention"), "{text}");
        assert_eq!(rendered(&snapshot(vec![])), "");
    }
}
