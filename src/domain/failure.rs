//! Why something could not be read.

/// Why something could not be read: a stable word for scripts and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `http_500`, `timeout`, `rate_limited`, `not_json`, ...
    pub kind: String,
    /// What happened, in a sentence; behind it, in brackets, the request.
    pub message: String,
}

/// Of a refusal of which GitLab tells no more than that it is one.
const MESSAGE: &str = "403: this token may not see its pipelines, or CI/CD is switched off";

impl Failure {
    /// GitLab's own 403.
    pub const FORBIDDEN: &'static str = "forbidden";
    /// GitLab's own 404.
    pub const NOT_FOUND: &'static str = "not_found";
    /// GitLab's own 403 to a fine-grained token.
    const GRANULAR: &'static str = "insufficient_granular_scope";

    /// A refusal of which GitLab tells nothing more.
    pub fn forbidden() -> Self {
        Self { kind: Self::FORBIDDEN.into(), message: MESSAGE.into() }
    }

    /// Says whether the message has GitLab's own reason for a refusal.
    pub fn has_reason(&self) -> bool {
        self.kind == Self::GRANULAR || self.kind == Self::FORBIDDEN && self.message != MESSAGE
    }

    /// Returns the message without the request behind it.
    pub fn sentence(&self) -> &str {
        let request = [" [GET ", " [POST "].into_iter().filter_map(|start| self.message.find(start)).min();
        request.filter(|_| self.message.ends_with(']')).map_or(&self.message, |at| &self.message[..at])
    }

    /// Says whether GitLab refused it, which does not change by waiting.
    pub fn is_refusal(&self) -> bool {
        [Self::FORBIDDEN, Self::NOT_FOUND, Self::GRANULAR].contains(&self.kind.as_str())
    }
}
