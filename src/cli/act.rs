//! `glwatch retry`, `cancel` and `play`: lists what would be done, asks, and acts on pipelines and jobs.

use super::error::{self, CliError};
use super::exit::Exit;
use super::session::Session;
use super::{args, job_choice, output};
use crate::act;
use crate::act::plan::{self, ActionNotAllowed, PipelineTarget, PlannedAction};
use crate::collect::find::{FoundTarget, PipelineQuery, TargetQuery};
use crate::collect::job_choice::{JobQuery, PipelineJobs};
use crate::config::Config;
use crate::domain::host::Host;
use crate::domain::id::{JobId, ProjectRef};
use crate::gitlab::client::{Action, ActionResult, Client, Purpose};
use crate::text::plural::counted;
use crate::text::sanitise::sanitise;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};

const HELP: &str = "\
TARGET is a project with a pipeline, or an address from the browser:
  acme/api#812          this pipeline; acme/api is a full path, the end of one, or an id
  acme/api@main         the newest pipeline of a branch or tag; acme/api of any
  https://..            the address of a pipeline or a job
A JOB after it is a job of that pipeline: its name, stage/name or id. Several may follow,
and further targets that have a # or @ in them, or are addresses.

Everything is listed before anything happens. On a terminal you are asked; elsewhere --yes
is needed. Nothing is ever sent twice. The token needs the scope api.

Ends with 3 if nothing was done; with 4 if a part was not, or if GitLab did not answer and may have
done it: the line on standard output then begins with unsure.";

/// The word for what was sent and may or may not have been done.
const UNSURE: &str = "unsure";

pub(super) fn commands() -> [Command; 3] {
    [
        command("retry", "Runs jobs again: single ones, or all that failed or were canceled in a pipeline"),
        command("cancel", "Stops jobs, or all active jobs of a pipeline"),
        command("play", "Starts manual jobs"),
    ]
}

fn command(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .after_help(HELP)
        .max_term_width(100)
        .arg(
            Arg::new("target")
                .value_name("TARGET [JOB]..")
                .required(true)
                .num_args(1..)
                .action(ArgAction::Append)
                .help("Which pipelines or jobs"),
        )
        .arg(args::yes_arg())
        .args(args::acting_args())
}

pub(super) fn run(name: &str, matches: &ArgMatches) -> Result<Exit, CliError> {
    let action = match name {
        "retry" => Action::Retry,
        "cancel" => Action::Cancel,
        _ => Action::Play,
    };
    let words: Vec<String> = matches.get_many("target").into_iter().flatten().cloned().collect();
    let under_way = RefCell::new(None);
    let outcome = Session::run(
        matches,
        Purpose::Act,
        |config| permitted(action, config),
        async |session| {
            let plan = Planner { session, action }.plan(&words).await?;
            if !session.config.display.quiet || !session.config.acting.yes {
                output::to_stderr(&plan.iter().flat_map(listed).collect::<Vec<_>>());
            }
            if !session.config.acting.yes && !agreed(action, &plan).await? {
                output::to_stderr(&["nothing was done".into()]);
                return Ok(Exit::Interrupted);
            }
            // A person takes as long as they need.
            let client = session.client_from_now(Purpose::Act);
            perform(session, &client, &plan, &under_way).await
        },
    );
    match (outcome, under_way.into_inner()) {
        // Stopped after it was sent and before it was answered.
        (Err(CliError::Stopped(_)), Some(line)) => {
            output::to_stdout(String::as_bytes(&line))?;
            output::to_stderr(&[
                "stopped before GitLab answered: it may have been done; look before you try again".into()
            ]);
            Ok(Exit::Partial)
        }
        (outcome, _) => outcome,
    }
}

/// Refuses before anything is asked of GitLab.
fn permitted(action: Action, config: &Config) -> Result<(), CliError> {
    plan::check_read_only(action, config.acting.read_only.as_ref().map(ToString::to_string)).map_err(refusal)?;
    check_can_ask(action.word(), config)
}

/// Refuses what is not agreed to where there is no terminal to ask on.
pub(super) fn check_can_ask(word: &str, config: &Config) -> Result<(), CliError> {
    let can_be_asked = io::stdin().is_terminal() && output::stderr_is_terminal();
    if config.acting.yes || can_be_asked {
        return Ok(());
    }
    Err(CliError::Refused {
        problem: format!("{word} asks before it acts, and there is no terminal to ask on"),
        hints: vec!["agree beforehand: --yes".into()],
    })
}

fn refusal(no: ActionNotAllowed) -> CliError {
    let problem = no.to_string();
    let hint = match no {
        ActionNotAllowed::ReadOnly { .. } => {
            "your own file or a variable lifts it: read_only = false, or GLWATCH_READ_ONLY=false"
        }
        ActionNotAllowed::NeedsJob { manual, .. } if !manual.is_empty() => return job_choice::choose(problem, &manual),
        ActionNotAllowed::NeedsJob { .. } => "it has no manual job",
        ActionNotAllowed::NothingToDo { .. } => "nothing was sent",
    };
    CliError::Refused { problem, hints: vec![hint.into()] }
}

fn name(planned: &PlannedAction) -> String {
    match &planned.job {
        Some(job) => format!("{}  {}/{}", planned.target, job.stage, job.name),
        None => planned.target.to_string(),
    }
}

/// Returns the lines that list it before it is done.
fn listed(planned: &PlannedAction) -> Vec<String> {
    let id = planned.job.as_ref().map_or(String::new(), |job| format!("  {}", job.id));
    let mut lines = vec![format!("{}  {}{id}", name(planned), planned.status.word())];
    lines.extend(planned.concerned.iter().map(|job| format!("  {}/{}  {}", job.stage, job.name, job.status.word())));
    lines
}

/// Returns its line on standard output.
fn line(planned: &PlannedAction, word: &str, id: u64, status: &str, url: &str) -> String {
    let job = planned.job.as_ref().map_or(String::new(), |job| format!("{}/{}", job.stage, job.name));
    let cells = [word, &planned.target.to_string(), &job, &id.to_string(), status, url];
    cells.map(|cell| sanitise(cell).into_owned()).join("\t") + "\n"
}

/// Returns its line where it is not known what became of it.
fn unsure_line(planned: &PlannedAction) -> String {
    let id = planned.job.as_ref().map_or(planned.target.pipeline.0, |job| job.id.0);
    line(planned, UNSURE, id, "", "")
}

/// Splits the words into targets, each with the jobs that follow it.
fn grouped(words: &[String]) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for word in words {
        match groups.last_mut() {
            Some((_, jobs)) if !is_target(word) => jobs.push(word),
            _ => groups.push((word, Vec::new())),
        }
    }
    groups
}

/// Says whether a word after the first is a further target: names of jobs may hold nearly anything, but seldom this.
fn is_target(word: &str) -> bool {
    // Any host will do here: it is checked when the target is read.
    let is_marked =
        TargetQuery::parse(word, &Host::gitlab_com()).is_ok_and(|target| target.pipeline != PipelineQuery::Newest);
    word.contains("://") || is_marked
}

/// From words to planned actions: reads whatever it takes, and changes nothing.
struct Planner<'a> {
    session: &'a Session,
    action: Action,
}

impl Planner<'_> {
    async fn plan(&self, words: &[String]) -> Result<Vec<PlannedAction>, CliError> {
        let mut planned = Vec::new();
        for (text, names) in grouped(words) {
            planned.extend(self.of_target(text, &names).await?);
        }
        Ok(plan::without_repeats(planned))
    }

    async fn of_target(&self, text: &str, names: &[&str]) -> Result<Vec<PlannedAction>, CliError> {
        let mut query = self.session.target(text)?;
        let mut names = names;
        // A job's id says which pipeline, too.
        if query.pipeline == PipelineQuery::Newest
            && let [name] = names
            && let Ok(id) = name.parse()
        {
            (query.pipeline, names) = (PipelineQuery::Job(JobId(id)), &[]);
        }
        let FoundTarget { project, pipeline, job, .. } = self.session.find(&query).await?;
        let target = PipelineTarget { project: project.id, full_path: project.full_path, pipeline };
        if let Some(one) = job {
            if !names.is_empty() {
                let problem = format!("\"{text}\" is a job already, so no job can follow it");
                return Err(CliError::Refused { problem, hints: vec!["nothing was sent".into()] });
            }
            return Ok(vec![PlannedAction::on_job(self.action, &target, one.job)]);
        }
        if names.is_empty() {
            return self.whole_pipeline(target).await.map(|planned| vec![planned]);
        }
        let jobs = self.jobs(&target).await?;
        let chosen = names.iter().map(|name| {
            let job = jobs.choose(JobQuery::Named(name));
            let planned = job.map(|job| PlannedAction::on_job(self.action, &target, job.clone()));
            planned.map_err(|no| job_choice::refusal(&target.to_string(), &no))
        });
        chosen.collect()
    }

    async fn whole_pipeline(&self, target: PipelineTarget) -> Result<PlannedAction, CliError> {
        let status = async {
            if !self.action.takes_pipelines() {
                return Ok(None);
            }
            let read = self.session.client.pipeline(&ProjectRef::Id(target.project), target.pipeline).await;
            let pipeline = read.map_err(|error| self.session.failed(format!("read {target}"), error))?;
            Ok(Some(pipeline.status))
        };
        let (jobs, status) = tokio::try_join!(self.jobs(&target), status)?;
        PlannedAction::on_pipeline(self.action, target, status, jobs.current).map_err(refusal)
    }

    /// Reads the jobs of a pipeline; trigger jobs can be acted on like others, and are a part of the whole pipeline.
    async fn jobs(&self, target: &PipelineTarget) -> Result<PipelineJobs, CliError> {
        let project = ProjectRef::Id(target.project);
        let jobs = PipelineJobs::read_with_bridges(&self.session.client, &project, target.pipeline).await;
        jobs.map_err(|error| self.session.failed(format!("read the jobs of {target}"), error))
    }
}

/// Asks whether to perform a plan.
async fn agreed(action: Action, plan: &[PlannedAction]) -> Result<bool, CliError> {
    let jobs = plan.iter().filter(|planned| planned.job.is_some()).count();
    let what = match (plan.len() - jobs, jobs) {
        (0, jobs) => counted(jobs, "job"),
        (pipelines, 0) => counted(pipelines, "pipeline"),
        (pipelines, jobs) => format!("{} and {}", counted(pipelines, "pipeline"), counted(jobs, "job")),
    };
    let (first, rest) = action.word().split_at(1);
    let question = format!("{}{rest} {what}? [y/N] ", first.to_uppercase());
    agrees(question).await
}

/// Asks the person at the terminal a question.
pub(super) async fn agrees(question: String) -> Result<bool, CliError> {
    let asking = tokio::task::spawn_blocking(move || {
        io::stderr().lock().write_all(question.as_bytes())?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok::<_, io::Error>(answer)
    });
    let answer = asking.await.unwrap_or_else(|gone| Err(io::Error::other(gone))).map_err(CliError::Start)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Performs one after the other, and writes what became of each. `under_way` has the line of the one that was sent and
/// is not answered.
async fn perform(
    session: &Session,
    client: &Client,
    plan: &[PlannedAction],
    under_way: &RefCell<Option<String>>,
) -> Result<Exit, CliError> {
    let (mut done, mut unsure) = (0, 0);
    for planned in plan {
        under_way.replace(Some(unsure_line(planned)));
        let result = act::perform(client, planned).await;
        under_way.replace(None);
        let ends_plan = result.ends_plan();
        let failure = match result {
            ActionResult::Done(answer) => {
                done += 1;
                let url = answer.web_url.unwrap_or_default();
                let line = line(planned, done_word(planned.action), answer.id, answer.status.word(), &url);
                output::to_stdout(line.as_bytes())?;
                continue;
            }
            ActionResult::Unsure(failure) => {
                unsure += 1;
                output::to_stdout(unsure_line(planned).as_bytes())?;
                failure
            }
            ActionResult::Refused(failure) => failure,
        };
        error::report(&session.failed(format!("{} {}", planned.action.word(), name(planned)), failure));
        if ends_plan {
            break;
        }
    }
    Ok(match done {
        // 3 says that nothing was done.
        0 if unsure == 0 => Exit::NoData,
        done if done < plan.len() => Exit::Partial,
        _ => Exit::Done,
    })
}

fn done_word(action: Action) -> &'static str {
    match action {
        Action::Retry => "retried",
        Action::Cancel => "canceled",
        Action::Play => "played",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_follow_their_target_and_further_targets_are_told_by_their_mark() {
        type Groups<'a> = &'a [(&'a str, &'a [&'a str])];
        let cases: [(&[&str], Groups<'_>); 5] = [
            (&["acme/api#812"], &[("acme/api#812", &[])]),
            (&["api", "unit"], &[("api", &["unit"])]),
            (&["api#1", "unit", "test/lint", "web#2"], &[("api#1", &["unit", "test/lint"]), ("web#2", &[])]),
            (&["api", "rspec 1/2", "test #3", "web@main"], &[("api", &["rspec 1/2", "test #3"]), ("web@main", &[])]),
            (&["api#1", "https://x.example/a/b/-/jobs/3"], &[("api#1", &[]), ("https://x.example/a/b/-/jobs/3", &[])]),
        ];
        for (words, expected) in cases {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let expected: Vec<(&str, Vec<&str>)> = expected.iter().map(|(text, jobs)| (*text, jobs.to_vec())).collect();
            assert_eq!(grouped(&words), expected);
        }
    }
}
