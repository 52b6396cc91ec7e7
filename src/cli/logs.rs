//! `glwatch logs`: prints a job's log, once or as it grows.

use super::error::CliError;
use super::exit::Exit;
use super::log_printer::{LogForm, LogPrinter};
use super::session::Session;
use super::{args, job_choice, output, terminal};
use crate::collect::find::{FoundTarget, PipelineQuery};
use crate::collect::job_choice::{JobChoiceError, PipelineJobs};
use crate::collect::log_follow::{LogEvent, LogFollow, LogOptions, LogSink, NoLogReason};
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::job::Job;
use crate::domain::status::Status;
use crate::gitlab::client::Purpose;
use crate::text::size::{parse_size, size};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ops::ControlFlow;

const DEFAULT_MAX_SIZE: u64 = 100_000_000;

pub(super) fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new("logs")
        .about("Prints a job's log, or follows it")
        .after_help(
            "PROJECT is a full path, the end of one, an id, or the address of a pipeline or job.\n\
             Without JOB: the one that failed, else the one that runs.\n\
             Ends with 2 if no job with a log failed, and names what did.\n\
             Ends with 1 if the job failed or was canceled, unless it may fail.",
        )
        .max_term_width(100)
        .arg(Arg::new("target").value_name("PROJECT[#PIPELINE|@REF]").required(true).help("Whose log"))
        .arg(Arg::new("job").value_name("JOB").help("Name, stage/name or id of the job"))
        .arg(flag("follow", "Print what is new until the job ends, through retries and lost connections").short('f'))
        .arg(flag("raw", "The bytes as GitLab sends them; not on a terminal"))
        .arg(
            Arg::new("tail")
                .long("tail")
                .value_name("N")
                .value_parser(value_parser!(usize))
                .help("Only the last lines"),
        )
        .arg(
            Arg::new("max-size")
                .long("max-size")
                .value_name("SIZE")
                .value_parser(parse_size)
                .help("Read no more of the log than this, such as 5MB [default: 100MB]"),
        )
        .arg(args::follow_wait_arg())
        .args(args::asking_args())
}

/// The command line of `logs`.
struct LogsArgs {
    target: String,
    job: Option<String>,
    follows: bool,
    is_raw: bool,
    tail: Option<usize>,
    most: u64,
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let asked = LogsArgs {
        target: matches.get_one::<String>("target").cloned().unwrap_or_default(),
        job: matches.get_one::<String>("job").cloned(),
        follows: matches.get_flag("follow"),
        is_raw: matches.get_flag("raw"),
        tail: matches.get_one("tail").copied(),
        most: matches.get_one("max-size").copied().unwrap_or(DEFAULT_MAX_SIZE),
    };
    if asked.is_raw && output::stdout_width().is_some() {
        return Err(CliError::Refused {
            problem: "--raw: a job may write anything, and a terminal would obey it".into(),
            hints: vec!["write it to a file or a pipe: glwatch logs PROJECT JOB --raw > job.log".into()],
        });
    }
    Session::run(matches, Purpose::Log, |_| Ok(()), async |session| print(session, &asked).await)
}

/// Prints the log that is meant, and returns what its job's status is worth.
async fn print(session: &Session, asked: &LogsArgs) -> Result<Exit, CliError> {
    let (project, pipeline, job) = choose(session, asked).await?;
    let name = format!("{}/{}", job.stage, job.name);
    let pace = &session.config.pace;
    let options = LogOptions { most: asked.most, first_pause: pace.follow_wait, look_time: pace.max_time };
    let mut log = LogFollow::new(&session.client, (project, pipeline), job, options);
    let mut writer = LogWriter::new(session, asked);
    let end = match asked.follows {
        false => log.read_once(&mut writer).await,
        true => tokio::select! {
            end = log.follow(&mut writer) => end,
            // The reader may go while there is nothing new to write.
            () = output::reader_gone() => return Ok(Exit::Done),
        },
    };
    if let Some(failure) = writer.failure {
        return Err(failure);
    }
    end.map_err(|error| session.failed(format!("read the log of {name}"), error))?;
    let job = log.job();
    let is_bad = matches!(job.status, Status::Failed | Status::Canceled) && !job.is_allowed_failure();
    Ok(if is_bad { Exit::Matched } else { Exit::Done })
}

/// Finds the job that is meant.
async fn choose(session: &Session, asked: &LogsArgs) -> Result<(ProjectRef, PipelineId, Job), CliError> {
    let mut target = session.target(&asked.target)?;
    let mut name = asked.job.as_deref();
    // A job's id says which pipeline, too.
    if target.pipeline == PipelineQuery::Newest
        && let Some(id) = name.and_then(|name| name.parse().ok())
    {
        (target.pipeline, name) = (PipelineQuery::Job(JobId(id)), None);
    }
    let (project, full_path, pipeline) = if let Some(glance) = session.glance(&mut target).await? {
        let jobs = PipelineJobs::of_glance(&glance);
        if let Some(Ok(job)) = jobs.as_ref().and_then(|jobs| jobs.choose_for_log(name.into())) {
            return Ok((ProjectRef::Id(glance.project), glance.pipeline.id, job.clone()));
        }
        // A refusal is for REST to make, which lists every attempt on every version of GitLab.
        (glance.project, glance.full_path, glance.pipeline.id)
    } else {
        let FoundTarget { project, pipeline, job, .. } = session.find(&target).await?;
        if let Some(one) = job {
            return Ok((ProjectRef::Id(project.id), pipeline, one.job));
        }
        (project.id, project.full_path, pipeline)
    };
    let by_id = ProjectRef::Id(project);
    let of = format!("{full_path}#{pipeline}");
    let jobs = PipelineJobs::read(&session.client, &by_id, pipeline).await;
    let jobs = jobs.map_err(|error| session.failed(format!("read the jobs of {of}"), error))?;
    let chosen = jobs.read_choice_for_log(&session.client, (&by_id, pipeline), name.into()).await;
    let job = chosen.map_err(|problem| match problem {
        JobChoiceError::NotChosen(no) => job_choice::refusal(&of, &no),
        JobChoiceError::Unread(error) => session.failed(format!("read what failed in {of}"), error),
    })?;
    Ok((by_id, pipeline, job.clone()))
}

/// Writes a log to standard output and what happens to it to standard error.
struct LogWriter<'a> {
    session: &'a Session,
    asked: &'a LogsArgs,
    printer: LogPrinter,
    /// Why nothing more can be written.
    failure: Option<CliError>,
}

impl<'a> LogWriter<'a> {
    fn new(session: &'a Session, asked: &'a LogsArgs) -> Self {
        let printer = LogPrinter::new(form(session, asked), asked.tail);
        Self { session, asked, printer, failure: None }
    }

    fn say(&self, line: String) {
        if !self.session.config.display.quiet {
            output::to_stderr(&[line]);
        }
    }

    fn say_cut(&self, total: Option<u64>) {
        let of = total.map_or(String::new(), |total| format!(" of {}", size(total)));
        // With --quiet, too: something is missing.
        output::to_stderr(&[format!(
            "warning: only the first {}{of} were read; the rest is left out (--max-size)",
            size(self.asked.most)
        )]);
    }
}

impl LogSink for LogWriter<'_> {
    async fn take(&mut self, job: &Job, event: LogEvent<'_>) -> ControlFlow<()> {
        let name = format!("{}/{}", job.stage, job.name);
        match event {
            LogEvent::Piece(bytes) => return written(self.printer.push(bytes), &mut self.failure).await,
            LogEvent::UpToDate if self.asked.follows => {
                return written(self.printer.pass_tail(), &mut self.failure).await;
            }
            LogEvent::UpToDate => {}
            LogEvent::Over => return written(self.printer.finish(), &mut self.failure).await,
            LogEvent::Waits => {
                self.say(format!("{name} is {}: it waits for {}", job.status.word(), waits_for(&job.status)));
            }
            LogEvent::Replaced => self.say(format!("the log of {name} was erased or is another one now")),
            LogEvent::Cut { total } => self.say_cut(total),
            LogEvent::Interrupted(error) => {
                self.say(format!("the log cannot be read for now, trying again: {error}"));
            }
            LogEvent::NoLog(reason) => self.say(format!("{name} has no log: {}", why_no_log(&reason))),
            LogEvent::Retried(newer) => {
                let (old, status) = (job.id, job.status.word());
                self.say(format!("{name}: {old} {status}, it was retried: following {}", newer.id));
                self.printer = LogPrinter::new(form(self.session, self.asked), None);
            }
        }
        ControlFlow::Continue(())
    }
}

fn waits_for(status: &Status) -> &'static str {
    match status {
        Status::Created => "the jobs before it",
        Status::Pending => "a runner",
        Status::Preparing | Status::WaitingForCallback => "its preparation",
        Status::WaitingForResource => "its resource group",
        Status::Manual => "a person to start it: glwatch play",
        _ => "its time",
    }
}

fn why_no_log(reason: &NoLogReason) -> String {
    match reason {
        NoLogReason::NeverStarted => "it failed without having been started".into(),
        NoLogReason::Erased => "it was erased".into(),
        NoLogReason::Status(status) => format!("it is {}", status.word()),
    }
}

fn form(session: &Session, asked: &LogsArgs) -> LogForm {
    match (asked.is_raw, terminal::style(&session.config.display, &session.run_context).color) {
        (true, _) => LogForm::Raw,
        (false, true) => LogForm::Coloured,
        (false, false) => LogForm::Plain,
    }
}

/// Writes; breaks when the reader is gone, or with a failure.
pub(super) async fn written(bytes: Vec<u8>, failure: &mut Option<CliError>) -> ControlFlow<()> {
    if bytes.is_empty() {
        return ControlFlow::Continue(());
    }
    match output::to_slow_reader(bytes).await {
        Ok(true) => ControlFlow::Continue(()),
        Ok(false) => ControlFlow::Break(()),
        Err(error) => {
            *failure = Some(error);
            ControlFlow::Break(())
        }
    }
}
