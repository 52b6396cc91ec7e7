//! Parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    glwatch::run(std::env::args_os())
}
