//! Checks that only the current user can have written a file, such as the cache or the history: a file that another user
//! wrote may turn red into green.
//!
//! - The file and its folder belong to the current user, and no other user may write to them.
//! - No folder above can have its entries exchanged by others: it belongs to the user or to root, and is writable by
//!   others only where the sticky bit keeps what is not theirs, as in `/tmp`.
//! - The file is no link, and has no second hard link, which may be where others can write.
//! - The folder is no link, unless root laid it: that is how systemd gives a service its folders.

use rustix::fs::OFlags;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const ROOT: u32 = 0;
const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Why a file or its folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{what} belongs to another user")]
    Foreign { what: String },
    #[error("other users may write to {what} (mode {mode:o})")]
    Open { what: String, mode: u32 },
    #[error("{what} is not a plain file, or has a second name")]
    NotPlain { what: String },
    #[error("{what} is not a folder")]
    NotFolder { what: String },
}

/// Returns the current user: what we make belongs to us.
fn own_id(folder: &Path) -> io::Result<u32> {
    Ok(tempfile::tempfile_in(folder)?.metadata()?.uid())
}

/// Opens a file that only we can have written, in a folder of which the same holds.
pub(crate) fn open(path: &Path) -> Result<File, Untrusted> {
    let folder = path.parent().unwrap_or(path);
    check_folder(folder)?;
    // Neither a link that another user laid nor a pipe that would never end.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    // Of what was opened, not of what has the name by now.
    let facts = file.metadata()?;
    if !facts.is_file() || facts.nlink() != 1 {
        return Err(Untrusted::NotPlain { what: path.display().to_string() });
    }
    check_owner(path, &facts, &[own_id(folder)?])?;
    check_mode(path, &facts)?;
    Ok(file)
}

/// Makes a folder that only we may write to, or takes the rights on ours from the others.
pub(crate) fn prepare(folder: &Path) -> Result<(), Untrusted> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let facts = fs::symlink_metadata(folder)?;
    if facts.is_dir() && facts.uid() == own_id(folder)? && facts.mode() & WRITABLE_BY_OTHERS != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    check_folder(folder)
}

fn check_folder(folder: &Path) -> Result<(), Untrusted> {
    // systemd lays a link to the folder of a service whose user it makes up (DynamicUser).
    let link = fs::symlink_metadata(folder)?;
    let is_link_of_root = link.is_symlink() && link.uid() == ROOT;
    let facts = if is_link_of_root { fs::metadata(folder)? } else { link };
    if !facts.is_dir() {
        return Err(Untrusted::NotFolder { what: folder.display().to_string() });
    }
    let own = own_id(folder)?;
    check_owner(folder, &facts, &[own])?;
    check_mode(folder, &facts)?;
    let target = fs::canonicalize(folder)?;
    // Who may write where the link is could put another one there.
    let parent = folder.parent().map(|parent| if parent == Path::new("") { Path::new(".") } else { parent });
    let parent = parent.filter(|_| is_link_of_root).map(fs::canonicalize).transpose()?;
    let above_link = parent.iter().flat_map(|parent| parent.ancestors());
    // Links above lead to where others may write; what they lead to counts.
    for above in target.ancestors().skip(1).chain(above_link) {
        let facts = fs::symlink_metadata(above)?;
        check_owner(above, &facts, &[own, ROOT])?;
        if facts.mode() & STICKY == 0 {
            check_mode(above, &facts)?;
        }
    }
    Ok(())
}

fn check_owner(path: &Path, facts: &Metadata, owners: &[u32]) -> Result<(), Untrusted> {
    if owners.contains(&facts.uid()) {
        return Ok(());
    }
    Err(Untrusted::Foreign { what: path.display().to_string() })
}

fn check_mode(path: &Path, facts: &Metadata) -> Result<(), Untrusted> {
    if facts.mode() & WRITABLE_BY_OTHERS == 0 {
        return Ok(());
    }
    Err(Untrusted::Open { what: path.display().to_string(), mode: facts.mode() & 0o7777 })
}
