//! Where the file of a host is, and the file of a host that is damaged.

use crate::private_file;
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const ENDING: &str = "sqlite3";

/// Where the memory of one host is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPlace {
    /// Origin and sub-path: `https://gitlab.example.com`.
    pub host: String,
    pub file: PathBuf,
}

impl HistoryPlace {
    /// Names the file of a host in a folder.
    pub fn in_folder(folder: &Path, host: &str) -> Self {
        let letter = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
        let name: String = host.strip_prefix("https://").unwrap_or(host).chars().map(letter).collect();
        Self { host: host.to_owned(), file: folder.join(format!("{name}.{ENDING}")) }
    }

    /// Notes that something live reads this host, as long as the file that is returned is open.
    pub fn mark_live(&self) -> Result<File, private_file::Untrusted> {
        private_file::prepare(self.folder())?;
        let mark = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.live_mark())?;
        flock(&mark, FlockOperation::LockShared).map_err(io::Error::from)?;
        Ok(mark)
    }

    /// Says whether another process of this user reads the host live.
    pub fn is_live(&self) -> bool {
        let Ok(mark) = File::open(self.live_mark()) else { return false };
        flock(&mark, FlockOperation::NonBlockingLockExclusive).is_err()
    }

    fn live_mark(&self) -> PathBuf {
        beside(&self.file, ".live")
    }

    fn folder(&self) -> &Path {
        self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
    }

    /// Makes the folder and the file where they are missing, and returns the file's name without links above it:
    /// SQLite follows none. Fails where another user could have written to them.
    pub(super) fn prepare(&self) -> Result<PathBuf, private_file::Untrusted> {
        let folder = self.folder();
        private_file::prepare(folder)?;
        let name = self.file.file_name().map_or_else(|| OsString::from("history"), ToOwned::to_owned);
        let file = folder.canonicalize()?.join(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        private_file::open(&file)?;
        Ok(file)
    }
}

/// Keeps other processes from setting the same file aside, as long as it lives.
pub(super) fn lock(file: &Path) -> io::Result<File> {
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(beside(file, ".lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

/// Renames a damaged file and what SQLite keeps beside it; `at` makes the name unique.
pub(super) fn set_aside(file: &Path, at: i64) -> io::Result<PathBuf> {
    let ending = (0..).map(|n: u32| if n == 0 { format!(".corrupt-{at}") } else { format!(".corrupt-{at}-{n}") });
    let free = ending.map(|ending| beside(file, &ending)).find(|path| !path.exists());
    let aside = free.unwrap_or_else(|| beside(file, ".corrupt"));
    std::fs::rename(file, &aside)?;
    for part in ["-wal", "-shm"] {
        match std::fs::rename(beside(file, part), beside(&aside, part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(aside)
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_live_is_known_as_long_as_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let place = HistoryPlace::in_folder(&folder.path().join("glwatch"), "https://gitlab.example.com");
        let other = HistoryPlace::in_folder(&folder.path().join("glwatch"), "https://other.example.com");
        assert!(!place.is_live());
        let (one, two) = (place.mark_live().unwrap(), place.mark_live().unwrap());
        assert!(place.is_live() && !other.is_live());
        drop(one);
        assert!(place.is_live());
        drop(two);
        assert!(!place.is_live());
        assert!(!place.file.exists(), "nothing is remembered by that");
    }
}
