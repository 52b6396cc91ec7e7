//! The live view: what is known of the groups, redrawn as it changes, with a cursor to look around.
//!
//! State ([`app`]), change ([`update`]) and picture ([`view`]) are apart; only [`run`] and [`terminal`] touch the terminal.

pub mod app;
mod banner;
pub mod keymap;
pub mod run;
pub mod terminal;
pub mod update;
pub mod view;

#[cfg(test)]
mod tests;
