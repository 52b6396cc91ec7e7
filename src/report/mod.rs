//! What we promise to print: rows of cells with a tone instead of a colour, and the JSON contract.
//!
//! Converts from `domain` once. It knows no terminal, no bytes, no clock; foreign text is still as GitLab sent it.

pub mod cell;
pub mod contract;
pub mod status;
