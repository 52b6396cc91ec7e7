//! The file that keeps how the live view of some groups was left.

use crate::private_file;
use crate::tui::remembered::RememberedView;
use ring::digest::{Context, SHA256};
use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A larger file is none of ours.
const MOST: u64 = 1 << 20;

/// Its place.
#[derive(Debug, Clone)]
pub(super) struct ViewFile(PathBuf);

impl ViewFile {
    /// Returns the place for the groups of a host; names of groups do not become names of files.
    pub(super) fn new(folder: &Path, host: &str, groups: impl Iterator<Item = String>) -> Self {
        let mut hash = Context::new(&SHA256);
        for part in std::iter::once(host.to_owned()).chain(groups) {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let name = hash.finish().as_ref().iter().take(16).fold(String::new(), |mut name, byte| {
            let _ = write!(name, "{byte:02x}");
            name
        });
        Self(folder.join("views").join(format!("{name}.json")))
    }

    /// Returns what an earlier view has left; a file that cannot be used, or that another user could have written, is none.
    pub(super) fn load(&self) -> RememberedView {
        let mut text = String::new();
        let read = private_file::open(&self.0).map(|file| file.take(MOST).read_to_string(&mut text));
        match read {
            Ok(Ok(_)) => serde_json::from_str(&text).unwrap_or_default(),
            Ok(Err(why)) => {
                tracing::debug!(%why, "the state of the view is not used");
                RememberedView::default()
            }
            Err(why) => {
                tracing::debug!(%why, "the state of the view is not used");
                RememberedView::default()
            }
        }
    }

    /// Writes it, in one step: two views that end at once leave one of both.
    pub(super) fn save(&self, view: &RememberedView) {
        if let Err(why) = self.write(view) {
            tracing::debug!(%why, "the state of the view is not kept");
        }
    }

    fn write(&self, view: &RememberedView) -> io::Result<()> {
        let folder = self.0.parent().unwrap_or(&self.0);
        private_file::prepare(folder).map_err(io::Error::other)?;
        let mut file =
            tempfile::Builder::new().prefix(".new-").permissions(Permissions::from_mode(0o600)).tempfile_in(folder)?;
        file.write_all(&serde_json::to_vec(view)?)?;
        file.persist(&self.0).map_err(|error| error.error)?;
        Ok(())
    }
}
