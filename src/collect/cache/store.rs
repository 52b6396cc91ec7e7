//! The cache file: finds, reads, checks and atomically replaces it. An unusable file counts as absent; reading never fails.

use super::saved::{SavedProject, SavedState};
use super::wire::{SavedHeadWire, SavedProjectWire, Unknown};
use crate::collect::run::CollectOptions;
use crate::cores;
use crate::domain::project::Project;
use crate::domain::project_source::{ListOwner, ProjectSearch, ProjectSource};
use crate::gitlab::client::Client;
use crate::private_file::{self, Untrusted};
use ring::digest::{Context, Digest, SHA256, digest};
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Of the form; grows with each change of `wire`.
const VERSION: u32 = 3;
/// Ten times what 5000 projects take; a larger file is the wrong file.
const MAX_SIZE: u64 = 64 << 20;
/// Groups that are no longer asked about are forgotten.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// So many lines are worth a second thread.
const MANY_LINES: usize = 200;
const ENDING: &str = ".glwatch";

/// Where what is known of one set of lists lies.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    directory: PathBuf,
    key: String,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Untrusted(#[from] Untrusted),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Unknown(#[from] Unknown),
    #[error("{0}")]
    Other(&'static str),
}

impl Store {
    /// Names the file for what is read, from where, and with which token.
    pub(crate) fn new(directory: PathBuf, client: &Client, options: &CollectOptions) -> Self {
        let mut sources: Vec<String> = options.sources.iter().map(name).collect();
        sources.sort_unstable();
        let list = format!("{} {}", options.list.subgroups, options.list.archived);
        let token = client.fingerprint().map_or_else(|| "anonymous".to_owned(), |token| hex(&token));
        let mut hash = Context::new(&SHA256);
        for part in ["glwatch cache", &client.host().to_string(), &token, &list]
            .into_iter()
            .chain(sources.iter().map(String::as_str))
        {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self { directory, key: hex(&hash.finish().as_ref()[..16]) }
    }

    fn path(&self) -> PathBuf {
        self.directory.join(format!("{}{ENDING}", self.key))
    }

    /// Returns what an earlier process has saved, if it can be used.
    pub(crate) fn load(&self) -> Option<SavedState> {
        match self.read() {
            Ok(saved) => {
                tracing::debug!(projects = saved.projects.len(), at = %saved.at, "cache read");
                Some(saved)
            }
            Err(Unusable::Untrusted(Untrusted::Io(why))) if why.kind() == io::ErrorKind::NotFound => {
                tracing::debug!(%why, "no cache");
                None
            }
            Err(why) => {
                tracing::info!(%why, "the cache is not used");
                None
            }
        }
    }

    /// Returns the projects that an earlier process has listed; none where there is nothing that can be used.
    pub(crate) fn projects(&self) -> Vec<Arc<Project>> {
        let saved = self.load().map(|saved| saved.projects).unwrap_or_default();
        saved.into_iter().map(|saved| saved.project).collect()
    }

    fn read(&self) -> Result<SavedState, Unusable> {
        let file = private_file::open(&self.path())?;
        let size = file.metadata()?.len();
        if size > MAX_SIZE {
            return Err(Unusable::Other("it is too large for one of ours"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.take(MAX_SIZE).read_to_end(&mut bytes)?;
        decode(&bytes, &self.key)
    }

    /// Replaces the file at once: a reader sees the old or the new one. That it fails does no harm.
    pub(crate) fn save(&self, saved: &SavedState) {
        match self.write(saved) {
            Ok(()) => tracing::debug!(projects = saved.projects.len(), "cache written"),
            Err(error) => tracing::warn!(%error, "the cache could not be written"),
        }
    }

    fn write(&self, saved: &SavedState) -> Result<(), Unusable> {
        private_file::prepare(&self.directory)?;
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .suffix(ENDING)
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.directory)?;
        encode(saved, &self.key, file.as_file_mut())?;
        let file = file.persist(self.path()).map_err(|error| error.error)?;
        // The disk's own clock, which the other files go by, too.
        remove_old(&self.directory, file.metadata()?.modified()?);
        Ok(())
    }
}

/// Names what is listed: a group as earlier versions did.
fn name(source: &ProjectSource) -> String {
    match source {
        ProjectSource::List {
            search: ProjectSearch { owner: ListOwner::Group(group), text },
            with_archived: false,
        } if text.is_empty() => group.to_string(),
        source => format!("{source:?}"),
    }
}

/// Returns the full paths of the projects that earlier processes have read, of any host; for completions.
///
/// Only paths of the characters that GitLab permits: a shell takes them as they are.
pub(crate) fn project_paths(directory: &Path) -> Vec<String> {
    let is_legal = |path: &String| path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let stores = names.filter_map(|name| {
        let key = name.strip_suffix(ENDING).filter(|key| !key.starts_with('.'))?.to_owned();
        Some(Store { directory: directory.to_owned(), key })
    });
    let saved = stores.filter_map(|store| store.read().ok());
    let paths = saved.flat_map(|saved| saved.projects.into_iter().map(|saved| saved.project.full_path.clone()));
    paths.filter(is_legal).collect()
}

/// Reads the lines, and checks the sum on the last one.
fn decode(bytes: &[u8], key: &str) -> Result<SavedState, Unusable> {
    let (body, last) = split_last_line(bytes)?;
    let (head, body) = split_first_line(body)?;
    let head: SavedHeadWire<'_> = serde_json::from_slice(head)?;
    if head.cache != VERSION || head.glwatch != env!("CARGO_PKG_VERSION") {
        return Err(Unusable::Other("another version wrote it"));
    }
    if head.key != key {
        return Err(Unusable::Other("it is about something else"));
    }
    let summed = &bytes[..bytes.len() - last.len()];
    if last != last_line(&digest(&SHA256, summed)).as_bytes() {
        return Err(Unusable::Other("it is damaged"));
    }
    let lines: Vec<&[u8]> = body.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.len() != head.projects {
        return Err(Unusable::Other("it ends too early"));
    }
    // Before this has ended there is nothing to show.
    let projects = cores::map(&lines, MANY_LINES, |line| {
        let wire: SavedProjectWire<'_> = serde_json::from_slice(line)?;
        Ok(SavedProject::try_from(wire)?)
    });
    Ok(head.with(projects.into_iter().collect::<Result<_, Unusable>>()?)?)
}

fn split_first_line(bytes: &[u8]) -> Result<(&[u8], &[u8]), Unusable> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.map(|end| bytes.split_at(end + 1)).ok_or(Unusable::Other("it ends too early"))
}

fn split_last_line(bytes: &[u8]) -> Result<(&[u8], &[u8]), Unusable> {
    let whole = bytes.strip_suffix(b"\n").ok_or(Unusable::Other("it ends too early"))?;
    Ok(bytes.split_at(whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)))
}

fn encode(saved: &SavedState, key: &str, file: impl Write) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 16, file);
    let mut sum = Context::new(&SHA256);
    let mut line = Vec::new();
    let mut write = |line: &mut Vec<u8>| {
        line.push(b'\n');
        sum.update(line);
        file.write_all(line)?;
        line.clear();
        io::Result::Ok(())
    };
    serde_json::to_writer(&mut line, &SavedHeadWire::new(saved, VERSION, env!("CARGO_PKG_VERSION"), key))?;
    write(&mut line)?;
    for project in &saved.projects {
        serde_json::to_writer(&mut line, &SavedProjectWire::new(project))?;
        write(&mut line)?;
    }
    file.write_all(last_line(&sum.finish()).as_bytes())?;
    file.flush()
}

fn last_line(sum: &Digest) -> String {
    format!("{}\n", hex(sum.as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Removes what was not needed for a long time, and what a process that was killed has left behind.
fn remove_old(directory: &Path, now: SystemTime) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.ends_with(ENDING));
        let age = entry.metadata().and_then(|facts| facts.modified()).ok().and_then(|at| now.duration_since(at).ok());
        if is_ours && age.is_some_and(|age| age > KEPT_FOR) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;
