//! Lines in aligned columns; the last column has any width.

use crate::text::fit::GUTTER;
use crate::text::sanitise::sanitise;
use std::io::{self, Write};
use tabled::builder::Builder;
use tabled::settings::{Padding, Style};

/// Writes records of equal length; foreign text in them is made harmless.
pub(crate) fn write<const N: usize>(records: &[[String; N]], out: &mut dyn Write) -> io::Result<()> {
    let mut table = Builder::new();
    for record in records {
        table.push_record(record.iter().map(|cell| sanitise(cell).replace(['\n', '\t'], " ")));
    }
    let mut table = table.build();
    table.with(Style::empty()).with(Padding::new(0, GUTTER, 0, 0));
    for line in table.to_string().lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_cells_and_control_characters_are_gone() {
        let record = |left: &str, right: &str| [left.to_owned(), right.to_owned()];
        let mut written = Vec::new();
        write(&[record("日本", "a"), record("x", "two\u{1b}[31m\nlines")], &mut written).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert_eq!(text.lines().next(), Some("日本  a"));
        assert!(text.lines().nth(1).unwrap().starts_with("x     two") && !text.contains('\u{1b}'), "{text:?}");
        assert_eq!(text.lines().count(), 2);
    }
}
