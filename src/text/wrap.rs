//! Wraps text to a width between words; a word that is wider than a line is split.

use super::width::{cells, head};

/// Returns the lines; none for a text without words or a width of nothing.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if width == 0 {
        return lines;
    }
    for mut word in text.split_whitespace() {
        if let Some(line) = lines.last_mut()
            && cells(line) + 1 + cells(word) <= width
        {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        while cells(word) > width {
            // A character that is wider than the line has no place in it.
            let at = match head(word, width).len() {
                0 => word.chars().next().map_or(word.len(), char::len_utf8),
                at => at,
            };
            lines.push(word[..at].to_owned());
            word = &word[at..];
        }
        if !word.is_empty() {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_between_words_and_a_long_word_anywhere() {
        let cases: [(&str, usize, &[&str]); 7] = [
            ("", 10, &[]),
            ("one two", 10, &["one two"]),
            ("one two three", 7, &["one two", "three"]),
            ("one  two", 3, &["one", "two"]),
            ("see https://gitlab.example.com", 10, &["see", "https://gi", "tlab.examp", "le.com"]),
            ("漢字漢", 2, &["漢", "字", "漢"]),
            ("anything", 0, &[]),
        ];
        for (text, width, expected) in cases {
            assert_eq!(wrap(text, width), expected, "{text:?} in {width}");
        }
    }
}
