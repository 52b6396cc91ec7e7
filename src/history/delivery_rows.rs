//! Facts about deliveries as rows of the tables, and back.

use super::cursor::FilledSpan;
use super::rows::{id, optional, status};
use crate::domain::delivery::{
    DeliveryBatch, DeployedMerge, DeploymentCourse, DeploymentFact, EnvironmentFact, EnvironmentStart, IncidentFact,
    MergeRequestFact,
};
use crate::domain::fact::UnixSeconds;
use crate::domain::id::{DeploymentId, EnvironmentId, JobId, PipelineId, ProjectId};
use rusqlite::{Connection, OptionalExtension, Params, Result, Row, params};

/// What separates labels; no label of GitLab's has a line break.
const LABEL_END: char = '\n';

const DEPLOYMENT_COLUMNS: &str = "project, id, iid, environment, environment_name, ref, sha, pipeline, job, created_at, \
                                  updated_at, status, finished_at, merges_read, pipeline_source";
const MERGE_REQUEST_COLUMNS: &str = "project, iid, title, source_branch, labels, merged_at, updated_at, first_commit_at, commits_read, target_branch, \
     merged_sha";
const INCIDENT_COLUMNS: &str = "project, iid, title, created_at, updated_at, closed_at";
const ENVIRONMENT_COLUMNS: &str = "project, id, name, tier, seen_at";

fn number(id: u64) -> i64 {
    id.cast_signed()
}

fn environment(row: &Row<'_>) -> Result<EnvironmentFact> {
    Ok(EnvironmentFact {
        project: ProjectId(id(row, 0)?),
        id: EnvironmentId(id(row, 1)?),
        name: row.get(2)?,
        tier: row.get(3)?,
        seen_at: row.get(4)?,
    })
}

fn deployment(row: &Row<'_>) -> Result<DeploymentFact> {
    Ok(DeploymentFact {
        project: ProjectId(id(row, 0)?),
        id: DeploymentId(id(row, 1)?),
        iid: optional(row, 2)?,
        environment: EnvironmentId(id(row, 3)?),
        environment_name: row.get(4)?,
        ref_name: row.get(5)?,
        sha: row.get(6)?,
        pipeline: optional(row, 7)?.map(PipelineId),
        job: optional(row, 8)?.map(JobId),
        created_at: row.get(9)?,
        course: DeploymentCourse { updated_at: row.get(10)?, status: status(row, 11)?, finished_at: row.get(12)? },
        has_merges: row.get(13)?,
        pipeline_source: row.get(14)?,
    })
}

fn merge_request(row: &Row<'_>) -> Result<MergeRequestFact> {
    let labels: String = row.get(4)?;
    Ok(MergeRequestFact {
        project: ProjectId(id(row, 0)?),
        iid: id(row, 1)?,
        title: row.get(2)?,
        source_branch: row.get(3)?,
        labels: labels.split(LABEL_END).filter(|label| !label.is_empty()).map(ToOwned::to_owned).collect(),
        merged_at: row.get(5)?,
        updated_at: row.get(6)?,
        first_commit_at: row.get(7)?,
        has_commits: row.get(8)?,
        target_branch: row.get(9)?,
        merged_sha: row.get(10)?,
    })
}

fn incident(row: &Row<'_>) -> Result<IncidentFact> {
    Ok(IncidentFact {
        project: ProjectId(id(row, 0)?),
        iid: id(row, 1)?,
        title: row.get(2)?,
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        closed_at: row.get(5)?,
    })
}

/// Reads the row with this key, and returns what it lacks; nothing where it lacks nothing.
fn news<F: Clone + PartialEq>(
    connection: &Connection,
    (columns, table, second): (&str, &str, &str),
    (project, key): (ProjectId, u64),
    read: fn(&Row<'_>) -> Result<F>,
    merge: impl FnOnce(Option<F>) -> F,
) -> Result<Option<F>> {
    let query = format!("SELECT {columns} FROM {table} WHERE project = ?1 AND {second} = ?2");
    let known = connection.prepare_cached(&query)?.query_row([number(project.0), number(key)], read).optional()?;
    let merged = merge(known.clone());
    Ok((known.as_ref() != Some(&merged)).then_some(merged))
}

fn execute(connection: &Connection, query: &str, values: impl Params) -> Result<()> {
    connection.prepare_cached(query)?.execute(values).map(drop)
}

fn write_environment(connection: &Connection, fact: &EnvironmentFact) -> Result<()> {
    let place = (ENVIRONMENT_COLUMNS, "environment", "id");
    let merge = |known: Option<EnvironmentFact>| known.into_iter().fold(fact.clone(), EnvironmentFact::merge);
    let Some(merged) = news(connection, place, (fact.project, fact.id.0), environment, merge)? else { return Ok(()) };
    let values = params![number(merged.project.0), number(merged.id.0), merged.name, merged.tier, merged.seen_at];
    execute(connection, "INSERT OR REPLACE INTO environment VALUES (?1, ?2, ?3, ?4, ?5)", values)
}

fn write_deployment(connection: &Connection, fact: &DeploymentFact) -> Result<()> {
    let place = (DEPLOYMENT_COLUMNS, "deployment", "id");
    let merge = |known: Option<DeploymentFact>| known.into_iter().fold(fact.clone(), DeploymentFact::merge);
    let Some(merged) = news(connection, place, (fact.project, fact.id.0), deployment, merge)? else { return Ok(()) };
    let query = "INSERT OR REPLACE INTO deployment \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    let values = params![
        number(merged.project.0),
        number(merged.id.0),
        merged.iid.map(number),
        number(merged.environment.0),
        merged.environment_name,
        merged.ref_name,
        merged.sha,
        merged.pipeline.map(|pipeline| number(pipeline.0)),
        merged.job.map(|job| number(job.0)),
        merged.created_at,
        merged.course.updated_at,
        merged.course.status.word(),
        merged.course.finished_at,
        merged.has_merges,
        merged.pipeline_source,
    ];
    execute(connection, query, values)
}

fn write_merge_request(connection: &Connection, fact: &MergeRequestFact) -> Result<()> {
    let place = (MERGE_REQUEST_COLUMNS, "merge_request", "iid");
    let merge = |known: Option<MergeRequestFact>| known.into_iter().fold(fact.clone(), MergeRequestFact::merge);
    let Some(merged) = news(connection, place, (fact.project, fact.iid), merge_request, merge)? else { return Ok(()) };
    let values = params![
        number(merged.project.0),
        number(merged.iid),
        merged.title,
        merged.source_branch,
        merged.labels.join("\n"),
        merged.merged_at,
        merged.updated_at,
        merged.first_commit_at,
        merged.has_commits,
        merged.target_branch,
        merged.merged_sha,
    ];
    let query = "INSERT OR REPLACE INTO merge_request VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    execute(connection, query, values)
}

fn write_incident(connection: &Connection, fact: &IncidentFact) -> Result<()> {
    let place = (INCIDENT_COLUMNS, "incident", "iid");
    let merge = |known: Option<IncidentFact>| known.into_iter().fold(fact.clone(), IncidentFact::merge);
    let Some(merged) = news(connection, place, (fact.project, fact.iid), incident, merge)? else { return Ok(()) };
    let IncidentFact { project, iid, title, created_at, updated_at, closed_at } = merged;
    let values = params![number(project.0), number(iid), title, created_at, updated_at, closed_at];
    execute(connection, "INSERT OR REPLACE INTO incident VALUES (?1, ?2, ?3, ?4, ?5, ?6)", values)
}

/// Writes all facts of a batch.
pub(super) fn write_batch(connection: &Connection, batch: &DeliveryBatch) -> Result<()> {
    batch.environments.iter().try_for_each(|fact| write_environment(connection, fact))?;
    batch.deployments.iter().try_for_each(|fact| write_deployment(connection, fact))?;
    batch.merge_requests.iter().try_for_each(|fact| write_merge_request(connection, fact))?;
    batch.merges.iter().try_for_each(|DeployedMerge { project, deployment, iid }| {
        let values = [number(project.0), number(deployment.0), number(*iid)];
        execute(connection, "INSERT OR IGNORE INTO deployed_merge VALUES (?1, ?2, ?3)", values)
    })?;
    batch.starts.iter().try_for_each(|fact| write_start(connection, fact))?;
    batch.incidents.iter().try_for_each(|fact| write_incident(connection, fact))
}

/// The latest answer counts: it is about the earliest deployment.
fn write_start(connection: &Connection, fact: &EnvironmentStart) -> Result<()> {
    let EnvironmentStart { project, environment_name, first_at, baseline } = fact;
    let values = params![number(project.0), environment_name, first_at, baseline.map(|id| number(id.0))];
    execute(connection, "INSERT OR REPLACE INTO environment_start VALUES (?1, ?2, ?3, ?4)", values)
}

fn start(row: &Row<'_>) -> Result<EnvironmentStart> {
    Ok(EnvironmentStart {
        project: ProjectId(id(row, 0)?),
        environment_name: row.get(1)?,
        first_at: row.get(2)?,
        baseline: optional(row, 3)?.map(DeploymentId),
    })
}

fn each<F>(connection: &Connection, query: &str, read: fn(&Row<'_>) -> Result<F>) -> Result<Vec<F>> {
    connection.prepare_cached(query)?.query_map([], read)?.collect()
}

/// Returns all facts about deliveries, by project and number. There are far fewer of them than jobs.
pub(super) fn all(connection: &Connection) -> Result<DeliveryBatch> {
    let merge = |row: &Row<'_>| {
        Ok(DeployedMerge { project: ProjectId(id(row, 0)?), deployment: DeploymentId(id(row, 1)?), iid: id(row, 2)? })
    };
    let of = |columns: &str, table: &str| format!("SELECT {columns} FROM {table} ORDER BY 1, 2");
    Ok(DeliveryBatch {
        environments: each(connection, &of(ENVIRONMENT_COLUMNS, "environment"), environment)?,
        deployments: each(connection, &of(DEPLOYMENT_COLUMNS, "deployment"), deployment)?,
        merge_requests: each(connection, &of(MERGE_REQUEST_COLUMNS, "merge_request"), merge_request)?,
        merges: each(connection, "SELECT project, deployment, iid FROM deployed_merge ORDER BY 1, 2, 3", merge)?,
        incidents: each(connection, &of(INCIDENT_COLUMNS, "incident"), incident)?,
        starts: each(connection, &of("project, environment_name, first_at, baseline", "environment_start"), start)?,
    })
}

/// Removes what ended before a time, and what is left of what was read until then.
pub(super) fn prune(connection: &Connection, limit: UnixSeconds) -> Result<usize> {
    let mut removed = 0;
    for step in [
        "DELETE FROM deployment WHERE coalesce(finished_at, updated_at, created_at, 0) < ?1",
        "DELETE FROM deployed_merge WHERE ?1 = ?1 AND NOT EXISTS (SELECT 1 FROM deployment d \
         WHERE d.project = deployed_merge.project AND d.id = deployed_merge.deployment)",
        "DELETE FROM merge_request WHERE coalesce(merged_at, updated_at, 0) < ?1 AND NOT EXISTS (SELECT 1 FROM deployed_merge d \
         WHERE d.project = merge_request.project AND d.iid = merge_request.iid)",
        "DELETE FROM incident WHERE closed_at < ?1",
    ] {
        removed += connection.execute(step, [limit])?;
    }
    for table in ["delivery_fill", "incident_fill", "merged_fill"] {
        connection.execute(&format!("DELETE FROM {table} WHERE until <= ?1"), [limit])?;
        connection.execute(&format!("UPDATE {table} SET since = ?1 WHERE since < ?1"), [limit])?;
    }
    Ok(removed)
}

fn span(row: &Row<'_>) -> Result<FilledSpan> {
    Ok(FilledSpan { since: row.get(0)?, until: row.get(1)? })
}

/// What decides whether a project's deployments are asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownDeliveries {
    /// How far they were read.
    pub whole: Option<FilledSpan>,
    /// When a pipeline of it changed last.
    pub changed_at: Option<UnixSeconds>,
    /// Whether some of them belong to no pipeline of which a change would be seen, so that nothing tells of the next one.
    pub has_apart: bool,
    /// Whether some of them are not over: their end changes no pipeline that is listed where they are a child pipeline's.
    pub has_open: bool,
    /// When they were asked for last; before that counts, `whole` may be later, because nothing has changed since.
    pub listed_at: Option<UnixSeconds>,
}

pub(super) fn known(connection: &Connection, project: ProjectId) -> Result<KnownDeliveries> {
    let key = [number(project.0)];
    let whole = "SELECT since, until FROM delivery_fill WHERE project = ?1";
    let changed = "SELECT max(updated_at) FROM pipeline WHERE project = ?1";
    // A pipeline is on no list where a list that reaches back to it lacks it.
    let apart = "SELECT EXISTS (SELECT 1 FROM deployment d LEFT JOIN pipeline p ON p.project = d.project \
                 AND p.id = d.pipeline WHERE d.project = ?1 AND p.id IS NULL \
                 AND (d.pipeline IS NULL OR d.pipeline_source = 'parent_pipeline' OR EXISTS (SELECT 1 FROM fill f \
                 WHERE f.project = d.project AND f.since <= coalesce(d.created_at, d.finished_at, d.updated_at))))";
    let open = "SELECT EXISTS (SELECT 1 FROM deployment WHERE project = ?1 \
                AND status NOT IN ('success', 'failed', 'canceled', 'skipped'))";
    let listed = "SELECT listed_at FROM delivery_fill WHERE project = ?1";
    Ok(KnownDeliveries {
        whole: connection.prepare_cached(whole)?.query_row(key, span).optional()?,
        changed_at: connection.prepare_cached(changed)?.query_row(key, |row| row.get(0))?,
        has_apart: connection.prepare_cached(apart)?.query_row(key, |row| row.get(0))?,
        has_open: connection.prepare_cached(open)?.query_row(key, |row| row.get(0))?,
        listed_at: connection.prepare_cached(listed)?.query_row(key, |row| row.get(0)).optional()?.flatten(),
    })
}

pub(super) fn write_known(connection: &Connection, project: ProjectId, whole: FilledSpan) -> Result<()> {
    let values = [number(project.0), whole.since, whole.until];
    let query = "INSERT OR REPLACE INTO delivery_fill (project, since, until, listed_at) VALUES (?1, ?2, ?3, ?3)";
    execute(connection, query, values)
}

/// Notes that nothing has changed up to a time.
pub(super) fn write_quiet(connection: &Connection, project: ProjectId, until: UnixSeconds) -> Result<()> {
    let query =
        "UPDATE delivery_fill SET listed_at = coalesce(listed_at, until), until = max(until, ?2) WHERE project = ?1";
    execute(connection, query, [number(project.0), until])
}

/// Notes when the first commit of a merge request was made.
pub(super) fn write_first_commit(
    connection: &Connection,
    (project, iid): (ProjectId, u64),
    at: Option<UnixSeconds>,
) -> Result<()> {
    let query = "UPDATE merge_request SET first_commit_at = ?3, commits_read = 1 WHERE project = ?1 AND iid = ?2";
    execute(connection, query, params![number(project.0), number(iid), at])
}

/// Returns how far the merge requests into a project's default branch were read.
pub(super) fn known_merged(connection: &Connection, project: ProjectId) -> Result<Option<FilledSpan>> {
    let query = "SELECT since, until FROM merged_fill WHERE project = ?1";
    connection.prepare_cached(query)?.query_row([number(project.0)], span).optional()
}

pub(super) fn write_known_merged(connection: &Connection, project: ProjectId, whole: FilledSpan) -> Result<()> {
    let query = "INSERT OR REPLACE INTO merged_fill VALUES (?1, ?2, ?3)";
    execute(connection, query, [number(project.0), whole.since, whole.until])
}

pub(super) fn known_incidents(connection: &Connection, group: &str) -> Result<Option<FilledSpan>> {
    let query = "SELECT since, until FROM incident_fill WHERE of_group = ?1";
    connection.prepare_cached(query)?.query_row([group], span).optional()
}

pub(super) fn write_known_incidents(connection: &Connection, group: &str, whole: FilledSpan) -> Result<()> {
    let query = "INSERT OR REPLACE INTO incident_fill VALUES (?1, ?2, ?3)";
    execute(connection, query, params![group, whole.since, whole.until])
}

/// Says whether an environment that was deployed to is on no list that was read since a time.
pub(super) fn lacks_environments(connection: &Connection, project: ProjectId, seen_at: UnixSeconds) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM deployment d LEFT JOIN environment e ON e.project = d.project \
                 AND e.id = d.environment WHERE d.project = ?1 AND coalesce(e.seen_at, ?3) < ?2)";
    connection.prepare_cached(query)?.query_row([number(project.0), seen_at, i64::MIN], |row| row.get(0))
}

/// Writes the merge requests of a deployment, and that they were asked for.
pub(super) fn write_merges(
    connection: &Connection,
    (project, deployment): (ProjectId, DeploymentId),
    requests: &[MergeRequestFact],
) -> Result<()> {
    let merges = requests.iter().map(|request| DeployedMerge { project, deployment, iid: request.iid }).collect();
    let batch = DeliveryBatch { merge_requests: requests.to_vec(), merges, ..DeliveryBatch::default() };
    write_batch(connection, &batch)?;
    let query = "UPDATE deployment SET merges_read = 1 WHERE project = ?1 AND id = ?2";
    execute(connection, query, [number(project.0), number(deployment.0)])
}

/// How many deployments and incidents are known of a project; `None` where they were not read.
pub(super) fn counts(connection: &Connection, project: ProjectId) -> Result<Option<(u64, u64)>> {
    let query = "SELECT (SELECT count(*) FROM deployment d WHERE d.project = f.project), \
                 (SELECT count(*) FROM incident i WHERE i.project = f.project) FROM delivery_fill f WHERE project = ?1";
    let count = |row: &Row<'_>| Ok((id(row, 0)?, id(row, 1)?));
    connection.prepare_cached(query)?.query_row([number(project.0)], count).optional()
}
