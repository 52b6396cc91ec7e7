//! The first screen: every project of the groups, in groups that can be folded, filtered and sorted; where the cursor is.

use crate::domain::change::{Change, ChangeKind};
use crate::domain::excerpt::SnapshotView;
use crate::domain::health::RowOrder;
use crate::domain::id::{ById, PipelineId, ProjectId, by_id};
use crate::domain::outcome::ChangeMeaning;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;
use crate::report::cell::{Column, Content, Tone};
use crate::report::headline::{self, HeadCount, is_old};
use crate::report::layout::{ColumnMeasures, TableRoom, measure};
use crate::report::status::{ReportMoment, Row, StatusReport, lines, widest_old, widest_time};
use crate::text::glyph::Mark;
use crate::tui::facts::{UpdateNews, ViewFacts};
use crate::tui::filter::{QuickFilter, RowFilter};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A change is marked until the refresh but one after it.
const MARKED_FOR: u8 = 2;
/// Cells before the table: the cursor or a mark, and a sign of the row; under headings two more.
const GUTTER: u16 = 2;
const INDENT: u16 = 2;

/// What a row is, whatever its place: a project and one of its refs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowKey {
    pub project: ProjectId,
    /// `None` for a row of a project that shows one pipeline at most.
    pub git_ref: Option<String>,
}

/// A row that can be pointed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFacts {
    pub key: RowKey,
    /// Which of the projects that are shown it belongs to.
    pub nth: usize,
    pub pipeline: Option<PipelineId>,
    pub web_url: Option<String>,
}

/// A subgroup, and how its projects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupHeading {
    /// Full path.
    pub path: String,
    /// The path below the group that all lie in.
    pub name: String,
    /// Of all its projects, hidden ones included.
    pub counts: Vec<HeadCount>,
    /// How many of its projects the filter hides.
    pub hidden: usize,
    pub projects: usize,
    pub is_folded: bool,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverviewLine {
    Heading(GroupHeading),
    Row(RowFacts),
}

/// What a line is, whatever its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LineKey {
    Group(String),
    Row(RowKey),
}

impl OverviewLine {
    pub fn key(&self) -> LineKey {
        match self {
            Self::Heading(heading) => LineKey::Group(heading.path.clone()),
            Self::Row(row) => LineKey::Row(row.key.clone()),
        }
    }

    pub fn row(&self) -> Option<&RowFacts> {
        match self {
            Self::Row(row) => Some(row),
            Self::Heading(_) => None,
        }
    }
}

/// What has happened to a project since the user looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeMark {
    /// It has begun to fail.
    pub is_newly_red: bool,
    refreshes: u8,
}

/// Everything that is the first screen's own.
#[derive(Debug, Default)]
pub struct OverviewScreen {
    pub order: RowOrder,
    pub is_reversed: bool,
    pub filter: RowFilter,
    pub quick: QuickFilter,
    pub is_flat: bool,
    /// Full paths of the groups whose rows are not shown.
    pub folded: BTreeSet<String>,
    /// `None` until the user moves it: the view then stays at the top.
    pub cursor: Option<LineKey>,
    /// The first line that is shown.
    pub offset: usize,
    /// The projects that are shown, in their order.
    pub projects: Vec<ProjectRow>,
    pub lines: Vec<OverviewLine>,
    pub measures: ColumnMeasures,
    pub columns: Vec<Column>,
    /// How many cells the widest time took, and the widest age of an old row, when they were measured.
    widest_ages: (usize, usize),
    pub change_marks: ById<ProjectId, ChangeMark>,
    /// What an action would be about.
    pub marked: HashSet<RowKey>,
    /// Projects whose present pipeline is no news.
    pub muted: ById<ProjectId, Option<PipelineId>>,
}

impl OverviewScreen {
    pub fn new(order: RowOrder) -> Self {
        Self { order, ..Self::default() }
    }

    /// Takes what an update has brought.
    pub fn apply_update(&mut self, facts: &ViewFacts, news: UpdateNews, width: u16, room: usize) {
        if news == UpdateNews::Nothing {
            return;
        }
        self.change_marks.retain(|_, mark| {
            mark.refreshes = mark.refreshes.saturating_sub(1);
            mark.refreshes > 0
        });
        if news == UpdateNews::SameRows {
            self.rejuvenate(facts);
        }
        if news == UpdateNews::OtherRows || !self.has_room_for_ages(facts) {
            self.arrange(facts, width, room);
        }
    }

    /// Marks what has changed; the row under the cursor is seen already.
    pub fn mark_changes(&mut self, changes: &[(&Change, ChangeMeaning)]) {
        for (change, meaning) in changes {
            let ChangeKind::Pipeline { project, .. } = &change.kind else { continue };
            let is_newly_red = *meaning == ChangeMeaning::Broke;
            // One more than it is shown for: the reading that brought the change is still to come.
            self.change_marks.insert(project.id, ChangeMark { is_newly_red, refreshes: MARKED_FOR + 1 });
        }
        self.look_at_cursor();
    }

    /// Takes the mark from the row that the cursor has reached.
    fn look_at_cursor(&mut self) {
        if let Some(LineKey::Row(row)) = &self.cursor {
            self.change_marks.remove(&row.project);
        }
    }

    /// Takes over when the rows were read, where nothing else about them has changed.
    fn rejuvenate(&mut self, facts: &ViewFacts) {
        let rows = facts.rows();
        let mut read_at = by_id(rows.len());
        read_at.extend(rows.iter().map(|row| (row.project.id, row.as_of)));
        for row in &mut self.projects {
            row.as_of = read_at.get(&row.project.id).copied().unwrap_or(row.as_of);
        }
    }

    /// Says whether no time or age takes more room by now than it was given.
    pub fn has_room_for_ages(&self, facts: &ViewFacts) -> bool {
        let (time, old) = facts.moment().map_or((0, 0), |moment| self.widest_ages_in(moment));
        time <= self.widest_ages.0 && old <= self.widest_ages.1
    }

    fn widest_ages_in(&self, moment: ReportMoment<'_>) -> (usize, usize) {
        (widest_time(&self.projects, &self.columns, moment), widest_old(&self.projects, moment))
    }

    /// Says whether the row of the table is older than it should be.
    pub fn is_old(&self, facts: &ViewFacts, row: &RowFacts) -> bool {
        let row = self.projects.get(row.nth);
        row.zip(facts.moment()).is_some_and(|(row, moment)| is_old(row, moment.now, moment.expected))
    }

    /// Returns the cells before the table.
    pub fn indent(&self) -> u16 {
        if self.has_headings() { GUTTER + INDENT } else { GUTTER }
    }

    fn has_headings(&self) -> bool {
        matches!(self.lines.first(), Some(OverviewLine::Heading(_)))
    }

    /// Returns what a row of the table holds.
    pub fn row(&self, facts: &ViewFacts, row: &RowFacts) -> Option<Row> {
        let project = self.projects.get(row.nth)?;
        let at = project.pipelines().iter().position(|pipeline| Some(pipeline.id) == row.pipeline).unwrap_or(0);
        let mut rows = lines(std::slice::from_ref(project), &self.columns, facts.moment()?);
        let mut row = (at < rows.len()).then(|| rows.swap_remove(at))?;
        if self.has_headings() {
            shorten_path(&mut row);
        }
        Some(row)
    }

    /// Lays the rows out again: after a new snapshot, another order, another size.
    ///
    /// A row under the cursor stays on its line of the screen, wherever it has gone in the order.
    pub fn arrange(&mut self, facts: &ViewFacts, width: u16, room: usize) {
        let at = self.cursor_index().map(|index| index.saturating_sub(self.offset));
        let Some(snapshot) = facts.update.snapshot.clone() else { return };
        self.keep_muted(&snapshot.rows);
        let whole = match &facts.options.only {
            Some(only) => SnapshotView::only(&snapshot, only),
            None => SnapshotView::all(&snapshot),
        };
        let now = snapshot.taken_at;
        let wanted = |row: &ProjectRow, pipeline: Option<&Pipeline>| {
            self.quick.matches(row, pipeline) && self.filter.matches(row, pipeline, now)
        };
        let mut rows: Vec<ProjectRow> =
            whole.rows.iter().filter_map(|row| row.with_pipelines(|pipeline| wanted(row, pipeline))).collect();
        self.order.apply(&mut rows);
        if self.is_reversed {
            rows.reverse();
        }
        let common = StatusReport::common_group(&snapshot);
        let (projects, lines) = self.in_groups(rows, &whole.rows, common.as_deref());
        (self.projects, self.lines) = (projects, lines);
        self.columns = facts.options.columns.clone().unwrap_or_else(|| columns_for(width));
        if facts.options.columns.is_none() && !self.knows_usual(facts) {
            self.columns.retain(|column| *column != Column::Usual);
        }
        self.measure(facts, width);
        if let (Some(at), Some(index)) = (at, self.cursor_index()) {
            self.offset = index.saturating_sub(at);
        } else if let Some(at) = at {
            // The row has left; the cursor goes on to whatever took its place.
            let at = (self.offset + at).min(self.lines.len().saturating_sub(1));
            self.cursor = self.lines.get(at).map(OverviewLine::key);
        }
        self.keep_in_view(room);
    }

    fn knows_usual(&self, facts: &ViewFacts) -> bool {
        let pipelines = self.projects.iter().flat_map(ProjectRow::pipelines);
        pipelines.into_iter().any(|pipeline| facts.past.usual(pipeline.id).is_some())
    }

    fn measure(&mut self, facts: &ViewFacts, width: u16) {
        let (Some(snapshot), Some(moment)) = (&facts.update.snapshot, facts.moment()) else { return };
        let excerpt = SnapshotView { whole: snapshot, rows: (&self.projects).into(), past: &facts.past };
        let mut report = StatusReport::seen(&excerpt, self.columns.clone(), &facts.options.status, moment);
        if self.has_headings() {
            report.rows.iter_mut().for_each(shorten_path);
        }
        let width = usize::from(width.saturating_sub(self.indent()));
        let room = TableRoom { width, charset: facts.options.charset, stages: facts.options.stages };
        self.measures = measure(&report, room);
        self.widest_ages = self.widest_ages_in(moment);
    }

    /// Puts rows under the headings of their groups, the group of the first row first; one group alone needs no heading.
    fn in_groups(
        &self,
        rows: Vec<ProjectRow>,
        all: &[ProjectRow],
        common: Option<&str>,
    ) -> (Vec<ProjectRow>, Vec<OverviewLine>) {
        let is_alone = all.windows(2).all(|pair| group_of(&pair[0]) == group_of(&pair[1]));
        if self.is_flat || is_alone {
            let lines = rows.iter().enumerate().flat_map(|(nth, row)| row_facts(nth, row)).collect();
            return (rows, lines);
        }
        let mut members: HashMap<&str, Vec<&ProjectRow>> = HashMap::new();
        all.iter().for_each(|row| members.entry(group_of(row)).or_default().push(row));
        let mut groups: Vec<(&str, Vec<ProjectRow>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for row in rows {
            // The key of all rows outlives the row that is moved.
            let Some((&path, _)) = members.get_key_value(group_of(&row)) else { continue };
            let place = *places.entry(path).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, shown)) => shown.push(row),
                None => groups.push((path, vec![row])),
            }
        }
        let (mut projects, mut lines) = (Vec::new(), Vec::new());
        for (path, shown) in groups {
            let known = members.get(path).map_or(&[][..], Vec::as_slice);
            lines.push(OverviewLine::Heading(self.heading(path, shown.len(), known, common)));
            if self.folded.contains(path) {
                continue;
            }
            let first = projects.len();
            lines.extend(shown.iter().enumerate().flat_map(|(n, row)| row_facts(first + n, row)));
            projects.extend(shown);
        }
        (projects, lines)
    }

    fn heading(&self, path: &str, shown: usize, members: &[&ProjectRow], common: Option<&str>) -> GroupHeading {
        let below = common.and_then(|common| path.strip_prefix(common)?.strip_prefix('/'));
        GroupHeading {
            path: path.to_owned(),
            name: below.unwrap_or(path).to_owned(),
            counts: headline::counts(members.iter().copied()),
            hidden: members.len().saturating_sub(shown),
            projects: members.len(),
            is_folded: self.folded.contains(path),
        }
    }

    /// Ends muting where the project has another pipeline by now.
    fn keep_muted(&mut self, rows: &[ProjectRow]) {
        self.muted.retain(|project, muted| {
            let newest = rows.iter().find(|row| row.project.id == *project).map(newest_pipeline);
            newest == Some(*muted)
        });
    }

    /// Returns the line under the cursor.
    pub fn cursor_index(&self) -> Option<usize> {
        let cursor = self.cursor.as_ref()?;
        self.lines.iter().position(|line| line.key() == *cursor)
    }

    /// Returns the row under the cursor; `None` on a heading.
    pub fn cursor_row(&self) -> Option<(&RowFacts, &ProjectRow)> {
        let row = self.lines.get(self.cursor_index()?)?.row()?;
        Some((row, self.projects.get(row.nth)?))
    }

    /// Puts the cursor on a line, the nearest there is.
    pub fn move_to(&mut self, index: usize, room: usize) {
        let index = index.min(self.lines.len().saturating_sub(1));
        self.cursor = self.lines.get(index).map(OverviewLine::key);
        self.look_at_cursor();
        self.keep_in_view(room);
    }

    /// Puts the cursor on the first row that is in view.
    pub fn move_to_first_row(&mut self, room: usize) {
        let is_row = |index: &usize| self.lines[*index].row().is_some();
        if let Some(index) = (self.offset..self.lines.len()).find(is_row) {
            self.move_to(index, room);
        }
    }

    /// Puts the cursor on the next row that failed, from the first one on again behind the last.
    pub fn move_to_next_red(&mut self, room: usize) -> bool {
        let is_red = |line: &OverviewLine| match line {
            OverviewLine::Row(row) => {
                self.projects.get(row.nth).is_some_and(|project| pipeline_of(project, row).is_some_and(is_failed))
            }
            OverviewLine::Heading(heading) => {
                heading.is_folded && heading.counts.iter().any(|count| count.mark == Mark::Status(Status::Failed))
            }
        };
        let next = self.cursor_index().map_or(0, |index| index + 1);
        let order = (next..self.lines.len()).chain(0..next.min(self.lines.len()));
        let found = order.into_iter().find(|index| is_red(&self.lines[*index]));
        if let Some(index) = found {
            self.move_to(index, room);
        }
        found.is_some()
    }

    /// Returns how many projects of folded groups the filter leaves.
    pub fn folded_rows(&self) -> usize {
        let folded = |line: &OverviewLine| match line {
            OverviewLine::Heading(heading) if heading.is_folded => heading.projects - heading.hidden,
            OverviewLine::Heading(_) | OverviewLine::Row(_) => 0,
        };
        self.lines.iter().map(folded).sum()
    }

    /// Returns how many rows that have begun to fail are above the first line.
    pub fn new_above(&self) -> usize {
        let above = self.lines.iter().take(self.offset).filter_map(OverviewLine::row);
        above.filter(|row| self.change_marks.get(&row.key.project).is_some_and(|mark| mark.is_newly_red)).count()
    }

    /// Folds the group of the line under the cursor, or unfolds it; `false` where there is none.
    pub fn toggle_fold(&mut self) -> bool {
        let Some(path) = self.cursor_group() else { return false };
        if !self.folded.remove(&path) {
            self.folded.insert(path.clone());
        }
        self.cursor = Some(LineKey::Group(path));
        true
    }

    fn cursor_group(&self) -> Option<String> {
        let above = self.lines.get(..=self.cursor_index()?)?.iter().rev();
        above.into_iter().find_map(|line| match line {
            OverviewLine::Heading(heading) => Some(heading.path.clone()),
            OverviewLine::Row(_) => None,
        })
    }

    /// Folds every group in which all is well, or unfolds all where those are folded already.
    pub fn fold_green(&mut self) {
        let headings = self.lines.iter().filter_map(|line| match line {
            OverviewLine::Heading(heading) => Some(heading),
            OverviewLine::Row(_) => None,
        });
        let is_green = |heading: &&GroupHeading| heading.counts.iter().all(|count| count.tone == Tone::Good);
        let green: BTreeSet<String> = headings.filter(is_green).map(|heading| heading.path.clone()).collect();
        if green.is_subset(&self.folded) {
            self.folded.clear();
        } else {
            self.folded.extend(green);
        }
    }

    /// Marks the row under the cursor for an action, or takes the mark away; goes on to the next row.
    pub fn toggle_marked(&mut self, room: usize) -> bool {
        let Some((row, _)) = self.cursor_row() else { return false };
        let key = row.key.clone();
        if !self.marked.remove(&key) {
            self.marked.insert(key);
        }
        let next = self.cursor_index().map_or(0, |index| index + 1);
        self.move_to(next, room);
        true
    }

    /// Mutes the project under the cursor until its next pipeline, or ends that.
    pub fn toggle_muted(&mut self) -> Option<bool> {
        let (_, project) = self.cursor_row()?;
        let (id, newest) = (project.project.id, newest_pipeline(project));
        let is_muted = self.muted.remove(&id).is_none();
        if is_muted {
            self.muted.insert(id, newest);
        }
        Some(is_muted)
    }

    /// Scrolls as little as needed for the cursor to be seen and the screen to be full.
    pub fn keep_in_view(&mut self, room: usize) {
        if let Some(index) = self.cursor_index() {
            self.offset = self.offset.clamp((index + 1).saturating_sub(room), index);
        }
        self.offset = self.offset.min(self.lines.len().saturating_sub(room));
    }
}

/// Returns the pipeline that a row shows.
pub fn pipeline_of<'a>(project: &'a ProjectRow, row: &RowFacts) -> Option<&'a Pipeline> {
    project.pipelines().iter().find(|pipeline| Some(pipeline.id) == row.pipeline)
}

fn is_failed(pipeline: &Pipeline) -> bool {
    pipeline.worst() == Status::Failed
}

fn newest_pipeline(row: &ProjectRow) -> Option<PipelineId> {
    row.pipelines().iter().map(|pipeline| pipeline.id).max()
}

/// Returns the full path of the group that a project is in.
fn group_of(row: &ProjectRow) -> &str {
    row.project.ancestors().next().unwrap_or("")
}

/// Under the heading of its group a project needs its own name only.
fn shorten_path(row: &mut Row) {
    for content in &mut row.contents {
        if let Content::Project(path) = content
            && let Some(at) = path.rfind('/')
        {
            path.drain(..=at);
        }
    }
}

/// Returns the columns that a width has room for: what happened before how it looked, then who and how long.
fn columns_for(width: u16) -> Vec<Column> {
    use Column::{Commit, Duration, Pipeline, Project, Ref, Shape, Since, State, Usual, What};
    match width {
        ..60 => vec![Project, State, What],
        60..100 => vec![Project, Ref, State, What, Duration, Since],
        100..140 => vec![Project, Ref, State, Shape, What, Column::User, Duration, Usual, Since],
        140..180 => vec![Project, Ref, Pipeline, Shape, What, Column::User, Duration, Usual, Since],
        180.. => vec![Project, Ref, Pipeline, Shape, What, Commit, Column::User, Duration, Usual, Since],
    }
}

fn row_facts(nth: usize, row: &ProjectRow) -> Vec<OverviewLine> {
    let project = row.project.id;
    if row.pipelines().is_empty() {
        let key = RowKey { project, git_ref: None };
        let web_url = row.project.web_url.clone();
        return vec![OverviewLine::Row(RowFacts { key, nth, pipeline: None, web_url })];
    }
    let of_pipeline = |pipeline: &Pipeline| RowFacts {
        // With one pipeline a row the ref may change from push to push; it is still that row.
        key: RowKey { project, git_ref: (row.pipelines().len() > 1).then(|| pipeline.git_ref.name.clone()) },
        nth,
        pipeline: Some(pipeline.id),
        web_url: pipeline.web_url.clone().or_else(|| row.project.web_url.clone()),
    };
    row.pipelines().iter().map(of_pipeline).map(OverviewLine::Row).collect()
}
