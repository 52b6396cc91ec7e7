//! Which lines of a log look like the error.

/// Says so wherever in the line it stands.
const TELLING: &[&str] = &[
    "AssertionError",
    "Exception in thread",
    "Killed",
    "Killed process",
    "No such file or directory",
    "Out of memory",
    "OutOfMemoryError",
    "Segmentation fault",
    "Traceback (most recent call last)",
    "cannot allocate memory",
    "command not found",
    "core dumped",
    "npm ERR!",
    "out of memory",
    "panicked at",
    "undefined reference",
];

/// Says so at the start of a line.
const OPENING: &[&str] = &["--- FAIL", "E   ", "FAIL ", "FAIL\t", "failures:", "✖", "✗", "✘"];

/// Says so as a word of its own.
const WORDS: &[&str] = &["ERROR", "FAILED", "FATAL"];

/// Says so with a colon after it, or a code in brackets: `error[E0308]:`, `TypeError:`, `fatal:`.
const LABELS: &[&str] = &["error", "Error", "ERROR", "fatal", "FATAL", "Fatal", "Exception"];

/// Says that a program ended, with a number other than 0 after it.
const STATUSES: &[&str] = &["exit code", "exit code:", "exit status", "exit status:", "exited with code"];

/// Says whether a line looks like the error, or like a part of it.
pub(super) fn is_error(line: &str) -> bool {
    let line = line.trim_end();
    if is_harmless(line) {
        return false;
    }
    let start = line.trim_start();
    OPENING
        .iter()
        .any(|opening| if opening.starts_with('E') { line.starts_with(opening) } else { start.starts_with(opening) })
        || TELLING.iter().any(|telling| line.match_indices(telling).any(|(at, _)| stands_alone(line, at, telling)))
        || WORDS.iter().any(|word| line.match_indices(word).any(|(at, _)| is_word(line, at, word)))
        || LABELS.iter().any(|label| line.match_indices(label).any(|(at, _)| is_label(line, at, label)))
        || STATUSES.iter().any(|status| number_after(line, status).is_some_and(|code| code != 0))
        || is_located_code(start)
}

/// Returns the exit code that the runner names in its last line: `ERROR: Job failed: exit code 137`.
pub(super) fn exit_code(line: &str) -> Option<i32> {
    let reason = line.trim().strip_prefix("ERROR: Job failed")?;
    STATUSES.iter().find_map(|status| number_after(reason, status))
}

/// A test that passed, a command and its flags, a count of nothing: whatever words they contain.
fn is_harmless(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let passes = [" ... ok", " ok", " passed", " ✓"].iter().any(|end| lower.ends_with(end));
    let is_tick =
        ["✓", "✔", "ok ", "pass ", "--- pass", "passed "].iter().any(|start| lower.trim_start().starts_with(start));
    let is_command = lower.starts_with("$ ") || lower.starts_with("+ ");
    let counts = ["error: 0", "errors: 0", "failed: 0", "failures: 0", "0 error", "0 failed", "0 failures", "no error"];
    let counts_nothing = counts.iter().any(|count| {
        lower.match_indices(count).any(|(at, _)| {
            !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '.')
                && !lower[at + count.len()..].starts_with(|c: char| c.is_ascii_digit())
        })
    });
    passes || is_tick || is_command || counts_nothing && !lower.contains("test result: failed")
}

fn before(line: &str, at: usize) -> Option<char> {
    line[..at].chars().next_back()
}

/// `Killed` is a sentence or its start, not the name of something; the longer ones speak for themselves.
fn stands_alone(line: &str, at: usize, telling: &str) -> bool {
    telling != "Killed" || line[..at].trim_end().is_empty() && line[at..].trim() == telling || {
        let is_after_shell = line[..at].ends_with(' ') && line[..at].contains("line ");
        is_after_shell && is_word(line, at, telling)
    }
}

/// Neither a part of a name nor a flag.
fn is_word(line: &str, at: usize, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '=');
    let mut after = line[at + word.len()..].chars();
    let next = after.next();
    let is_file = next == Some('.') && after.next().is_some_and(char::is_alphanumeric);
    !before(line, at).is_some_and(is_part) && !is_file && !next.is_some_and(|c| is_part(c) && c != '.')
}

/// `error: …` and `error[E0308]: …`, but neither `error::parse` nor `--error: …` nor `x-error: …`.
fn is_label(line: &str, at: usize, label: &str) -> bool {
    let rest = &line[at + label.len()..];
    // `TypeError:` and `java.lang.IllegalStateException:` are the ends of longer words.
    let is_name = matches!(label, "Error" | "Exception");
    let is_start = match before(line, at) {
        Some(c) if c.is_alphanumeric() => is_name,
        Some(c) => !matches!(c, '_' | '-' | '/'),
        None => true,
    };
    let is_coded = rest.starts_with('[') && rest.find(']').is_some_and(|end| rest[end + 1..].starts_with(':'));
    // GCC, tsc and MSBuild: `file(1,2): error TS2322: …`.
    let is_numbered = before(line, at) == Some(' ')
        && line[..at].trim_end().ends_with(':')
        && rest.strip_prefix(' ').and_then(|rest| rest.split_once(':')).is_some_and(|(code, _)| is_code(code));
    // ESLint: `  12:5  error  'x' is not defined`.
    let is_column = rest.starts_with("  ") && line[..at].trim().split(':').all(is_number) && at > 0;
    is_start && (is_coded || is_numbered || is_column || rest.starts_with(':') && !rest.starts_with("::"))
}

/// A linter's `file:line:column: E501 …`.
fn is_located_code(line: &str) -> bool {
    let mut parts = line.splitn(4, ':');
    let (Some(file), Some(row), Some(column), Some(rest)) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    !file.is_empty() && is_number(row) && is_number(column) && rest.split_whitespace().next().is_some_and(is_code)
}

/// `E501`, `TS2322`, `F401`, but not a warning's `W291`.
fn is_code(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letters = word.len() - digits.len();
    (1..=4).contains(&letters) && digits.len() >= 3 && is_number(digits) && !word.starts_with('W')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number_after(line: &str, words: &str) -> Option<i32> {
    let (_, rest) = line.split_once(words)?;
    let rest = rest.strip_prefix(' ')?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_the_error_is_recognised() {
        let lines = [
            "error: could not compile `api`",
            "error[E0308]: mismatched types",
            "src/main.c:3:5: error: 'x' undeclared (first use in this function)",
            "main.rs:4:1: fatal error: foo.h: No such file",
            "ERROR: Job failed: exit code 1",
            "ERROR something",
            "[ERROR] Failed to execute goal",
            "FAILED tests/test_api.py::test_get - assert 500 == 200",
            "test parse::empty ... FAILED",
            "failures:",
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured",
            "Traceback (most recent call last):",
            "E       assert 500 == 200",
            "AssertionError: expected 1",
            "TypeError: x is not a function",
            "java.lang.IllegalStateException: closed",
            "thread 'main' panicked at src/main.rs:4:5:",
            "fatal: repository 'x' not found",
            "Exception in thread \"main\" java.lang.Error",
            "npm ERR! code ELIFECYCLE",
            "  ✖ 2 problems (2 errors, 0 warnings)",
            "main.o: undefined reference to `foo'",
            "Segmentation fault (core dumped)",
            "/bin/bash: line 128: foo: command not found",
            "cat: x: No such file or directory",
            "make: *** [all] Error: exit status 2",
            "Process exited with code 3",
            "Killed",
            "/scripts/step_script: line 12:  47 Killed",
            "fatal error: out of memory",
            "  12:5  error  'x' is not defined  no-undef",
            "app/views.py:10:80: E501 line too long (92 > 79 characters)",
            "src/a.ts(3,4): error TS2322: Type 'x' is not assignable",
            "--- FAIL: TestParse (0.00s)",
            "10 errors: 3 fatal, exit status 1",
        ];
        for line in lines {
            assert!(is_error(line), "{line}");
        }
    }

    #[test]
    fn what_only_mentions_errors_is_not() {
        let lines = [
            "",
            "Compiling thiserror v2.0.0",
            "0 errors, 0 warnings",
            "errors: 0",
            "Found 0 errors. Watching for file changes.",
            "Tests run: 12, Failures: 0, Errors: 0, Skipped: 0",
            "test result: ok. 12 passed; 0 failed; 0 ignored",
            "$ run --no-error",
            "run --no-error: on",
            "tests/error_handler.rs ... ok",
            "test error::parse ... ok",
            "gcc -Wall -Werror -c main.c",
            "+ grep ERROR log",
            "  ✓ shows error: when it fails",
            "ok 3 - ERROR is handled",
            "--- PASS: TestError (0.00s)",
            "see error::Kind",
            "Process exited with code 0",
            "exit status 0",
            "Uploading ERROR.log",
            "app/views.py:10:80: W291 trailing whitespace",
            "Killed 3 stale containers",
            "SUITE E   passed",
            "12:30:00 error rate fine",
        ];
        for line in lines {
            assert!(!is_error(line), "{line}");
        }
    }

    #[test]
    fn the_runner_names_the_exit_code() {
        let cases = [
            ("ERROR: Job failed: exit code 137", Some(137)),
            ("ERROR: Job failed: exit status 1", Some(1)),
            ("ERROR: Job failed (system failure): prepare environment", None),
            ("ERROR: Job failed: execution took longer than 1h0m0s seconds", None),
            ("ERROR: Job failed: command terminated with exit code 2", Some(2)),
            ("exit code 3", None),
        ];
        for (line, expected) in cases {
            assert_eq!(exit_code(line), expected, "{line}");
        }
    }
}
