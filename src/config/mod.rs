//! What the settings mean: layers of raw texts become one validated [`Config`], each value with its origin.
//!
//! Knows neither clap nor the other modules: what a section means for them is written in `cli/wire.rs`.

mod cost;
mod error;
mod file;
mod glab;
mod history;
pub mod keys;
mod layer;
mod nearest;
mod origin;
mod pace;
mod reader;
mod resolve;
mod secret;
mod section;
mod settings;
mod value;
pub mod variables;

pub use cost::CostSettings;
pub use error::ConfigError;
pub use file::File;
pub use history::HistorySettings;
pub use keys::variable;
pub use layer::Layer;
pub use origin::{Origin, Owner};
pub use secret::SecretSource;
pub use section::{
    Acting, Choice, ClientCertificate, Collecting, Color, Config, Connection, Display, Export, NewerThan, Output, Pace,
    Scope, StagesWidthSetting, Verdict, Wait,
};
pub use settings::Settings;
