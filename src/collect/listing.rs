//! Lists the projects of the groups without reading their pipelines.

use super::list::{self, ListFinding, ListedSource};
use super::run::{CollectOptions, GroupError, sort_lists};
use crate::domain::project::Project;
use crate::domain::snapshot::Problem;
use crate::gitlab::client::Client;
use crate::gitlab::error::Error;
use futures_util::future::join_all;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::mpsc::unbounded_channel;

/// The projects of the groups, each once.
#[derive(Debug)]
pub(crate) struct ListedProjects {
    /// Those that the filters keep, by id.
    pub projects: Vec<Arc<Project>>,
    /// Groups and parts of lists that could not be read.
    pub problems: Vec<Problem>,
    /// Patterns of `--include` and `--exclude` that match no project.
    pub unmatched: Vec<String>,
    pub excluded: usize,
}

/// Reads the lists of the groups. Only where none can be read, or the token is refused, that is an error.
pub(crate) async fn list_projects(client: &Client, options: &CollectOptions) -> Result<ListedProjects, GroupError> {
    let (sender, mut found) = unbounded_channel();
    let read = |source| list::read(client, source, options.list, 1, sender.clone());
    let lists: Vec<Result<ListedSource, Error>> = join_all(options.sources.iter().map(read)).await;
    drop(sender);
    let (_, problems) = sort_lists(client, options, lists)?;
    let mut listed: Vec<Arc<Project>> = Vec::new();
    let mut known = HashSet::new();
    while let Ok(finding) = found.try_recv() {
        match finding {
            ListFinding::Known(project) | ListFinding::Listed(project) if known.insert(project.id) => {
                listed.push(project);
            }
            ListFinding::Known(_) | ListFinding::Listed(_) | ListFinding::Announced(_) => {}
        }
    }
    listed.sort_unstable_by_key(|project| project.id);
    let unmatched = options.filter.unmatched(&listed).into_iter().map(str::to_owned).collect();
    let all = listed.len();
    listed.retain(|project| options.filter.keeps(project));
    Ok(ListedProjects { excluded: all - listed.len(), projects: listed, problems, unmatched })
}
