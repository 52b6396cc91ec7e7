//! The live view over a group in which nothing happens, or little: what a refresh costs, and what stays in memory.

use crate::program::{Home, Live, Process};
use crate::server::{Server, Stats, World};
use crate::{Api, Result};
use std::time::{Duration, Instant};

/// Between two refreshes, so that they can be told apart.
const APART: &str = "1s";
/// So long without a request is between two refreshes.
const SILENCE: Duration = Duration::from_millis(500);
/// Whatever takes longer than this does not come.
const DEADLINE: Duration = Duration::from_secs(120);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) fn report() -> Result<()> {
    refreshes()?;
    memory()
}

fn refreshes() -> Result<()> {
    println!("Watching (live view, 120 x 40): what one refresh costs");
    println!(
        "{:<9}{:<9}{:>7}{:>20}{:>13}{:>8}{:>16}",
        "api", "projects", "active", "requests / target", "received kB", "CPU ms", "% of a core*"
    );
    for api in [Api::Graphql, Api::Rest] {
        for (projects, active) in [(20, 0), (200, 0), (1000, 0), (2000, 0), (200, 10)] {
            refresh(api, projects, active)?;
        }
    }
    println!("* at the default interval of 10 s (target: below 1 % at 1000 projects)\n");
    Ok(())
}

/// A moment at which nothing is under way.
struct Pause {
    stats: Stats,
    process: Option<Process>,
}

fn refresh(api: Api, projects: u64, active: u64) -> Result<()> {
    let server = Server::start(World { active, ..World::quiet(projects, Duration::ZERO) })?;
    let home = Home::new()?;
    let live = home.watch_at(&server, api, APART)?;
    let pauses = [pause(&server, &live)?, pause(&server, &live)?, pause(&server, &live)?];
    let mut costs: Vec<(u64, f64, Option<Duration>)> = Vec::new();
    for pair in pauses.windows(2) {
        let cpu = pair[1].process.zip(pair[0].process).map(|(after, before)| after.cpu - before.cpu);
        let bytes = pair[1].stats.megabytes() - pair[0].stats.megabytes();
        costs.push((pair[1].stats.requests() - pair[0].stats.requests(), bytes * 1e3, cpu));
    }
    let same = costs.iter().all(|(requests, ..)| *requests == costs[0].0);
    let target = match api {
        Api::Rest => api.quiet_refresh(projects) + 3 * active,
        Api::Graphql => api.quiet_refresh(projects - active) + active.div_ceil(100),
    };
    let requests = if same { costs[0].0.to_string() } else { format!("{}, {}", costs[0].0, costs[1].0) };
    // The cheaper of the two: the work of other processes never makes it cheaper.
    let cpu = costs.iter().filter_map(|(.., cpu)| *cpu).min();
    println!(
        "{:<9}{projects:<9}{active:>7}{:>20}{:>13.1}{:>8}{:>16}",
        api.word(),
        format!("{requests} / {target}"),
        costs[1].1,
        cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{:.1}", cpu.as_secs_f64() * 1e3)),
        cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{:.2}", cpu.as_secs_f64() * 10.0)),
    );
    Ok(())
}

/// Waits until something was asked since the last time, and then nothing for a while.
fn pause(server: &Server, live: &Live) -> Result<Pause> {
    let begin = server.stats()?.requests();
    let deadline = Instant::now() + DEADLINE;
    let (mut seen, mut since) = (begin, Instant::now());
    while Instant::now() < deadline {
        std::thread::sleep(LOOK);
        let stats = server.stats()?;
        if stats.requests() != seen {
            (seen, since) = (stats.requests(), Instant::now());
        } else if seen > begin && since.elapsed() >= SILENCE {
            return Ok(Pause { stats, process: live.process() });
        }
    }
    Err("a watch does not refresh".into())
}

/// An hour of watching: so many refreshes at the default interval of 10 s.
const HOUR: u64 = 360;

fn memory() -> Result<()> {
    println!("Watching, as fast as it goes: what stays in memory (target: 25 MB at 1000 projects; no growth)");
    println!(
        "{:<9}{:<9}{:>11}{:>10}{:>14}{:>11}{:>10}",
        "api", "projects", "refreshes", "peak MB", "resident MB", "grown MB", "CPU ms"
    );
    for (api, projects, refreshes) in [(Api::Graphql, 1000, HOUR), (Api::Graphql, 5000, 60), (Api::Rest, 1000, 20)] {
        let server = Server::start(World::quiet(projects, Duration::ZERO))?;
        let home = Home::new()?;
        let live = home.watch_at(&server, api, "10ms")?;
        // What the first refreshes leave behind is no growth yet.
        let early = after(&server, &live, api, projects, refreshes / 10)?;
        let late = after(&server, &live, api, projects, refreshes / 10 + refreshes)?;
        let Some((early, late)) = early.zip(late) else {
            println!("memory and CPU are only known where there is /proc");
            break;
        };
        println!(
            "{:<9}{projects:<9}{refreshes:>11}{:>10.1}{:>14.1}{:>11.2}{:>10.1}",
            api.word(),
            late.peak_megabytes,
            late.resident_megabytes,
            late.resident_megabytes - early.resident_megabytes,
            (late.cpu - early.cpu).as_secs_f64() * 1e3 / refreshes as f64,
        );
    }
    println!();
    Ok(())
}

/// Waits until the view has refreshed so often, and returns what it takes then.
fn after(server: &Server, live: &Live, api: Api, projects: u64, refreshes: u64) -> Result<Option<Process>> {
    let kind = match api {
        Api::Rest => "pipelines",
        Api::Graphql => "graphql_Pulse",
    };
    // Over REST the first reading asks for the newest pipelines, too.
    let first = if api == Api::Rest { projects } else { 0 };
    let deadline = Instant::now() + DEADLINE;
    while Instant::now() < deadline {
        if server.stats()?.of_kind(kind) >= first + refreshes * api.quiet_refresh(projects) {
            return Ok(live.process());
        }
        std::thread::sleep(LOOK);
    }
    Err("a watch does not refresh".into())
}

impl Home {
    fn watch_at(&self, server: &Server, api: Api, interval: &str) -> Result<Live> {
        self.watch(server, api, &["--interval", interval, "--rps", "1000"])
    }
}
