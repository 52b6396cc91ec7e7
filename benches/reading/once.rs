//! A group read once, by a process that knows nothing of it yet.

use crate::program::{Home, Run, Weight};
use crate::server::{Server, Stats, World};
use crate::terms::Terms;
use crate::{Api, Result};
use std::time::Duration;

/// The default of `--concurrency`.
const CONCURRENCY: u64 = 8;
const LATE: Duration = Duration::from_millis(100);

/// One world, and how it is read.
struct Case {
    name: &'static str,
    api: Api,
    world: World,
    runs: usize,
    more: &'static [&'static str],
}

/// Where the default rate would rule, the highest is asked for: see the note under the table.
const AT_FULL_RATE: &[&str] = &["--rps", "1000"];

fn cases() -> Vec<Case> {
    let quiet = |api, name: &'static str, projects, runs, more| Case {
        name,
        api,
        world: World::quiet(projects, LATE),
        runs,
        more,
    };
    let demo = |api| {
        let world = World { projects: None, active: 0, days: 0, latency: LATE };
        Case { name: "demo", api, world, runs: 3, more: &[] }
    };
    vec![
        quiet(Api::Rest, "20", 20, 3, &[]),
        quiet(Api::Rest, "200", 200, 1, &[]),
        quiet(Api::Rest, "2000", 2000, 1, AT_FULL_RATE),
        demo(Api::Rest),
        quiet(Api::Graphql, "20", 20, 5, &[]),
        quiet(Api::Graphql, "200", 200, 5, &[]),
        quiet(Api::Graphql, "2000", 2000, 5, &[]),
        demo(Api::Graphql),
    ]
}

struct Measured {
    case: Case,
    expected: Terms,
    /// The run with the median wall time.
    run: Run,
    /// The mean of all runs: the system counts CPU in steps of 10 ms.
    weight: Option<Weight>,
    /// The highest of all runs.
    peak_in_flight: u64,
    /// The median wall time where the server answers at once.
    without_latency: Option<Duration>,
}

pub(crate) fn report() -> Result<()> {
    let all = cases().into_iter().map(measure).collect::<Result<Vec<_>>>()?;
    let (rest, graphql): (Vec<_>, Vec<_>) = all.iter().partition(|measured| measured.case.api == Api::Rest);
    print_rest_requests(&rest);
    print_graphql_requests(&graphql);
    print_weight(&all);
    print_growth(&rest);
    print_growth(&graphql);
    println!();
    Ok(())
}

fn measure(case: Case) -> Result<Measured> {
    let (mut runs, expected) = read(&case, case.world)?;
    let without_latency = match (case.world.projects, case.more) {
        // At once would be faster than the rate.
        (None, _) | (_, [_, ..]) => None,
        (Some(_), []) => Some(read(&case, World { latency: Duration::ZERO, ..case.world })?.0.swap_remove(0).wall),
    };
    let weights: Vec<Weight> = runs.iter().filter_map(|run| run.weight).collect();
    let mean = |value: fn(&Weight) -> f64| weights.iter().map(value).sum::<f64>() / weights.len() as f64;
    let weight = Weight { cpu_seconds: mean(|w| w.cpu_seconds), peak_megabytes: mean(|w| w.peak_megabytes) };
    let peak_in_flight = runs.iter().map(|run| run.stats.peak_in_flight()).max().unwrap_or(0);
    Ok(Measured {
        expected,
        weight: (!weights.is_empty()).then_some(weight),
        peak_in_flight,
        without_latency,
        run: runs.swap_remove(0),
        case,
    })
}

/// Reads a world as often as the case says; the run with the median wall time comes first.
fn read(case: &Case, world: World) -> Result<(Vec<Run>, Terms)> {
    let server = Server::start(world)?;
    let mut runs = Vec::new();
    let mut expected = None;
    // The demo group moves: a run during which it changed what it costs is not comparable and is made again.
    for _ in 0..case.runs + 5 {
        let before = truth(world, &server)?;
        let run = Home::new()?.read_once(&server, case.api, case.more)?;
        if truth(world, &server)? == before && expected.is_none_or(|expected| expected == before) {
            expected = Some(before);
            runs.push(run);
        }
        if runs.len() == case.runs {
            break;
        }
    }
    let expected = expected.ok_or("the demo group never stood still for one run")?;
    runs.sort_by_key(|run| run.wall);
    let middle = runs.len() / 2;
    runs.swap(0, middle);
    Ok((runs, expected))
}

fn truth(world: World, server: &Server) -> Result<Terms> {
    match world.projects {
        Some(projects) => Ok(Terms::uniform(projects)),
        None => Ok(Terms::of_expected(&server.ask("GET", "truth")?)),
    }
}

/// Prints a line of a table of requests: its name, what it grows with, and a cell for each world.
fn print_line(name: &str, growth: &str, all: &[&Measured], cell: impl Fn(&Measured) -> String) {
    print!("{name:<22}{growth:<20}");
    all.iter().for_each(|measured| print!("{:>14}", cell(measured)));
    println!();
}

fn print_arrived(all: &[&Measured]) {
    print_line("arrived in all", "", all, |measured| measured.run.stats.requests().to_string());
    print_line("most at once", "--concurrency 8", all, |measured| measured.peak_in_flight.to_string());
    println!();
}

fn print_rest_requests(all: &[&Measured]) {
    type Term = (&'static str, &'static str, fn(&Terms) -> u64);
    let terms: [Term; 9] = [
        ("groups", "1 per group", |t| t.groups),
        ("list pages", "projects / 100", |t| t.list_pages),
        ("newest pipeline", "N, with CI", |t| t.newest),
        ("details", "N, that ran", |t| t.details),
        ("jobs", "N, that ran", |t| t.jobs),
        ("bridges", "N, that ran", |t| t.bridges),
        ("further job pages", "jobs over 100", |t| t.job_pages),
        ("followed downstreams", "2 per unknown one", |t| t.followed),
        ("all", "4N + the rest", Terms::total),
    ];
    println!("Requests over REST: expected by the formula / counted by the server");
    print_line("projects", "grows with", all, |measured| measured.case.name.to_owned());
    for (name, growth, term) in terms {
        let cell = |measured: &Measured| {
            format!("{} / {}", term(&measured.expected), term(&Terms::of_stats(&measured.run.stats.0)))
        };
        print_line(name, growth, all, cell);
    }
    print_arrived(all);
}

fn print_graphql_requests(all: &[&Measured]) {
    let kinds = [
        ("groups", "1 per group", "group"),
        ("list pages", "projects / 100", "group_projects"),
        ("introspection", "1 per run", "graphql_Introspection"),
        ("batches", "projects / 50..100", "graphql_Snapshot"),
        ("further jobs", "jobs over 100", "graphql_Jobs"),
    ];
    println!("Requests over GraphQL: counted by the server (target: at most 12 for 200 projects)");
    print_line("projects", "grows with", all, |measured| measured.case.name.to_owned());
    for (name, growth, kind) in kinds {
        print_line(name, growth, all, |measured| measured.run.stats.of_kind(kind).to_string());
    }
    let known: Vec<&str> = kinds.iter().map(|(_, _, kind)| *kind).collect();
    let others = |measured: &Measured| {
        let counted: u64 = known.iter().map(|kind| measured.run.stats.of_kind(kind)).sum();
        (measured.run.stats.requests() - counted).to_string()
    };
    print_line("reasons, downstreams", "over REST", all, others);
    print_arrived(all);
}

impl Measured {
    /// Returns what physics sets, in answers that must be waited for one after the other.
    fn limit(&self) -> f64 {
        match self.case.api {
            Api::Rest => self.run.stats.requests() as f64 / CONCURRENCY as f64,
            Api::Graphql => graphql_limit(&self.run.stats) as f64,
        }
    }

    fn round_trips(&self) -> f64 {
        self.run.wall.as_secs_f64() / self.case.world.latency.as_secs_f64()
    }

    /// Returns which part of the wall time is there without any latency, too.
    fn work_share(&self) -> Option<f64> {
        Some(self.without_latency?.as_secs_f64() / self.run.wall.as_secs_f64())
    }
}

/// Introspection, the group and its first page go side by side; the other pages and the first batches follow, and the
/// batches of the last page's projects come after that page, and all go eight at a time.
fn graphql_limit(stats: &Stats) -> u64 {
    let pages = stats.of_kind("group_projects");
    let first = 3;
    let in_turn = if pages > 1 { 2 } else { 1 };
    1 + in_turn.max((stats.requests() - first.min(stats.requests())).div_ceil(CONCURRENCY))
}

fn print_weight(all: &[Measured]) {
    println!("Time and weight of the program; every answer {} ms late", LATE.as_millis());
    println!("(targets: REST ratio at most 1.3; GraphQL at most 4 round trips for 200 projects; below 60 MB at 2000)");
    println!(
        "{:<9}{:<9}{:>5}{:>10}{:>8}{:>9}{:>7}{:>14}{:>13}{:>8}{:>9}",
        "api", "projects", "runs", "limit", "trips", "wall s", "ratio", "at once s", "received MB", "CPU s", "peak MB"
    );
    for measured in all {
        let Measured { case, run, weight, .. } = measured;
        let of_weight = |value: fn(&Weight) -> String| weight.as_ref().map_or_else(|| "-".to_owned(), value);
        let at_once = measured.without_latency.zip(measured.work_share());
        println!(
            "{:<9}{:<9}{:>5}{:>10.1}{:>8.1}{:>9.2}{:>7.2}{:>14}{:>13.1}{:>8}{:>9}",
            case.api.word(),
            case.name,
            case.runs,
            measured.limit(),
            measured.round_trips(),
            run.wall.as_secs_f64(),
            measured.round_trips() / measured.limit(),
            at_once.map_or_else(
                || "-".to_owned(),
                |(wall, share)| format!("{:.2} ({:.0} %)", wall.as_secs_f64(), share * 100.0)
            ),
            run.stats.megabytes(),
            of_weight(|weight| format!("{:.2}", weight.cpu_seconds)),
            of_weight(|weight| format!("{:.1}", weight.peak_megabytes)),
        );
    }
    println!("2000 projects are read over REST with --rps 1000: at the default rate (1000 at once, then 25 a second)");
    println!("the rate rules and the run takes (requests - 1000) / 25 s, which is 281 s for 8021 requests.\n");
}

/// Prints how often as much each step to ten times as many projects costs.
fn print_growth(all: &[&Measured]) {
    let steps: Vec<&&Measured> = all.iter().filter(|measured| measured.case.world.projects.is_some()).collect();
    let Some(first) = steps.first() else { return };
    println!("Growth over {}: for ten times the projects so many times the cost", first.case.api.word());
    println!("{:<14}{:>10}{:>8}{:>8}{:>8}", "projects", "requests", "wall", "CPU", "peak");
    for pair in steps.windows(2) {
        let times = |value: &dyn Fn(&Measured) -> Option<f64>| match (value(pair[0]), value(pair[1])) {
            (Some(before), Some(after)) if before > 0.0 => format!("{:.1}", after / before),
            _ => "-".to_owned(),
        };
        println!(
            "{:<14}{:>10}{:>8}{:>8}{:>8}",
            format!("{} to {}", pair[0].case.name, pair[1].case.name),
            times(&|measured| Some(measured.run.stats.requests() as f64)),
            times(&|measured| Some(measured.run.wall.as_secs_f64())),
            times(&|measured| Some(measured.weight?.cpu_seconds)),
            times(&|measured| Some(measured.weight?.peak_megabytes)),
        );
    }
}
