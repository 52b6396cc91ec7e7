//! What reading a group once over REST costs: requests, time, memory, of the real binary against the simulated GitLab
//! in a process of its own. It reports and never judges; it fails only when it could not measure.

#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

#[path = "../tests/support/terms.rs"]
mod terms;

use serde_json::Value;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use terms::Terms;

const BINARY: &str = env!("CARGO_BIN_EXE_glwatch");
/// The default of `--concurrency`.
const CONCURRENCY: f64 = 8.0;
/// GNU time tells CPU seconds and peak memory of a process, which Rust's standard library does not.
const GNU_TIME: &str = "/usr/bin/time";

/// A program that does nothing, for comparison.
const NOTHING: &str = "/bin/true";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One world and how it is measured.
struct Case {
    name: &'static str,
    /// `None` is the demo group.
    projects: Option<u64>,
    latency: Duration,
    runs: usize,
    more: &'static [&'static str],
}

const CASES: [Case; 4] = [
    Case { name: "20", projects: Some(20), latency: Duration::from_millis(100), runs: 3, more: &[] },
    Case { name: "200", projects: Some(200), latency: Duration::from_millis(100), runs: 3, more: &[] },
    // The default rate would rule here: see the note under the table.
    Case { name: "2000", projects: Some(2000), latency: Duration::from_millis(100), runs: 1, more: &["--rps", "1000"] },
    Case { name: "demo", projects: None, latency: Duration::from_millis(100), runs: 3, more: &[] },
];

/// A `glwatch sim` in a process of its own.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(case: &Case) -> Result<Self> {
        let latency = format!("{}ms", case.latency.as_millis());
        let mut command = clean(BINARY);
        command.args(["sim", "--latency", &latency]);
        if let Some(projects) = case.projects {
            command.args(["--projects", &projects.to_string(), "--stages", "4", "--jobs", "3"]);
        }
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().ok_or("the sim has no standard output")?;
        let mut server = Self { process, address: String::new() };
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        let address = url.trim().strip_prefix("http://").ok_or_else(|| format!("the sim says no URL: {url:?}"))?;
        address.clone_into(&mut server.address);
        Ok(server)
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks the sim's admin surface, which is neither late nor counted.
    fn ask(&self, method: &str, command: &str) -> Result<Value> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(stream, "{method} /-/sim/{command} HTTP/1.0\r\nhost: {}\r\ncontent-length: 0\r\n\r\n", self.address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("the sim's answer has no body")?;
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whatever state it is in, it goes with us.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command that sees nothing of the caller's environment.
fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("TZ", "UTC").env("LANG", "C.UTF-8").stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}

/// What the system says about a finished process.
#[derive(Clone, Copy)]
struct Weight {
    cpu_seconds: f64,
    peak_megabytes: f64,
}

struct Run {
    wall: Duration,
    weight: Option<Weight>,
    stats: Value,
}

struct Measured {
    case: &'static Case,
    expected: Terms,
    /// The run with the median wall time.
    run: Run,
    /// The highest of all runs.
    peak_in_flight: u64,
}

fn measure(case: &'static Case) -> Result<Measured> {
    let server = Server::start(case)?;
    let mut runs = Vec::new();
    let mut expected = None;
    // The demo group moves: a run during which it changed what it costs is not comparable and is made again.
    for _ in 0..case.runs + 5 {
        let before = truth(case, &server)?;
        let run = run(case, &server)?;
        if truth(case, &server)? == before && expected.is_none_or(|expected| expected == before) {
            expected = Some(before);
            runs.push(run);
        }
        if runs.len() == case.runs {
            break;
        }
    }
    let expected = expected.ok_or("the demo group never stood still for one run")?;
    let peak_in_flight = runs.iter().filter_map(|run| run.stats["peak_in_flight"].as_u64()).max().unwrap_or(0);
    runs.sort_by_key(|run| run.wall);
    let middle = runs.len() / 2;
    Ok(Measured { case, expected, run: runs.swap_remove(middle), peak_in_flight })
}

fn truth(case: &Case, server: &Server) -> Result<Terms> {
    match case.projects {
        Some(projects) => Ok(Terms::uniform(projects)),
        None => Ok(Terms::of_truth(&server.ask("GET", "truth")?)),
    }
}

fn run(case: &Case, server: &Server) -> Result<Run> {
    server.ask("POST", "reset")?;
    let has_time = Path::new(GNU_TIME).exists();
    let report = std::env::temp_dir().join(format!("glwatch-bench-{}", std::process::id()));
    let mut command = if has_time {
        let mut command = clean(GNU_TIME);
        command.args(["-f", "%U %S %M", "-o"]).arg(&report).arg(BINARY);
        command
    } else {
        clean(BINARY)
    };
    command.args(["--host", &server.url(), "--group-id", "12345"]).args(case.more).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let wall = start.elapsed();
    if !status.success() {
        return Err(format!("{}: the run ended with {status}", case.name).into());
    }
    let weight = if has_time { Some(weight(&std::fs::read_to_string(&report)?)?) } else { None };
    if has_time {
        std::fs::remove_file(&report)?;
    }
    Ok(Run { wall, weight, stats: server.ask("GET", "stats")? })
}

/// Reads `user system kilobytes`.
fn weight(report: &str) -> Result<Weight> {
    let numbers: Vec<f64> = report.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
    let [user, system, kilobytes] = numbers[..] else {
        return Err(format!("not what GNU time writes: {report:?}").into());
    };
    Ok(Weight { cpu_seconds: user + system, peak_megabytes: kilobytes * 1024.0 / 1e6 })
}

fn print_requests(all: &[Measured]) {
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
    println!("Requests: expected by the formula / counted by the server");
    print!("{:<22}{:<20}", "projects", "grows with");
    all.iter().for_each(|measured| print!("{:>14}", measured.case.name));
    println!();
    for (name, growth, term) in terms {
        print!("{name:<22}{growth:<20}");
        for measured in all {
            let counted = Terms::of_stats(&measured.run.stats);
            print!("{:>14}", format!("{} / {}", term(&measured.expected), term(&counted)));
        }
        println!();
    }
    print!("{:<22}{:<20}", "arrived in all", "");
    all.iter().for_each(|measured| print!("{:>14}", measured.run.stats["requests"].to_string()));
    println!();
    print!("{:<22}{:<20}", "most at once", "--concurrency 8");
    all.iter().for_each(|measured| print!("{:>14}", measured.peak_in_flight));
    println!("\n");
}

fn print_time(all: &[Measured]) {
    println!("Time and weight of the program (target: ratio at most 1.3; below 60 MB at 2000 projects)");
    println!(
        "{:<10}{:>10}{:>6}{:>10}{:>10}{:>8}{:>12}{:>8}{:>10}",
        "projects", "latency", "runs", "limit s", "wall s", "ratio", "received MB", "CPU s", "peak MB"
    );
    for Measured { case, run, .. } in all {
        let requests = run.stats["requests"].as_f64().unwrap_or_default();
        let limit = requests / CONCURRENCY * case.latency.as_secs_f64();
        let wall = run.wall.as_secs_f64();
        let of_weight = |value: fn(&Weight) -> String| run.weight.as_ref().map_or_else(|| "-".to_owned(), value);
        println!(
            "{:<10}{:>10}{:>6}{limit:>10.2}{wall:>10.2}{:>8.2}{:>12.1}{:>8}{:>10}",
            case.name,
            format!("{} ms", case.latency.as_millis()),
            case.runs,
            wall / limit,
            run.stats["bytes"].as_f64().unwrap_or_default() / 1e6,
            of_weight(|weight| format!("{:.2}", weight.cpu_seconds)),
            of_weight(|weight| format!("{:.1}", weight.peak_megabytes)),
        );
    }
    println!(
        "2000 projects are read with --rps 1000: at the default rate (1000 at once, then 25 a second) the rate rules"
    );
    println!("and the run takes (requests - 1000) / 25 s, which is 281 s for 8021 requests.\n");
}

/// Returns the median time from starting a process to its end.
fn start_up(program: &str, arguments: &[&str], runs: usize) -> Result<Duration> {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        let status = clean(program).args(arguments).stdout(Stdio::null()).status()?;
        times.push(start.elapsed());
        if !status.success() {
            return Err(format!("{program} {arguments:?} ended with {status}").into());
        }
    }
    times.sort_unstable();
    Ok(times[runs / 2])
}

fn print_binary() -> Result<()> {
    let line = |name: &str, median: Duration, remark: &str| {
        println!("{name:<10}{:>8.2} ms   median of 20 ({remark})", median.as_secs_f64() * 1e3);
    };
    for argument in ["--version", "--help"] {
        line(argument, start_up(BINARY, &[argument], 20)?, "target: below 5 ms");
    }
    if Path::new(NOTHING).exists() {
        line(NOTHING, start_up(NOTHING, &[], 20)?, "what the system takes to start anything at all");
    }
    let size = std::fs::metadata(BINARY)?.len();
    println!("{:<10}{:>8.2} MB   the stripped binary (target: below 15 MB)", "size", size as f64 / 1e6);
    Ok(())
}

/// An hour of watching: so many refreshes at the default interval of 10 s.
const HOUR: u64 = 360;
/// Projects that are watched; nothing happens in any of them.
const WATCHED: u64 = 200;

/// Watches a quiet group as fast as it goes, and compares the process after a few refreshes with after an hour's worth.
fn print_watching() -> Result<()> {
    let server =
        Server::start(&Case { name: "watch", projects: Some(WATCHED), latency: Duration::ZERO, runs: 1, more: &[] })?;
    let mut command = clean(BINARY);
    command.args(["--host", &server.url(), "--group-id", "12345", "--watch", "-o", "ndjson"]);
    let mut watcher = command.args(["--interval", "10ms", "--rps", "1000"]).stdout(Stdio::null()).spawn()?;
    let outcome = watching(&server, watcher.id());
    watcher.kill()?;
    watcher.wait()?;
    let [early, late] = outcome?;
    let refreshes = late.refreshes - early.refreshes;
    let requests = (late.requests - early.requests) as f64 / refreshes as f64;
    println!("watching  {requests:>8.1}      requests a refresh of {WATCHED} quiet projects (target: {WATCHED})");
    let (Some(before), Some(after)) = (early.process, late.process) else {
        println!("{:<10}{:>8}      memory and CPU: only known where there is /proc", "", "-");
        return Ok(());
    };
    let grown = after.resident_kb as f64 / 1e3 - before.resident_kb as f64 / 1e3;
    let cpu_ms = (after.cpu - before.cpu).as_secs_f64() * 1e3 / refreshes as f64;
    println!(
        "{:<10}{grown:>8.2} MB   grown from {} to {} refreshes (target: nothing)",
        "", early.refreshes, late.refreshes
    );
    println!(
        "{:<10}{cpu_ms:>8.2} ms   CPU a refresh, {:.2} % of a core at 10 s (target: below 1 %)",
        "",
        cpu_ms / 100.0
    );
    Ok(())
}

/// A watching process and what it has asked for so far.
struct Watching {
    refreshes: u64,
    requests: u64,
    process: Option<Process>,
}

/// What `/proc` says about a process.
struct Process {
    resident_kb: u64,
    cpu: Duration,
}

fn watching(server: &Server, process: u32) -> Result<[Watching; 2]> {
    let cold = Terms::uniform(WATCHED).total();
    let at = |refreshes: u64| -> Result<Watching> {
        loop {
            let requests = server.ask("GET", "stats")?["requests"].as_u64().ok_or("the sim counts no requests")?;
            if requests >= cold + refreshes * WATCHED {
                let refreshes = (requests - cold) / WATCHED;
                return Ok(Watching { refreshes, requests, process: self::process(process) });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    Ok([at(10)?, at(10 + HOUR)?])
}

fn process(id: u32) -> Option<Process> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Behind the name in parentheses; user and system time are the 14th and 15th of all, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Process {
        resident_kb: resident.trim().trim_end_matches(" kB").parse().ok()?,
        cpu: Duration::from_millis(ticks * 10),
    })
}

fn report() -> Result<()> {
    println!("glwatch reads a group once over REST; 4 stages x 3 jobs a project, but for the demo group\n");
    let all = CASES.iter().map(measure).collect::<Result<Vec<_>>>()?;
    print_requests(&all);
    print_time(&all);
    print_watching()?;
    print_binary()
}

fn main() -> ExitCode {
    match report() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("could not measure: {error}");
            ExitCode::FAILURE
        }
    }
}
