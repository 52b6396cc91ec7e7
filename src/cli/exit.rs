//! Exit codes: documented in the README and the help, never changed in meaning.

use super::output;
use std::panic;
use std::process::{self, ExitCode};

/// The code of a program that a panic ended, as Rust has it.
const PANICKED: u8 = 101;

/// How a run ended. If several apply, [`Exit::worse`] says which one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done,
    /// A project matched `--fail-on`.
    Matched,
    /// Usage or configuration error; filters leave no project.
    Usage,
    /// Not one project's pipelines could be read.
    NoData,
    /// A part could not be read.
    Partial,
    /// `--wait` reached its deadline.
    Deadline,
    /// Output could not be written.
    Unwritten,
    Interrupted,
    Terminated,
}

impl Exit {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Matched => 1,
            Self::Usage => 2,
            Self::NoData => 3,
            Self::Partial => 4,
            Self::Deadline => 5,
            Self::Unwritten => 6,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Interrupted | Self::Terminated => 0,
            Self::Usage => 1,
            Self::NoData => 2,
            Self::Unwritten => 3,
            Self::Matched => 4,
            Self::Deadline => 5,
            Self::Partial => 6,
            Self::Done => 7,
        }
    }

    /// Returns the one of the two that counts: 130/143, then 2, 3, 6, 1, 5, 4, 0.
    pub(super) fn worse(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }
}

/// What each code means, as the README and `--help` say it.
const MEANINGS: [(&str, &str); 9] = [
    ("0", "done; nothing matched `--fail-on` (default: none); `q` in the live view"),
    (
        "1",
        "a project matched `--fail-on`; the job of `glwatch logs` failed or was canceled; `serve hooks check` found a hook that is missing, disabled or lacks events",
    ),
    (
        "2",
        "usage or configuration error; the filters leave no project; the group has none (3 if missing rights are the proven reason); a `--ref NAME` that no project has; `logs` cannot tell which job is meant, or no job with a log failed",
    ),
    (
        "3",
        "no data: unreachable, unauthorised, missing scope, group or project not found, or not one project's pipelines could be read; nothing of what was to be done was done",
    ),
    (
        "4",
        "partial: a project, a page of the list, one of several groups, or a part of what `explain` rests on could not be read (`--allow-partial` makes it 0); only a part of what was to be done was done; an action was sent and its outcome is unknown (`unsure` on standard output), also where a signal came before the answer",
    ),
    ("5", "`--wait` reached its deadline; standard error names the projects"),
    ("6", "the output could not be written (the old file survives); a reader that went away is no error"),
    ("101", "glwatch itself failed, a bug: standard error says where, and what was shown before may be old"),
    (
        "130, 143",
        "interrupted (or answered with no), terminated; 4 where an action had been sent and was not answered yet",
    ),
];
/// The help is no wider than this.
const WIDTH: usize = 98;
/// Where the meanings begin.
const INDENT: usize = 12;

/// Ends the program at a panic, in whatever thread. What goes on without one of its tasks would show as watched what it no
/// longer reads; that it ended can be seen, and a service is started again.
///
/// Packages cannot go on in any case (`panic = "abort"` makes them smaller), and to abort would leave a copy of the memory,
/// with the token in it, where copies are kept.
pub(super) fn end_at_panic() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        print(panic);
        output::to_stderr(
            &["this is a bug of glwatch: report it with the lines above; start it again to go on".into()],
        );
        #[expect(clippy::exit, reason = "no other thread can be made to end, and nothing may be written after it")]
        process::exit(PANICKED.into());
    }));
}

/// Returns the table as the help prints it.
pub(super) fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for (code, meaning) in MEANINGS {
        let mut line = format!("  {code:<width$}", width = INDENT - 2);
        let mut is_first = true;
        for word in meaning.replace('`', "").split(' ') {
            if !is_first && line.len() + word.len() >= WIDTH {
                text.push_str(line.trim_end());
                text.push('\n');
                line = " ".repeat(INDENT);
                is_first = true;
            }
            if !is_first {
                line.push(' ');
            }
            line.push_str(word);
            is_first = false;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_and_the_help_have_the_same_table() {
        let readme = include_str!("../../README.md");
        let help = help();
        for (code, meaning) in MEANINGS {
            assert!(
                readme.contains(&format!("\n| {code} | {meaning} |\n")),
                "the README lacks: | {code} | {meaning} |"
            );
            let words = meaning.replace('`', "");
            let told = help.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains(&format!("{code} {words}")), "the help lacks: {code} {words}");
        }
        assert!(help.lines().all(|line| line.len() <= WIDTH), "{help}");
    }

    #[test]
    fn a_panic_of_any_thread_ends_the_program() {
        const CHILD: &str = "GLWATCH_TEST_PANIC";
        if std::env::var_os(CHILD).is_some() {
            end_at_panic();
            let _ = std::thread::spawn(|| panic!("the thread's last words")).join();
            // Not reached; the test would pass, and its process end with 0.
            return;
        }
        let mut child = process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "cli::exit::tests::a_panic_of_any_thread_ends_the_program", "--nocapture"]);
        let output = child.env(CHILD, "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(PANICKED.into()), "{said}");
        assert!(said.contains("the thread's last words") && said.contains("report it"), "{said}");
    }

    #[test]
    fn where_several_hold_the_documented_order_decides() {
        let order = [
            Exit::Interrupted,
            Exit::Usage,
            Exit::NoData,
            Exit::Unwritten,
            Exit::Matched,
            Exit::Deadline,
            Exit::Partial,
            Exit::Done,
        ];
        for (at, first) in order.iter().enumerate() {
            for second in &order[at..] {
                assert_eq!(first.worse(*second), *first);
                assert_eq!(second.worse(*first), *first);
            }
        }
    }
}
