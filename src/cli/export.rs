//! Writes files beside the output: each whole or not at all. A failure does not stop the others.

use super::error::{self, CliError};
use super::exit::Exit;
use crate::config::{Export, Output};
use futures_util::future::join_all;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The mode of a new file, from which the umask takes.
const MODE: u32 = 0o644;

/// Writes all files, reports each that cannot be written, and returns what that means for the exit code.
pub(super) async fn write_all(exports: &[Export], render: impl Fn(Output) -> io::Result<Vec<u8>>) -> Exit {
    write_each(exports, render).await.iter().fold(Exit::Done, |exit, failure| exit.worse(error::report(failure)))
}

/// Writes all files, and returns what cannot be written. A pipe without a reader keeps nothing else waiting: neither the
/// other files nor a signal.
pub(super) async fn write_each(exports: &[Export], render: impl Fn(Output) -> io::Result<Vec<u8>>) -> Vec<CliError> {
    let write = async |export: &Export| {
        let written = match render(export.output) {
            Ok(bytes) => {
                let path = export.path.clone();
                let writing = tokio::task::spawn_blocking(move || write_whole(&path, &bytes));
                writing.await.unwrap_or_else(|gone| Err(io::Error::other(gone)))
            }
            Err(error) => Err(error),
        };
        let path = || export.path.display().to_string();
        written.err().map(|source| CliError::Export { path: path(), source })
    };
    join_all(exports.iter().map(write)).await.into_iter().flatten().collect()
}

/// Replaces a file at once: a reader sees the old or the new one, and the old one survives a failure.
///
/// A link is followed. What is no ordinary file, such as a pipe or `/dev/null`, is written to and not replaced.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(_) => path.to_owned(),
    };
    let old = fs::metadata(&target).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return OpenOptions::new().write(true).open(&target)?.write_all(bytes);
    }
    let mut file = tempfile::Builder::new()
        .prefix(".glwatch-")
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(directory(&target))?;
    if let Some(old) = old {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left_behind() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("report");
        write_whole(&path, b"one").unwrap();
        assert_eq!(mode(&path) & 0o111, 0);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"two".to_vec(), 0o600));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let [path, link] = ["report", "link"].map(|name| home.path().join(name));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        write_whole(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let home = tempfile::tempdir().unwrap();
        write_whole(home.path(), b"x").unwrap_err();
        write_whole(&home.path().join("missing/report"), b"x").unwrap_err();
    }
}
