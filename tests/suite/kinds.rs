//! The closed lists of the README: kinds of problems, and states of rows, as the code has them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const README: &str = include_str!("../../README.md");

/// Returns the files of the program, its tests apart.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true if name != "tests" => sources(&path, found),
            false if name.ends_with(".rs") && !["tests.rs", "example.rs", "hostile.rs"].contains(&name.as_str()) => {
                found.push(path);
            }
            _ => {}
        }
    }
}

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
    let mut kinds = words_of("src/gitlab/error.rs");
    kinds.insert("http_…".into());
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files {
        let code = fs::read_to_string(file).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap();
        if !code.contains("Failure") {
            continue;
        }
        for before in ["kind: \"", "=> (\"", "str = \""] {
            let is_kind = |word: &String| {
                // A constant, or the first of a pair, is one if a failure is made of it.
                before.starts_with("kind")
                    || code.contains("Failure { kind: kind.into()") && before.starts_with("=>")
                    || code.contains(&format!("str = \"{word}\";")) && code.contains("kind: ")
            };
            kinds.extend(words_behind(code, before).into_iter().filter(is_kind));
        }
    }
    kinds
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
