//! Lines that say of one thing each whether it is right: glyph, word, subject, finding, and below what to do.

use crate::domain::status::Status;
use crate::render::columns;
use crate::text::glyph::{Charset, glyph};
use std::io::{self, Write};

pub(super) struct Checklist {
    charset: Charset,
    lines: Vec<[String; 4]>,
}

impl Checklist {
    pub(super) fn new(charset: Charset) -> Self {
        Self { charset, lines: Vec::new() }
    }

    pub(super) fn ok(&mut self, subject: &str, finding: &str) {
        self.push(&Status::Success, "ok", subject, finding, vec![]);
    }

    pub(super) fn warning(&mut self, subject: &str, finding: &str, hints: Vec<String>) {
        self.push(&Status::Warning, "warning", subject, finding, hints);
    }

    pub(super) fn error(&mut self, subject: &str, finding: &str, hints: Vec<String>) {
        self.push(&Status::Failed, "error", subject, finding, hints);
    }

    fn push(&mut self, status: &Status, word: &str, subject: &str, finding: &str, hints: Vec<String>) {
        let glyph = glyph(status, self.charset).to_owned();
        self.lines.push([glyph, word.into(), subject.into(), finding.into()]);
        let hint = |hint| [String::new(), String::new(), String::new(), format!("Hint: {hint}")];
        self.lines.extend(hints.into_iter().map(hint));
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        columns::write(&self.lines, out)
    }
}
