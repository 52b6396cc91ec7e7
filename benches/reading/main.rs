//! What reading a group costs over REST and over GraphQL: requests, round trips, bytes, CPU and memory of the real binary
//! against the simulated GitLab in a process of its own. It reports and never judges; it fails only when it could not
//! measure. `benches/README.md` says how to read it.

#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

mod explaining;
mod once;
mod program;
mod remembering;
mod server;
mod startup;
#[path = "../../tests/support/terms.rs"]
mod terms;
mod warm;
mod watching;

use std::error::Error;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The two ways to read a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    Rest,
    Graphql,
}

impl Api {
    fn word(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Graphql => "graphql",
        }
    }

    /// Returns what is expected of a refresh in which nothing has happened.
    fn quiet_refresh(self, projects: u64) -> u64 {
        match self {
            Self::Rest => projects,
            Self::Graphql => projects.div_ceil(terms::PAGE),
        }
    }
}

/// A part of the report, and what prints it.
type Section = (&'static str, fn() -> Result<()>);

const SECTIONS: [Section; 6] = [
    ("once", once::report),
    ("warm", warm::report),
    ("explaining", explaining::report),
    ("watching", watching::report),
    ("remembering", remembering::report),
    ("startup", startup::report),
];

/// Prints the sections that are named; all where none is.
fn report(named: &[&str]) -> Result<()> {
    println!("glwatch reads a group; 4 stages x 3 jobs a project, but for the demo group\n");
    for (name, print) in SECTIONS {
        if named.is_empty() || named.contains(&name) {
            print()?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let outcome = match words[..] {
        ["serve", projects, active, days, latency] => server::serve(projects, active, days, latency),
        _ => report(&words),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("could not measure: {error}");
            ExitCode::FAILURE
        }
    }
}
