//! Records as CSV (RFC 4180), with a header. No cell is a formula for a spreadsheet.

use crate::report::csv_records::{CsvField, CsvRecords};
use crate::text::sanitise::sanitise;
use csv::{ReaderBuilder, Terminator, WriterBuilder};
use serde::Serialize;
use std::io::{self, Write};

/// A spreadsheet takes a cell that begins with one of these for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>); the wide forms are those of Japanese keyboards.
const STARTS_A_FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Writes a header row and one row per record.
pub(crate) fn write(records: &CsvRecords, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(out);
    writer.write_record(records.fields.iter().map(|field: &CsvField| field.name()))?;
    for row in &records.rows {
        writer.write_record(row.iter().map(|cell| neutralised(cell)))?;
    }
    writer.flush()
}

/// Rows that come one after the other; the first brings the header.
#[derive(Debug, Default)]
pub(crate) struct CsvRows {
    is_begun: bool,
}

impl CsvRows {
    /// Writes a struct as a row, its fields in their order.
    pub(crate) fn write(&mut self, row: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
        let mut plain = WriterBuilder::new().has_headers(!self.is_begun).from_writer(Vec::new());
        plain.serialize(row)?;
        let plain = plain.into_inner().map_err(|error| error.into_error())?;
        let mut writer = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(out);
        for record in ReaderBuilder::new().has_headers(false).from_reader(plain.as_slice()).records() {
            writer.write_record(record?.iter().map(neutralised))?;
        }
        self.is_begun = true;
        writer.flush()
    }
}

/// Returns a cell on one line, without controls, and with an apostrophe before what would be a formula.
///
/// Blanks at its start go, because some spreadsheets drop them before they look for a formula.
fn neutralised(cell: &str) -> String {
    let clean = sanitise(cell);
    let clean = clean.trim();
    if clean.starts_with(STARTS_A_FORMULA) { format!("'{clean}") } else { clean.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::excerpt::SnapshotView;
    use crate::render::example::{one_of_each, one_pipeline};
    use crate::report::contract::StatusDocument;

    fn rendered(snapshot: &crate::domain::snapshot::Snapshot, fields: &[CsvField]) -> String {
        let mut out = Vec::new();
        let excerpt = SnapshotView::all(snapshot);
        write(&CsvRecords::new(&StatusDocument::from(&excerpt), fields.to_vec()), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_per_pipeline_and_one_for_a_project_without() {
        insta::assert_snapshot!(rendered(&one_pipeline(), &CsvField::ALL), @r###"
        full_path,ref,ref_kind,status,worst,id,stages,duration_s,created_at,user,commit_title,source,coverage,queued_s,state,error,web_url,project_id,iid,sha,started_at,finished_at,updated_at,failure_reason,as_of,usual_s,since,red_since,attribution,what
        acme/payments/api,main,branch,failed,failed,8123,test: failed,372,2026-11-20T18:54:00Z,ada,"bell �, C1 �idi �, line  , größe",push,84.2,3,ok,,,77,45,4f2d1c,2026-11-20T18:54:03Z,,2026-11-20T19:00:15Z,,2026-11-20T19:00:00Z,,2026-11-20T19:00:15Z,,,test / unit (script failure)
        acme/docs,,,,,,,,,,,,,,no_pipeline,,https://gitlab.example.com/acme/docs,78,,,,,,,2026-11-20T19:00:00Z,,,,,
        acme/x,,,,,,,,,,,,,,error,no answer,https://gitlab.example.com/acme/x,79,,,,,,,2026-11-20T19:00:00Z,,,,,
        "###);
    }

    #[test]
    fn chosen_fields_in_the_chosen_order() {
        insta::assert_snapshot!(rendered(&one_of_each(), &[CsvField::Worst, CsvField::FullPath, CsvField::Stages]), @r###"
    worst,full_path,stages
    failed,acme/payments/api,"build: success, test: failed, deploy: skipped"
    failed,acme/payments/gateway,"build: success, trigger: success"
    running,acme/payments/gateway,"build: success, test: running, deploy: created"
    running,acme/platform/pipelines/composite-release-train,"prepare-environment: success, lint-and-format: success, unit-tests: success, integration-tests: success, security-scanning: success, build-images: success, publish-images: success, deploy-staging: running, smoke-tests: created, performance-tests: created, deploy-production: created, notify-everybody: created"
    ,acme/legacy/billing,
    failed,acme/tools/yaml,
    quarantined,acme/labs/quantum,"build: success, scan: quarantined"
    warning,acme/web/shop,"build: success, lint: warning, deploy: manual"
    success,acme/web/日本語ドキュメント,"構築: success, 配備: success"
    success,acme/web/🚀-launcher,"build: success, test: success, deploy: success"
    success,acme/�evil��,�build: success
    ,acme/secret/vault,
    ,acme/docs/handbook,
    ,acme/docs/style,
    "###);
    }

    #[test]
    fn no_cell_is_a_formula_or_more_than_one_line() {
        let cases = [
            ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
            ("+1", "'+1"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1+1", "'=1+1"),
            ("\r=1+1", "'=1+1"),
            ("  =1+1", "'=1+1"),
            ("\u{200B}=1+1", "'=1+1"),
            ("＝1+1", "'＝1+1"),
            ("a=b", "a=b"),
            ("two\nlines", "two lines"),
            ("\u{1B}[31mred", "�red"),
            ("", ""),
        ];
        for (cell, expected) in cases {
            assert_eq!(neutralised(cell), expected, "{cell:?}");
        }
    }
}
