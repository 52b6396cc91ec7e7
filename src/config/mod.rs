//! What the settings mean: layers of raw texts become one validated [`Config`], each value with its origin.
//!
//! Knows neither clap nor the other modules: what a section means for them is written in `cli/wire.rs`.

pub mod error;
pub mod file;
mod glab;
pub mod keys;
pub mod layer;
mod pace;
mod resolve;
mod section;
mod value;

pub use error::ConfigError;
pub use file::{File, Owner};
pub use keys::variable;
pub use layer::{Layer, Origin, Settings};
pub use section::{
    Acting, Choice, Collecting, Color, Config, Connection, Display, Export, NewerThan, Output, Pace, Scope,
    StagesWidth, TokenSource, Verdict, Wait,
};
