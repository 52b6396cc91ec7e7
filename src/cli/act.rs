//! `glwatch retry`, `cancel` and `play`: what acts on pipelines and jobs, once it is listed and agreed to.

use super::error::{self, CliError};
use super::exit::Exit;
use super::job_choice;
use super::session::{Jobs, Session};
use super::{args, output};
use crate::collect::find::{FoundProject, Target, Which};
use crate::config::Config;
use crate::domain::host::Host;
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::job::Job;
use crate::domain::status::Status;
use crate::gitlab::client::{Act, Client, Purpose, Subject};
use crate::gitlab::error::Kind;
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
        command("cancel", "Stops jobs, or everything that goes on in a pipeline"),
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
    let act = match name {
        "retry" => Act::Retry,
        "cancel" => Act::Cancel,
        _ => Act::Play,
    };
    let words: Vec<String> = matches.get_many("target").into_iter().flatten().cloned().collect();
    let under_way = RefCell::new(None);
    let outcome = Session::run(
        matches,
        Purpose::Act,
        |config| permitted(act, config),
        async |session| {
            let deeds = Planner { session, act }.deeds(&words).await?;
            if !session.config.display.quiet || !session.config.acting.yes {
                output::to_stderr(&deeds.iter().flat_map(Deed::lines).collect::<Vec<_>>());
            }
            if !session.config.acting.yes && !agreed(act, &deeds).await? {
                output::to_stderr(&["nothing was done".into()]);
                return Ok(Exit::Interrupted);
            }
            // A person takes as long as they need.
            let client = session.client_from_now(Purpose::Act);
            perform(session, &client, (act, &deeds), &under_way).await
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
fn permitted(act: Act, config: &Config) -> Result<(), CliError> {
    if let Some(origin) = &config.acting.read_only {
        return Err(CliError::Refused {
            problem: format!("{origin}: nothing may be changed, so there is no {}", act.word()),
            hints: vec!["your own file or a variable lifts it: read_only = false, or GLWATCH_READ_ONLY=false".into()],
        });
    }
    let can_be_asked = io::stdin().is_terminal() && output::stderr_is_terminal();
    if !config.acting.yes && !can_be_asked {
        return Err(CliError::Refused {
            problem: format!("{} asks before it acts, and there is no terminal to ask on", act.word()),
            hints: vec!["agree beforehand: --yes".into()],
        });
    }
    Ok(())
}

/// One thing that will be sent.
struct Deed {
    project: FoundProject,
    pipeline: PipelineId,
    status: Status,
    /// The job; else it is about the whole pipeline.
    job: Option<Job>,
    /// Of a whole pipeline: the jobs that it comes down to.
    concerns: Vec<Job>,
}

impl Deed {
    fn name(&self) -> String {
        let pipeline = format!("{}#{}", self.project.full_path, self.pipeline);
        match &self.job {
            Some(job) => format!("{pipeline}  {}/{}", job.stage, job.name),
            None => pipeline,
        }
    }

    fn lines(&self) -> Vec<String> {
        let id = self.job.as_ref().map_or(String::new(), |job| format!("  {}", job.id));
        let mut lines = vec![format!("{}  {}{id}", self.name(), self.status.word())];
        lines.extend(self.concerns.iter().map(|job| format!("  {}/{}  {}", job.stage, job.name, job.status.word())));
        lines
    }

    /// Returns its line on standard output.
    fn line(&self, word: &str, id: &str, status: &str, url: &str) -> String {
        let pipeline = format!("{}#{}", self.project.full_path, self.pipeline);
        let job = self.job.as_ref().map_or(String::new(), |job| format!("{}/{}", job.stage, job.name));
        let cells = [word, &pipeline, &job, id, status, url];
        cells.map(|cell| sanitise(cell).into_owned()).join("\t") + "\n"
    }

    /// Returns its line where what became of it is not known.
    fn unsure_line(&self) -> String {
        let id = self.job.as_ref().map_or(self.pipeline.0, |job| job.id.0);
        self.line(UNSURE, &id.to_string(), "", "")
    }

    fn subject(&self) -> Subject {
        self.job.as_ref().map_or(Subject::Pipeline(self.pipeline), |job| Subject::Job(job.id))
    }
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
    let host = Host::parse("gitlab.com").expect("it is one");
    let is_marked = Target::parse(word, &host).is_ok_and(|target| target.which != Which::Newest);
    word.contains("://") || is_marked
}

/// From words to deeds: reads whatever it takes, and changes nothing.
struct Planner<'a> {
    session: &'a Session,
    act: Act,
}

impl Planner<'_> {
    async fn deeds(&self, words: &[String]) -> Result<Vec<Deed>, CliError> {
        let mut deeds: Vec<Deed> = Vec::new();
        for (text, names) in grouped(words) {
            for deed in self.of_target(text, &names).await? {
                // Named twice is meant once.
                if !deeds.iter().any(|known| known.project.id == deed.project.id && known.subject() == deed.subject()) {
                    deeds.push(deed);
                }
            }
        }
        Ok(deeds)
    }

    async fn of_target(&self, text: &str, names: &[&str]) -> Result<Vec<Deed>, CliError> {
        let mut target = self.session.target(text)?;
        let mut names = names;
        // A job's id says which pipeline, too.
        if target.which == Which::Newest
            && let [name] = names
            && let Ok(id) = name.parse()
        {
            (target.which, names) = (Which::Job(JobId(id)), &[]);
        }
        let found = self.session.find(&target).await?;
        let (project, pipeline) = (found.project, found.pipeline);
        if let Some(one) = found.job {
            if !names.is_empty() {
                return Err(refused(format!("\"{text}\" is a job already, so no job can follow it")));
            }
            return Ok(vec![deed(&project, pipeline, one.job)]);
        }
        let of = format!("{}#{pipeline}", project.full_path);
        let by_id = ProjectRef::Id(project.id);
        // Trigger jobs can be acted on like others; of a whole pipeline they are part.
        let jobs = Jobs::read(&self.session.client, &by_id, pipeline, true).await;
        let jobs = jobs.map_err(|error| self.session.failed(format!("read the jobs of {of}"), error))?;
        if names.is_empty() {
            return self.whole_pipeline(project, pipeline, jobs).await.map(|deed| vec![deed]);
        }
        let chosen = names.iter().map(|name| {
            let job = job_choice::named(&jobs, name).map(|job| deed(&project, pipeline, job.clone()));
            job.map_err(|no| no.refusal(&of, &jobs))
        });
        chosen.collect()
    }

    /// GitLab answers as if all went well where there is nothing to do, so that has to be known before.
    async fn whole_pipeline(&self, project: FoundProject, pipeline: PipelineId, jobs: Jobs) -> Result<Deed, CliError> {
        let of = format!("{}#{pipeline}", project.full_path);
        if self.act == Act::Play {
            let manual = only(jobs.current, |job| job.status == Status::Manual);
            let problem = format!("{of}: play starts a job, not a pipeline: name one");
            return Err(match manual.is_empty() {
                true => CliError::Refused { problem, hints: vec!["it has no manual job".into()] },
                false => job_choice::choose(problem, &manual),
            });
        }
        let status = self.session.client.pipeline(&ProjectRef::Id(project.id), pipeline).await;
        let status = status.map_err(|error| self.session.failed(format!("read {of}"), error))?.status;
        let concerns = match self.act {
            Act::Retry => only(jobs.current, |job| matches!(job.status, Status::Failed | Status::Canceled)),
            Act::Cancel | Act::Play => only(jobs.current, |job| job.status.is_active()),
        };
        if concerns.is_empty() && (self.act == Act::Retry || !status.is_active()) {
            let problem = format!("{of} is {}: there is nothing to {}", status.word(), self.act.word());
            return Err(refused(problem));
        }
        Ok(Deed { project, pipeline, status, job: None, concerns })
    }
}

fn only(jobs: Vec<Job>, is_meant: impl Fn(&Job) -> bool) -> Vec<Job> {
    jobs.into_iter().filter(is_meant).collect()
}

fn deed(project: &FoundProject, pipeline: PipelineId, job: Job) -> Deed {
    Deed { project: project.clone(), pipeline, status: job.status.clone(), job: Some(job), concerns: Vec::new() }
}

fn refused(problem: String) -> CliError {
    CliError::Refused { problem, hints: vec!["nothing was sent".into()] }
}

/// Asks the person at the terminal.
async fn agreed(act: Act, deeds: &[Deed]) -> Result<bool, CliError> {
    let jobs = deeds.iter().filter(|deed| deed.job.is_some()).count();
    let what = match (deeds.len() - jobs, jobs) {
        (0, jobs) => counted(jobs, "job"),
        (pipelines, 0) => counted(pipelines, "pipeline"),
        (pipelines, jobs) => format!("{} and {}", counted(pipelines, "pipeline"), counted(jobs, "job")),
    };
    let (first, rest) = act.word().split_at(1);
    let question = format!("{}{rest} {what}? [y/N] ", first.to_uppercase());
    let asking = tokio::task::spawn_blocking(move || {
        io::stderr().lock().write_all(question.as_bytes())?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok::<_, io::Error>(answer)
    });
    let answer = asking.await.unwrap_or_else(|gone| Err(io::Error::other(gone))).map_err(CliError::Start)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Does one after the other, and tells of each. `under_way` has the line of the one that was sent and is not answered.
async fn perform(
    session: &Session,
    client: &Client,
    (act, deeds): (Act, &[Deed]),
    under_way: &RefCell<Option<String>>,
) -> Result<Exit, CliError> {
    let (mut done, mut unsure) = (0, 0);
    for deed in deeds {
        under_way.replace(Some(deed.unsure_line()));
        let answer = client.act(&ProjectRef::Id(deed.project.id), act, deed.subject()).await;
        under_way.replace(None);
        match answer {
            Ok(acted) => {
                done += 1;
                let url = acted.web_url.unwrap_or_default();
                let line = deed.line(done_word(act), &acted.id.to_string(), acted.status.word(), &url);
                output::to_stdout(line.as_bytes())?;
            }
            Err(failure) => {
                if matches!(failure.kind, Kind::Unsure(_)) {
                    unsure += 1;
                    output::to_stdout(deed.unsure_line().as_bytes())?;
                }
                // Nobody else's turn would end better.
                let is_fatal = failure.is_fatal();
                error::report(&session.failed(format!("{} {}", act.word(), deed.name()), failure));
                if is_fatal {
                    break;
                }
            }
        }
    }
    Ok(match done {
        // 3 says that nothing was done.
        0 if unsure == 0 => Exit::NoData,
        done if done < deeds.len() => Exit::Partial,
        _ => Exit::Done,
    })
}

fn done_word(act: Act) -> &'static str {
    match act {
        Act::Retry => "retried",
        Act::Cancel => "canceled",
        Act::Play => "played",
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
