//! Chooses the renderer and the columns for each output format.

use super::clock;
use super::error::CliError;
use super::look::ViewLook;
use crate::config::{Choice, ConfigError, Display, Output};
use crate::domain::excerpt::SnapshotView;
use crate::domain::health::FailOn;
use crate::domain::snapshot::Snapshot;
use crate::render::{csv, exposition, json, junit, markdown, ndjson, section, table};
use crate::report::cell::Column;
use crate::report::contract::StatusDocument;
use crate::report::csv_records::{CsvField, CsvRecords};
use crate::report::junit_suites::suites;
use crate::report::markdown_digest::MarkdownDigest;
use crate::report::metrics::families;
use crate::report::status::{self, StatusOptions, StatusReport};
use chrono_tz::Tz;
use std::collections::HashMap;
use std::io::{self, Write};

/// Everything that the formats need beside the snapshot.
#[derive(Debug, Clone)]
pub(super) struct Formats {
    columns: Option<Vec<Column>>,
    fields: Vec<CsvField>,
    zone: Tz,
    /// Whether the reader named a zone, and so wants times instead of ages.
    times: bool,
    pub look: ViewLook,
}

/// Where the bytes go, as far as it changes them.
#[derive(Debug, Clone, Copy)]
pub(super) enum OutputPlace {
    /// Standard output, and whether it is the log of a CI job.
    Stdout {
        style: table::TableStyle,
        is_ci_log: bool,
    },
    File(table::TableStyle),
}

impl Formats {
    /// Checks the columns before anything is read.
    pub(super) fn new(display: &Display, environment: &HashMap<String, String>) -> Result<Self, CliError> {
        let outputs = display.exports.iter().map(|export| export.output).chain([display.output]);
        let has_table = outputs.into_iter().any(|output| matches!(output, Output::Table | Output::Wide));
        Ok(Self {
            columns: display.columns.as_ref().map(|choice| columns(choice, has_table)).transpose()?,
            fields: display.columns.as_ref().map_or_else(|| CsvField::ALL.to_vec(), fields),
            zone: display.timezone.unwrap_or_else(|| clock::default_zone(environment)),
            times: display.timezone.is_some(),
            look: ViewLook::new(display)?,
        })
    }

    /// Returns a snapshot in a format, as bytes.
    pub(super) fn render(&self, output: Output, excerpt: &SnapshotView<'_>, place: OutputPlace) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.write(output, excerpt, place, &mut out)?;
        Ok(out)
    }

    /// Writes a snapshot in a format.
    pub(super) fn write(
        &self,
        output: Output,
        excerpt: &SnapshotView<'_>,
        place: OutputPlace,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match output {
            Output::Table | Output::Wide => self.table(output == Output::Wide, excerpt, place, out),
            Output::Json => json::write(&StatusDocument::from(excerpt), out),
            Output::Ndjson => ndjson::write_snapshot(StatusDocument::from(excerpt), out),
            Output::Csv => csv::write(&CsvRecords::new(&StatusDocument::from(excerpt), self.fields.clone()), out),
            Output::Markdown => markdown::write(&MarkdownDigest::new(excerpt, self.zone), out),
            Output::Junit => junit::write(&suites(excerpt), out),
            Output::Openmetrics => exposition::write(&families(excerpt), exposition::MetricsFormat::OpenMetrics, out),
        }
    }

    pub(super) fn status_options(&self, wide: bool) -> StatusOptions {
        StatusOptions { wide, zone: self.zone, times: self.times }
    }

    /// Says whether any output shows what the memory adds.
    pub(super) fn want_past(&self, display: &Display) -> bool {
        let shows = |column: &Column| matches!(column, Column::Usual | Column::Since);
        display.outputs().any(|output| match output {
            Output::Table | Output::Wide => self.table_columns(output == Output::Wide).iter().any(shows),
            Output::Csv => self.fields.iter().any(|field| field.is_of_past()),
            Output::Json | Output::Markdown => true,
            // A stream of changes tells what is read, as it is read.
            Output::Ndjson | Output::Junit | Output::Openmetrics => false,
        })
    }

    /// Returns the columns of a table, chosen or not.
    pub(super) fn table_columns(&self, wide: bool) -> Vec<Column> {
        self.columns.clone().unwrap_or_else(|| status::columns(&self.status_options(wide)))
    }

    /// Returns the columns of the live view; `None` where the width of the terminal decides.
    pub(super) fn view_columns(&self, wide: bool) -> Option<Vec<Column>> {
        self.columns.clone().or_else(|| wide.then(|| status::columns(&self.status_options(true))))
    }

    fn table(&self, wide: bool, excerpt: &SnapshotView<'_>, place: OutputPlace, out: &mut dyn Write) -> io::Result<()> {
        let report = StatusReport::of(excerpt, self.table_columns(wide), &self.status_options(wide));
        match place {
            // Sections are control codes: a log without colour is read by a program.
            OutputPlace::Stdout { style, is_ci_log: true } if style.width.is_none() && style.color => {
                section::write(&report, &style, excerpt.whole.taken_at, out)
            }
            // A program that reads a table counts on its columns.
            OutputPlace::Stdout { style, .. } if wide && self.columns.is_none() && style.width.is_some() => {
                table::write(&report.without_empty_columns(), &style, out)
            }
            OutputPlace::Stdout { style, .. } => table::write(&report, &style, out),
            OutputPlace::File(style) => {
                table::write(&report, &table::TableStyle { width: None, color: false, ..style }, out)
            }
        }
    }
}

/// Returns what is shown of a snapshot.
pub(super) fn excerpt<'a>(snapshot: &'a Snapshot, only: Option<&FailOn>) -> SnapshotView<'a> {
    match only {
        Some(wanted) => SnapshotView::only(snapshot, wanted),
        None => SnapshotView::all(snapshot),
    }
}

/// Returns the columns of a table; names that only records have are refused where a table is to be written.
fn columns(choice: &Choice, has_table: bool) -> Result<Vec<Column>, ConfigError> {
    let column = |name: &str| Column::ALL.into_iter().find(|column| column.title() == name);
    let permitted: Vec<&str> = Column::ALL.into_iter().map(Column::title).collect();
    let mut columns = Vec::new();
    for name in &choice.words {
        match column(name) {
            Some(column) if !columns.contains(&column) => columns.push(column),
            Some(_) => {}
            None if fields_named(name).is_empty() => {
                let more: Vec<&str> =
                    CsvField::ALL.into_iter().map(CsvField::name).filter(|name| !permitted.contains(name)).collect();
                let list = format!("{}; in csv also {}", permitted.join(", "), more.join(", "));
                let known = [permitted.as_slice(), more.as_slice()].concat();
                return Err(choice.refuse(name, format!("is no column: permitted are {list}"), &known));
            }
            None if has_table => {
                let list = permitted.join(", ");
                return Err(choice.refuse(name, format!("is a column of csv only: a table has {list}"), &[]));
            }
            None => {}
        }
    }
    Ok(columns)
}

/// Returns the fields of records, in the chosen order.
fn fields(choice: &Choice) -> Vec<CsvField> {
    let mut fields = Vec::new();
    for field in choice.words.iter().flat_map(|name| fields_named(name)) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}

/// Returns the field of that name, or those that a column of the table shows in one.
fn fields_named(name: &str) -> Vec<CsvField> {
    if let Some(field) = CsvField::ALL.into_iter().find(|field| field.name() == name) {
        return vec![field];
    }
    match name {
        "project" => vec![CsvField::FullPath],
        "pipeline" => vec![CsvField::Status, CsvField::Worst, CsvField::Id],
        "duration" => vec![CsvField::DurationS],
        "age" | "time" => vec![CsvField::CreatedAt],
        "commit" => vec![CsvField::CommitTitle],
        "queued" => vec![CsvField::QueuedS],
        "usual" => vec![CsvField::UsualS],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    fn choice(words: &str) -> Choice {
        Choice { words: words.split(',').map(str::to_owned).collect(), origin: Origin::Flag("columns".into()) }
    }

    #[test]
    fn every_column_of_the_table_has_its_fields() {
        for column in Column::ALL {
            assert!(!fields_named(column.title()).is_empty(), "{}", column.title());
        }
        assert_eq!(
            fields(&choice("project,worst,pipeline")),
            [CsvField::FullPath, CsvField::Worst, CsvField::Status, CsvField::Id]
        );
    }

    #[test]
    fn columns_are_refused_with_what_is_permitted() {
        let cases = [
            ("project,ref", true, "ok"),
            ("project,project", true, "ok"),
            ("worst", false, "ok"),
            ("worst", true, "--columns: \"worst\" is a column of csv only: a table has project, ref, pipeline,"),
            ("size", true, "--columns: \"size\" is no column: permitted are project, ref, pipeline, stages,"),
            ("size", false, "in csv also full_path, ref_kind, status,"),
        ];
        for (words, has_table, expected) in cases {
            let said = columns(&choice(words), has_table).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
            assert!(said.contains(expected), "{words}: {said}");
        }
    }
}
