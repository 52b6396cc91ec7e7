//! `glwatch explain`: says why pipelines are not green, with the answer in the first line.

use super::error::{self, CliError};
use super::exit::Exit;
use super::explain_past::ExplainPast;
use super::log_printer::{LogForm, LogPrinter};
use super::progress::ProgressLine;
use super::run_context::RunContext;
use super::session::Session;
use super::{args, explain_hub, hint, logs, output, terminal, wire};
use crate::collect::evidence::{self, PreviousPipeline, Subject};
use crate::collect::first_look;
use crate::collect::run::Collector;
use crate::config::Config;
use crate::domain::evidence::Evidence;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{JobId, ProjectRef};
use crate::domain::job::JobKind;
use crate::domain::snapshot::{Problem, ProblemScope};
use crate::domain::status::Status;
use crate::explain::cause::{Explanation, explain};
use crate::gitlab::client::{Purpose, TraceLimits, TraceSink};
use crate::render::{explain as text, explain_markdown as markdown, json};
use crate::report::explain::PipelineExplanation;
use crate::report::explain_contract::{ExplainDocument, shared_of};
use crate::text::sanitise::sanitise;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use futures_util::{StreamExt, stream};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Pipelines that are looked into at once; each of them asks several things at once already.
const AT_ONCE: usize = 4;
const DEFAULT_LOG_LINES: usize = 20;

pub(super) fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new("explain")
        .about("Says why a pipeline is not green: job, reason, failing tests, the telling lines of the log")
        .after_help(
            "PROJECT is a full path, the end of one, an id, or the address of a pipeline.\n\
             Without #PIPELINE and @REF: its newest pipeline.\n\
             Ends with 4 if a part of the evidence could not be read.",
        )
        .max_term_width(100)
        .arg(
            Arg::new("target")
                .value_name("PROJECT[#PIPELINE|@REF]")
                .action(ArgAction::Append)
                .num_args(1..)
                .required_unless_present("all-failed")
                .help("Whose pipelines"),
        )
        .arg(flag("all-failed", "Every pipeline of the group that failed, or that triggered one that did"))
        .arg(
            Arg::new("form")
                .long("output")
                .short('o')
                .value_name("FORMAT")
                .value_parser(["text", "json", "markdown"])
                .default_value("text")
                .hide_default_value(true)
                .help("What to write on standard output [default: text]"),
        )
        .arg(
            Arg::new("log-lines")
                .long("log-lines")
                .value_name("N")
                .value_parser(value_parser!(u16).range(0..=1000))
                .help("Lines from the end of each failed job's log [default: 20]"),
        )
        .arg(flag("full-log", "Print the whole log of each failed job after the answer"))
        .arg(flag("raw", "With --full-log: the bytes as GitLab sends them; not on a terminal"))
        .arg(args::from_arg())
        .args(args::explaining_args())
}

/// The command line of `explain`.
pub(super) struct ExplainArgs {
    pub targets: Vec<String>,
    pub all_failed: bool,
    pub form: String,
    log_lines: usize,
    pub has_log_lines: bool,
    pub full_log: bool,
    pub is_raw: bool,
    has_ref: bool,
}

impl ExplainArgs {
    fn of(matches: &ArgMatches) -> Self {
        Self {
            targets: matches.get_many::<String>("target").into_iter().flatten().cloned().collect(),
            all_failed: matches.get_flag("all-failed"),
            form: matches.get_one::<String>("form").cloned().unwrap_or_default(),
            log_lines: matches.get_one::<u16>("log-lines").map_or(DEFAULT_LOG_LINES, |lines| usize::from(*lines)),
            has_log_lines: matches.contains_id("log-lines"),
            full_log: matches.get_flag("full-log"),
            is_raw: matches.get_flag("raw"),
            has_ref: matches.contains_id("ref"),
        }
    }

    fn check(&self, config: &Config) -> Result<(), CliError> {
        if self.all_failed && config.hub.is_none() {
            config.required_groups()?;
        }
        if self.has_ref && !self.all_failed {
            return Err(CliError::Refused {
                problem: "--ref goes with --all-failed".into(),
                hints: vec!["name the ref behind the project: glwatch explain acme/api@main".into()],
            });
        }
        let refuse =
            |problem: &str, hint: &str| Err(CliError::Refused { problem: problem.into(), hints: vec![hint.into()] });
        if self.is_raw && !self.full_log {
            return refuse("--raw goes with --full-log", "glwatch logs PROJECT JOB --raw writes one job's log alone");
        }
        if self.full_log && self.form != "text" {
            return refuse("--full-log goes with text only", "leave --output out, or ask glwatch logs for the log");
        }
        if self.is_raw && output::stdout_width().is_some() {
            return refuse(
                "--raw: a job may write anything, and a terminal would obey it",
                "write it to a file or a pipe: glwatch explain PROJECT --full-log --raw > why.txt",
            );
        }
        Ok(())
    }
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let asked = ExplainArgs::of(matches);
    let run_context = RunContext::new(matches)?;
    let config = Config::resolve(&run_context.settings)?;
    asked.check(&config)?;
    let verbosity = matches.get_count("verbose");
    if let Some(hub) = &config.hub {
        return explain_hub::run((hub, &config, &run_context), &asked, verbosity);
    }
    Session::go_on((run_context, config), verbosity, Purpose::Explain, async |session| answer(session, &asked).await)
}

/// What came of everything that was asked for.
#[derive(Default)]
struct Outcome {
    explained: Vec<(Evidence, Explanation)>,
    problems: Vec<Problem>,
    /// What the parts that are missing are worth, should nothing else be there.
    missing: Option<Exit>,
}

impl Outcome {
    /// Notes a part that is missing, and says so.
    fn lose(&mut self, subject: String, kind: FailureKind, refused: &CliError) {
        self.note(error::report(refused));
        let failure = Failure::new(kind, refused.to_string());
        self.problems.push(Problem { scope: ProblemScope::Project, subject, failure });
    }

    fn note(&mut self, exit: Exit) {
        self.missing =
            Some(self.missing.map_or(exit, |missing| missing.worse(exit))).filter(|missing| *missing != Exit::Done);
    }

    fn exit(&self, session: &Session) -> Exit {
        let is_whole = self.explained.iter().all(|(evidence, _)| evidence.is_whole());
        match (self.explained.is_empty(), self.missing) {
            (true, missing) => missing.unwrap_or(Exit::Done),
            (false, None) if is_whole => Exit::Done,
            // Something was explained, but not all that was asked for.
            (false, _) if session.config.verdict.allow_partial => Exit::Done,
            (false, _) => Exit::Partial,
        }
    }
}

/// Finds what was asked for, looks into it and writes the answers.
async fn answer(session: &Session, asked: &ExplainArgs) -> Result<Exit, CliError> {
    let mut outcome = Outcome::default();
    let subjects = subjects(session, asked, &mut outcome).await?;
    let is_nothing_red = asked.all_failed && subjects.is_empty() && outcome.missing.is_none();
    look_into(session, asked, subjects, &mut outcome).await?;
    write_document(session, asked, &outcome.problems, &outcome.explained).await?;
    if is_nothing_red && asked.form == "text" {
        output::to_slow_reader(b"nothing has failed\n".to_vec()).await?;
    }
    hint_at_token(session, &outcome.explained);
    Ok(outcome.exit(session))
}

/// Finds the pipelines that are meant, each once. One target alone that leads to nothing is an error.
async fn subjects(session: &Session, asked: &ExplainArgs, outcome: &mut Outcome) -> Result<Vec<Subject>, CliError> {
    let mut subjects = Vec::new();
    for text in &asked.targets {
        match subject(session, text).await {
            Ok(subject) => subjects.push(subject),
            Err(refused) if asked.targets.len() == 1 => return Err(refused),
            Err(refused) => outcome.lose(text.clone(), FailureKind::Target, &refused),
        }
    }
    if asked.all_failed {
        subjects.extend(all_failed(session, outcome).await?);
    }
    let mut seen = HashSet::new();
    subjects.retain(|subject| seen.insert(subject.pipeline));
    Ok(subjects)
}

/// Gathers and judges, and writes what is text as soon as it is there.
async fn look_into(
    session: &Session,
    asked: &ExplainArgs,
    subjects: Vec<Subject>,
    outcome: &mut Outcome,
) -> Result<(), CliError> {
    let options = evidence::EvidenceOptions { log_lines: asked.log_lines, api: session.config.collecting.api };
    let gather = |subject: Subject| async move {
        let name = format!("{} #{}", subject.full_path, subject.pipeline);
        (name, evidence::gather(&session.client, subject, options).await)
    };
    let is_only_one = subjects.len() == 1;
    let mut past = ExplainPast::open(session);
    let mut gathered = stream::iter(subjects).map(gather).buffered(AT_ONCE);
    while let Some((name, read)) = gathered.next().await {
        match read {
            Ok(mut evidence) => {
                past.add(&mut evidence, session.client.server_now());
                let explanation = explain(&evidence, session.client.server_now());
                if asked.form == "text" {
                    let is_first = outcome.explained.is_empty();
                    outcome.note(write_text(session, asked, &evidence, &explanation, is_first).await?);
                }
                outcome.explained.push((evidence, explanation));
            }
            Err(source) => {
                let kind = source.failure_kind();
                let refused = session.failed(format!("read pipeline {name}"), source);
                if is_only_one {
                    return Err(refused);
                }
                outcome.lose(name, kind, &refused);
            }
        }
    }
    Ok(())
}

/// Says what helps where logs were refused for want of a token: GitLab shows them to users only.
fn hint_at_token(session: &Session, explained: &[(Evidence, Explanation)]) {
    let is_refused = |(evidence, _): &(Evidence, Explanation)| {
        evidence.unread.iter().any(|missing| missing.failure.kind == FailureKind::Unauthorized)
    };
    if explained.iter().any(is_refused) && !session.config.display.quiet {
        let hints = hint::without_token(&session.config, &session.run_context.settings);
        output::to_stderr(&hints.iter().map(|hint| format!("Hint: {hint}")).collect::<Vec<_>>());
    }
}

async fn subject(session: &Session, text: &str) -> Result<Subject, CliError> {
    let mut target = session.target(text)?;
    if let Some(glance) = session.glance(&mut target).await? {
        return Ok(Subject::from(glance));
    }
    let found = session.find(&target).await?;
    let project = found.project_ref();
    let before = found.raw_ref.map_or(PreviousPipeline::Unknown, PreviousPipeline::OfRef);
    Ok(Subject { project, full_path: found.project.full_path, pipeline: found.pipeline, before, first_look: None })
}

/// Reads the groups and picks what failed, the worst first.
async fn all_failed(session: &Session, outcome: &mut Outcome) -> Result<Vec<Subject>, CliError> {
    let options = wire::collecting(&session.config);
    let line = ProgressLine::new(&session.config, false);
    let reply = Collector::new(session.client.clone(), Arc::new(options)).read(&|step| line.show(step)).await;
    let mut snapshot =
        reply.map_err(|group| terminal::group_error(group, &session.config, &session.run_context))?.snapshot;
    ExplainPast::record(session, &snapshot);
    session.config.display.sort.apply(&mut snapshot.rows);
    if !session.config.display.quiet {
        terminal::warn(&snapshot, &[]);
    }
    outcome.note(match (snapshot.nothing_was_read(None), snapshot.is_complete()) {
        (true, _) => Exit::NoData,
        (false, false) => Exit::Partial,
        (false, true) => Exit::Done,
    });
    let failed = first_look::failed_of(&session.client, &snapshot).await;
    outcome.problems.append(&mut snapshot.problems);
    Ok(failed)
}

/// Writes one answer as text as soon as it is known, and the logs behind it where they are wanted whole.
async fn write_text(
    session: &Session,
    asked: &ExplainArgs,
    evidence: &Evidence,
    explanation: &Explanation,
    is_first: bool,
) -> Result<Exit, CliError> {
    let style = terminal::style(&session.config.display, &session.run_context);
    let style = text::ExplainStyle { color: style.color, ascii: style.ascii };
    let answer = PipelineExplanation::new(evidence, explanation, session.client.server_now());
    let mut bytes = if is_first { Vec::new() } else { b"\n".to_vec() };
    text::write(&[answer], style, &mut bytes).map_err(CliError::Output)?;
    output::to_slow_reader(bytes).await?;
    if !asked.full_log {
        return Ok(Exit::Done);
    }
    let form = match (asked.is_raw, style.color) {
        (true, _) => LogForm::Raw,
        (false, true) => LogForm::Coloured,
        (false, false) => LogForm::Plain,
    };
    let mut exit = Exit::Done;
    for job in explanation.causes.iter().filter_map(|cause| cause.job.as_ref()) {
        if job.job.kind == JobKind::Job && job.job.status == Status::Failed {
            let title = format!("\n  the whole log of {}:\n", sanitise(&job.job.name));
            output::to_slow_reader(title.into_bytes()).await?;
            let project = owner(evidence, job.job.id);
            // One log that cannot be had does not keep the others back.
            match write_log(session, &project, job.job.id, form).await {
                Err(refused @ CliError::Request { .. }) => exit = exit.worse(error::report(&refused)),
                written => written?,
            }
        }
    }
    Ok(exit)
}

/// Returns the project whose pipeline, followed or not, has a job.
fn owner(evidence: &Evidence, job: JobId) -> ProjectRef {
    fn find(evidence: &Evidence, job: JobId) -> Option<ProjectRef> {
        if evidence.jobs.iter().any(|known| known.job.id == job) {
            return Some(ProjectRef::Path(evidence.project.clone()));
        }
        evidence.below.iter().find_map(|below| find(&below.evidence, job))
    }
    find(evidence, job).unwrap_or_else(|| ProjectRef::Path(evidence.project.clone()))
}

async fn write_log(session: &Session, project: &ProjectRef, job: JobId, form: LogForm) -> Result<(), CliError> {
    let mut whole = WholeLog { printer: LogPrinter::new(form, None), failure: None };
    let limits = TraceLimits { known: 0, etag: None, most: u64::MAX };
    let end = session.client.trace(project, job, limits, &mut whole).await;
    let WholeLog { mut printer, failure } = whole;
    if let Some(failure) = failure {
        return Err(failure);
    }
    end.map_err(|source| session.failed(format!("read the log of job {job}"), source))?;
    output::to_slow_reader(printer.finish()).await.map(|_| ())
}

/// Writes a log to standard output.
struct WholeLog {
    printer: LogPrinter,
    /// Why nothing more can be written.
    failure: Option<CliError>,
}

impl TraceSink for WholeLog {
    async fn take(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        logs::written(self.printer.push(bytes), &mut self.failure).await
    }
}

/// Writes what can only be written when everything is known.
async fn write_document(
    session: &Session,
    asked: &ExplainArgs,
    problems: &[Problem],
    explained: &[(Evidence, Explanation)],
) -> Result<(), CliError> {
    let now = session.client.server_now();
    let mut bytes = Vec::new();
    let written = match asked.form.as_str() {
        "json" => {
            let host = session.client.host().to_string();
            let document = ExplainDocument::new(&host, now, &session.client.usage(), problems, explained);
            json::write_explain(&document, &mut bytes)
        }
        "markdown" => {
            let answers: Vec<PipelineExplanation> = explained
                .iter()
                .map(|(evidence, explanation)| PipelineExplanation::new(evidence, explanation, now))
                .collect();
            markdown::write(&answers, &mut bytes)
                .and_then(|()| markdown::write_shared(&shared_of(explained), &mut bytes))
        }
        _ => text::write_shared(&shared_of(explained), &mut bytes),
    };
    written.map_err(CliError::Output)?;
    output::to_slow_reader(bytes).await.map(|_| ())
}
