//! The content of one cell of a report, before its width and its escaping are known.

use crate::domain::project::StateWord;
use crate::domain::status::Status;

/// How something is meant; a renderer makes a colour or nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Warn,
    Bad,
    /// GitLab goes on with it by itself.
    Active,
    /// Waits for a person or for a clock.
    Blocked,
    Muted,
}

impl From<&Status> for Tone {
    fn from(status: &Status) -> Self {
        match status {
            Status::Success => Self::Good,
            Status::Warning | Status::Canceled | Status::Other(_) => Self::Warn,
            Status::Failed => Self::Bad,
            Status::WaitingForResource
            | Status::Preparing
            | Status::WaitingForCallback
            | Status::Pending
            | Status::Running
            | Status::Canceling => Self::Active,
            Status::Manual | Status::Scheduled => Self::Blocked,
            Status::Created | Status::Skipped => Self::Muted,
        }
    }
}

impl From<StateWord> for Tone {
    fn from(state: StateWord) -> Self {
        match state {
            StateWord::Ok => Self::Good,
            StateWord::NoPipeline => Self::Muted,
            StateWord::NoAccess | StateWord::Stale => Self::Warn,
            StateWord::Error => Self::Bad,
        }
    }
}

/// A text with its meaning; empty where there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    pub text: String,
    pub tone: Tone,
}

impl Cell {
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// The pipeline's status, and the worse one of a pipeline that it triggered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineCell {
    /// The worst of both: what the glyph and the colour show.
    pub worst: Status,
    /// The pipeline's own status.
    pub own: Status,
    pub id: u64,
    /// The triggered pipeline whose status is worse than `own`.
    pub below: Option<u64>,
    /// How long ago this was read, where it could not be read again since.
    pub read_ago: Option<String>,
}

/// What a cell of a report holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The project's full path.
    Project(String),
    Text(Cell),
    /// A name whose end tells as much as its start: the whole and then shorter forms.
    Name(Vec<String>),
    Pipeline(PipelineCell),
    /// Instead of a pipeline: what the row is.
    State(StateWord),
    /// Names and statuses in the pipeline's order.
    Stages(Vec<(String, Status)>),
    /// The statuses of the stages alone, in the pipeline's order.
    Shape(Vec<Status>),
    /// Instead of stages: why there are none.
    Message(Cell),
    /// What a pipeline is about: the whole and then shorter forms; none where there is nothing to say.
    What(Vec<String>, Tone),
    /// A moment as a person reads it, and unmistakable for a script.
    Moment {
        short: String,
        full: String,
    },
}

/// The columns that a report can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    Project,
    Ref,
    Pipeline,
    Stages,
    Duration,
    Age,
    Time,
    User,
    Commit,
    Source,
    Coverage,
    Queued,
    /// How long it usually takes.
    Usual,
    /// When its present state began.
    Since,
    /// What it is about right now.
    What,
    /// The pipeline's status without its number; the live view only.
    State,
    /// One glyph for each stage, the same form in every row; the live view only.
    Shape,
}

impl Column {
    /// What a row says in words alone.
    pub const IN_WORDS: [Self; 6] = [Self::Project, Self::Ref, Self::State, Self::What, Self::Duration, Self::Since];

    /// Every column that can be asked for.
    pub const ALL: [Self; 15] = [
        Self::Project,
        Self::Ref,
        Self::Pipeline,
        Self::Stages,
        Self::Duration,
        Self::Age,
        Self::Time,
        Self::User,
        Self::Commit,
        Self::Source,
        Self::Coverage,
        Self::Queued,
        Self::Usual,
        Self::Since,
        Self::What,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Ref => "ref",
            Self::Pipeline => "pipeline",
            Self::Stages => "stages",
            Self::Duration => "duration",
            Self::Age => "age",
            Self::Time => "time",
            Self::User => "user",
            Self::Commit => "commit",
            Self::Source => "source",
            Self::Coverage => "coverage",
            Self::Queued => "queued",
            Self::Usual => "usual",
            Self::Since => "since",
            Self::What => "what",
            Self::State => "state",
            Self::Shape => "stages",
        }
    }
}
