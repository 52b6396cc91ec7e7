//! Test: a hostile project in every format. Foreign text must never act in the program that reads it.

use super::example::{one_of_each, pipeline, project, snapshot, stage};
use super::{csv, exposition, json, junit, markdown, ndjson, table};
use crate::domain::excerpt::SnapshotView;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::JobId;
use crate::domain::job::{Job, JobKind, Stage};
use crate::domain::pipeline::{Pipeline, Ref};
use crate::domain::project::{Project, ProjectRow, RowState};
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use crate::domain::status::Status;
use crate::report::contract::StatusDocument;
use crate::report::csv_records::{CsvField, CsvRecords};
use crate::report::junit_suites::suites;
use crate::report::markdown_digest::MarkdownDigest;
use crate::report::metrics::families;
use crate::report::status::{StatusOptions, StatusReport};
use crate::text::sanitise::{is_bidi_control, is_control};
use quick_xml::Reader;
use quick_xml::events::Event;

const EVIL: &str = "=cmd|'/C calc'!A0 \u{1B}[31m\u{1B}]8;;http://evil\u{7}x\u{9B}2J\u{202E} [x](javascript:alert(1)) \
    ![i](http://evil/i.png) @all <img src=x onerror=alert(1)> </failure> ]]> | `a` \\\" \r\n\t+1 \u{FFFE} #1 www.evil";

/// Everything that can be foreign is.
fn hostile() -> Snapshot {
    let text = || Some(EVIL.to_owned());
    let job = Job {
        id: JobId(1),
        name: EVIL.into(),
        stage: EVIL.into(),
        kind: JobKind::Job,
        status: Status::Failed,
        allow_failure: false,
        attempts: None,
        earlier: Vec::new(),
        started_at: None,
        finished_at: None,
        duration: None,
        failure_reason: text(),
        web_url: text(),
        description: text(),
        downstream_id: None,
    };
    let evil = |id, word: &str| Pipeline {
        git_ref: Ref::from_gitlab(EVIL, None),
        sha: text(),
        source: text(),
        name: text(),
        user: text(),
        commit_title: text(),
        failure_reason: text(),
        yaml_errors: text(),
        web_url: Some("javascript:alert(1)".into()),
        ..pipeline(id, word, 1, vec![Stage { jobs: vec![job.clone()], ..stage(EVIL, EVIL) }])
    };
    let failure = || Failure::new(FailureKind::from_word(EVIL), EVIL);
    let row = |id, state| {
        let row = project(id, EVIL, state);
        let project = Project { web_url: Some("https://evil.example/<img>".into()), ..(*row.project).clone() };
        ProjectRow { project: project.into(), ..row }
    };
    let rows = vec![
        row(1, RowState::Ok([evil(1, "failed"), evil(2, "success"), evil(3, EVIL)].into())),
        row(2, RowState::Error(failure())),
        row(3, RowState::NoAccess(failure())),
    ];
    let problem = Problem { scope: ProblemScope::List, subject: EVIL.into(), failure: failure() };
    Snapshot { problems: vec![problem], ..snapshot(rows) }
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Every format by its name.
fn formats(snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let excerpt = SnapshotView::all(snapshot);
    let document = || StatusDocument::from(&excerpt);
    let options = StatusOptions { wide: true, zone: chrono_tz::UTC, times: false };
    let report = StatusReport::new(snapshot, &options);
    let style = |width| table::TableStyle {
        width,
        color: false,
        ascii: false,
        stages: crate::report::layout::StagesWidth::Auto,
    };
    vec![
        ("table", written(|out| table::write(&report, &style(Some(120)), out))),
        ("piped", written(|out| table::write(&report, &style(None), out))),
        ("json", written(|out| json::write(&document(), out))),
        ("ndjson", written(|out| ndjson::write_snapshot(document(), out))),
        ("csv", written(|out| csv::write(&CsvRecords::new(&document(), CsvField::ALL.to_vec()), out))),
        ("markdown", written(|out| markdown::write(&MarkdownDigest::new(&excerpt, chrono_tz::UTC), out))),
        ("junit", written(|out| junit::write(&suites(&excerpt), out))),
        (
            "openmetrics",
            written(|out| exposition::write(&families(&excerpt), exposition::MetricsFormat::OpenMetrics, out)),
        ),
    ]
}

fn format(name: &str) -> String {
    formats(&hostile()).into_iter().find(|(found, _)| *found == name).unwrap().1
}

#[test]
fn no_format_holds_a_control_or_bidi_character() {
    for snapshot in [hostile(), one_of_each()] {
        for (name, text) in formats(&snapshot) {
            assert!(!text.is_empty(), "{name}");
            let is_own = |c: char| c == '\n' || (c == '\t' && name == "piped");
            let found: Vec<char> =
                text.chars().filter(|c| (is_control(*c) && !is_own(*c)) || is_bidi_control(*c)).collect();
            assert!(found.is_empty(), "{name}: {found:?}\n{text}");
        }
    }
}

#[test]
fn no_csv_cell_is_a_formula() {
    let text = format("csv");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let cells: Vec<String> =
        reader.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect();
    assert_eq!(cells.len(), 5 * CsvField::ALL.len());
    assert!(cells.iter().any(|cell| cell.starts_with("'=cmd")));
    assert!(!cells.iter().any(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{cells:?}");
}

#[test]
fn the_junit_report_is_xml_with_our_elements_only() {
    let text = format("junit");
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = true;
    let known = ["testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out"];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
                assert!(known.contains(&name.as_str()), "{name}: {text}");
                assert!(element.attributes().all(|attribute| attribute.is_ok()), "{text}");
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(!text.contains('\u{FFFE}'));
}

#[test]
fn markdown_mentions_links_and_embeds_nothing() {
    let text = format("markdown");
    for never in ["<img", "@all", "](javascript:", "](http://evil", "https://evil", "http://", "www.", "`", "#1 "] {
        assert!(!text.contains(never), "{never}: {text}");
    }
    // Every row of a table has the cells of its head.
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        assert_eq!(line.matches('|').count(), 7, "{line}");
    }
}
