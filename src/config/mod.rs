//! What the settings mean: layers of raw texts become one validated [`Config`], each value with its origin.
//!
//! Knows neither clap nor the other modules: what a section means for them is written in `cli/wire.rs`.

pub mod error;
pub mod layer;
mod resolve;
mod section;
mod value;

pub use error::ConfigError;
pub use layer::{Layer, Origin, Settings, variable};
pub use section::{Collecting, Color, Config, Connection, Display, Output, Scope, StagesWidth, TokenSource, Verdict};
