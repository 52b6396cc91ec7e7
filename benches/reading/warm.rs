//! A group that an earlier process has read: what its cache saves, and how soon there is something to see.

use crate::program::Home;
use crate::server::{Server, World};
use crate::{Api, Result};
use std::time::Duration;

const LATE: Duration = Duration::from_millis(100);
const RUNS: usize = 5;

/// Reads each group twice from the same home; the median of the second readings counts.
pub(crate) fn report() -> Result<()> {
    println!("Warm: the second process in the same cache directory; every answer {} ms late", LATE.as_millis());
    println!("{:<9}{:<9}{:>10}{:>8}{:>9}{:>17}", "api", "projects", "requests", "trips", "wall s", "first paint ms");
    for api in [Api::Graphql, Api::Rest] {
        for projects in [20, 200, 2000] {
            if (api, projects) != (Api::Rest, 2000) {
                row(api, projects)?;
            }
        }
    }
    println!("first paint: from starting the live view to the first frame with rows (target: below 50 ms)\n");
    Ok(())
}

fn row(api: Api, projects: u64) -> Result<()> {
    let server = Server::start(World::quiet(projects, LATE))?;
    let home = Home::new()?;
    home.read_once(&server, api, &[])?;
    let runs = if api == Api::Rest { 1 } else { RUNS };
    let mut warm = (0..runs).map(|_| home.read_once(&server, api, &[])).collect::<Result<Vec<_>>>()?;
    warm.sort_by_key(|run| run.wall);
    let mut paints = (0..runs)
        .map(|_| home.watch(&server, api, &[])?.until_shown(" projects  "))
        .collect::<Result<Vec<Duration>>>()?;
    paints.sort_unstable();
    let (run, wall) = (&warm[runs / 2], warm[runs / 2].wall.as_secs_f64());
    println!(
        "{:<9}{projects:<9}{:>10}{:>8.1}{wall:>9.2}{:>17.1}",
        api.word(),
        run.stats.requests(),
        wall / LATE.as_secs_f64(),
        paints[runs / 2].as_secs_f64() * 1e3,
    );
    Ok(())
}
