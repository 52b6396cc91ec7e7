//! A GitLab server as it describes itself: version and edition.

/// What a GitLab says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `18.5.0-ee`.
    pub version: String,
    /// Whether it is the Enterprise Edition; `None` where it does not say.
    pub is_enterprise: Option<bool>,
}
