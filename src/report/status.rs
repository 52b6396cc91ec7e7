//! The state of the groups as rows and columns: one row per pipeline, or one that says why there is none.
//!
//! Rows are in the order of the snapshot, and "now" is when it was taken. Widths and colours are unknown here.

use super::cell::{Cell, Column, Content, PipelineCell, Tone};
use super::headline::is_old;
use super::summary::Summary;
use super::urgency::Urgency;
use super::what;
use crate::cores;
use crate::domain::excerpt::SnapshotView;
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::health::Counts;
use crate::domain::job::Stage;
use crate::domain::past::KnownPast;
use crate::domain::pipeline::{Downstream, Pipeline, RefKind};
use crate::domain::project::{ProjectRow, RowState, StateWord};
use crate::domain::snapshot::{Group, Problem, ProblemScope, Snapshot};
use crate::domain::status::Status;
use crate::text::age::{age, in_zone};
use crate::text::duration::duration;
use crate::text::plural::counted;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::borrow::Cow;

/// What the reader asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusOptions {
    /// User, commit, source, coverage and queue time, too.
    pub wide: bool,
    /// The zone of every time that is shown.
    pub zone: Tz,
    /// Shows when a pipeline was created instead of how long ago that was.
    pub times: bool,
}

/// The report behind `table` and `wide`.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusReport {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// The group that all groups lie in: a terminal may leave it out of the paths.
    pub common_group: Option<String>,
    pub summary: Summary,
    /// What the report lacks, in sentences; empty when it is complete.
    pub missing: Vec<String>,
}

/// One line: as many contents as the report has columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub urgency: Urgency,
    pub contents: Vec<Content>,
}

impl StatusReport {
    /// Returns the group that all groups of a snapshot lie in, where there is one.
    pub fn common_group(snapshot: &Snapshot) -> Option<String> {
        common_group(&snapshot.groups)
    }

    pub fn new(snapshot: &Snapshot, options: &StatusOptions) -> Self {
        Self::of(&SnapshotView::all(snapshot), columns(options), options)
    }

    /// The same for some of the rows, in columns of the reader's choice.
    pub fn of(excerpt: &SnapshotView<'_>, columns: Vec<Column>, options: &StatusOptions) -> Self {
        let scene =
            ReportMoment { now: excerpt.whole.taken_at, zone: options.zone, expected: None, past: excerpt.past };
        Self::seen(excerpt, columns, options, scene)
    }

    /// The same as it is seen some time after it was read.
    pub fn seen(
        excerpt: &SnapshotView<'_>,
        columns: Vec<Column>,
        options: &StatusOptions,
        scene: ReportMoment<'_>,
    ) -> Self {
        let snapshot = excerpt.whole;
        Self {
            rows: lines(&excerpt.rows, &columns, scene),
            columns,
            common_group: common_group(&snapshot.groups),
            summary: Summary {
                counts: Counts::of(snapshot),
                hidden: excerpt.hidden(),
                usage: snapshot.usage,
                taken_at: in_zone(snapshot.taken_at, options.zone).format("%H:%M %Z").to_string(),
            },
            missing: missing(snapshot),
        }
    }
}

impl StatusReport {
    /// Leaves the columns out that only `wide` has and that no row has anything in.
    #[must_use]
    pub fn without_empty_columns(mut self) -> Self {
        let narrow = [Column::Project, Column::Ref, Column::Pipeline, Column::Stages, Column::Duration, Column::Age];
        let is_silent = |row: &Row, n: usize| match row.contents.get(n) {
            Some(Content::Text(cell)) => cell.text.is_empty(),
            Some(Content::What(forms, _)) => forms.is_empty(),
            Some(_) => false,
            None => true,
        };
        let stays = |(n, column): (usize, &Column)| {
            narrow.contains(column) || *column == Column::Time || !self.rows.iter().all(|row| is_silent(row, n))
        };
        let stays: Vec<bool> = self.columns.iter().enumerate().map(stays).collect();
        let mut places = stays.iter();
        self.columns.retain(|_| places.next() == Some(&true));
        for row in &mut self.rows {
            let mut places = stays.iter();
            row.contents.retain(|_| places.next() == Some(&true));
        }
        self
    }
}

/// So many rows are worth a second thread.
pub(super) const MANY_ROWS: usize = 500;

/// Returns the lines of a report about some rows of a snapshot, and nothing else of it.
pub fn lines(rows: &[ProjectRow], columns: &[Column], scene: ReportMoment<'_>) -> Vec<Row> {
    let lines = cores::map(rows, MANY_ROWS, |row| row_lines(row, columns, scene));
    lines.into_iter().flatten().collect()
}

/// Returns how many cells the widest time or age takes: it may become more although nothing happens.
pub fn widest_time(rows: &[ProjectRow], columns: &[Column], scene: ReportMoment<'_>) -> usize {
    let times =
        columns.iter().filter(|column| matches!(column, Column::Age | Column::Time | Column::Since | Column::Duration));
    let pipelines = || rows.iter().flat_map(ProjectRow::pipelines);
    let text = |column: &Column, pipeline| match pipeline_content(*column, "", pipeline, scene) {
        Content::Text(cell) => cell.text.len(),
        Content::Moment { short, .. } => short.len(),
        _ => 0,
    };
    let widest = |column: &Column| pipelines().map(|pipeline| text(column, pipeline)).max();
    times.filter_map(widest).max().unwrap_or(0)
}

/// Returns how many cells the widest age takes of a row that is older than it should be.
pub fn widest_old(rows: &[ProjectRow], scene: ReportMoment<'_>) -> usize {
    let old = rows.iter().filter(|row| is_old(row, scene.now, scene.expected));
    old.map(|row| age(scene.now, row.as_of).len()).max().unwrap_or(0)
}

/// Says in a few words whose fault a failure is; `None` where that is not known.
pub fn origin_words(pipeline: &Pipeline, scene: ReportMoment<'_>) -> Option<String> {
    let origin = what::origin(scene.past.of_failed(pipeline), scene.now)?;
    (origin != FailureOrigin::Unknown).then(|| origin.word().replace('_', " "))
}

/// Returns how long the present state of a pipeline lasts.
pub fn since_words(pipeline: &Pipeline, scene: ReportMoment<'_>) -> Option<String> {
    what::since(pipeline, scene.past.of_failed(pipeline)).map(|then| age(scene.now, then))
}

/// Returns the columns that are shown by default.
pub fn columns(options: &StatusOptions) -> Vec<Column> {
    let when = if options.times { Column::Time } else { Column::Age };
    let mut columns = vec![Column::Project, Column::Ref, Column::Pipeline, Column::Stages, Column::Duration, when];
    if options.wide {
        columns.extend([Column::User, Column::Commit, Column::Source, Column::Coverage, Column::Queued]);
        columns.extend([Column::Usual, Column::Since]);
    }
    columns
}

/// From when and where the rows are seen.
#[derive(Debug, Clone, Copy)]
pub struct ReportMoment<'a> {
    pub now: DateTime<Utc>,
    pub zone: Tz,
    /// A row that is older than this is shown with its age, as one is that could not be read again.
    pub expected: Option<TimeDelta>,
    /// What the memory adds.
    pub past: &'a KnownPast,
}

fn row_lines(row: &ProjectRow, columns: &[Column], scene: ReportMoment<'_>) -> Vec<Row> {
    let path = &row.project.full_path;
    let read_ago = is_old(row, scene.now, scene.expected).then(|| age(scene.now, row.as_of));
    // Where the stages have no column, what would be said in their place is said as what it is about.
    let is_told = columns.contains(&Column::Stages);
    let of_pipeline = |pipeline: &Pipeline| Row {
        urgency: Urgency::from(&pipeline.worst()),
        contents: columns
            .iter()
            .map(|column| match pipeline_content(*column, path, pipeline, scene) {
                Content::Pipeline(cell) => Content::Pipeline(PipelineCell { read_ago: read_ago.clone(), ..cell }),
                Content::What(forms, _) if forms.is_empty() && !is_told => untold_cause(row, pipeline),
                content => content,
            })
            .collect(),
    };
    match &row.state {
        RowState::Ok(pipelines) | RowState::Stale { pipelines, .. } => pipelines.iter().map(of_pipeline).collect(),
        RowState::NoPipeline { .. } | RowState::NoAccess(_) | RowState::Error(_) => {
            let content = |column: &Column| match column {
                Column::What if !is_told => Content::Text(cause(row)),
                column => state_content(*column, row, read_ago.as_deref()),
            };
            let contents = columns.iter().map(content).collect();
            vec![Row { urgency: Urgency::from(row.state_word()), contents }]
        }
    }
}

/// Says why a row has no pipeline, the cause and not what was asked.
fn cause(row: &ProjectRow) -> Cell {
    let text = match row.failure() {
        Some(failure) => failure.message.clone(),
        None => state_message(&row.state).into_owned(),
    };
    Cell::new(text, Tone::from(row.state_word()))
}

/// Says what neither a job nor a status tells: why there are no jobs, or why the row is old.
fn untold_cause(row: &ProjectRow, pipeline: &Pipeline) -> Content {
    match (&row.state, stages_content(pipeline)) {
        (RowState::Stale { failure, .. }, _) => Content::Text(Cell::new(&failure.message, Tone::Warn)),
        (_, Content::Message(cell)) => Content::Text(cell),
        _ => Content::Text(Cell::default()),
    }
}

fn state_content(column: Column, row: &ProjectRow, read_ago: Option<&str>) -> Content {
    let state = row.state_word();
    let message = || match (read_ago, &row.state) {
        (Some(ago), RowState::NoPipeline { .. } | RowState::NoAccess(_)) => {
            format!("{} ({ago} old)", state_message(&row.state))
        }
        _ => state_message(&row.state).into_owned(),
    };
    match column {
        Column::Project => Content::Project(row.project.full_path.clone()),
        Column::Pipeline | Column::State => Content::State(state),
        Column::Stages => Content::Message(Cell::new(message(), Tone::from(state))),
        Column::Ref
        | Column::Duration
        | Column::Age
        | Column::Time
        | Column::User
        | Column::Commit
        | Column::Source
        | Column::Coverage
        | Column::Queued
        | Column::Usual
        | Column::Since
        | Column::What
        | Column::Shape => Content::Text(Cell::default()),
    }
}

pub(super) fn state_message(state: &RowState) -> Cow<'static, str> {
    match state {
        RowState::Ok(_) | RowState::Stale { .. } => "".into(),
        RowState::NoPipeline { ever_ran: Some(false) } => "no pipeline yet".into(),
        RowState::NoPipeline { ever_ran: Some(true) | None } => "no pipeline for this ref".into(),
        RowState::NoAccess(failure) | RowState::Error(failure) => failure.to_string().into(),
    }
}

fn pipeline_content(column: Column, path: &str, pipeline: &Pipeline, scene: ReportMoment<'_>) -> Content {
    let optional = |text: Option<String>| Content::Text(Cell::plain(text.unwrap_or_default()));
    let usual = scene.past.usual(pipeline.id);
    match column {
        Column::Project => Content::Project(path.to_owned()),
        Column::Ref => Content::Name(ref_forms(pipeline)),
        Column::Pipeline | Column::State => Content::Pipeline(pipeline_cell(pipeline)),
        Column::Stages => stages_content(pipeline),
        Column::Duration => optional(match what::so_far(pipeline, usual, scene.now) {
            Some((so_far, usual)) => Some(format!("{} of ~{}", duration(so_far), duration(usual))),
            // A view that goes on shows how long it runs by now.
            None if scene.expected.is_some() && pipeline.duration.is_none() => {
                what::runs_for(pipeline, scene.now).map(duration)
            }
            None => pipeline.duration.map(duration),
        }),
        Column::Age => optional(pipeline.created_at.map(|then| age(scene.now, then))),
        Column::Time => match pipeline.created_at {
            Some(then) => moment(then, scene),
            None => optional(None),
        },
        Column::User => optional(pipeline.user.clone()),
        Column::Commit => optional(pipeline.commit_title.clone()),
        Column::Source => optional(pipeline.source.clone()),
        Column::Coverage => optional(pipeline.coverage.map(|percent| format!("{percent:.1}%"))),
        Column::Queued => optional(pipeline.queued.map(duration)),
        Column::Usual => optional(usual.map(|usual| format!("~{}", duration(usual)))),
        Column::Since => optional(since_words(pipeline, scene)),
        Column::What => Content::What(what::what(pipeline), Tone::from(&pipeline.worst())),
        Column::Shape => Content::Shape(pipeline.stages.iter().map(|stage| stage.status.clone()).collect()),
    }
}

/// Names the ref in full, and without what started its pipeline where there is no room for both.
fn ref_forms(pipeline: &Pipeline) -> Vec<String> {
    let (label, name) = (ref_label(pipeline), &pipeline.git_ref.name);
    if label == *name { vec![label] } else { vec![label, name.clone()] }
}

/// Names the ref, and what started the pipeline where the ref alone misleads.
pub(super) fn ref_label(pipeline: &Pipeline) -> String {
    let name = &pipeline.git_ref.name;
    match (pipeline.git_ref.kind, pipeline.source.as_deref()) {
        (RefKind::MergeTrain, _) => format!("{name} (train)"),
        (_, Some("schedule")) => format!("{name} (schedule)"),
        (RefKind::Branch | RefKind::Tag | RefKind::MergeRequest | RefKind::Other, _) => name.clone(),
    }
}

fn pipeline_cell(pipeline: &Pipeline) -> PipelineCell {
    let (own, worst) = (pipeline.verdict(), pipeline.worst());
    let below = (own != worst).then(|| culprit(&pipeline.downstream, &worst)).flatten();
    PipelineCell { below, worst, own, id: pipeline.id.0, read_ago: None }
}

/// Finds the pipeline that brought the status: the deepest one whose worst it is.
fn culprit(level: &[Downstream], worst: &Status) -> Option<u64> {
    let found = level.iter().find(|downstream| downstream.worst() == *worst)?;
    culprit(&found.downstream, worst).or(Some(found.id.0))
}

fn stages_content(pipeline: &Pipeline) -> Content {
    if let Some(unread) = &pipeline.unread {
        return Content::Message(Cell::new(&unread.message, Tone::from(StateWord::Error)));
    }
    if !pipeline.stages.is_empty() {
        let stage = |stage: &Stage| (stage.name.clone(), stage.status.clone());
        return Content::Stages(pipeline.stages.iter().map(stage).collect());
    }
    let first_line = |text: &str| text.trim().lines().next().unwrap_or_default().trim_end().to_owned();
    let (text, tone) = match (&pipeline.yaml_errors, &pipeline.failure_reason) {
        (Some(errors), _) => (format!("YAML error: {}", first_line(errors)), Tone::Bad),
        (None, Some(reason)) => (first_line(reason).replace('_', " "), Tone::Bad),
        (None, None) => ("no jobs".to_owned(), Tone::Muted),
    };
    Content::Message(Cell::new(text, tone))
}

fn moment(then: DateTime<Utc>, scene: ReportMoment<'_>) -> Content {
    let full = in_zone(then, scene.zone).format("%Y-%m-%dT%H:%M:%S%:z").to_string();
    Content::Moment { short: short_moment(then, scene), full }
}

/// A time of day for what is recent, a date for what is not.
fn short_moment(then: DateTime<Utc>, scene: ReportMoment<'_>) -> String {
    /// Younger than this, a day and month without a year cannot be mistaken.
    const UNMISTAKABLE: TimeDelta = TimeDelta::days(300);

    let local = in_zone(then, scene.zone);
    let today = in_zone(scene.now, scene.zone).date_naive();
    let short = if local.date_naive() == today {
        local.format("%H:%M:%S")
    } else if (scene.now - then).abs() < UNMISTAKABLE {
        local.format("%b %d %H:%M")
    } else {
        local.format("%Y-%m-%d")
    };
    short.to_string()
}

/// Returns the longest path that all groups share, a group's own path included.
pub(super) fn common_group(groups: &[Group]) -> Option<String> {
    let mut paths = groups.iter().map(|group| group.full_path.split('/').collect::<Vec<_>>());
    let first = paths.next()?;
    let shared = paths.fold(first, |shared, path| {
        shared.into_iter().zip(path).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
    });
    Some(shared.join("/")).filter(|path| !path.is_empty())
}

/// Returns what the snapshot lacks, in sentences.
pub(super) fn missing(snapshot: &Snapshot) -> Vec<String> {
    let is_missing = |problem: &&Problem| problem.scope.lacks_projects();
    let sentence = |problem: &Problem| match problem.scope {
        ProblemScope::Group => format!("group {} could not be read: {}", problem.subject, problem.failure),
        ProblemScope::Source => format!("{} could not be read: {}", problem.subject, problem.failure),
        ProblemScope::List | ProblemScope::Project | ProblemScope::Api => {
            format!("the project list of {} lost a part: {}", problem.subject, problem.failure)
        }
    };
    let mut missing: Vec<String> = snapshot.problems.iter().filter(is_missing).map(sentence).collect();
    let count = |state| snapshot.rows.iter().filter(|row| row.state_word() == state).count();
    for (state, what) in [(StateWord::Error, "could not be read"), (StateWord::Stale, "could not be read again")] {
        match count(state) {
            0 => {}
            unread => missing.push(format!("{} {what}", counted(unread as u64, "project"))),
        }
    }
    let count = |lacks: fn(&Pipeline) -> bool| {
        let rows = snapshot.rows.iter().filter(|row| row.pipelines().iter().any(lacks));
        Some(rows.count()).filter(|count| *count > 0).map(|count| counted(count as u64, "project"))
    };
    let partly = count(|pipeline| pipeline.unread.is_some());
    missing.extend(partly.map(|projects| format!("the pipelines of {projects} could not be read whole")));
    let below = count(Pipeline::has_unread_below);
    missing.extend(below.map(|projects| format!("what {projects} triggered could not all be read")));
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::{below, pipeline};
    use crate::domain::failure::{Failure, FailureKind};
    use crate::domain::id::{GroupId, ProjectId};
    use crate::domain::pipeline::Ref;
    use crate::domain::project::Project;
    use crate::domain::usage::Usage;
    use crate::report::item::TableItem;
    use crate::text::glyph::Charset;
    use chrono_tz::Europe::Paris;

    fn noon() -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_pipeline_cell_names_the_downstream_that_is_worse() {
        use Status::*;
        let unread = Downstream { is_unread: true, ..below(2, Success, vec![]) };
        let warned = Pipeline { has_warnings: true, ..pipeline(Success, vec![]) };
        let cases = [
            ("nothing below", pipeline(Failed, vec![]), Failed, Failed, None),
            ("a warning is its own verdict", warned, Warning, Warning, None),
            ("all green", pipeline(Success, vec![below(2, Success, vec![])]), Success, Success, None),
            ("a failed child", pipeline(Success, vec![below(2, Failed, vec![])]), Success, Failed, Some(2)),
            (
                "the grandchild that made it fail, not the child between",
                pipeline(Success, vec![below(2, Success, vec![]), below(3, Success, vec![below(4, Failed, vec![])])]),
                Success,
                Failed,
                Some(4),
            ),
            ("an unread child", pipeline(Success, vec![unread]), Success, Other("unread".into()), Some(2)),
            ("a better child says nothing", pipeline(Failed, vec![below(2, Running, vec![])]), Failed, Failed, None),
        ];
        for (sentence, pipeline, own, worst, below) in cases {
            assert_eq!(
                pipeline_cell(&pipeline),
                PipelineCell { worst, own, id: 1, below, read_ago: None },
                "{sentence}"
            );
        }
    }

    #[test]
    fn a_ref_loses_what_started_its_pipeline_before_its_name_is_cut() {
        let git_ref = Ref::from_gitlab("development", Some(false));
        let scheduled = Pipeline { git_ref, source: Some("schedule".into()), ..pipeline(Status::Success, vec![]) };
        let cases = [(24, "development (schedule)"), (21, "development"), (11, "development"), (8, "deve…ent")];
        for (width, expected) in cases {
            let item = TableItem::new(&Content::Name(ref_forms(&scheduled)), None, Charset::Unicode);
            assert_eq!(item.fit(width, Charset::Unicode)[0].text, expected, "{width}");
        }
    }

    #[test]
    fn a_ref_says_what_its_name_does_not() {
        let cases = [
            ("main", None, "main"),
            ("main", Some("push"), "main"),
            ("main", Some("schedule"), "main (schedule)"),
            ("refs/merge-requests/71/train", Some("merge_request_event"), "!71 (train)"),
            ("refs/merge-requests/71/head", Some("merge_request_event"), "!71"),
        ];
        for (raw, source, expected) in cases {
            let source = source.map(str::to_owned);
            let git_ref = Ref::from_gitlab(raw, Some(false));
            assert_eq!(ref_label(&Pipeline { git_ref, source, ..pipeline(Status::Success, vec![]) }), expected);
        }
    }

    #[test]
    fn a_pipeline_without_jobs_says_why() {
        let some = |text: &str| Some(text.to_owned());
        let cases = [
            (some("\nroot config is empty\nmore"), some("config_error"), "YAML error: root config is empty", Tone::Bad),
            (None, some("config_error"), "config error", Tone::Bad),
            (None, None, "no jobs", Tone::Muted),
        ];
        for (yaml_errors, failure_reason, text, tone) in cases {
            let pipeline = Pipeline { yaml_errors, failure_reason, ..pipeline(Status::Failed, vec![]) };
            assert_eq!(stages_content(&pipeline), Content::Message(Cell::new(text, tone)));
        }
    }

    #[test]
    fn paths_may_be_shortened_by_what_all_groups_share() {
        let cases: [(&[&str], Option<&str>); 5] = [
            (&["acme"], Some("acme")),
            (&["acme/web", "acme/api"], Some("acme")),
            (&["acme/web", "acme/web/shop"], Some("acme/web")),
            (&["acme", "acme-labs"], None),
            (&[], None),
        ];
        for (paths, expected) in cases {
            let group = |path: &&str| Group { id: GroupId(1), full_path: (*path).into(), web_url: None };
            let groups: Vec<Group> = paths.iter().map(group).collect();
            assert_eq!(common_group(&groups).as_deref(), expected, "{paths:?}");
        }
    }

    #[test]
    fn a_time_is_as_short_as_it_can_be_without_being_mistaken() {
        let cases = [
            ("2026-11-20T11:59:30Z", "12:59:30"),
            ("2026-11-19T22:59:00Z", "Nov 19 23:59"),
            ("2026-11-19T23:01:00Z", "00:01:00"),
            ("2025-11-20T11:59:30Z", "2025-11-20"),
        ];
        for (then, expected) in cases {
            let Content::Moment { short, .. } = moment(
                then.parse().unwrap(),
                ReportMoment { now: noon(), zone: Paris, expected: None, past: &KnownPast::default() },
            ) else {
                panic!("a moment");
            };
            assert_eq!(short, expected);
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let failure = || Failure::new(FailureKind::Other("k".into()), "no answer");
        let row = |state| ProjectRow {
            project: Project {
                id: ProjectId(1),
                name: "p".into(),
                full_path: "acme/p".into(),
                ancestor_names: vec![],
                web_url: None,
                default_branch: None,
                ci_enabled: None,
            }
            .into(),
            state,
            as_of: noon(),
        };
        let problem = |scope| Problem { scope, subject: "acme".into(), failure: failure() };
        let snapshot = Snapshot {
            host: "https://gitlab.com".into(),
            taken_at: noon(),
            groups: vec![],
            rows: vec![
                row(RowState::Error(failure())),
                row(RowState::Error(failure())),
                row(RowState::NoAccess(failure())),
            ],
            problems: vec![
                problem(ProblemScope::Group),
                problem(ProblemScope::List),
                problem(ProblemScope::Project),
                problem(ProblemScope::Api),
            ],
            usage: Usage::default(),
        };
        let expected = [
            "group acme could not be read: no answer",
            "the project list of acme lost a part: no answer",
            "2 projects could not be read",
        ];
        assert_eq!(missing(&snapshot), expected);
        let report = StatusReport::new(&snapshot, &StatusOptions { wide: true, zone: Paris, times: true });
        assert_eq!(report.summary.taken_at, "13:00 CET");
        assert!(report.rows.iter().all(|row| row.contents.len() == report.columns.len()));
    }
}
