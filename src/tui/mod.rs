//! The dashboard: what is known of the groups, redrawn as it changes, with screens that lead from a group to a job's log.
//!
//! State ([`app`], [`screens`]), change ([`update`]) and picture ([`view`]) are apart; only [`run`] and [`terminal`] touch
//! the terminal. Screens form a stack above the first one, the list of projects: enter opens the next, esc goes back to
//! exactly where one was.

pub mod acting;
pub mod announcement;
pub mod app;
mod banner;
pub mod effect;
pub mod event_entry;
pub mod facts;
pub mod filter;
mod input;
pub mod keymap;
mod links;
mod log_moves;
mod log_orders;
mod log_sections;
pub mod log_view;
mod more_pipelines;
mod mouse;
pub mod named_view;
mod navigate;
mod needs;
mod older;
mod outside;
pub mod pending;
pub mod plain;
pub mod plain_run;
pub mod remembered;
pub mod run;
pub mod screens;
pub mod tally;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;

#[cfg(test)]
mod tests;
