//! `glwatch explain --from`: asks a hub why pipelines are not green, and writes its answers like our own.

use super::error::{self, CliError};
use super::exit::Exit;
use super::explain::ExplainArgs;
use super::from_hub;
use super::run_context::RunContext;
use super::{log, output, terminal};
use crate::collect::find::{PipelineQuery, ProjectQuery, TargetQuery};
use crate::collect::run::ReadingReply;
use crate::config::{Config, HubSettings};
use crate::domain::host::Host;
use crate::domain::project::ProjectRow;
use crate::domain::snapshot::Snapshot;
use crate::domain::status::Status;
use crate::hub_client::explained::HubExplanation;
use crate::hub_client::reader::{HubReadError, HubReader};
use crate::render::{explain as text, explain_markdown as markdown, json};
use crate::report::explain::PipelineExplanation;
use crate::report::explain_contract::{SharedCauseEntry, shared_of};
use serde_json::{Value, json};
use tokio::time::Instant;

/// What is asked of the hub: a project's full path, and the pipeline.
type Asked = (String, u64);

/// What came of everything that was asked for.
struct HubAnswers {
    /// By the clock of the hub's GitLab.
    snapshot: Snapshot,
    answers: Vec<HubExplanation>,
    exit: Exit,
}

/// Answers from the hub that is configured.
pub(super) fn run(
    (hub, config, run_context): (&HubSettings, &Config, &RunContext),
    asked: &ExplainArgs,
    verbosity: u8,
) -> Result<Exit, CliError> {
    if asked.full_log || asked.is_raw || asked.has_log_lines {
        return Err(CliError::Refused {
            problem:
                "--full-log, --raw and --log-lines are not for --from: a hub sends the lines that tell, and no logs"
                    .into(),
            hints: vec!["leave it out, or run without --from".into()],
        });
    }
    log::start(verbosity, config.display.log_file.as_deref())?;
    run_context.warn(config);
    let reader = from_hub::reader(hub, config, run_context)?;
    let runtime = terminal::runtime()?;
    let outcome = runtime.block_on(terminal::until_stopped(answer(reader, config, run_context, asked)));
    runtime.shutdown_background();
    outcome
}

async fn answer(
    mut reader: HubReader,
    config: &Config,
    run_context: &RunContext,
    asked: &ExplainArgs,
) -> Result<Exit, CliError> {
    let failed = |error: HubReadError| from_hub::hub_error(&error, config);
    let ReadingReply { mut snapshot, .. } = reader.read().await.map_err(failed)?;
    config.display.sort.apply(&mut snapshot.rows);
    let mut wanted: Vec<Asked> = Vec::new();
    for target in &asked.targets {
        wanted.push(find(target, &snapshot)?);
    }
    let is_failed = |row: &&ProjectRow| row.worst() == Some(Status::Failed);
    let mut found = HubAnswers { exit: Exit::Done, answers: Vec::new(), snapshot };
    if asked.all_failed {
        wanted.extend(found.snapshot.rows.iter().filter(is_failed).flat_map(failed_of));
        if !found.snapshot.is_complete() {
            found.exit = Exit::Partial;
        }
    }
    wanted.dedup();
    for (project, pipeline) in &wanted {
        let until = Instant::now() + config.pace.max_time;
        match reader.client().explain(project, Some(*pipeline), until).await {
            Ok(explained) => found.answers.push(explained),
            Err(source) if wanted.len() == 1 => return Err(failed(source.into())),
            Err(source) => found.exit = found.exit.worse(error::report(&failed(source.into()))),
        }
    }
    if found.answers.iter().any(|answer| !answer.is_whole()) {
        found.exit = found.exit.worse(Exit::Partial);
    }
    let exit = match found.exit {
        Exit::Done => Exit::Done,
        exit if found.answers.is_empty() => exit,
        _ if config.verdict.allow_partial => Exit::Done,
        _ => Exit::Partial,
    };
    write(&found, config, run_context, asked).await?;
    Ok(exit)
}

fn failed_of(row: &ProjectRow) -> impl Iterator<Item = Asked> {
    let failed = row.pipelines().iter().filter(|pipeline| pipeline.worst() == Status::Failed);
    failed.map(|pipeline| (row.project.full_path.clone(), pipeline.id.0))
}

/// Finds what a target names among what the hub shows.
fn find(target: &str, snapshot: &Snapshot) -> Result<Asked, CliError> {
    let refuse = |problem: String| {
        let hints = vec!["a hub answers about what it shows: run without --from for anything else".to_owned()];
        Err(CliError::Refused { problem, hints })
    };
    let host = Host::parse(&snapshot.host).unwrap_or_else(|_| Host::gitlab_com());
    let query = TargetQuery::parse(target, &host);
    let query = query.map_err(|problem| CliError::Target { text: target.to_owned(), problem })?;
    let rows: Vec<&ProjectRow> = snapshot.rows.iter().filter(|row| is_meant(row, &query.project)).collect();
    let row = match rows.as_slice() {
        [row] => row,
        [] => return refuse(format!("the hub shows no project \"{target}\"")),
        several => {
            let paths: Vec<&str> = several.iter().map(|row| row.project.full_path.as_str()).collect();
            return refuse(format!("\"{target}\" is the end of several projects' paths: {}", paths.join(", ")));
        }
    };
    let path = row.project.full_path.clone();
    let pipeline = match &query.pipeline {
        PipelineQuery::Pipeline(id) => return Ok((path, id.0)),
        PipelineQuery::Job(_) => return refuse("a hub is not asked about single jobs".into()),
        PipelineQuery::Newest => row.pipelines().first(),
        PipelineQuery::Ref(name) => row.pipelines().iter().find(|pipeline| pipeline.git_ref.name == *name),
    };
    match pipeline {
        Some(pipeline) => Ok((path, pipeline.id.0)),
        None => refuse(format!("the hub shows no such pipeline of {path}")),
    }
}

fn is_meant(row: &ProjectRow, query: &ProjectQuery) -> bool {
    let path = row.project.full_path.as_str();
    match query {
        ProjectQuery::Id(id) => row.project.id == *id,
        ProjectQuery::FullPath(full) => path == full,
        ProjectQuery::Path(end) => {
            path == end || path.strip_suffix(end.as_str()).is_some_and(|rest| rest.ends_with('/'))
        }
    }
}

async fn write(
    found: &HubAnswers,
    config: &Config,
    run_context: &RunContext,
    asked: &ExplainArgs,
) -> Result<(), CliError> {
    let now = found.snapshot.taken_at;
    let explained = || found.answers.iter().flat_map(|answer| &answer.explained);
    let answers: Vec<PipelineExplanation> =
        explained().map(|(evidence, explanation)| PipelineExplanation::new(evidence, explanation, now)).collect();
    let all: Vec<_> = explained().cloned().collect();
    let shared = shared_of(&all);
    let mut bytes = Vec::new();
    let written = match asked.form.as_str() {
        "json" => json::write_document(&document(found, shared.into_iter().map(Into::into).collect()), &mut bytes),
        "markdown" => markdown::write(&answers, &mut bytes).and_then(|()| markdown::write_shared(&shared, &mut bytes)),
        _ if answers.is_empty() && asked.all_failed => {
            bytes.extend_from_slice(b"nothing has failed\n");
            Ok(())
        }
        _ => {
            let style = terminal::style(&config.display, run_context);
            let style = text::ExplainStyle { color: style.color, ascii: style.ascii };
            text::write(&answers, style, &mut bytes).and_then(|()| text::write_shared(&shared, &mut bytes))
        }
    };
    written.map_err(CliError::Output)?;
    output::to_slow_reader(bytes).await.map(|_| ())
}

/// Joins the hub's documents to one, each pipeline as the hub has written it.
fn document(found: &HubAnswers, shared: Vec<SharedCauseEntry>) -> Value {
    if let [only] = found.answers.as_slice() {
        return only.document.clone();
    }
    let all = |field: &str| -> Vec<Value> {
        let of_each = found.answers.iter().filter_map(|answer| answer.document[field].as_array());
        of_each.flatten().cloned().collect()
    };
    let last = found.answers.last().map(|answer| &answer.document);
    json!({
        "schema": crate::report::explain_contract::SCHEMA,
        "host": found.snapshot.host,
        "generated_at": last.map_or(Value::Null, |last| last["generated_at"].clone()),
        "complete": found.exit == Exit::Done,
        "problems": all("problems"),
        "requests": last.map_or(Value::Null, |last| last["requests"].clone()),
        "pipelines": all("pipelines"),
        "shared_causes": shared,
    })
}
