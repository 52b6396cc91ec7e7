//! One whole reading of the groups: list, projects, downstream pipelines, snapshot.

use super::follow::{Followed, Known};
use super::list::{self, Listed};
use super::project::{self, Draft, GLOB_MATCHES, GLOB_WINDOW, ProjectReading, Reading};
use crate::domain::id::{GroupRef, ProjectId};
use crate::domain::pipeline::DownstreamLink;
use crate::domain::project::{Failure, Project, ProjectRow, State};
use crate::domain::selection::{ProjectFilter, RefSelector};
use crate::domain::snapshot::{Group, Problem, Scope, Snapshot};
use crate::gitlab::client::{Client, ListFilter};
use crate::gitlab::error::Error;
use chrono::{DateTime, Utc};
use futures_util::future::{join_all, ready};
use futures_util::{StreamExt, stream};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::pin;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// What is read.
#[derive(Debug, Clone)]
pub struct Options {
    /// At least one.
    pub groups: Vec<GroupRef>,
    pub list: ListFilter,
    pub filter: ProjectFilter,
    pub refs: Vec<RefSelector>,
}

/// How far a reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub listed: usize,
    pub read: usize,
}

/// The outcome of one reading.
#[derive(Debug)]
pub struct Reply {
    pub snapshot: Snapshot,
    /// Patterns of `--include` and `--exclude` that no project of the groups answers to.
    pub unmatched: Vec<String>,
    /// Projects that the filters left out.
    pub left_out: usize,
}

/// A reading that brought nothing, because of this group.
#[derive(Debug, thiserror::Error)]
#[error("failed to read group \"{group}\"")]
pub struct GroupError {
    pub group: String,
    pub source: Box<Error>,
}

/// Reads everything once.
///
/// Only what makes the whole run worthless is an error: the token is refused, or no group can be read.
pub async fn read(client: &Client, options: &Options, progress: &dyn Fn(Progress)) -> Result<Reply, GroupError> {
    let (sender, found) = unbounded_channel();
    let lists = async {
        let reads = options.groups.iter().map(|group| list::read_group(client, group, options.list, sender.clone()));
        let lists = join_all(reads).await;
        drop(sender);
        lists
    };
    let (lists, projects) = tokio::join!(lists, read_projects(client, options, found, progress));
    let (groups, mut problems) = sort_groups(client, options, lists)?;
    let for_all = |error| GroupError { group: options.groups[0].to_string(), source: Box::new(error) };
    let Projects { readings, listed } = projects.map_err(for_all)?;

    problems.extend(glob_notice(options, &readings));
    let (followed, unread) = follow(client, &readings).await.map_err(for_all)?;
    problems.extend(unread);
    let rows: Vec<ProjectRow> = readings.into_iter().map(|reading| row(reading, &followed)).collect();
    problems.extend(rows.iter().filter_map(row_problem));
    let snapshot = Snapshot {
        host: client.host().to_string(),
        taken_at: client.server_now(),
        groups,
        rows,
        problems,
        usage: client.usage(),
    };
    let unmatched = options.filter.unmatched(&listed).into_iter().map(str::to_owned).collect();
    let left_out = listed.len() - snapshot.rows.len();
    Ok(Reply { snapshot, unmatched, left_out })
}

/// Sorts the groups into those that were read and those that are problems; none left is an error.
fn sort_groups(
    client: &Client,
    options: &Options,
    lists: Vec<Result<Listed, Error>>,
) -> Result<(Vec<Group>, Vec<Problem>), GroupError> {
    let mut groups = Vec::new();
    let mut problems = Vec::new();
    let mut first_error = None;
    for (wanted, list) in options.groups.iter().zip(lists) {
        match list {
            Ok(listed) => {
                if !groups.contains(&listed.group) {
                    groups.push(listed.group);
                }
                problems.extend(listed.problems);
            }
            Err(source) => {
                let is_fatal = source.is_fatal() && client.has_token();
                let failure = Failure { kind: source.word(), message: source.to_string() };
                problems.push(Problem { scope: Scope::Group, subject: wanted.to_string(), failure });
                let error = GroupError { group: wanted.to_string(), source: Box::new(source) };
                if is_fatal {
                    return Err(error);
                }
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if groups.is_empty() => Err(error),
        _ => Ok((groups, problems)),
    }
}

struct ReadProject {
    project: Project,
    reading: ProjectReading,
    as_of: DateTime<Utc>,
}

struct Projects {
    readings: Vec<ReadProject>,
    /// Every project of the groups, before the filters.
    listed: Vec<Project>,
}

/// Reads the projects as the list finds them, each once however many groups it is in.
async fn read_projects(
    client: &Client,
    options: &Options,
    found: UnboundedReceiver<Project>,
    progress: &dyn Fn(Progress),
) -> Result<Projects, Error> {
    let listed: RefCell<HashMap<ProjectId, Project>> = RefCell::default();
    let so_far = Cell::new(Progress::default());
    let advance = |listed, read| {
        let Progress { listed: listed_before, read: read_before } = so_far.get();
        so_far.set(Progress { listed: listed_before + listed, read: read_before + read });
        progress(so_far.get());
    };
    let wanted = stream::unfold(found, |mut found| async { found.recv().await.map(|project| (project, found)) })
        .filter_map(|project| {
            let is_new = listed.borrow_mut().insert(project.id, project.clone()).is_none();
            let is_wanted = is_new && options.filter.keeps(&project);
            if is_wanted {
                advance(1, 0);
            }
            ready(is_wanted.then_some(project))
        });
    let mut under_way = pin!(wanted.map(|project| read_project(client, options, project)).buffer_unordered(READ_AHEAD));
    let mut readings = Vec::new();
    while let Some(reading) = under_way.next().await {
        readings.push(reading?);
        advance(0, 1);
    }
    readings.sort_by_key(|reading: &ReadProject| reading.project.id);
    Ok(Projects { readings, listed: listed.take().into_values().collect() })
}

/// Projects under way at once: enough to keep the budget's slots busy, few enough to hold little in memory.
const READ_AHEAD: usize = 64;

async fn read_project(client: &Client, options: &Options, project: Project) -> Result<ReadProject, Error> {
    let reading = project::read(client, &project, &options.refs).await?;
    Ok(ReadProject { project, reading, as_of: client.server_now() })
}

/// Follows every pipeline to what it triggered.
async fn follow(client: &Client, readings: &[ReadProject]) -> Result<(Followed, Vec<Problem>), Error> {
    let mut followed = Followed::default();
    let mut roots: Vec<DownstreamLink> = Vec::new();
    for Draft { pipeline, links } in readings.iter().flat_map(drafts) {
        let known =
            Known::Read { status: pipeline.status.clone(), has_warnings: pipeline.has_warnings, links: links.clone() };
        followed.insert(pipeline.id, known);
        roots.extend(links.iter().cloned());
    }
    let problems = followed.read(client, &roots).await?;
    Ok((followed, problems))
}

fn drafts(read: &ReadProject) -> &[Draft] {
    match &read.reading.reading {
        Reading::Pipelines(drafts) => drafts,
        Reading::None { .. } | Reading::NoAccess(_) | Reading::Error(_) => &[],
    }
}

fn row(read: ReadProject, followed: &Followed) -> ProjectRow {
    let state = match read.reading.reading {
        Reading::None { ever_ran } => State::NoPipeline { ever_ran },
        Reading::NoAccess(failure) => State::NoAccess(failure),
        Reading::Error(failure) => State::Error(failure),
        Reading::Pipelines(drafts) => {
            let whole = |Draft { mut pipeline, links }: Draft| {
                pipeline.downstream = followed.tree(pipeline.id, &links);
                pipeline
            };
            State::Ok(drafts.into_iter().map(whole).collect())
        }
    };
    ProjectRow { project: read.project, state, as_of: read.as_of }
}

fn row_problem(row: &ProjectRow) -> Option<Problem> {
    match &row.state {
        State::Error(failure) => {
            let subject = row.project.full_path.clone();
            Some(Problem { scope: Scope::Project, subject, failure: failure.clone() })
        }
        State::Ok(_) | State::NoPipeline { .. } | State::NoAccess(_) => None,
    }
}

/// Says once that a glob on refs does not look at everything.
fn glob_notice(options: &Options, readings: &[ReadProject]) -> Option<Problem> {
    let globs: Vec<&str> = options
        .refs
        .iter()
        .filter_map(|selector| match selector {
            RefSelector::Glob(pattern) => Some(pattern.text()),
            _ => None,
        })
        .collect();
    let cut = readings.iter().filter(|read| read.reading.is_glob_cut).count();
    (cut > 0).then(|| Problem {
        scope: Scope::Api,
        subject: format!("--ref {}", globs.join(",")),
        failure: Failure {
            kind: "ref_glob_window".into(),
            message: format!(
                "a glob shows at most {GLOB_MATCHES} refs of each project's newest {GLOB_WINDOW} pipelines; \
                 {cut} projects have more, name the refs to be sure"
            ),
        },
    })
}
