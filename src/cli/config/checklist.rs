//! The findings of a check, one per line (glyph, word, subject, finding, what to do) or as JSON.

use crate::cli::exit::Exit;
use crate::domain::status::Status;
use crate::render::{columns, json};
use crate::text::glyph::{Charset, glyph};
use serde::Serialize;
use std::io::{self, Write};

pub(super) struct Checklist {
    charset: Charset,
    findings: Vec<Finding>,
}

/// One line of the list, and of the JSON.
#[derive(Serialize)]
struct Finding {
    result: &'static str,
    subject: String,
    finding: String,
    hints: Vec<String>,
}

/// The JSON of `config check -o json`.
#[derive(Serialize)]
struct CheckDocument<'a> {
    schema: &'static str,
    exit_code: u8,
    checks: &'a [Finding],
}

impl Checklist {
    pub(super) fn new(charset: Charset) -> Self {
        Self { charset, findings: Vec::new() }
    }

    pub(super) fn ok(&mut self, subject: &str, finding: &str) {
        self.push("ok", subject, finding, vec![]);
    }

    pub(super) fn warning(&mut self, subject: &str, finding: &str, hints: Vec<String>) {
        self.push("warning", subject, finding, hints);
    }

    pub(super) fn error(&mut self, subject: &str, finding: &str, hints: Vec<String>) {
        self.push("error", subject, finding, hints);
    }

    fn push(&mut self, result: &'static str, subject: &str, finding: &str, hints: Vec<String>) {
        self.findings.push(Finding { result, subject: subject.into(), finding: finding.into(), hints });
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = Vec::new();
        for Finding { result, subject, finding, hints } in &self.findings {
            let status = match *result {
                "ok" => Status::Success,
                "warning" => Status::Warning,
                _ => Status::Failed,
            };
            let glyph = glyph(&status, self.charset).to_owned();
            lines.push([glyph, (*result).to_owned(), subject.clone(), finding.clone()]);
            let hint = |hint| [String::new(), String::new(), String::new(), format!("Hint: {hint}")];
            lines.extend(hints.iter().map(hint));
        }
        columns::write(&lines, out)
    }

    pub(super) fn write_json(&self, exit: Exit, out: &mut dyn Write) -> io::Result<()> {
        let document = CheckDocument { schema: "glwatch.check/1", exit_code: exit.code(), checks: &self.findings };
        json::write_document(&document, out)
    }
}
