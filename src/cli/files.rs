//! Finds and reads the configuration files: the user's, the project's, and glab's.

use super::error::CliError;
use crate::config::{File, Owner, Settings};
use std::collections::HashMap;
use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// More than any configuration has; a larger file is the wrong file.
const MAX_FILE: u64 = 1 << 20;
/// The file in the current folder, which comes with a repository.
pub(super) const PROJECT_FILE: &str = "glwatch.toml";
/// What a demo takes from no file: it shows its own group, whole, and nothing of it is anybody's secret.
const NOT_IN_DEMO: [&str; 16] = [
    "host",
    "token-header",
    "ca-file",
    "client-cert",
    "client-key",
    "insecure",
    "group-id",
    "include",
    "exclude",
    "ref",
    "archived",
    "no-subgroups",
    "fail-on",
    "log-file",
    "export",
    "only",
];

/// Which files were read, and what must be known of them.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub read: Vec<PathBuf>,
    pub warnings: Vec<String>,
}

/// Adds the files below the flags and the environment.
pub(super) fn add(
    settings: &mut Settings,
    environment: &HashMap<String, String>,
    is_demo: bool,
) -> Result<Files, CliError> {
    let mut files = Files::default();
    let home = home(environment);
    let (own, origin) = user_path(settings, environment);
    let text = own.as_deref().map_or(Ok(None), |path| read(path, origin.as_deref()))?;
    let empty = || File::empty(own.as_deref().unwrap_or(Path::new("config.toml")));
    let mut file = match (&own, text) {
        (Some(path), Some(text)) => {
            let file = File::parse(&text, path, Owner::User, home.as_deref())?;
            files.warnings.extend(file.secret.and_then(|secret| readable_by_others(path, secret)));
            files.read.push(path.clone());
            file
        }
        _ => empty(),
    };
    if is_demo {
        file.forget(&NOT_IN_DEMO);
    }
    settings.add_file(file)?;
    let is_own = own.as_deref().is_some_and(|own| is_same(own, Path::new(PROJECT_FILE)));
    if !is_own && let Some(text) = read(Path::new(PROJECT_FILE), None)? {
        let path = Path::new("./").join(PROJECT_FILE);
        let mut file = File::parse(&text, &path, Owner::Project, None)?;
        if is_demo {
            file.forget(&NOT_IN_DEMO);
        }
        files.warnings.append(&mut file.warnings);
        settings.add_file(file)?;
        files.read.push(path);
        files.warnings.extend(settings.announced());
    }
    if !is_demo && let Some(path) = glab_path(environment, home.as_deref()) {
        // It is another program's: whatever is wrong with it is not ours to say.
        if let Ok(Some(text)) = read(&path, None) {
            settings.add_glab(path.display().to_string(), text);
        }
    }
    Ok(files)
}

/// Returns where the user's file lies, and who said so; `None` without a home.
pub(super) fn user_path(
    settings: &Settings,
    environment: &HashMap<String, String>,
) -> (Option<PathBuf>, Option<String>) {
    if let Some((path, origin)) = settings.config_path() {
        return (Some(path), Some(origin.to_string()));
    }
    (config_home(environment).map(|folder| folder.join("glwatch").join("config.toml")), None)
}

fn home(environment: &HashMap<String, String>) -> Option<PathBuf> {
    environment.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

/// Returns the folder of configurations; a relative one does not count (XDG Base Directory Specification).
fn config_home(environment: &HashMap<String, String>) -> Option<PathBuf> {
    let given = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    given.or_else(|| Some(home(environment)?.join(".config")))
}

/// Returns our folder of what can be read again; `None` without a home.
pub(super) fn cache_directory(environment: &HashMap<String, String>) -> Option<PathBuf> {
    let given = environment.get("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    given.or_else(|| Some(home(environment)?.join(".cache"))).map(|folder| folder.join("glwatch"))
}

/// Returns our folder of what happened; `None` without a home.
pub(super) fn state_directory(environment: &HashMap<String, String>) -> Option<PathBuf> {
    let given = environment.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = given.or_else(|| Some(home(environment)?.join(".local").join("state")))?;
    Some(state.join("glwatch"))
}

fn glab_path(environment: &HashMap<String, String>, home: Option<&Path>) -> Option<PathBuf> {
    if let Some(folder) = environment.get("GLAB_CONFIG_DIR").filter(|folder| !folder.is_empty()) {
        return Some(Path::new(folder).join("config.yml"));
    }
    let path = config_home(environment)?.join("glab-cli").join("config.yml");
    let on_macos = || home.map(|home| home.join("Library/Application Support/glab-cli/config.yml"));
    if path.exists() { Some(path) } else { on_macos() }
}

/// Reads a file; one that does not exist counts as empty unless the user named it.
fn read(path: &Path, named_by: Option<&str>) -> Result<Option<String>, CliError> {
    let failed = |source| CliError::File {
        origin: named_by.unwrap_or("configuration").to_owned(),
        path: path.display().to_string(),
        source,
    };
    match std::fs::metadata(path) {
        Err(error) if named_by.is_none() && is_absence(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
        // A pipe in its place would never end.
        Ok(facts) if named_by.is_none() && !facts.is_file() => return Ok(None),
        Ok(_) => {}
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_FILE).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Warns of a file that others on this machine may read.
pub(super) fn readable_by_others(path: &Path, secret: &str) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let facts = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
    let mode = facts.permissions().mode() & 0o777;
    let path = path.display();
    (mode & 0o077 != 0)
        .then(|| format!("{path} holds {secret} and others may read it (mode {mode:o}): chmod 600 {path}"))
}
