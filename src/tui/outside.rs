//! What is done with a text outside of the view: another program shows it, a file keeps it.

use crate::text::log::{CleanerEvent, LogCleaner};
use std::convert::Infallible;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// Bytes of a program's output that are written as lines: as much as anyone would hear.
const MOST_OUTPUT: usize = 1 << 20;

/// Gives a text to a program, without a shell, and waits for its end; the error is what to say of it.
pub(super) async fn show(words: &[String], text: String, pager: &str) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else { return Err("no program is named".into()) };
    let failed = |error: io::Error| format!("\"{program}\" could not be run: {error}");
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).kill_on_drop(true).spawn().map_err(failed)?;
    let input = child.stdin.take();
    let feed = async move {
        if let Some(mut input) = input {
            // It may have seen enough before the end.
            let _ = input.write_all(text.as_bytes()).await;
        }
    };
    let ((), status) = tokio::join!(feed, child.wait());
    let status = status.map_err(failed)?;
    // A pager has shown what there is; of another program the output would be gone at once.
    if words.join(" ") != pager {
        wait_for_enter().await.map_err(|error| error.to_string())?;
    }
    if status.success() { Ok(()) } else { Err(format!("\"{program}\" ended with {status}")) }
}

/// Gives a text to a program, without a shell and without the terminal, and returns what it writes as lines that a terminal
/// can only print.
pub(super) async fn piped(words: &[String], text: String) -> Vec<String> {
    let said = match run_piped(words, text).await {
        Ok(lines) => return lines,
        Err(error) => error,
    };
    vec![format!("\"{}\" could not be run: {said}", words.first().map_or("", String::as_str).escape_debug())]
}

async fn run_piped(words: &[String], text: String) -> io::Result<Vec<String>> {
    let Some((program, arguments)) = words.split_first() else { return Ok(vec!["no program is named".into()]) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut input) = input {
            // It may have seen enough before the end.
            let _ = input.write_all(text.as_bytes()).await;
        }
    };
    let feeding = async move {
        feed.await;
        std::future::pending::<Infallible>().await
    };
    // Fed beside it: a program that has written enough need not read on.
    let read = tokio::select! {
        read = async { tokio::try_join!(capped(output), capped(errors)) } => read,
        never = feeding => match never {},
    };
    let (mut lines, errors) = match &read {
        Ok((output, errors)) => (cleaned(output), cleaned(errors)),
        Err(output) => (cleaned(output), Vec::new()),
    };
    lines.extend(errors);
    if read.is_err() {
        // What writes without end does not end by itself.
        child.start_kill()?;
        lines.push(format!("\"{program}\" wrote more; the rest is left out"));
    }
    let status = child.wait().await?;
    if read.is_ok() && !status.success() {
        lines.push(format!("\"{program}\" ended with {status}"));
    }
    if lines.is_empty() {
        lines.push(format!("\"{program}\" wrote nothing"));
    }
    Ok(lines)
}

/// Reads what a program writes to its end; an error has as much as is shown of more than that.
async fn capped(from: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, Vec<u8>> {
    let mut read = Vec::new();
    if let Some(from) = from {
        // What was read before an error is shown.
        let _ = from.take(MOST_OUTPUT as u64).read_to_end(&mut read).await;
    }
    if read.len() < MOST_OUTPUT { Ok(read) } else { Err(read) }
}

fn cleaned(bytes: &[u8]) -> Vec<String> {
    let (mut cleaner, mut lines) = (LogCleaner::new(), Vec::new());
    let mut note = |event: CleanerEvent<'_>| {
        if let CleanerEvent::Line(line) = event {
            lines.push(line.text.to_owned());
        }
    };
    cleaner.push(bytes, &mut note);
    cleaner.finish(&mut note);
    lines
}

async fn wait_for_enter() -> io::Result<()> {
    let wait = || {
        let mut out = io::stdout().lock();
        out.write_all(b"\nenter goes back to glwatch ")?;
        out.flush()?;
        io::stdin().read_line(&mut String::new())
    };
    tokio::task::spawn_blocking(wait).await.map_err(io::Error::other)?.map(|_| ())
}

/// Writes a text to a file that only the user can read; one that is there stays as it is. Returns what to say.
pub(super) fn save(path: &str, text: &str) -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let place = match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    };
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place);
    match written.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => format!("saved as {}", place.display()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            format!("{} is there already, and was left as it is: give another name", place.display())
        }
        Err(error) => format!("not saved as {}: {error}", place.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_program_makes_of_a_log_is_written_as_lines() {
        let cases: [(&str, &[&str], &str, &[&str]); 6] = [
            ("it filters", &["grep", "b"], "a\nb\nbc\n", &["b", "bc"]),
            ("it finds nothing", &["grep", "x"], "a\n", &["\"grep\" ended with exit status: 1"]),
            ("it wants no more", &["true"], "a\n", &["\"true\" wrote nothing"]),
            ("a terminal would obey it", &["printf", "\\033[31mred\\033]0;x\\007\\n"], "", &["red"]),
            ("it complains", &["sh", "-c", "echo no >&2; exit 3"], "", &["no", "\"sh\" ended with exit status: 3"]),
            (
                "it is not there",
                &["./no/such/thing"],
                "",
                &["\"./no/such/thing\" could not be run: No such file or directory (os error 2)"],
            ),
        ];
        for (sentence, words, text, expected) in cases {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(piped(&words, text.to_owned()).await, expected, "{sentence}");
        }
    }

    #[tokio::test]
    async fn a_program_that_writes_without_end_or_reads_nothing_is_ended() {
        let lines = piped(&["yes".to_owned()], "a\n".repeat(1 << 20)).await;
        assert_eq!(lines.last().map(String::as_str), Some("\"yes\" wrote more; the rest is left out"));
        assert_eq!(lines.len(), MOST_OUTPUT / 2 + 1);
    }
}
