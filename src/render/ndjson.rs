//! Events as JSON, one per line, for log shippers and `jq`.

use super::json::write_line;
use crate::report::contract::{SnapshotEvent, StatusDocument};
use crate::report::event::ChangeEvent;
use crate::report::history::FactEntry;
use std::io::{self, Write};

/// Writes a snapshot as one line.
pub(crate) fn write_snapshot(document: StatusDocument<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_line(&SnapshotEvent::from(document), out)
}

/// Writes something that happened as one line.
pub(crate) fn write_event(event: &ChangeEvent<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_line(event, out)
}

/// Writes a remembered fact as one line.
pub(crate) fn write_fact(fact: &FactEntry, out: &mut dyn Write) -> io::Result<()> {
    write_line(fact, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::excerpt::SnapshotView;
    use crate::render::example::one_pipeline;
    use crate::render::json;
    use serde_json::{Value, json};

    #[test]
    fn a_snapshot_is_one_line_with_the_whole_contract() {
        let snapshot = one_pipeline();
        let excerpt = SnapshotView::all(&snapshot);
        let (mut line, mut document) = (Vec::new(), Vec::new());
        write_snapshot(StatusDocument::from(&excerpt), &mut line).unwrap();
        json::write(&StatusDocument::from(&excerpt), &mut document).unwrap();
        let text = String::from_utf8(line).unwrap();
        assert!(text.starts_with(r#"{"event":"snapshot","schema":"glwatch.status/1","host":"#), "{text}");
        assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");
        assert!(text.contains(r"bell \u0007, C1 \u009b, bidi \u202e, line \u2028, größe"), "{text}");
        let mut expected: Value = serde_json::from_slice(&document).unwrap();
        expected["event"] = json!("snapshot");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }
}
