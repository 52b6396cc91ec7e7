//! How facts look as text: ages, durations, plurals, cell widths, glyphs, what fits where, and foreign text and logs made
//! harmless.
//!
//! Pure: no I/O, no clock, no colour. It knows `domain` and nothing else of the crate.

pub mod age;
pub mod credential;
pub mod duration;
pub mod fit;
pub mod glyph;
pub mod log;
pub mod plural;
pub mod sanitise;
pub mod size;
pub mod stages;
pub mod width;
pub mod wrap;
