//! Where a value came from.

use std::fmt;

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Owner {
    /// The user's own: everything is allowed in it.
    #[default]
    User,
    /// `./glwatch.toml`, which comes with a repository: display, filters and group only.
    Project,
}

/// A place in a file of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingPlace {
    pub path: String,
    pub owner: Owner,
    pub line: usize,
    /// `profiles.work.host` for one of a section, empty for the line as a whole.
    pub key: String,
}

impl fmt::Display for SettingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)?;
        if self.key.is_empty() { Ok(()) } else { write!(f, " ({})", self.key) }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(String),
    Variable(String),
    File(Box<SettingPlace>),
    /// The configuration of `glab`.
    Glab(String),
    /// The configuration of the exporter that `glwatch serve` replaces.
    Exporter(String),
    /// A variable that GitLab sets in every CI job.
    Ci(&'static str),
    /// What a demo sets by itself.
    Demo,
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(name) => f.write_str(name),
            Self::File(place) => place.fmt(f),
            Self::Glab(path) => write!(f, "{path} (glab)"),
            Self::Exporter(path) => write!(f, "{path} (exporter)"),
            Self::Ci(name) => write!(f, "{name} (GitLab CI)"),
            Self::Demo => f.write_str("demo"),
            Self::Default => f.write_str("default"),
        }
    }
}
