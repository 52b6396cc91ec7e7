//! `--on-change` and the commands of `[notify]`: a program for each change, a few at once, each for a limited time.

use crate::collect::watch::{ChangeNews, ChangeStream};
use crate::config::{NoticeCommand, NotifySettings};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::outcome::{ChangeMeaning, OutcomeMemory, project_of};
use crate::report::event::{ChangeEvent, NoticeDocument};
use crate::report::item::clean;
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use crate::text::width::truncate;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// Programs that run at once.
const MOST_AT_ONCE: usize = 4;
/// Changes that wait for one of these; later ones are left out, and that is said.
const MOST_WAITING: usize = 100;
/// Bytes of what a program writes on its standard error.
const MOST_SAID: u64 = 4096;
/// How long the last words of a program that has ended are waited for: what it has started may keep the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// Characters of a message, and of a value in the environment.
const MESSAGE: usize = 300;
const VALUE: usize = 4096;

/// A run of a program that is due.
#[derive(Debug)]
struct NoticeRun<'s> {
    command: &'s NoticeCommand,
    input: Vec<u8>,
    variables: Vec<(&'static str, String)>,
}

/// Runs the commands for what changes. Once it is to end, it begins nothing more and returns when what runs has ended.
pub(super) async fn run(
    settings: &NotifySettings,
    mut changes: ChangeStream,
    tell: impl Fn(String),
    mut ending: watch::Receiver<bool>,
) {
    if settings.rules.iter().all(|rule| rule.command.is_none()) {
        return drop(ending.wait_for(|is_ending| *is_ending).await);
    }
    let (mut outcomes, mut waiting, mut running) = (OutcomeMemory::default(), VecDeque::new(), FuturesUnordered::new());
    let (mut last_said, mut is_open, mut left_out) = (None, true, 0_usize);
    loop {
        while running.len() < MOST_AT_ONCE
            && let Some(due) = waiting.pop_front()
        {
            running.push(perform(due, settings.time));
        }
        if waiting.is_empty() && left_out > 0 {
            tell(format!("the commands are too slow: {} left out", counted(left_out, "change")));
            left_out = 0;
        }
        if *ending.borrow() && running.is_empty() {
            return;
        }
        tokio::select! {
            Some(failure) = running.next() => {
                // The same words again say nothing new.
                if let Some(text) = failure.as_ref().filter(|_| failure != last_said) {
                    tell(text.clone());
                }
                last_said = failure;
            }
            news = changes.next(), if is_open => match news {
                Some(ChangeNews::Start { snapshot, .. }) => outcomes.begin(&snapshot.rows),
                Some(ChangeNews::Changes(changes)) => for change in changes.iter() {
                    let meaning = outcomes.meaning(change);
                    for due in runs(settings, change, meaning) {
                        if waiting.len() < MOST_WAITING { waiting.push_back(due) } else { left_out += 1 }
                    }
                },
                None => is_open = false,
            },
            _ = ending.wait_for(|is_ending| *is_ending), if !*ending.borrow() => waiting.clear(),
            else => std::future::pending().await,
        }
    }
}

/// Returns the runs for a change, each command once.
fn runs<'s>(settings: &'s NotifySettings, change: &Change, meaning: ChangeMeaning) -> Vec<NoticeRun<'s>> {
    let mut commands: Vec<&NoticeCommand> = Vec::new();
    for rule in settings.rules.iter().filter(|rule| rule.rule.is_for(meaning, project_of(change))) {
        if let Some(command) = &rule.command
            && commands.iter().all(|known| known.words != command.words)
        {
            commands.push(command);
        }
    }
    if commands.is_empty() {
        return Vec::new();
    }
    let document = NoticeDocument { meaning: meaning.word(), event: ChangeEvent::from(change) };
    let mut input = serde_json::to_vec(&document).unwrap_or_default();
    input.push(b'\n');
    let variables = variables(change, meaning);
    let due = |command| NoticeRun { command, input: input.clone(), variables: variables.clone() };
    commands.into_iter().map(due).collect()
}

/// Returns the event as variables: what a script of one line needs.
fn variables(change: &Change, meaning: ChangeMeaning) -> Vec<(&'static str, String)> {
    let mut variables = vec![("GLWATCH_EVENT", meaning.word().to_owned())];
    let mut set = |name, value: &str| {
        variables.push((name, truncate(&clean(value, Charset::Unicode), VALUE, Charset::Unicode)));
    };
    set("GLWATCH_EVENT_AT", &change.at.to_rfc3339());
    if let Some(project) = project_of(change) {
        set("GLWATCH_EVENT_PROJECT", &project.full_path);
    }
    match &change.kind {
        ChangeKind::Pipeline { from, to, pipeline, .. } => {
            set("GLWATCH_EVENT_REF", &pipeline.git_ref.name);
            set("GLWATCH_EVENT_PIPELINE", &pipeline.id.to_string());
            set("GLWATCH_EVENT_FROM", from.as_ref().map_or("", |status| status.word()));
            set("GLWATCH_EVENT_TO", to.word());
            set("GLWATCH_EVENT_URL", pipeline.web_url.as_deref().unwrap_or_default());
        }
        ChangeKind::State { from, to, failure, .. } => {
            set("GLWATCH_EVENT_FROM", from.map_or("", |state| state.word()));
            set("GLWATCH_EVENT_TO", to.word());
            set("GLWATCH_EVENT_MESSAGE", &failure.as_ref().map_or(String::new(), ToString::to_string));
        }
        ChangeKind::Problem(problem) => set("GLWATCH_EVENT_MESSAGE", &problem.failure.to_string()),
        ChangeKind::Appeared { .. } | ChangeKind::Left { .. } => {}
    }
    variables
}

/// Runs one program; returns in words how it failed, where it did.
async fn perform(due: NoticeRun<'_>, time: Duration) -> Option<String> {
    let (origin, words) = (&due.command.origin, &due.command.words);
    let program = words.first().map_or("", String::as_str);
    let problem = match start(&due) {
        Err(error) => format!("could not be run: {error}"),
        Ok(mut child) => match timeout(time, finish(&mut child, &due.input)).await {
            Ok(Ok((status, _))) if status.success() => return None,
            Ok(Ok((status, said))) => {
                let said = String::from_utf8_lossy(&said);
                let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                let said = if first.is_empty() { String::new() } else { format!(": {first}") };
                format!("ended with {status}{said}")
            }
            Ok(Err(error)) => format!("could not be waited for: {error}"),
            Err(_) => {
                end(&child);
                // It may have ended by itself meanwhile.
                let _ = child.kill().await;
                format!("did not end within {time:?}")
            }
        },
    };
    let text = format!("{origin}: \"{program}\" {problem}");
    Some(truncate(&clean(&text, Charset::Unicode), MESSAGE, Charset::Unicode))
}

/// Starts a program, without a shell and apart from the terminal's signals.
fn start(due: &NoticeRun<'_>) -> io::Result<Child> {
    let (program, arguments) = due.command.words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).envs(due.variables.iter().map(|(name, value)| (name, value)));
    // What it writes would be taken for our own output, or lost in the view.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true).spawn()
}

/// Gives a program the event, and waits for its end.
async fn finish(child: &mut Child, input: &[u8]) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let mut said = Vec::new();
    let status = {
        let feed = async move {
            if let Some(mut stdin) = stdin {
                // A program need not read it.
                let _ = stdin.write_all(input).await;
            }
        };
        let listen = async {
            if let Some(mut stderr) = stderr {
                let _ = (&mut stderr).take(MOST_SAID).read_to_end(&mut said).await;
                let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            }
        };
        let mut talk = pin!(async { tokio::join!(feed, listen) });
        tokio::select! {
            status = child.wait() => {
                let _ = timeout(LAST_WORDS, &mut talk).await;
                status?
            }
            _ = &mut talk => child.wait().await?,
        }
    };
    Ok((status, said))
}

/// Ends a program with all that it has started.
fn end(child: &Child) {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
}
