//! The digest as Markdown for a merge request, a job summary or a chat: in GitLab's dialect, harmless in others.
//!
//! Foreign text becomes text. GitLab looks for mentions, references and addresses after the Markdown has been read
//! (<https://docs.gitlab.com/user/markdown/#gitlab-specific-references>), so a backslash or an entity does not stop it:
//! what would start one is followed by a space of no width.

use crate::report::markdown_digest::{DigestEntry, LinkedText, MarkdownDigest};
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use crate::text::sanitise::sanitise;
use std::io::{self, Write};

/// A zero-width space as an entity: a reader of the source sees that it is there.
const BREAK: &str = "&#8203;";

/// Writes the digest.
pub(crate) fn write(digest: &MarkdownDigest, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", headline(digest))?;
    if !digest.missing.is_empty() {
        writeln!(out, "\n**Incomplete:**\n")?;
        for cause in &digest.missing {
            writeln!(out, "- {}", escaped(cause))?;
        }
    }
    if !digest.first.is_empty() {
        writeln!(out)?;
        write_table(&digest.first, out)?;
    }
    if !digest.quiet.is_empty() {
        // Blank lines around the table: without them it is HTML, not Markdown.
        writeln!(out, "\n<details><summary>{} without findings</summary>\n", counted(digest.quiet.len(), "row"))?;
        write_table(&digest.quiet, out)?;
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}

/// `**42 projects** in [acme](..): 3 failed, 30 success, 2 without pipeline · 2026-11-20 20:00 CET`
fn headline(digest: &MarkdownDigest) -> String {
    let counts = &digest.counts;
    let mut parts: Vec<String> =
        counts.by_status.iter().map(|(status, count)| format!("{count} {}", escaped(status.word()))).collect();
    let by_state = [
        (counts.error, counted(counts.error, "error")),
        (counts.no_access, format!("{} no access", counts.no_access)),
        (counts.no_pipeline, format!("{} without pipeline", counts.no_pipeline)),
    ];
    parts.extend(by_state.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text));
    let groups: Vec<String> = digest.groups.iter().map(linked).collect();
    let place = if groups.is_empty() { String::new() } else { format!(" in {}", groups.join(", ")) };
    let colon = if parts.is_empty() { "" } else { ": " };
    let hidden = if digest.hidden > 0 { format!(" · {} not shown", digest.hidden) } else { String::new() };
    let projects = counted(counts.projects, "project");
    format!("**{projects}**{place}{colon}{}{hidden} · {}", parts.join(", "), digest.taken_at)
}

fn write_table(entries: &[DigestEntry], out: &mut dyn Write) -> io::Result<()> {
    // Without a memory there is nothing in these two.
    let has_usual = entries.iter().any(|entry| !entry.usual.is_empty());
    let has_since = entries.iter().any(|entry| !entry.since.is_empty());
    let mut titles = vec!["project", "ref", "pipeline", "findings", "duration", "age"];
    titles.extend(has_usual.then_some("usual"));
    titles.extend(has_since.then_some("red for"));
    writeln!(out, "| {} |\n|{}", titles.join(" | "), "---|".repeat(titles.len()))?;
    for entry in entries {
        let glyph = entry.mark.glyph(Charset::Unicode);
        let pipeline = match &entry.pipeline {
            Some(pipeline) => format!("{glyph} {} {}", escaped(&entry.word), linked(pipeline)),
            None => format!("{glyph} {}", escaped(&entry.word)),
        };
        let mut cells = vec![
            linked(&entry.project),
            escaped(&entry.git_ref),
            pipeline,
            escaped(&entry.note),
            entry.duration.clone(),
            entry.age.clone(),
        ];
        cells.extend(has_usual.then(|| escaped(&entry.usual)));
        cells.extend(has_since.then(|| entry.since.clone()));
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

fn linked(link: &LinkedText) -> String {
    let text = escaped(&link.text);
    match &link.url {
        Some(url) => format!("[{text}]({url})"),
        None => text,
    }
}

/// Returns foreign text that shows as it is and does nothing.
pub(super) fn escaped(text: &str) -> String {
    let clean = sanitise(text);
    let mut safe = String::with_capacity(clean.len());
    let mut rest = clean.trim().chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // As entities: a backslash before a pipe or bracket is not understood everywhere.
            '|' | '\\' | '[' | ']' | '`' => safe.push_str(&format!("&#{};", u32::from(c))),
            '*' | '_' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
        let starts_reference = matches!(c, '@' | '#' | '!' | '$' | '%' | '&' | '~' | '^' | ':' | '[');
        if starts_reference && rest.peek().is_some_and(|next| !next.is_whitespace()) {
            safe.push_str(BREAK);
        }
        // A bare `www.` is an address in GitHub's and GitLab's dialects.
        if matches!(c, 'w' | 'W') && rest.peek() == Some(&'.') {
            safe.push_str(BREAK);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::excerpt::SnapshotView;
    use crate::domain::snapshot::Snapshot;
    use crate::render::example::{one_of_each, one_pipeline, pipeline, project, snapshot};
    use chrono_tz::Europe::Paris;

    fn rendered(snapshot: &Snapshot) -> String {
        let mut out = Vec::new();
        write(&MarkdownDigest::new(&SnapshotView::all(snapshot), Paris), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_needs_a_look_first_and_the_rest_folded() {
        insta::assert_snapshot!(rendered(&one_of_each()), @r###"
    **13 projects** in [acme](https://gitlab.example.com/groups/acme): 3 failed, 1 quarantined, 1 running, 1 warning, 3 success, 1 error, 1 no access, 2 without pipeline · 2026-11-20 20:00 CET

    **Incomplete:**

    - the project list of acme lost a part: page 3 of 4 answered 502
    - 1 project could not be read

    | project | ref | pipeline | findings | duration | age |
    |---|---|---|---|---|---|
    | [acme/payments/api](https://gitlab.example.com/acme/payments/api) | main | ✗ failed #&#8203;8123 |  | 6m 12s | 6m |
    | [acme/payments/gateway](https://gitlab.example.com/acme/payments/gateway) | main | ✗ failed #&#8203;8121 | acme/deploy #&#8203;8202 failed | 6m 12s | 20m |
    | [acme/legacy/billing](https://gitlab.example.com/acme/legacy/billing) |  | ‼ error | GET /projects/4/pipelines: 500 Internal Server Error, after 3 attempts |  |  |
    | [acme/tools/yaml](https://gitlab.example.com/acme/tools/yaml) | main | ✗ failed #&#8203;8125 | YAML error: jobs:&#8203;test config contains unknown keys: skript |  | 0s |
    | [acme/labs/quantum](https://gitlab.example.com/acme/labs/quantum) | main | ? quarantined #&#8203;8119 |  | 6m 12s | 1h |
    | [acme/web/shop](https://gitlab.example.com/acme/web/shop) | main | ! warning #&#8203;8118 |  | 6m 12s | 1d |
    | [acme/payments/gateway](https://gitlab.example.com/acme/payments/gateway) | !&#8203;71 (train) | ● running #&#8203;8122 |  |  | 3m |
    | [acme/platform/pipelines/composite-release-train](https://gitlab.example.com/acme/platform/pipelines/composite-release-train) | main | ● running #&#8203;8120 |  |  | 15m |
    | [acme/secret/vault](https://gitlab.example.com/acme/secret/vault) |  | ⊠ no access | CI/CD is not visible to this token (403) |  |  |

    <details><summary>5 rows without findings</summary>

    | project | ref | pipeline | findings | duration | age |
    |---|---|---|---|---|---|
    | [acme/web/日本語ドキュメント](https://gitlab.example.com/acme/web/%E6%97%A5%E6%9C%AC%E8%AA%9E%E3%83%89%E3%82%AD%E3%83%A5%E3%83%A1%E3%83%B3%E3%83%88) | main | ✓ success #&#8203;8116 |  | 6m 12s | 6d |
    | [acme/web/🚀-launcher](https://gitlab.example.com/acme/web/%F0%9F%9A%80-launcher) | main (schedule) | ✓ success #&#8203;8115 |  | 6m 12s | 5h |
    | [acme/�evil��](https://gitlab.example.com/acme/%1B%5B31mevil%E2%80%AE%1B%5D0;owned) | �main� | ✓ success #&#8203;8117 |  | 6m 12s | 1h |
    | [acme/docs/handbook](https://gitlab.example.com/acme/docs/handbook) |  | – no pipeline | no pipeline yet |  |  |
    | [acme/docs/style](https://gitlab.example.com/acme/docs/style) |  | – no pipeline | no pipeline for this ref |  |  |

    </details>
    "###);
    }

    #[test]
    fn failed_jobs_are_named() {
        insta::assert_snapshot!(rendered(&one_pipeline()), @r###"
    **3 projects** in [acme](https://gitlab.example.com/groups/acme): 1 failed, 1 error, 1 without pipeline · 2026-11-20 20:00 CET

    **Incomplete:**

    - 1 project could not be read

    | project | ref | pipeline | findings | duration | age |
    |---|---|---|---|---|---|
    | [acme/payments/api](https://gitlab.example.com/acme/payments/api) | main | ✗ failed #&#8203;8123 | test / unit (script failure) | 6m 12s | 6m |
    | [acme/x](https://gitlab.example.com/acme/x) |  | ‼ error | no answer |  |  |

    <details><summary>1 row without findings</summary>

    | project | ref | pipeline | findings | duration | age |
    |---|---|---|---|---|---|
    | [acme/docs](https://gitlab.example.com/acme/docs) |  | – no pipeline | no pipeline yet |  |  |

    </details>
    "###);
    }

    #[test]
    fn a_green_group_is_one_line_and_a_fold() {
        use crate::domain::project::RowState;
        let row = project(1, "acme/p", RowState::Ok([pipeline(1, "success", 1, vec![])].into()));
        let text = rendered(&snapshot(vec![row]));
        assert!(text.contains("1 success") && text.contains("1 row without findings"), "{text}");
        assert!(!text.contains("Incomplete"), "{text}");
    }

    #[test]
    fn foreign_text_is_text() {
        let cases = [
            ("plain-text v1.2, (ok)", "plain-text v1.2, (ok)"),
            ("@all", "@&#8203;all"),
            ("a@b.example", "a@&#8203;b.example"),
            ("#12 !7 $3 %1 ^2", "#&#8203;12 !&#8203;7 $&#8203;3 %&#8203;1 ^&#8203;2"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("&lt;b&gt;", "&amp;&#8203;lt;b&amp;&#8203;gt;"),
            ("![x](http://evil)", "!&#8203;&#91;&#8203;x&#93;(http:&#8203;//evil)"),
            ("[x](javascript:alert(1))", "&#91;&#8203;x&#93;(javascript:&#8203;alert(1))"),
            ("www.evil.example", "www&#8203;.evil.example"),
            ("a|b\\|c", "a&#124;b&#92;&#124;c"),
            ("`code` *bold* _it_ ~~gone~~", "&#96;code&#96; \\*bold\\* \\_it\\_ \\~&#8203;\\~&#8203;gone\\~&#8203;\\~"),
            ("two\nlines", "two lines"),
            ("test: [3.9]", "test: &#91;&#8203;3.9&#93;"),
            (":smile:", ":&#8203;smile:"),
        ];
        for (text, expected) in cases {
            assert_eq!(escaped(text), expected, "{text}");
        }
    }
}
