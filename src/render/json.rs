//! The JSON contract as bytes: indented, or one event per line; harmless when it is shown in a terminal.

use crate::report::contract::StatusDocument;
use crate::report::explain_contract::ExplainDocument;
use crate::text::sanitise::{is_bidi_control, is_control, is_line_break};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use std::io::{self, BufWriter, IntoInnerError, Write};

/// Writes the document and one line end.
pub fn write(document: &StatusDocument<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_with(PrettyFormatter::new(), document, out)
}

/// Writes the document of `glwatch explain` and one line end.
pub fn write_explain(document: &ExplainDocument<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_with(PrettyFormatter::new(), document, out)
}

/// Writes any other document and one line end.
pub fn write_document(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write_with(PrettyFormatter::new(), document, out)
}

/// Writes anything as a single line with its end.
pub(super) fn write_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write_with(CompactFormatter, value, out)
}

fn write_with(inner: impl Formatter, value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    // Every mark of the document is written on its own: a buffer that is known by its type takes it without a detour.
    let mut out = BufWriter::new(out);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, EscapingFormatter { inner });
    value.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    // Only its own buffer is emptied: the writer of many lines decides when they leave.
    out.into_inner().map(drop).map_err(IntoInnerError::into_error)
}

/// Lays out like the formatter inside and writes C1, DEL, bidi controls and exotic line ends as `\u` escapes.
///
/// C0 is escaped by `serde_json` itself, before a fragment comes here.
struct EscapingFormatter<F> {
    inner: F,
}

impl<F: Formatter> Formatter for EscapingFormatter<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly all text is of this kind; the whole document takes half the time.
        if fragment.bytes().all(|byte| matches!(byte, 0x20..=0x7E)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        let is_escaped = |c| is_control(c) || is_bidi_control(c) || is_line_break(c);
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_escaped(*c)) {
            write!(writer, "{}\\u{:04x}", &rest[..at], u32::from(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.inner.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.inner.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::excerpt::SnapshotView;
    use crate::render::example::one_pipeline;

    #[test]
    fn the_contract_key_by_key() {
        let mut out = Vec::new();
        write(&StatusDocument::from(&SnapshotView::all(&one_pipeline())), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("}\n") && !text.ends_with("\n\n"));
        insta::assert_snapshot!(text, @r###"
    {
      "schema": "glwatch.status/1",
      "host": "https://gitlab.example.com",
      "generated_at": "2026-11-20T19:00:00Z",
      "complete": false,
      "groups": [
        {
          "id": 12345,
          "full_path": "acme",
          "web_url": "https://gitlab.example.com/groups/acme"
        }
      ],
      "problems": [],
      "requests": {
        "count": 9,
        "bytes": 0,
        "limit": 2000,
        "remaining": 1991,
        "api": "rest"
      },
      "summary": {
        "projects": 3,
        "by_status": {
          "failed": 1
        },
        "no_pipeline": 1,
        "no_access": 0,
        "error": 1,
        "stale": 0
      },
      "projects": [
        {
          "id": 77,
          "full_path": "acme/payments/api",
          "name": "api",
          "web_url": "https://gitlab.example.com/acme/payments/api",
          "ancestor_names": [],
          "default_branch": "main",
          "state": "ok",
          "ever_ran": true,
          "error": null,
          "as_of": "2026-11-20T19:00:00Z",
          "pipelines": [
            {
              "id": 8123,
              "iid": 45,
              "status": "failed",
              "worst": "failed",
              "warnings": false,
              "unread": null,
              "ref": "main",
              "ref_kind": "branch",
              "sha": "4f2d1c",
              "source": "push",
              "name": null,
              "created_at": "2026-11-20T18:54:00Z",
              "started_at": "2026-11-20T18:54:03Z",
              "finished_at": null,
              "updated_at": "2026-11-20T19:00:15Z",
              "duration_s": 372,
              "queued_s": 3,
              "coverage": 84.2,
              "user": "ada",
              "commit_title": "bell \u0007, C1 \u009b, bidi \u202e, line \u2028, größe",
              "failure_reason": null,
              "yaml_errors": null,
              "web_url": null,
              "what": "test / unit (script failure)",
              "usual_s": null,
              "since": "2026-11-20T19:00:15Z",
              "red_since": null,
              "first_red": null,
              "attribution": null,
              "stages": [
                {
                  "name": "test",
                  "status": "failed",
                  "jobs": [
                    {
                      "id": 991,
                      "name": "unit",
                      "kind": "job",
                      "status": "failed",
                      "allow_failure": false,
                      "attempts": 2,
                      "started_at": "2026-11-20T18:58:58Z",
                      "finished_at": "2026-11-20T19:00:00Z",
                      "duration_s": 61,
                      "failure_reason": "script_failure",
                      "web_url": null,
                      "target_url": null,
                      "description": null,
                      "downstream_id": null
                    }
                  ]
                }
              ],
              "downstream": [
                {
                  "id": 8200,
                  "depth": 1,
                  "project": "acme/deploy",
                  "status": "running",
                  "worst": "running",
                  "warnings": false,
                  "unread": false,
                  "web_url": null
                }
              ]
            }
          ]
        },
        {
          "id": 78,
          "full_path": "acme/docs",
          "name": "docs",
          "web_url": "https://gitlab.example.com/acme/docs",
          "ancestor_names": [],
          "default_branch": "main",
          "state": "no_pipeline",
          "ever_ran": false,
          "error": null,
          "as_of": "2026-11-20T19:00:00Z",
          "pipelines": []
        },
        {
          "id": 79,
          "full_path": "acme/x",
          "name": "x",
          "web_url": "https://gitlab.example.com/acme/x",
          "ancestor_names": [],
          "default_branch": "main",
          "state": "error",
          "ever_ran": null,
          "error": {
            "kind": "http_500",
            "message": "no answer",
            "request": null
          },
          "as_of": "2026-11-20T19:00:00Z",
          "pipelines": []
        }
      ]
    }
    "###);
    }

    #[test]
    fn no_foreign_text_acts_on_a_terminal_and_every_character_reads_back() {
        let everything: String = (0..0x3000).filter_map(char::from_u32).collect();
        let mut out = Vec::new();
        let mut serializer =
            serde_json::Serializer::with_formatter(&mut out, EscapingFormatter { inner: PrettyFormatter::new() });
        everything.serialize(&mut serializer).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.chars().any(|c| is_control(c) || is_bidi_control(c) || is_line_break(c)));
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), everything);
    }
}
