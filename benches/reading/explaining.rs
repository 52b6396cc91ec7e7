//! Why everything that failed in a group failed: what it costs beside the reading of the group.

use crate::program::Home;
use crate::server::{Server, World};
use crate::{Api, Result};
use std::time::Duration;

const LATE: Duration = Duration::from_millis(100);
const PROJECTS: u64 = 200;

/// Explains all failed pipelines of a group; each of them has a job, a log and a test report to read.
pub(crate) fn report() -> Result<()> {
    println!("explain --all-failed; {PROJECTS} projects, every answer {} ms late", LATE.as_millis());
    println!("{:<9}{:>10}{:>8}{:>10}{:>8}{:>9}", "api", "requests", "failed", "jobs", "trips", "wall s");
    for api in [Api::Graphql, Api::Rest] {
        let server = Server::start(World::quiet(PROJECTS, LATE))?;
        let run = Home::new()?.explain_all(&server, api)?;
        let (failed, wall) = (run.stats.of_kind("trace"), run.wall.as_secs_f64());
        println!(
            "{:<9}{:>10}{failed:>8}{:>10}{:>8.1}{wall:>9.2}",
            api.word(),
            run.stats.requests(),
            run.stats.of_kind("jobs"),
            wall / LATE.as_secs_f64(),
        );
    }
    println!("failed: pipelines, as many as logs; jobs: requests for a pipeline's jobs\n");
    Ok(())
}
