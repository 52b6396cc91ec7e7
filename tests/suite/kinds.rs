//! The closed lists of the README: kinds of problems, and states of rows, as the code has them.

use glwatch::domain::failure::FailureKind;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const README: &str = include_str!("../../README.md");

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Returns the words in double quotes that stand directly behind a text.
fn words_behind(code: &str, before: &str) -> Vec<String> {
    let rest = code.split(before).skip(1);
    rest.filter_map(|rest| rest.split('"').next()).filter(|word| is_word(word)).map(str::to_owned).collect()
}

/// Returns what a `word` method of this file can return.
fn words_of(path: &str) -> BTreeSet<String> {
    let code = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (_, body) = code.split_once("pub fn word(").unwrap();
    let (body, _) = body.split_once("\n    }\n").unwrap();
    words_behind(body, "=> \"").into_iter().collect()
}

fn kinds() -> BTreeSet<String> {
    FailureKind::NAMED.iter().map(|kind| kind.word().into_owned()).chain(["http_…".to_owned()]).collect()
}

#[test]
fn the_readme_lists_every_kind_of_problem_and_no_other() {
    let (_, list) = README.split_once("<!-- kinds -->").unwrap();
    let (list, _) = list.split_once("<!-- kinds end -->").unwrap();
    let first_cells = list.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let listed: BTreeSet<String> =
        first_cells.flat_map(|cell| cell.split(", ")).map(|word| word.trim_matches('`').to_owned()).collect();
    assert_eq!(listed, kinds());
}

#[test]
fn the_readme_lists_every_state_of_a_row() {
    let line = README.lines().find(|line| line.starts_with("- `projects[].state`")).unwrap();
    for word in words_of("src/domain/project.rs") {
        assert!(line.contains(&format!("`{word}`")), "{word}: {line}");
    }
}
