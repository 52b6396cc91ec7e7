//! What can happen to the view, and what the view asks of the world.

use super::announcement::ViewAnnouncement;
use super::keymap::KeyAction;
use crate::act::plan::PlannedAction;
use crate::act::rights::TokenRights;
use crate::act::service::ActionOutcome;
use crate::collect::explain_service::{ExplainAnswer, ExplainRequest};
use crate::collect::job_needs::{NeedsAnswer, NeedsRequest};
use crate::collect::log_service::{LogMessage, LogRequest};
use crate::collect::older_pipeline::{OlderAnswer, OlderRequest};
use crate::collect::pipeline_page::{PipelinePageAnswer, PipelinePageRequest};
use crate::collect::watch::{ChangeNews, WatchUpdate};
use crate::domain::id::ProjectId;
use crate::domain::past::{KnownPast, PastAnswer};
use crate::domain::project::Project;
use crossterm::event::{KeyEvent, MouseEvent};
use std::sync::Arc;

/// Everything that can happen to the view.
#[derive(Debug)]
pub enum ViewEvent {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Resize(u16, u16),
    Update(Box<WatchUpdate>),
    Changes(ChangeNews),
    /// What the memory adds to the last reading.
    Past(Arc<KnownPast>),
    /// Why a pipeline is red.
    Answer(ExplainAnswer),
    /// What became of an action.
    ActionDone(Box<ActionOutcome>),
    Log(Vec<LogMessage>),
    /// What is remembered of a project.
    Recent(Box<PastAnswer>),
    /// What a key would ask for, by another way.
    Act(KeyAction),
    /// A pipeline that was only remembered, with its jobs.
    Older(Box<OlderAnswer>),
    /// What the jobs of a pipeline need.
    Needs(Box<NeedsAnswer>),
    /// Older pipelines of a project.
    Pipelines(Box<PipelinePageAnswer>),
    /// What the token may.
    Rights(TokenRights),
    /// A word to the user from beside the view.
    Notice(String),
    Tick,
}

/// What the view asks of the world.
#[derive(Debug, Clone)]
pub enum ViewEffect {
    Quit,
    Interrupt,
    Suspend,
    Refresh,
    Reread(ProjectId),
    /// A URL on the host's own origin.
    Open(String),
    /// Why a pipeline is red.
    Ask(Box<ExplainRequest>),
    Act(Box<PlannedAction>),
    /// Asks what is remembered of a project: its last pipelines and its flaky jobs.
    LookBack(Arc<Project>),
    /// Puts a text on the clipboard, through the terminal.
    Copy(String),
    /// Gives a text to a program that has the terminal meanwhile.
    Page {
        words: Vec<String>,
        text: String,
    },
    /// Writes a text to a file that is not there yet.
    Save {
        path: String,
        text: String,
    },
    /// Whether the mouse is ours: then text can no longer be selected with it.
    Mouse(bool),
    /// Reads the jobs of a pipeline that is not in the list.
    ReadOlder(Box<OlderRequest>),
    /// Reads what the jobs of a pipeline need.
    ReadNeeds(NeedsRequest),
    /// Reads older pipelines of a project.
    ReadPipelines(Box<PipelinePageRequest>),
    /// Asks GitLab what the token may.
    CheckToken,
    /// Makes itself heard.
    Announce(ViewAnnouncement),
    /// Follows this log, or none.
    Follow(Option<Box<LogRequest>>),
}
