//! How facts look as text: ages, durations, plurals, cell widths, glyphs, what fits where, and foreign text and logs made
//! harmless.
//!
//! Pure: no I/O, no clock, no colour. It knows `domain` and nothing else of the crate.

pub(crate) mod age;
pub(crate) mod credential;
pub(crate) mod duration;
pub(crate) mod fit;
pub mod glyph;
pub(crate) mod json_place;
pub mod log;
pub(crate) mod plural;
pub(crate) mod sanitise;
pub(crate) mod size;
pub(crate) mod stages;
pub(crate) mod width;
pub(crate) mod wrap;
