//! The program by itself: how soon it starts, and how large it is.

use crate::Result;
use crate::program::{BINARY, Home};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A program that does nothing, for comparison.
const NOTHING: &str = "/bin/true";
const RUNS: usize = 20;

pub(crate) fn report() -> Result<()> {
    let home = Home::new()?;
    let line = |name: &str, median: Duration, remark: &str| {
        println!("{name:<10}{:>8.2} ms   median of {RUNS} ({remark})", median.as_secs_f64() * 1e3);
    };
    for argument in ["--version", "--help"] {
        line(argument, start_up(&home, BINARY, &[argument])?, "target: below 5 ms");
    }
    if Path::new(NOTHING).exists() {
        line(NOTHING, start_up(&home, NOTHING, &[])?, "what the system takes to start anything at all");
    }
    let size = std::fs::metadata(BINARY)?.len();
    println!("{:<10}{:>8.2} MB   the stripped binary (target: below 15 MB)", "size", size as f64 / 1e6);
    Ok(())
}

/// Returns the median time from starting a process to its end.
fn start_up(home: &Home, program: &str, arguments: &[&str]) -> Result<Duration> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        let status = home.command(program).args(arguments).stdout(Stdio::null()).status()?;
        times.push(start.elapsed());
        if !status.success() {
            return Err(format!("{program} {arguments:?} ended with {status}").into());
        }
    }
    times.sort_unstable();
    Ok(times[RUNS / 2])
}
