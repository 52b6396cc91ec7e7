//! Builds the query text that is sent from the `.graphql` files.

use super::fields::Fields;

const FRAGMENTS: &str = include_str!("fragments.graphql");

/// Puts a question and the fragments that it uses together for a server that has these fields.
///
/// A line that ends in `# Type.field` is left out where the server lacks that field: a single unknown field fails a
/// whole query. Comments and indentation are for readers and not sent.
pub(super) fn document(question: &str, fields: &Fields) -> String {
    let question = sent(question, fields);
    let mut text = question.clone();
    let fragments = sent(FRAGMENTS, fields);
    let mut wanted = names_after("...", &question);
    let mut used: Vec<&str> = Vec::new();
    while let Some(name) = wanted.pop() {
        if used.contains(&name) {
            continue;
        }
        used.push(name);
        // The server refuses a question with an unknown one; the tests hold all questions against its schema.
        let Some(start) = fragments.find(&format!("fragment {name} ")) else { continue };
        let end = fragments[start..].find("\nfragment ").map_or(fragments.len(), |end| start + end);
        let fragment = &fragments[start..end];
        text.push('\n');
        text.push_str(fragment);
        wanted.extend(names_after("...", fragment));
    }
    text
}

/// Repeats every line that has a 0 in its names for `count` of them.
pub(super) fn repeat(question: &str, count: usize) -> String {
    let lines = question.lines().flat_map(|line| {
        let is_repeated = line.contains("0:") && !line.trim_start().starts_with('#');
        let copies = if is_repeated { count } else { 1 };
        (0..copies).map(move |copy| if copy == 0 { line.to_owned() } else { renumber(line, copy) })
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Numbers the names in a line that end in 0; a number such as 100 is no name.
fn renumber(line: &str, copy: usize) -> String {
    let mut numbered = String::with_capacity(line.len());
    let mut before = ' ';
    for letter in line.chars() {
        match letter {
            '0' if before.is_ascii_alphabetic() => numbered.push_str(&copy.to_string()),
            letter => numbered.push(letter),
        }
        before = letter;
    }
    numbered
}

fn sent(file: &str, fields: &Fields) -> String {
    let line = |line: &str| {
        let (text, comment) = line.split_once('#').map_or((line, None), |(text, comment)| (text, Some(comment.trim())));
        let is_known = comment.is_none_or(|field| text.trim().is_empty() || fields.has(field));
        Some(text.trim().to_owned()).filter(|text| is_known && !text.is_empty())
    };
    file.lines().filter_map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the names that stand behind a mark.
fn names_after<'a>(mark: &str, text: &'a str) -> Vec<&'a str> {
    let name = |rest: &'a str| rest.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default();
    text.split(mark).skip(1).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_the_server_lacks_is_not_sent() {
        let question = "# comment\nquery Q {\n  id\n  source # Pipeline.source\n  name # Pipeline.name\n}";
        assert_eq!(document(question, &Fields::of(["Pipeline.name"])), "query Q {\nid\nname\n}");
    }

    #[test]
    fn the_fragments_that_are_used_come_along_once() {
        let text = document("query Q { jobs { ...Jobs ...Below } }", &Fields::default());
        assert_eq!(text.matches("fragment Jobs ").count(), 1);
        assert_eq!(text.matches("fragment Below ").count(), 1);
        assert!(!text.contains("fragment Details"), "{text}");
    }

    #[test]
    fn lines_with_a_zero_in_their_names_are_repeated() {
        let question = "# at0: a comment\nquery Q(\n  $path0: ID! $after0: String\n) {\n  at0: project(fullPath: $path0) { jobs(first: 100) }\n}";
        let expected = "# at0: a comment\nquery Q(\n  $path0: ID! $after0: String\n  $path1: ID! $after1: String\n) {\n  at0: project(fullPath: $path0) { jobs(first: 100) }\n  at1: project(fullPath: $path1) { jobs(first: 100) }\n}";
        assert_eq!(repeat(question, 2), expected);
    }
}
