//! `glwatch logs`: a job's log, once or as it grows.

use super::error::CliError;
use super::exit::Exit;
use super::job_choice::NoChoice;
use super::log_printer::{Form, LogPrinter};
use super::session::{Jobs, Session};
use super::{args, job_choice, output, status};
use crate::collect::find::{Found, Which};
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::job::{Job, JobKind, stages};
use crate::domain::status::Status;
use crate::explain::reason;
use crate::gitlab::client::{Client, Purpose, TraceEnd, TraceLimits};
use crate::gitlab::error::Error;
use crate::text::size::{parse_size, size};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ops::ControlFlow;
use tokio::time::Instant;

const DEFAULT_MAX_SIZE: u64 = 100_000_000;
/// The pauses between two looks grow up to so many times the first one: from 2 s to 15 s.
const LONGEST_PAUSE: f64 = 7.5;
/// The pause is so many times as long as the look before it took: a long log comes whole each time.
const REST: u32 = 4;
/// So often in a row nothing may be read before following ends: with the longest pauses about five minutes.
const MOST_FAILURES: u32 = 20;

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

/// What was asked for.
struct Wish {
    target: String,
    job: Option<String>,
    follows: bool,
    is_raw: bool,
    tail: Option<usize>,
    most: u64,
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let wish = Wish {
        target: matches.get_one::<String>("target").cloned().unwrap_or_default(),
        job: matches.get_one::<String>("job").cloned(),
        follows: matches.get_flag("follow"),
        is_raw: matches.get_flag("raw"),
        tail: matches.get_one("tail").copied(),
        most: matches.get_one("max-size").copied().unwrap_or(DEFAULT_MAX_SIZE),
    };
    if wish.is_raw && output::stdout_width().is_some() {
        return Err(CliError::Refused {
            problem: "--raw: a job may write anything, and a terminal would obey it".into(),
            hints: vec!["write it to a file or a pipe: glwatch logs PROJECT JOB --raw > job.log".into()],
        });
    }
    Session::run(
        matches,
        Purpose::Log,
        |_| Ok(()),
        async |session| {
            let (project, pipeline, job) = choose(session, &wish).await?;
            let mut log = Log::new(session, &wish, project, pipeline, job);
            if !wish.follows {
                return log.print_once().await;
            }
            tokio::select! {
                outcome = log.follow() => outcome,
                // Whoever read has had enough, even while there is nothing new to write.
                () = output::reader_gone() => Ok(Exit::Done),
            }
        },
    )
}

/// Finds the job that is meant.
async fn choose(session: &Session, wish: &Wish) -> Result<(ProjectRef, PipelineId, Job), CliError> {
    let mut target = session.target(&wish.target)?;
    let mut name = wish.job.as_deref();
    // A job's id says which pipeline, too.
    if target.which == Which::Newest
        && let Some(id) = name.and_then(|name| name.parse().ok())
    {
        (target.which, name) = (Which::Job(JobId(id)), None);
    }
    let Found { project, pipeline, job, .. } = session.find(&target).await?;
    let by_id = ProjectRef::Id(project.id);
    if let Some(one) = job {
        return Ok((by_id, pipeline, one.job));
    }
    let of = format!("{}#{pipeline}", project.full_path);
    let jobs = Jobs::read(&session.client, &by_id, pipeline, false).await;
    let jobs = jobs.map_err(|error| session.failed(format!("read the jobs of {of}"), error))?;
    let chosen = match name {
        Some(name) => job_choice::named(&jobs, name),
        None => job_choice::most_telling(&jobs),
    };
    // What is red may have no log: the log of another job would say that all is well.
    let is_of_a_failure =
        |job: &Job| job.status == Status::Failed && !job.allow_failure || job.status == Status::Running;
    let is_settled =
        name.is_some() || matches!(&chosen, Ok(job) if is_of_a_failure(job)) || chosen == Err(NoChoice::Open);
    if !is_settled {
        let without_log = failures_without_log(session, &by_id, pipeline, &jobs).await;
        let without_log = without_log.map_err(|error| session.failed(format!("read what failed in {of}"), error))?;
        if !without_log.is_empty() {
            let problem = format!("{of}: no job with a log failed: {}", without_log.join("; "));
            return Err(CliError::Refused { problem, hints: vec![format!("glwatch explain {of} says why")] });
        }
    }
    let chosen = chosen.or_else(|no| job_choice::only_one(&jobs).filter(|_| name.is_none()).ok_or(no));
    let job = chosen.map_err(|no| no.refusal(&of, &jobs))?;
    Ok((by_id, pipeline, job.clone()))
}

/// Names what failed in a pipeline and has no log: trigger jobs, the statuses of other systems, the pipeline as a whole.
async fn failures_without_log(
    session: &Session,
    project: &ProjectRef,
    id: PipelineId,
    jobs: &Jobs,
) -> Result<Vec<String>, Error> {
    let client = &session.client;
    let (mut pipeline, bridges) = tokio::try_join!(client.pipeline(project, id), client.bridges(project, id))?;
    pipeline.stages = stages(jobs.attempts.iter().cloned().chain(bridges.attempts));
    let mut failed: Vec<Job> = pipeline.jobs().filter(|job| job.kind == JobKind::Bridge).cloned().collect();
    if !pipeline.is_explained_by_jobs() {
        let known = pipeline.jobs().map(|job| job.id).collect();
        failed.extend(client.external_statuses(project, &pipeline, &known).await?);
    }
    failed.retain(|job| job.status == Status::Failed && !job.allow_failure);
    let mut named: Vec<String> = failed.iter().map(name_without_log).collect();
    if named.is_empty() && pipeline.status == Status::Failed {
        let first_line = |text: &String| text.trim().lines().next().unwrap_or_default().to_owned();
        let why = pipeline.yaml_errors.as_ref().or(pipeline.failure_reason.as_ref()).map(first_line);
        named.push(why.map_or_else(
            || "the pipeline failed, and none of its jobs did".into(),
            |why| format!("the pipeline failed: {why}"),
        ));
    }
    Ok(named)
}

fn name_without_log(job: &Job) -> String {
    let reason = job.failure_reason.as_deref().map(|word| {
        let meaning = reason::of_job(word);
        format!(": {}", meaning.map_or_else(|| word.replace('_', " "), |meaning| meaning.plain.to_owned()))
    });
    match job.kind {
        JobKind::External => {
            let said = job.description.as_deref().map(|said| format!(": {said}")).unwrap_or_default();
            let url = job.target_url().map(|url| format!(" ({url})")).unwrap_or_default();
            format!("the external status {} failed{said}{url}", job.name)
        }
        JobKind::Bridge | JobKind::Job => {
            format!("the trigger job {}/{} failed{}", job.stage, job.name, reason.unwrap_or_default())
        }
    }
}

/// A log that is being printed.
struct Log<'a> {
    session: &'a Session,
    /// Has the time of one look.
    client: Client,
    wish: &'a Wish,
    project: ProjectRef,
    pipeline: PipelineId,
    job: Job,
    printer: LogPrinter,
    /// Bytes that were handed to the printer.
    known: u64,
    etag: Option<String>,
    /// The limit was reached: nothing more is read.
    is_cut: bool,
    /// What was said last about a job that has not started.
    waits_for: Option<Status>,
}

/// What a look at the log brought.
#[derive(PartialEq, Eq)]
enum Look {
    New,
    Nothing,
    /// Nobody reads any more.
    Closed,
}

/// Why following stops for a moment or for good.
enum Trouble {
    Request(Error),
    Ours(CliError),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

impl<'a> Log<'a> {
    fn new(session: &'a Session, wish: &'a Wish, project: ProjectRef, pipeline: PipelineId, job: Job) -> Self {
        let printer = LogPrinter::new(form(session, wish), wish.tail);
        let client = session.client.clone();
        let (known, etag, is_cut, waits_for) = (0, None, false, None);
        Self { session, client, wish, project, pipeline, job, printer, known, etag, is_cut, waits_for }
    }

    async fn print_once(&mut self) -> Result<Exit, CliError> {
        match self.look().await {
            Ok(Look::Closed) => return Ok(self.verdict()),
            Ok(_) => {}
            Err(Trouble::Request(error)) => return Err(self.failed(error)),
            Err(Trouble::Ours(error)) => return Err(error),
        }
        self.finish().await?;
        Ok(self.verdict())
    }

    /// Prints what is new until the job has ended.
    ///
    /// The status is asked for only while the log does not grow; once the job has ended the log is read a last time.
    async fn follow(&mut self) -> Result<Exit, CliError> {
        let first = self.session.config.pace.follow_wait;
        let mut pause = first;
        let mut failures = 0;
        // Whoever names an attempt that is long over means that one.
        let is_old = self.is_over();
        loop {
            // What is followed goes on for as long as the job: the time is that of one look.
            self.client = self.session.client_from_now(Purpose::Log);
            let (is_last, attempt, began) = (self.is_over(), self.job.id, Instant::now());
            match self.step(is_last && !is_old).await {
                Ok(Look::Closed) => return Ok(self.verdict()),
                Ok(_) if is_last && self.job.id == attempt => {
                    self.finish().await?;
                    return Ok(self.verdict());
                }
                Ok(Look::New) => (pause, failures) = (first, 0),
                Ok(Look::Nothing) => failures = 0,
                Err(Trouble::Ours(error)) => return Err(error),
                Err(Trouble::Request(error)) if error.is_passing() && failures < MOST_FAILURES => {
                    if failures == 0 {
                        self.say(format!("the log cannot be read for now, trying again: {error}"));
                    }
                    failures += 1;
                }
                Err(Trouble::Request(error)) => return Err(self.failed(error)),
            }
            if !(self.is_over() && failures == 0) {
                tokio::time::sleep(pause.max(began.elapsed() * REST)).await;
                pause = pause.mul_f64(1.5).min(first.mul_f64(LONGEST_PAUSE));
            }
        }
    }

    /// Looks once: at the log, then at the job where there was nothing new, and in the end for a newer attempt.
    async fn step(&mut self, is_end: bool) -> Result<Look, Trouble> {
        if !has_started(&self.job.status) {
            self.say_why_it_waits();
            self.ask_for_status().await?;
            return Ok(Look::Nothing);
        }
        let look = self.look().await?;
        if is_end && look != Look::Closed {
            self.go_over_to_newer_attempt().await?;
        } else if look == Look::Nothing && !self.is_over() {
            self.ask_for_status().await?;
        }
        Ok(look)
    }

    /// Reads what is new of the log and writes it.
    async fn look(&mut self) -> Result<Look, Trouble> {
        if self.is_cut {
            return Ok(Look::Nothing);
        }
        let before = self.known;
        let Self { client, project, job, printer, known, etag, wish, .. } = self;
        let limits = TraceLimits { known: *known, etag: etag.as_deref(), most: wish.most };
        let mut failure = None;
        let sink = &mut async |bytes: &[u8]| {
            *known += bytes.len() as u64;
            written(printer.push(bytes), &mut failure).await
        };
        let end = client.trace(project, job.id, limits, sink).await;
        if let Some(error) = failure {
            return Err(Trouble::Ours(error));
        }
        match end? {
            TraceEnd::Stopped => return Ok(Look::Closed),
            TraceEnd::Unchanged => {}
            TraceEnd::Cut { total } => {
                self.is_cut = true;
                self.say_cut(total);
            }
            TraceEnd::Read { bytes, etag } => {
                if bytes < self.known {
                    self.say(format!("the log of {} was erased or is another one now", self.name()));
                    self.known = bytes;
                }
                self.etag = etag;
            }
        }
        let mut failure = None;
        if self.wish.follows && written(self.printer.pass_tail(), &mut failure).await.is_break() {
            return failure.map_or(Ok(Look::Closed), |error| Err(Trouble::Ours(error)));
        }
        Ok(if self.known > before { Look::New } else { Look::Nothing })
    }

    async fn ask_for_status(&mut self) -> Result<(), Error> {
        self.job = self.client.job(&self.project, self.job.id).await?.job;
        Ok(())
    }

    /// A job that failed may have been started once more, by GitLab itself (`retry:`) a moment later.
    async fn go_over_to_newer_attempt(&mut self) -> Result<(), Trouble> {
        if !matches!(self.job.status, Status::Failed | Status::Canceled) {
            return Ok(());
        }
        for is_second_time in [false, true] {
            if is_second_time {
                tokio::time::sleep(self.session.config.pace.follow_wait).await;
            }
            let jobs = Jobs::read(&self.client, &self.project, self.pipeline, false).await?;
            let is_newer =
                |job: &&Job| job.name == self.job.name && job.stage == self.job.stage && job.id > self.job.id;
            if let Some(newer) = jobs.current.iter().find(is_newer).cloned() {
                self.finish().await.map_err(Trouble::Ours)?;
                let (old, was) = (self.job.id, self.job.status.word().to_owned());
                self.say(format!("{}: {old} {was}, it was retried: following {}", self.name(), newer.id));
                let (project, pipeline) = (self.project.clone(), self.pipeline);
                let client = self.client.clone();
                *self = Self { client, ..Self::new(self.session, self.wish, project, pipeline, newer) };
                self.printer = LogPrinter::new(form(self.session, self.wish), None);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Writes what is left of a log that is over.
    async fn finish(&mut self) -> Result<(), CliError> {
        if self.known == 0 {
            let why = self.why_no_log().await;
            self.say(format!("{} has no log: {why}", self.name()));
        }
        let mut failure = None;
        let _ = written(self.printer.finish(), &mut failure).await;
        failure.map_or(Ok(()), Err)
    }

    /// Says why there is no log; GitLab is asked whether it was erased.
    async fn why_no_log(&self) -> String {
        let has_failed = self.job.status == Status::Failed;
        if has_failed && self.job.started_at.is_none() {
            return "it failed without having been started".into();
        }
        let is_erased = async { self.client.job(&self.project, self.job.id).await.is_ok_and(|one| one.is_erased) };
        if self.is_over() && self.job.started_at.is_some() && is_erased.await {
            return "it was erased".into();
        }
        format!("it is {}", self.job.status.word())
    }

    fn is_over(&self) -> bool {
        self.job.status.is_terminal()
    }

    fn verdict(&self) -> Exit {
        let is_bad = matches!(self.job.status, Status::Failed | Status::Canceled) && !self.job.is_allowed_failure();
        if is_bad { Exit::Matched } else { Exit::Done }
    }

    fn name(&self) -> String {
        format!("{}/{}", self.job.stage, self.job.name)
    }

    fn failed(&self, error: Error) -> CliError {
        self.session.failed(format!("read the log of {}", self.name()), error)
    }

    fn say(&self, line: String) {
        if !self.session.config.display.quiet {
            output::to_stderr(&[line]);
        }
    }

    fn say_cut(&self, total: Option<u64>) {
        let of = total.map_or(String::new(), |total| format!(" of {}", size(total)));
        // Whoever asked for quiet must still know that something is missing.
        output::to_stderr(&[format!(
            "warning: only the first {}{of} were read; the rest is left out (--max-size)",
            size(self.wish.most)
        )]);
    }

    fn say_why_it_waits(&mut self) {
        if self.waits_for.as_ref() == Some(&self.job.status) {
            return;
        }
        let why = match &self.job.status {
            Status::Created => "the jobs before it",
            Status::Pending => "a runner",
            Status::Preparing | Status::WaitingForCallback => "its preparation",
            Status::WaitingForResource => "its resource group",
            Status::Manual => "somebody who starts it: glwatch play",
            _ => "its time",
        };
        self.say(format!("{} is {}: it waits for {why}", self.name(), self.job.status.word()));
        self.waits_for = Some(self.job.status.clone());
    }
}

fn form(session: &Session, wish: &Wish) -> Form {
    match (wish.is_raw, status::style(&session.config.display, &session.surroundings).color) {
        (true, _) => Form::Raw,
        (false, true) => Form::Coloured,
        (false, false) => Form::Plain,
    }
}

fn has_started(status: &Status) -> bool {
    match status {
        Status::Created
        | Status::WaitingForResource
        | Status::Preparing
        | Status::WaitingForCallback
        | Status::Pending
        | Status::Manual
        | Status::Scheduled => false,
        Status::Running
        | Status::Success
        | Status::Warning
        | Status::Failed
        | Status::Canceling
        | Status::Canceled
        | Status::Skipped
        | Status::Other(_) => true,
    }
}

/// Writes; breaks when nobody reads any more, or with a failure.
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
