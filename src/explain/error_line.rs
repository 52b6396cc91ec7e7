//! Finds the lines of a log that look like an error, and weighs them.

/// How much a line tells about the failure, from the least on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ErrorWeight {
    /// A tool says that another one failed, or counts: `make: *** [all] Error 2`, `error: could not compile`.
    Wrapper,
    /// It calls itself an error, or mentions one: `ERROR: …`, `No such file or directory`.
    Labelled,
    /// A compiler's located error, an exception, what a remote host answered.
    Specific,
    /// A test's own verdict: `--- FAIL: TestParse`.
    Test,
}

/// Says so anywhere in the line.
const TELLING: &[(&str, ErrorWeight)] = &[
    ("AssertionError", ErrorWeight::Specific),
    ("Connection refused", ErrorWeight::Labelled),
    ("Connection timed out", ErrorWeight::Labelled),
    ("Could not resolve host", ErrorWeight::Labelled),
    ("Exception in thread", ErrorWeight::Specific),
    ("Execution failed for task", ErrorWeight::Specific),
    ("Host key verification failed", ErrorWeight::Specific),
    ("Killed", ErrorWeight::Specific),
    ("Killed process", ErrorWeight::Specific),
    ("No route to host", ErrorWeight::Labelled),
    ("No space left on device", ErrorWeight::Specific),
    ("No such file or directory", ErrorWeight::Labelled),
    ("Out of memory", ErrorWeight::Specific),
    ("OutOfMemoryError", ErrorWeight::Specific),
    ("Permission denied (", ErrorWeight::Specific),
    ("Segmentation fault", ErrorWeight::Specific),
    ("Temporary failure in name resolution", ErrorWeight::Labelled),
    ("Traceback (most recent call last)", ErrorWeight::Wrapper),
    ("Undefined symbols for architecture", ErrorWeight::Specific),
    ("cannot allocate memory", ErrorWeight::Specific),
    ("command not found", ErrorWeight::Specific),
    ("core dumped", ErrorWeight::Specific),
    ("heap out of memory", ErrorWeight::Specific),
    ("npm ERR!", ErrorWeight::Wrapper),
    ("npm error", ErrorWeight::Wrapper),
    ("out of memory", ErrorWeight::Specific),
    ("panicked at", ErrorWeight::Specific),
    ("permission denied", ErrorWeight::Labelled),
    ("Permission denied", ErrorWeight::Labelled),
    ("undefined reference", ErrorWeight::Specific),
];

/// Says so at the start of a line.
const OPENING: &[(&str, ErrorWeight)] = &[
    ("! [rejected]", ErrorWeight::Specific),
    ("! [remote rejected]", ErrorWeight::Specific),
    ("** (", ErrorWeight::Specific),
    ("** BUILD FAILED **", ErrorWeight::Wrapper),
    ("--- FAIL", ErrorWeight::Test),
    ("BUILD FAILED", ErrorWeight::Wrapper),
    ("Build FAILED", ErrorWeight::Wrapper),
    ("CMake Error", ErrorWeight::Specific),
    ("ERR_PNPM_", ErrorWeight::Specific),
    ("Error from server", ErrorWeight::Specific),
    ("Error response from daemon", ErrorWeight::Specific),
    ("FAIL ", ErrorWeight::Test),
    ("FAIL\t", ErrorWeight::Wrapper),
    ("FAILURE: ", ErrorWeight::Wrapper),
    ("curl: (", ErrorWeight::Specific),
    ("error Command failed", ErrorWeight::Wrapper),
    ("failures:", ErrorWeight::Wrapper),
    ("not ok ", ErrorWeight::Test),
    ("panic: ", ErrorWeight::Specific),
    ("remote: GitLab: ", ErrorWeight::Specific),
    ("rspec ./", ErrorWeight::Test),
    ("✖", ErrorWeight::Wrapper),
    ("✗", ErrorWeight::Test),
    ("✘", ErrorWeight::Test),
    ("✕", ErrorWeight::Test),
];

/// Says so at the very start of a line, with nothing before it.
const AT_MARGIN: &[(&str, ErrorWeight)] =
    &[("E   ", ErrorWeight::Specific), ("E: ", ErrorWeight::Specific), ("e: ", ErrorWeight::Specific)];

/// Says so as a word of its own.
const WORDS: &[&str] = &["ERROR", "FAILED", "FATAL"];

/// Says so with a colon after it, or a code in brackets: `error[E0308]:`, `TypeError:`, `fatal:`.
const LABELS: &[&str] = &["error", "Error", "ERROR", "fatal", "FATAL", "Fatal", "Exception"];

/// Says that a program ended, with a number other than 0 after it.
const STATUSES: &[&str] = &["exit code", "exit code:", "exit status", "exit status:", "exited with code"];

/// What ends a build whose own error was said before, anywhere in a line.
const WRAPPERS: &[&str] = &[
    " ELIFECYCLE ",
    "> Task ",
    "COMPILATION ERROR",
    "Failed to execute goal",
    "build stopped: subcommand failed",
    "could not compile",
    "due to previous error",
    "errors occurred!",
    "failed to push some refs",
    "failed to solve",
    "ld returned 1 exit status",
    "previous error",
    "recipe for target",
    "test failed, to rerun",
    "test result: FAILED",
    "there are test failures",
    "Tests run:",
];

/// Lines of package managers and build tools that say where to read on, whatever words they contain.
const BOILERPLATE: &[&str] = &[
    "A complete log of this run can be found",
    "For more information about the errors",
    "Re-run Maven using the -X",
    "This is probably not a problem with npm",
    "To see the full stack trace of the errors",
    "[Help 1]",
    "npm ERR! code ",
    "npm ERR! errno ",
    "npm ERR! path ",
    "npm error code ",
    "npm error errno ",
    "npm error path ",
];

/// Says how much a line tells about the error; `None` where it does not look like one, nor like a part of it.
pub(super) fn weight(line: &str) -> Option<ErrorWeight> {
    let line = without_build_step(line.trim_end());
    if is_harmless(line) {
        return None;
    }
    let start = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '│' | '╷' | '╵' | '|'));
    let found = [telling(line), opening(line, start), test_verdict(line, start), labelled(line, start)];
    let heaviest = found.into_iter().flatten().max()?;
    let is_wrapper = is_wrapper(line, start) && heaviest < ErrorWeight::Test;
    Some(if is_wrapper { ErrorWeight::Wrapper } else { heaviest })
}

/// Takes BuildKit's `#12 3.456 ` away, which precedes what the step itself wrote.
fn without_build_step(line: &str) -> &str {
    let stripped = line.strip_prefix('#').and_then(|rest| {
        let (step, rest) = rest.split_once(' ')?;
        let (time, rest) = rest.split_once(' ')?;
        (is_number(step) && time.contains('.') && time.split('.').all(is_number)).then_some(rest)
    });
    stripped.unwrap_or(line)
}

fn telling(line: &str) -> Option<ErrorWeight> {
    let is_there = |telling: &str| line.match_indices(telling).any(|(at, _)| stands_alone(line, at, telling));
    let of_shell = (line.ends_with(": not found") && line.contains("sh: ")).then_some(ErrorWeight::Specific);
    TELLING.iter().filter(|(telling, _)| is_there(telling)).map(|(_, weight)| *weight).chain(of_shell).max()
}

fn opening(line: &str, start: &str) -> Option<ErrorWeight> {
    let at_margin = AT_MARGIN.iter().filter(|(opening, _)| line.starts_with(opening));
    // A bare `FAIL` ends what `go test` says of a package.
    let bare = (start == "FAIL" || is_make(start)).then_some(ErrorWeight::Wrapper);
    OPENING
        .iter()
        .filter(|(opening, _)| start.starts_with(opening))
        .chain(at_margin)
        .map(|(_, weight)| *weight)
        .chain(bare)
        .max()
}

/// The ways in which frameworks name the test that failed.
fn test_verdict(line: &str, start: &str) -> Option<ErrorWeight> {
    let has_word = |word| line.match_indices(word).any(|(at, _)| is_word(line, at, word));
    let is_rust = start.starts_with("test ") && line.ends_with(" ... FAILED");
    let is_pytest = has_word("FAILED") && line.contains("::") || start.starts_with("ERROR ") && line.contains(".py");
    let is_gradle = line.ends_with(" FAILED") && line.contains(" > ") && !start.starts_with("> Task");
    let is_maven = (line.contains("<<< FAILURE!") || line.contains("<<< ERROR!")) && !line.contains("Tests run:");
    let is_jest = start.starts_with("● ") && line.contains(" › ");
    let is_dotnet = start.starts_with("Failed ") && (line.ends_with("ms]") || line.ends_with("s]"));
    (is_rust || is_pytest || is_gradle || is_maven || is_jest || is_dotnet).then_some(ErrorWeight::Test)
}

fn labelled(line: &str, start: &str) -> Option<ErrorWeight> {
    let is_labelled = |label: &&&str| line.match_indices(**label).any(|(at, _)| is_label(line, at, label));
    let label = LABELS.iter().find(is_labelled);
    let is_specific = label.is_some_and(|label| {
        // Compilers and tools open with it or locate it; a log's own `ERROR:` may be anybody's.
        let is_first = start.starts_with(label) && *label != "ERROR" && *label != "FATAL";
        is_first || is_located(start) || is_exception(start) || line.contains("atal error:")
    });
    if is_specific || is_located_code(start) || is_eslint(line) || is_maven_located(start) {
        return Some(ErrorWeight::Specific);
    }
    let is_word = WORDS.iter().any(|word| line.match_indices(word).any(|(at, _)| is_word(line, at, word)));
    if label.is_some() || is_word {
        return Some(ErrorWeight::Labelled);
    }
    STATUSES
        .iter()
        .any(|status| number_after(line, status).is_some_and(|code| code != 0))
        .then_some(ErrorWeight::Wrapper)
}

fn is_wrapper(line: &str, start: &str) -> bool {
    // Ninja names the target; the compiler's error follows.
    let is_ninja = start.starts_with("FAILED: ");
    let is_verdict = start.starts_with("ERROR: Job failed");
    let has_only_status = {
        let rest = start.trim_start_matches("ERROR: ").trim_start_matches("Error: ").trim_start_matches("error: ");
        let lower = rest.to_ascii_lowercase();
        STATUSES.iter().any(|status| lower.starts_with(status)) || lower.starts_with("process completed with")
    };
    is_make(start) || is_ninja || is_verdict || has_only_status || WRAPPERS.iter().any(|wrapper| line.contains(wrapper))
}

/// `make[2]: *** [Makefile:3: all] Error 2`
fn is_make(start: &str) -> bool {
    start.starts_with("make") && start.contains("*** ")
}

/// `main.c:3:5: error: …`, `src/a.ts(3,4): error TS2322: …`, `app.py:3: error: …`.
fn is_located(start: &str) -> bool {
    let place = start.split_once(": ").map_or("", |(place, _)| place);
    let digits = place.trim_end_matches(')').rsplit([':', ',', '(']).next().unwrap_or_default();
    !place.contains(char::is_whitespace) && place.len() > digits.len() && is_number(digits)
}

/// `ValueError: …`, `java.lang.IllegalStateException: …`, at the start of a line or behind `Caused by: `.
fn is_exception(start: &str) -> bool {
    let name =
        start.trim_start_matches("Caused by: ").trim_start_matches("Uncaught ").split(':').next().unwrap_or_default();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '$');
    name.len() > 5 && (name.ends_with("Error") || name.ends_with("Exception")) && name.chars().all(is_name)
}

/// `[ERROR] /src/A.java:[3,5] cannot find symbol`
fn is_maven_located(start: &str) -> bool {
    start.starts_with("[ERROR] ") && start.contains(":[") && start.contains(']')
}

/// Returns the exit code that the runner names in its last line: `ERROR: Job failed: exit code 137`.
pub(super) fn exit_code(line: &str) -> Option<i32> {
    let reason = line.trim().strip_prefix(VERDICT)?;
    STATUSES.iter().find_map(|status| number_after(reason, status))
}

/// How the runner begins its last line.
pub(super) const VERDICT: &str = "ERROR: Job failed";

/// Returns what the runner's verdict gives as the reason, where that is more than how the script ended.
///
/// `ERROR: Job failed: failed to pull image …`, `ERROR: Job failed (system failure): …`
pub(super) fn reason_of_verdict(line: &str) -> Option<&str> {
    let said = line.trim().strip_prefix(VERDICT)?;
    let reason = match said.strip_prefix(" (") {
        Some(rest) => rest.split_once("): ").map(|(_, reason)| reason),
        None => said.strip_prefix(": "),
    }?;
    (exit_code(line).is_none() && !reason.is_empty()).then_some(reason)
}

/// Says whether a line only reports that a test passed or was not run.
pub(crate) fn is_passing(line: &str) -> bool {
    let lower = line.trim().to_ascii_lowercase();
    let ends = [" ... ok", " ... ignored", " passed", " ✓", " skipped"];
    let starts = [
        "✓",
        "✔",
        "√",
        "ok ",
        "ok\t",
        "pass ",
        "pass:",
        "--- pass",
        "--- skip",
        "passed ",
        "=== run",
        "=== pause",
        "=== cont",
    ];
    let is_pytest = lower.contains("::") && (lower.contains(" passed [") || lower.contains(" passed "));
    // `test result: FAILED. 3 passed` and `2 failed, 3 passed` count what failed, too.
    let counts = lower.contains("failed") || lower.contains("error");
    lower == "pass"
        || is_pytest
        || starts.iter().any(|start| lower.starts_with(start))
        || !counts && ends.iter().any(|end| lower.ends_with(end))
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
    let is_ignored = line.contains("(ignored)") && line.contains("Error ");
    let is_boilerplate = BOILERPLATE.iter().any(|known| line.contains(known));
    let is_no_upload = line.starts_with("ERROR: No files to upload");
    // `2 failed, 0 errors` and `Tests: 1 failed, 0 skipped` do count something.
    let counts_failures = lower.contains("failed") && !lower.contains("0 failed") && !lower.contains("failed: 0");
    passes
        || is_tick
        || is_command
        || is_ignored
        || is_boilerplate
        || is_no_upload
        || counts_nothing && !lower.contains("test result: failed") && !counts_failures
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
    is_start && (is_coded || is_numbered || rest.starts_with(':') && !rest.starts_with("::"))
}

/// ESLint: `  12:5  error  'x' is not defined`.
fn is_eslint(line: &str) -> bool {
    line.split_once("  error  ").is_some_and(|(place, _)| !place.is_empty() && place.trim().split(':').all(is_number))
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
            "npm ERR! missing script: build",
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
            assert!(weight(line).is_some(), "{line}");
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
            assert!(weight(line).is_none(), "{line}");
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

    #[test]
    fn a_line_weighs_as_much_as_it_tells() {
        use ErrorWeight::{Labelled, Specific, Test, Wrapper};
        let cases = [
            ("--- FAIL: TestParseVariable (0.00s)", Test),
            ("FAILED tests/test_a.py::test_x - assert 1 == 2", Test),
            ("tests/test_a.py::test_x FAILED   [ 50%]", Test),
            ("test parse::empty ... FAILED", Test),
            ("CalculatorTest > adds() FAILED", Test),
            ("FAIL src/app.test.js", Test),
            ("  ● cart › adds an item", Test),
            ("not ok 3 - parses", Test),
            ("rspec ./spec/cart_spec.rb:12 # Cart adds", Test),
            ("[ERROR] com.acme.CartTest.adds  Time elapsed: 0.01 s  <<< FAILURE!", Test),
            ("  Failed Acme.CartTest.Adds [12 ms]", Test),
            ("main.c:3:5: fatal error: foo.h: No such file or directory", Specific),
            ("src/a.ts(3,4): error TS2322: Type 'x' is not assignable", Specific),
            ("error[E0308]: mismatched types", Specific),
            ("│ Error: Invalid provider configuration", Specific),
            ("git@example.com: Permission denied (publickey).", Specific),
            ("Execution failed for task ':test'.", Specific),
            ("ValueError: not a number", Specific),
            ("Caused by: java.lang.IllegalStateException: closed", Specific),
            ("fatal: repository 'x' not found", Specific),
            ("E: Unable to locate package foo", Specific),
            ("curl: (22) The requested URL returned error: 404", Specific),
            ("/bin/sh: 1: foo: not found", Specific),
            ("[ERROR] /src/A.java:[3,5] cannot find symbol", Specific),
            ("#12 1.234 main.c:3:5: error: expected ';'", Specific),
            ("Error from server (NotFound): deployments.apps \"api\" not found", Specific),
            ("CMake Error at CMakeLists.txt:3 (message):", Specific),
            ("ERROR: please fix Makefile", Labelled),
            ("2026-11-20 ERROR pool exhausted", Labelled),
            ("ERROR: Could not find a version that satisfies the requirement x", Labelled),
            ("make: *** [Makefile:3: all] Error 2", Wrapper),
            ("error: could not compile `api` (lib) due to 1 previous error", Wrapper),
            ("FAILURE: Build failed with an exception.", Wrapper),
            ("FAIL\tgitlab.com/x/common\t0.018s", Wrapper),
            ("FAIL", Wrapper),
            ("> Task :test FAILED", Wrapper),
            ("npm ERR! app@1.0.0 build: `webpack`", Wrapper),
            ("ERROR: Job failed: exit code 1", Wrapper),
            ("[ERROR] Failed to execute goal x:y: Compilation failure", Wrapper),
            ("Traceback (most recent call last):", Wrapper),
            ("collect2: error: ld returned 1 exit status", Wrapper),
        ];
        for (line, expected) in cases {
            assert_eq!(weight(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn where_to_read_on_and_what_was_ignored_is_no_error() {
        let lines = [
            "npm ERR! A complete log of this run can be found in: /root/.npm/_logs/x.log",
            "npm ERR! code ELIFECYCLE",
            "[ERROR] -> [Help 1]",
            "make: [Makefile:3: clean] Error 1 (ignored)",
            "ERROR: No files to upload",
        ];
        for line in lines {
            assert_eq!(weight(line), None, "{line}");
        }
    }

    #[test]
    fn a_verdict_that_names_more_than_an_exit_code_has_a_reason() {
        let cases = [
            ("ERROR: Job failed: exit code 1", None),
            ("ERROR: Job failed: command terminated with exit code 2", None),
            ("ERROR: Job failed: exit status 1", None),
            ("ERROR: Job failed (system failure): prepare environment: x", Some("prepare environment: x")),
            (
                "ERROR: Job failed: failed to pull image \"x\" with specified policies [always]: manifest unknown",
                Some("failed to pull image \"x\" with specified policies [always]: manifest unknown"),
            ),
            (
                "ERROR: Job failed: execution took longer than 1h0m0s seconds",
                Some("execution took longer than 1h0m0s seconds"),
            ),
            ("ERROR: Job failed", None),
        ];
        for (line, expected) in cases {
            assert_eq!(reason_of_verdict(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_of_tests_that_passed_are_told_from_those_that_count_failures() {
        for line in [
            "test a ... ok",
            "--- PASS: TestA (0.00s)",
            "=== RUN   TestA",
            "tests/a.py::b PASSED  [ 3%]",
            "  ✓ adds",
            "PASS",
        ] {
            assert!(is_passing(line), "{line}");
        }
        for line in ["2 failed, 3 passed", "test a ... FAILED", "--- FAIL: TestA", "passing through", "step 3 done"] {
            assert!(!is_passing(line), "{line}");
        }
    }
}
