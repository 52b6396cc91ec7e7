//! Turns layers of raw texts into one validated [`Config`], each value with its origin.
//!
//! Knows neither clap nor the other modules: what a section means for them is written in `cli/wire.rs`.

mod cost;
mod error;
pub(crate) mod exporter;
mod file;
mod glab;
mod history;
mod hub;
pub(crate) mod keys;
mod layer;
mod nearest;
mod notify;
mod origin;
mod pace;
mod reader;
mod resolve;
mod secret;
mod section;
mod serve;
mod settings;
mod value;
pub(crate) mod variables;

pub(crate) use error::ConfigError;
pub(crate) use file::File;
pub(crate) use hub::HubSettings;
pub(crate) use keys::variable;
pub(crate) use layer::Layer;
pub(crate) use notify::{NoticeCommand, NoticeWay, NotifySettings};
pub(crate) use origin::{Origin, Owner};
pub(crate) use secret::SecretSource;
pub(crate) use section::{
    Choice, ClientCertificate, Color, Config, Connection, Display, Export, NewerThan, Output, StagesWidthSetting, Wait,
};
pub(crate) use serve::{CableUse, NamedSecret};
pub(crate) use settings::Settings;
