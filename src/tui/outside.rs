//! What is done with a text outside of the view: another program shows it, a file keeps it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

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
            format!("{} is there already, and was left as it is: S with another name", place.display())
        }
        Err(error) => format!("not saved as {}: {error}", place.display()),
    }
}
