//! `glwatch sim`: runs the simulated GitLab as a server.

use super::error::CliError;
use super::exit::Exit;
use super::output;
use crate::text::duration::parse_duration;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use glwatch_sim::{Access, Clock, Options, RateLimit, Sim, TOKEN_API, Webhook, WorldKind};
use std::time::Duration;

const ABOUT: &str = "Serves the simulated GitLab on a port of this machine";

const EXAMPLES: &str = "\
Examples:
  glwatch sim --port 8929                        then: glwatch --host http://127.0.0.1:8929 -g 1
  glwatch sim --projects 2000 --latency 100ms    a large group on a slow server
  glwatch sim --projects 200 --history 30        a group with a month behind it
  glwatch sim --webhook http://127.0.0.1:9252/webhook    tells a receiver what happens
  glwatch sim --private                          only with a token, such as glpat-sim-read_api";

pub(super) fn command() -> Command {
    let value = |key: &'static str, value: &'static str, help: &'static str| {
        Arg::new(key).long(key).value_name(value).help(help)
    };
    let number = || value_parser!(u32).range(1..);
    Command::new("sim").about(ABOUT).after_help(EXAMPLES).args([
        value("port", "PORT", "Port to listen on [default: any that is free]").value_parser(value_parser!(u16)),
        value("latency", "TIME", "How late every answer is [default: 0s]").value_parser(duration),
        value("projects", "N", "That many projects of one kind instead of the demo group").value_parser(number()),
        value("stages", "N", "Stages of each of them [default: 4]").value_parser(number()).requires("projects"),
        value("jobs", "N", "Jobs of each stage [default: 3]").value_parser(number()).requires("projects"),
        value("history", "DAYS", "So many days of pipelines, deployments and merge requests behind each of them")
            .value_parser(value_parser!(u32).range(10..=600))
            .requires("projects")
            .conflicts_with_all(["stages", "jobs"]),
        value("seed", "N", "Another world of the same kind [default: 1]").value_parser(value_parser!(u64)),
        value("rate-limit", "N", "Requests a minute before it answers 429; 0 announces no limit")
            .value_parser(value_parser!(u32)),
        value("webhook", "URL", "Send webhooks to this address of this machine"),
        value("webhook-secret", "SECRET", "Secret of these webhooks").requires("webhook"),
        Arg::new("private").long("private").action(ArgAction::SetTrue).help("Require a token, as a private group does"),
    ])
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| format!("it {error}"))
}

/// A busy team: ten pipelines of each project in three days, two merge requests a week, a deployment every six days.
fn history(projects: u32, days: u32) -> WorldKind {
    let of = |per_hundred_days: u32| (days * per_hundred_days / 100) as usize;
    WorldKind::History {
        projects: projects as usize,
        days,
        pipelines: of(333),
        merge_requests: of(28),
        deployments: of(17),
    }
}

/// Prints the address, a token and the group's id, and serves until a signal ends it.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let number = |key| matches.get_one::<u32>(key).copied();
    let size = |key, default| number(key).map_or(default, |number| number as usize);
    let world = match (number("projects"), number("history")) {
        (Some(projects), Some(days)) => history(projects, days),
        (Some(projects), None) => {
            WorldKind::Uniform { projects: projects as usize, stages: size("stages", 4), jobs: size("jobs", 3) }
        }
        (None, _) => WorldKind::Demo,
    };
    let options = Options {
        world,
        seed: matches.get_one("seed").copied().unwrap_or(1),
        clock: Clock::real(),
        latency: matches.get_one("latency").copied().unwrap_or_default(),
        port: matches.get_one("port").copied().unwrap_or(0),
        access: if matches.get_flag("private") { Access::Private } else { Access::Public },
        rate_limit: match number("rate-limit") {
            None => Some(RateLimit::UNREACHED),
            Some(0) => None,
            Some(limit) => Some(RateLimit { limit, period: Duration::from_secs(60) }),
        },
        any_group: true,
        ..Options::default()
    };
    let sim = Sim::start(options).map_err(CliError::Sim)?;
    if let Some(url) = matches.get_one::<String>("webhook") {
        let secret = matches.get_one("webhook-secret").cloned();
        let hook = Webhook { secret, ..Webhook::to(url) };
        sim.keep_delivering(hook, Duration::from_millis(500)).map_err(CliError::Sim)?;
    }
    let lines = format!("{}\ntoken {TOKEN_API}\ngroup {}\n", sim.url(), sim.group_id());
    output::to_stdout(lines.as_bytes())?;
    sim.run_until_stopped();
    Ok(Exit::Done)
}
