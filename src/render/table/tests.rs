//! The table as its readers see it: on terminals of several widths, in a pipe, in colour, and with unexpected names.

use super::*;
use crate::domain::excerpt::SnapshotView;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::health::FailOn;
use crate::domain::project::{ProjectRow, RowState};
use crate::domain::snapshot::Snapshot;
use crate::domain::status::Status;
use crate::render::example::{one_of_each, pipeline, project, snapshot, stage};
use crate::report::cell::Column;
use crate::report::status::StatusOptions;
use crate::text::width::cells;
use chrono_tz::Europe::Paris;
use proptest::prelude::*;

const OPTIONS: StatusOptions = StatusOptions { wide: false, zone: Paris, times: false };
const WIDE: StatusOptions = StatusOptions { wide: true, zone: Paris, times: true };
const PIPED: TableStyle = TableStyle { width: None, color: false, ascii: false, stages: StagesWidth::Auto };

fn in_terminal(width: u16) -> TableStyle {
    TableStyle { width: Some(width), ..PIPED }
}

fn rendered(snapshot: &Snapshot, options: StatusOptions, style: TableStyle) -> String {
    let mut out = Vec::new();
    write(&StatusReport::new(snapshot, &options), &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn eighty_columns() {
    insta::assert_snapshot!(rendered(&one_of_each(), OPTIONS, in_terminal(80)), @r###"
    project           ref     pipeline           stages                          age
    payments/api      main    ✗ failed           ✓ build  ✗ test  » deploy        6m
    payments/gateway  main    ✗ failed in child  ✓ build  ✓ trigger              20m
    payments/gateway  !71     ● running          ✓ build  ● test  · deploy        3m
    composit…e-train  main    ● running          ✓✓✓✓✓✓✓ ● deploy-staging ····   15m
    legacy/billing            ‼ error            GET /projects/4/pipelines: 500 Int…
    tools/yaml        main    ✗ failed           YAML error: jobs:test config…    0s
    labs/quantum      main    ? quarantined      ✓ build  ? scan                  1h
    web/shop          main    ! warning          ✓ build  ! lint  ▷ deploy        1d
    日本語ド…メント   main    ✓ success          ✓ 構築  ✓ 配備                   6d
    web/🚀-launcher   main    ✓ success          ✓ build  ✓ test  ✓ deploy        5h
    �evil��           �main�  ✓ success          ✓ �build                         1h
    secret/vault              ⊠ no access        CI/CD is not visible to this token…
    docs/handbook             – none             no pipeline yet
    docs/style                – none             no pipeline for this ref

    13 projects: 3 failed, 1 quarantined, 1 running, 1 warning, 3 success, 1 error,
    1 no access, 2 without pipeline · 9 requests, 1991 of 2000 left · 20:00 CET
    incomplete: the project list of acme lost a part: page 3 of 4 answered 502
    incomplete: 1 project could not be read
    "###);
}

#[test]
fn a_hundred_and_twenty_columns() {
    insta::assert_snapshot!(rendered(&one_of_each(), OPTIONS, in_terminal(120)), @r###"
    project                    ref          pipeline                 stages                                    duration  age
    payments/api               main         ✗ failed #8123           ✓ build  ✗ test  » deploy                   6m 12s   6m
    payments/gateway           main         ✗ failed in child #8121  ✓ build  ✓ trigger                          6m 12s  20m
    payments/gateway           !71 (train)  ● running #8122          ✓ build  ● test  · deploy                            3m
    …/composite-release-train  main         ● running #8120          ✓✓✓✓✓✓✓ ● deploy-staging ····                       15m
    legacy/billing                          ‼ error                  GET /projects/4/pipelines: 500 Internal Server Error,…
    tools/yaml                 main         ✗ failed #8125           YAML error: jobs:test config contains unknown key…   0s
    labs/quantum               main         ? quarantined #8119      ✓ build  ? scan                             6m 12s   1h
    web/shop                   main         ! warning #8118          ✓ build  ! lint  ▷ deploy                   6m 12s   1d
    web/日本語ドキュメント     main         ✓ success #8116          ✓ 構築  ✓ 配備                              6m 12s   6d
    web/🚀-launcher            main         ✓ success #8115          ✓ build  ✓ test  ✓ deploy                   6m 12s   5h
    �evil��                    �main�       ✓ success #8117          ✓ �build                                    6m 12s   1h
    secret/vault                            ⊠ no access              CI/CD is not visible to this token (403)
    docs/handbook                           – none                   no pipeline yet
    docs/style                              – none                   no pipeline for this ref

    13 projects: 3 failed, 1 quarantined, 1 running, 1 warning, 3 success, 1 error, 1 no access, 2 without pipeline
    9 requests, 1991 of 2000 left · 20:00 CET
    incomplete: the project list of acme lost a part: page 3 of 4 answered 502
    incomplete: 1 project could not be read
    "###);
}

#[test]
fn two_hundred_columns_and_everything_that_wide_has() {
    insta::assert_snapshot!(rendered(&one_of_each(), WIDE, in_terminal(200)), @r###"
    project               ref     pipeline                 stages                                    duration  time          user  commit                           source    coverage  queued  usual  since
    payments/api          main    ✗ failed #8123           ✓ build  ✗ test  » deploy                   6m 12s  19:54:00      ada   Round amounts once, at the edge  push         84.2%      3s            0s
    payments/gateway      main    ✗ failed in child #8121  ✓ build  ✓ trigger                          6m 12s  19:40:00      ada   Round amounts once, at the edge  push         84.2%      3s           13m
    payments/gateway      !71     ● running #8122          ✓ build  ● test  · deploy                           19:57:00      ada   Round amounts once, at the edge  push         84.2%      3s            2m
    composite-…ase-train  main    ● running #8120          ✓✓✓✓✓✓✓ ● deploy-staging ····                       19:45:00      ada   Round amounts once, at the edge  push         84.2%      3s           14m
    legacy/billing                ‼ error                  GET /projects/4/pipelines: 500 Internal Server Error, after 3 attempts
    tools/yaml            main    ✗ failed #8125           YAML error: jobs:test config contains unknown key…  20:00:00      ada   Round amounts once, at the edge  push         84.2%      3s            0s
    labs/quantum          main    ? quarantined #8119      ✓ build  ? scan                             6m 12s  18:30:00      ada   Round amounts once, at the edge  push         84.2%      3s            1h
    web/shop              main    ! warning #8118          ✓ build  ! lint  ▷ deploy                   6m 12s  Nov 19 10:40  ada   Round amounts once, at the edge  push         84.2%      3s            1d
    …/日本語ドキュメント  main    ✓ success #8116          ✓ 構築  ✓ 配備                              6m 12s  Nov 14 14:00  ada   Round amounts once, at the edge  push         84.2%      3s            6d
    web/🚀-launcher       main    ✓ success #8115          ✓ build  ✓ test  ✓ deploy                   6m 12s  15:00:00      ada   Round amounts once, at the edge  schedule     84.2%      3s            4h
    �evil��               �main�  ✓ success #8117          ✓ �build                                    6m 12s  18:59:00      ada   a b c�                           push         84.2%      3s           54m
    secret/vault                  ⊠ no access              CI/CD is not visible to this token (403)
    docs/handbook                 – none                   no pipeline yet
    docs/style                    – none                   no pipeline for this ref

    13 projects: 3 failed, 1 quarantined, 1 running, 1 warning, 3 success, 1 error, 1 no access, 2 without pipeline · 9 requests, 1991 of 2000 left · 20:00 CET
    incomplete: the project list of acme lost a part: page 3 of 4 answered 502
    incomplete: 1 project could not be read
    "###);
}

#[test]
fn a_column_that_is_empty_for_all_rows_leaves_a_terminal() {
    let whole = StatusReport::new(&one_of_each(), &WIDE);
    let empty = |n: usize| {
        whole
            .rows
            .iter()
            .all(|row| matches!(&row.contents[n], crate::report::cell::Content::Text(cell) if cell.text.is_empty()))
    };
    let usual = whole.columns.iter().position(|column| *column == Column::Usual).unwrap();
    assert!(empty(usual), "nothing is remembered");
    let kept: Vec<Column> = (0..whole.columns.len()).filter(|n| !empty(*n)).map(|n| whole.columns[n]).collect();
    let narrowed = whole.clone().without_empty_columns();
    assert_eq!(narrowed.columns, kept);
    assert!(narrowed.rows.iter().all(|row| row.contents.len() == kept.len()));
    let (mut out, style) = (Vec::new(), in_terminal(200));
    write(&narrowed, &style, &mut out).unwrap();
    assert!(!String::from_utf8(out).unwrap().contains("usual"));
}

#[test]
fn what_is_not_shown_is_counted_below() {
    let snapshot = one_of_each();
    let failed = FailOn { statuses: vec![Status::Failed], states: vec![] };
    let columns = vec![Column::Pipeline, Column::Project, Column::Queued];
    let report = StatusReport::of(&SnapshotView::only(&snapshot, &failed), columns, &OPTIONS);
    let mut out = Vec::new();
    write(&report, &in_terminal(80), &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r###"
    pipeline                 project           queued
    ✗ failed #8123           payments/api          3s
    ✗ failed in child #8121  payments/gateway      3s
    ✗ failed #8125           tools/yaml            3s

    13 projects: 3 failed, 1 quarantined, 1 running, 1 warning, 3 success, 1 error,
    1 no access, 2 without pipeline · 10 not shown · 9 requests, 1991 of 2000 left
    20:00 CET
    incomplete: the project list of acme lost a part: page 3 of 4 answered 502
    incomplete: 1 project could not be read
    "###);
}

#[test]
fn a_narrow_terminal_in_ascii() {
    insta::assert_snapshot!(rendered(&one_of_each(), OPTIONS, TableStyle { ascii: true, ..in_terminal(50) }), @r###"
    project           pipeline           stages
    payments/api      x failed           v x test s
    payments/gateway  x failed in child  vv
    payments/gateway  * running          v * test .
    composit~e-train  * running          * depl~ing+11
    legacy/billing    E error            GET /project~
    tools/yaml        x failed           YAML error:~
    labs/quantum      ? quarantined      v?
    web/shop          ! warning          v!>
    日本語ド~メント   v success          vv
    web/🚀-launcher   v success          vvv
    ?evil??           v success          v ?build
    secret/vault      # no access        CI/CD is not~
    docs/handbook     - none             no pipeline~
    docs/style        - none             no pipeline~

    13 projects: 3 failed, 1 quarantined, 1 running,
    1 warning, 3 success, 1 error, 1 no access,
    2 without pipeline | 9 requests, 1991 of 2000 left
    20:00 CET
    incomplete: the project list of acme lost a part:
    page 3 of 4 answered 502
    incomplete: 1 project could not be read
    "###);
}

#[test]
fn twenty_columns() {
    insta::assert_snapshot!(rendered(&one_of_each(), OPTIONS, in_terminal(20)), @r###"
    proje…  pipeline  s…
    …/api   ✗ failed  ✗…
    gat…ay  ✗ failed  ✓✓
    gat…ay  ● runni…  ●…
    com…in  ● runni…  ●…
    bil…ng  ‼ error   G…
    …/yaml  ✗ failed  Y…
    qua…um  ? quara…  ✓?
    …/shop  ! warni…  ▷…
    日…ト   ✓ succe…  ✓✓
    🚀-…er  ✓ succe…  ✓…
    �ev…��  ✓ succe…  ✓
    vault   ⊠ no ac…  C…
    han…ok  – none    n…
    style   – none    n…

    13 projects:
    3 failed,
    1 quarantined,
    1 running,
    1 warning,
    3 success, 1 error,
    1 no access,
    2 without pipeline
    9 requests, 1991 of…
    20:00 CET
    incomplete: the
    project list of acme
    lost a part: page 3
    of 4 answered 502
    incomplete: 1
    project could not be
    read
    "###);
}

#[test]
fn in_a_pipe_every_line_is_a_row_of_as_many_fields() {
    let text = rendered(&one_of_each(), WIDE, PIPED);
    assert!(text.lines().all(|line| line.split('\t').count() == 13), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\t' && c != '\n'));
    // Visible TABs; insta would not show them.
    let text = rendered(&one_of_each(), OPTIONS, PIPED).replace('\t', " | ");
    insta::assert_snapshot!(text, @r###"
    acme/payments/api | main | ✗ failed #8123 | ✓ build  ✗ test  » deploy | 6m 12s | 6m
    acme/payments/gateway | main | ✗ failed in child #8121 | ✓ build  ✓ trigger | 6m 12s | 20m
    acme/payments/gateway | !71 (train) | ● running #8122 | ✓ build  ● test  · deploy |  | 3m
    acme/platform/pipelines/composite-release-train | main | ● running #8120 | ✓ prepare-environment  ✓ lint-and-format  ✓ unit-tests  ✓ integration-tests  ✓ security-scanning  ✓ build-images  ✓ publish-images  ● deploy-staging  · smoke-tests  · performance-tests  · deploy-production  · notify-everybody |  | 15m
    acme/legacy/billing |  | ‼ error | GET /projects/4/pipelines: 500 Internal Server Error, after 3 attempts |  | 
    acme/tools/yaml | main | ✗ failed #8125 | YAML error: jobs:test config contains unknown keys: skript |  | 0s
    acme/labs/quantum | main | ? quarantined #8119 | ✓ build  ? scan | 6m 12s | 1h
    acme/web/shop | main | ! warning #8118 | ✓ build  ! lint  ▷ deploy | 6m 12s | 1d
    acme/web/日本語ドキュメント | main | ✓ success #8116 | ✓ 構築  ✓ 配備 | 6m 12s | 6d
    acme/web/🚀-launcher | main (schedule) | ✓ success #8115 | ✓ build  ✓ test  ✓ deploy | 6m 12s | 5h
    acme/�evil�� | �main� | ✓ success #8117 | ✓ �build | 6m 12s | 1h
    acme/secret/vault |  | ⊠ no access | CI/CD is not visible to this token (403) |  | 
    acme/docs/handbook |  | – none | no pipeline yet |  | 
    acme/docs/style |  | – none | no pipeline for this ref |  |
    "###);
}

#[test]
fn a_width_asked_for_holds_in_a_pipe_too() {
    let text = rendered(&one_of_each(), OPTIONS, TableStyle { stages: StagesWidth::Cells(8), ..PIPED });
    assert!(text.contains("\t✓●····+6\t"), "{text}");
    assert!(text.contains("acme/platform/pipelines/composite-release-train\t"), "{text}");
}

#[test]
fn a_width_asked_for_limits_the_stages_of_a_wide_terminal() {
    let text = rendered(&one_of_each(), OPTIONS, TableStyle { stages: StagesWidth::Cells(12), ..in_terminal(200) });
    assert!(text.contains("  ✓ ✗ test »  "), "{text}");
    assert!(!text.contains("✓ build  ✗ test"), "{text}");
}

#[test]
fn colour_stands_around_the_words_and_changes_none() {
    for style in [PIPED, in_terminal(120)] {
        let colored = rendered(&one_of_each(), OPTIONS, TableStyle { color: true, ..style });
        assert!(colored.contains("\u{1B}[31m✗ failed #8123\u{1B}[0m"), "{colored}");
        assert_eq!(without_colour(&colored), rendered(&one_of_each(), OPTIONS, style));
    }
}

fn without_colour(text: &str) -> String {
    let mut plain = text.to_owned();
    while let Some(start) = plain.find("\u{1B}[") {
        let end = start + plain[start..].find('m').unwrap();
        plain.replace_range(start..=end, "");
    }
    plain
}

#[test]
fn every_column_of_the_table_fits_eighty_columns_with_the_ids_of_gitlab_com() {
    let long = "a/group/with/a/rather/long/path/and-a-very-long-project-name";
    let words = ["waiting_for_resource", "failed"];
    let rows = words.iter().map(|word| {
        let stages = (0..9).map(|n| stage(&format!("stage-number-{n}"), "success")).collect();
        project(1, long, RowState::Ok([pipeline(2_187_654_321, word, 9000, stages)].into()))
    });
    let text = rendered(&snapshot(rows.collect()), OPTIONS, in_terminal(80));
    for title in ["project", "ref", "pipeline", "stages", "duration", "age"] {
        assert!(text.lines().next().unwrap().contains(title), "{text}");
    }
    assert!(text.contains("✗ failed"), "{text}");
}

#[test]
fn without_projects_there_is_no_table() {
    let text = rendered(&snapshot(vec![]), OPTIONS, in_terminal(80));
    assert_eq!(text, "0 projects · 9 requests, 1991 of 2000 left · 20:00 CET\n");
    assert_eq!(rendered(&snapshot(vec![]), OPTIONS, PIPED), "");
}

/// Names that no project should have.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,12}", "[a-z/-]{1,60}", "[日本語🚀e\u{301}\u{202E}\u{1B}\\[\u{9B}]{0,20}", any::<String>()]
}

fn row() -> impl Strategy<Value = ProjectRow> {
    let stages = proptest::collection::vec((name(), 0..Status::KNOWN.len()), 0..14);
    (name(), name(), stages, 0..Status::KNOWN.len(), any::<u64>(), 0u8..5).prop_map(
        |(path, text, stages, n, id, kind)| {
            let stages = stages.into_iter().map(|(name, n)| stage(&name, Status::KNOWN[n].word())).collect();
            let mut ran = pipeline(id, Status::KNOWN[n].word(), 5, stages);
            ran.git_ref.name = text.clone();
            ran.commit_title = Some(text.clone());
            let failure = Failure::new(FailureKind::Other("k".into()), text);
            let state = match kind {
                0 => RowState::Error(failure),
                1 => RowState::NoPipeline { ever_ran: None },
                _ => RowState::Ok([ran].into()),
            };
            project(1, &path, state)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_line_is_wider_than_the_terminal(
        rows in proptest::collection::vec(row(), 0..6),
        width in prop_oneof![1 => 0u16..20, 9 => 20u16..300],
        wide: bool,
        ascii: bool,
        stages in prop_oneof![Just(StagesWidth::Auto), (0u16..40).prop_map(StagesWidth::Cells)],
    ) {
        let options = if wide { WIDE } else { OPTIONS };
        let style = TableStyle { ascii, stages, ..in_terminal(width) };
        let text = rendered(&snapshot(rows.clone()), options, style);
        for line in text.lines() {
            prop_assert!(cells(line) <= usize::from(width), "{} > {width}: {line:?}", cells(line));
        }
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        let colored = rendered(&snapshot(rows), options, TableStyle { color: true, ..style });
        prop_assert_eq!(without_colour(&colored), text);
    }

    #[test]
    fn whatever_columns_are_chosen_no_line_is_wider_than_the_terminal(
        rows in proptest::collection::vec(row(), 0..6),
        columns in proptest::sample::subsequence(Column::ALL.to_vec(), 1..=Column::ALL.len()).prop_shuffle(),
        width in 0u16..200,
    ) {
        let snapshot = snapshot(rows);
        let report = StatusReport::of(&SnapshotView::all(&snapshot), columns, &OPTIONS);
        let mut out = Vec::new();
        write(&report, &in_terminal(width), &mut out).unwrap();
        for line in String::from_utf8(out).unwrap().lines() {
            prop_assert!(cells(line) <= usize::from(width), "{} > {width}: {line:?}", cells(line));
        }
    }

    #[test]
    fn a_pipe_gets_one_line_per_row(rows in proptest::collection::vec(row(), 0..6)) {
        let count = rows.len();
        let text = rendered(&snapshot(rows), OPTIONS, PIPED);
        prop_assert_eq!(text.split_terminator('\n').count(), count);
        prop_assert!(text.lines().all(|line| line.split('\t').count() == 6));
    }
}

/// A group as it is met: stages that fail in the middle, wide characters, and one name that is far too long.
fn mixed_group() -> Snapshot {
    let ok = |id: u64, word: &str, text: &str| {
        RowState::Ok([pipeline(id, word, 6, crate::render::example::stages(text))].into())
    };
    let rows = [
        ("acme/api", "failed", "build=success test=failed deploy=skipped"),
        ("acme/web", "running", "build=success integration-tests=running deploy=created publish=created"),
        ("acme/日本語ドキュメント", "success", "構築=success 配備=success"),
        ("acme/pay", "failed", "a=success b=success c=success lint=failed e=skipped f=skipped g=skipped"),
        (
            "acme/a-name-that-is-so-long-that-it-would-take-the-space-of-all-the-other-rows-of-the-table",
            "success",
            "build=success",
        ),
        ("acme/res", "waiting_for_resource", "plan=success apply=waiting_for_resource"),
    ];
    let row = |(n, (path, word, text)): (usize, &(&str, &str, &str))| {
        project(n as u64 + 1, path, ok(3_809_436_000 + n as u64, word, text))
    };
    snapshot(rows.iter().enumerate().map(row).collect())
}

#[test]
fn at_every_width_what_failed_or_runs_is_named_and_numbers_are_in_all_rows_or_in_none() {
    for width in [60, 80, 100, 120, 200] {
        let text = rendered(&mixed_group(), OPTIONS, in_terminal(width));
        assert!(text.lines().all(|line| cells(line) <= usize::from(width)), "{width}\n{text}");
        let table: Vec<&str> = text.lines().skip(1).take(6).collect();
        for name in ["✗ test", "✗ lint"] {
            assert!(table.iter().any(|line| line.contains(name)), "{width}: {name}\n{text}");
        }
        assert!(table.iter().any(|line| line.contains("● integ")), "{width}\n{text}");
        let numbered = table.iter().filter(|line| line.contains('#')).count();
        assert!(numbered == 0 || numbered == table.len(), "{width}\n{text}");
        assert!(table.iter().any(|line| line.contains("⧗ waiting (resource)")), "{width}\n{text}");
        // Rows with short names keep them; the long one is cut in its middle, and not before there is no room.
        assert!(table[0].starts_with("api "), "{width}\n{text}");
        assert!(width < 80 || table[2].starts_with("日本語ドキュメント "), "{width}\n{text}");
        assert_eq!(table[4].split("  ").next().unwrap().contains('…'), width < 200, "{width}\n{text}");
    }
}

#[test]
fn numbers_end_at_the_right() {
    let text = rendered(&mixed_group(), OPTIONS, in_terminal(120));
    let end = |line: &str, word: &str| line.rfind(word).map(|at| cells(&line[..at + word.len()]));
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let (duration, age) = (end(header, "duration").unwrap(), end(header, "age").unwrap());
    for line in lines.take(6) {
        assert_eq!(end(line, "6m 12s").unwrap_or(duration), duration, "{text}");
        assert_eq!(cells(line), age, "{text}");
    }
}
