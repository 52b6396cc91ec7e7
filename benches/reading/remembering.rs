//! What the memory costs: filling it, and the answers that come out of it.

use crate::Result;
use crate::program::Home;
use crate::server::{Server, World};
use std::time::Duration;

const PROJECTS: u64 = 200;
const DAYS: u64 = 90;
/// Each command, in the order in which one run finds what an earlier one has kept.
const COMMANDS: [(&str, &[&str]); 6] = [
    ("fill, first", &["history", "fill", "--since", "30d"]),
    ("fill, second", &["history", "fill", "--since", "30d"]),
    ("stats", &["stats", "--since", "30d"]),
    ("dora, first", &["dora", "--since", "90d"]),
    ("dora, second", &["dora", "--since", "90d"]),
    ("dora --explain", &["dora", "--since", "90d", "--explain", "change-fail-rate"]),
];

pub(crate) fn report() -> Result<()> {
    println!(
        "history fill, stats and dora; {PROJECTS} projects with {DAYS} days of pipelines, merge requests and deployments"
    );
    println!("{:<16}{:>10}{:>9}{:>8}{:>9}", "command", "requests", "wall s", "CPU s", "peak MB");
    let world = World { days: DAYS, ..World::quiet(PROJECTS, Duration::ZERO) };
    let (server, home) = (Server::start(world)?, Home::new()?);
    for (name, command) in COMMANDS {
        let run = home.remember(&server, command)?;
        let weight = run.weight.map_or_else(
            || format!("{:>8}{:>9}", "-", "-"),
            |weight| format!("{:>8.2}{:>9.1}", weight.cpu_seconds, weight.peak_megabytes),
        );
        println!("{name:<16}{:>10}{:>9.2}{weight}", run.stats.requests(), run.wall.as_secs_f64());
    }
    println!();
    Ok(())
}
