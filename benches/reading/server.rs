//! The simulated GitLab in a process of its own: this very program, started once more.

use crate::Result;
use glwatch_sim::{Clock, Options, Sim, WorldKind};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    /// `None` is the demo group.
    pub(crate) projects: Option<u64>,
    /// In how many of them a pipeline runs, and goes on running.
    pub(crate) active: u64,
    /// How many days of a past each project has; one without a past has one pipeline.
    pub(crate) days: u64,
    /// How late every answer is.
    pub(crate) latency: Duration,
}

impl World {
    /// That many projects in which nothing happens.
    pub(crate) fn quiet(projects: u64, latency: Duration) -> Self {
        Self { projects: Some(projects), active: 0, days: 0, latency }
    }
}

/// Simulates until it is stopped from outside.
pub(crate) fn serve(projects: &str, active: &str, days: &str, latency: &str) -> Result<()> {
    let (projects, active, days): (usize, usize, u32) = (projects.parse()?, active.parse()?, days.parse()?);
    let world = match (projects, active, days) {
        (0, ..) => WorldKind::Demo,
        (_, _, 1..) => WorldKind::History { projects, days, pipelines: 240, merge_requests: 25, deployments: 15 },
        (_, 0, 0) => WorldKind::Uniform { projects, stages: 4, jobs: 3 },
        _ => WorldKind::Scenario(scenario(projects, active)),
    };
    let latency = Duration::from_millis(latency.parse()?);
    let sim = Sim::start(Options { world, latency, clock: Clock::real(), any_group: true, ..Options::default() })?;
    println!("{}", sim.url());
    sim.run_until_stopped();
    Ok(())
}

/// The uniform world once more, with pipelines that run.
fn scenario(projects: usize, active: usize) -> String {
    let stages = |last: &str| {
        let stage = |n: usize| {
            let time = if n == 4 { last } else { "20s" };
            format!("[\"stage-{n}\", \"job-{n}-1 | {time}\", \"job-{n}-2 | 27s\", \"job-{n}-3 | 34s\"]")
        };
        (1..=4).map(stage).collect::<Vec<_>>().join(", ")
    };
    let mut text = format!(
        "root = \"acme\"\ngroup = [{{ path = \"acme\", id = 12345 }}]\n[template]\ngreen = [{}]\nrunning = [{}]\n",
        stages("20s"),
        stages("9h"),
    );
    for n in 0..projects {
        let (jobs, age) = if n < active { ("running", "10m") } else { ("green", "24h") };
        let run = format!("run = [{{ jobs = \"{jobs}\", age = \"{age}\" }}]");
        text.push_str(&format!("[[project]]\npath = \"acme/project-{n:05}\"\n{run}\n"));
    }
    text
}

/// A server that ends with its owner.
pub(crate) struct Server {
    process: Child,
    address: String,
}

impl Server {
    pub(crate) fn start(world: World) -> Result<Self> {
        let World { projects, active, days, latency } = world;
        let numbers =
            [projects.unwrap_or(0), active, days, latency.as_millis() as u64].map(|number| number.to_string());
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.arg("serve").args(numbers).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().ok_or("the sim has no standard output")?;
        let mut server = Self { process, address: String::new() };
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        let address = url.trim().strip_prefix("http://").ok_or_else(|| format!("the sim says no URL: {url:?}"))?;
        address.clone_into(&mut server.address);
        Ok(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks the sim's admin surface, which is neither late nor counted.
    pub(crate) fn ask(&self, method: &str, command: &str) -> Result<Value> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(stream, "{method} /-/sim/{command} HTTP/1.0\r\nhost: {}\r\ncontent-length: 0\r\n\r\n", self.address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("the sim's answer has no body")?;
        Ok(serde_json::from_str(body)?)
    }

    pub(crate) fn stats(&self) -> Result<Stats> {
        Ok(Stats(self.ask("GET", "stats")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whatever state it is in, it goes with us.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the server has counted.
#[derive(Debug, Clone)]
pub(crate) struct Stats(pub(crate) Value);

impl Stats {
    pub(crate) fn requests(&self) -> u64 {
        self.0["requests"].as_u64().unwrap_or(0)
    }

    pub(crate) fn of_kind(&self, kind: &str) -> u64 {
        self.0["by_kind"][kind].as_u64().unwrap_or(0)
    }

    pub(crate) fn peak_in_flight(&self) -> u64 {
        self.0["peak_in_flight"].as_u64().unwrap_or(0)
    }

    pub(crate) fn megabytes(&self) -> f64 {
        self.0["bytes"].as_f64().unwrap_or_default() / 1e6
    }
}
