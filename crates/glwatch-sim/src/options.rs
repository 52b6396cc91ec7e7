//! What a caller chooses about the simulated GitLab before it starts.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::cable::CableOptions;
use super::clock::Clock;
use super::faults::Fault;

/// A token with scope `read_api`: enough for every read.
pub const TOKEN_READ_API: &str = "glpat-sim-read_api";
/// A token with scope `api`: reads and acts.
pub const TOKEN_API: &str = "glpat-sim-api";
/// A token past its date: 401 `invalid_token`.
pub const TOKEN_EXPIRED: &str = "glpat-sim-expired";
/// A token without `read_api`: 403 `insufficient_scope`.
pub const TOKEN_READ_USER: &str = "glpat-sim-read_user";
/// A `CI_JOB_TOKEN`: 401 on everything that the monitor needs.
pub const TOKEN_JOB: &str = "glcbt-sim-job";

/// The time of the fixed clock by default: 2026-11-20T19:00:00Z.
pub(crate) const DEFAULT_INSTANT: DateTime<Utc> = match DateTime::from_timestamp(1_795_201_200, 0) {
    Some(at) => at,
    None => panic!("out of range"),
};

#[derive(Clone, Debug)]
pub struct Options {
    pub world: WorldKind,
    pub seed: u64,
    pub clock: Clock,
    /// How late every answer is; concurrent requests wait side by side.
    pub latency: Duration,
    /// 0 takes any free port.
    pub port: u16,
    pub access: Access,
    /// `None` also leaves the `RateLimit-*` headers out, as a GitLab without limits does.
    pub rate_limit: Option<RateLimit>,
    /// Every unknown group answers as the root group, so that the demo accepts any `--group-id`.
    pub any_group: bool,
    pub faults: Vec<Fault>,
    pub graphql: GraphqlOptions,
    /// Whether job logs have an `ETag`, which `If-None-Match` is compared with.
    pub trace_etags: bool,
    pub cable: CableOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            world: WorldKind::Demo,
            seed: 1,
            clock: Clock::stepped(DEFAULT_INSTANT),
            latency: Duration::ZERO,
            port: 0,
            access: Access::Public,
            rate_limit: Some(RateLimit::UNREACHED),
            any_group: false,
            faults: Vec::new(),
            graphql: GraphqlOptions::default(),
            trace_etags: true,
            cable: CableOptions::default(),
        }
    }
}

#[derive(Clone, Debug)]
pub enum WorldKind {
    /// `scenarios/demo.toml`.
    Demo,
    /// `scenarios/failures.toml`: projects that each failed for one clear reason.
    Failures,
    /// Every project has one finished pipeline of `stages` x `jobs`, mostly green.
    Uniform { projects: usize, stages: usize, jobs: usize },
    /// Projects with weeks behind them: what `stats` and `dora` are about. The numbers are those of each project.
    History { projects: usize, days: u32, pipelines: usize, merge_requests: usize, deployments: usize },
    /// TOML text in the format of `scenarios/demo.toml`.
    Scenario(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anonymous requests may read.
    Public,
    /// A token is needed; anonymous requests get GitLab's 404.
    Private,
}

/// Counts requests in windows of `period` of the simulated server's own clock.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    pub limit: u32,
    pub period: Duration,
}

impl RateLimit {
    /// The default: it is announced, and no test or bench uses it up, although their clock may never move.
    pub const UNREACHED: Self = Self { limit: 1_000_000, period: Duration::from_secs(60) };
}

/// What `POST /api/graphql` does.
#[derive(Clone, Debug)]
pub struct GraphqlOptions {
    pub served: Served,
    /// The GitLab that is played, to REST's `/metadata` and `/version` too.
    pub version: Version,
    /// GitLab's own limits are 250 with a token and 200 without.
    pub max_complexity: Option<u32>,
    /// A query whose `ids` name more projects than this is answered 503, as when the database gives up.
    pub times_out_above: Option<usize>,
    /// The most that a connection puts on one page; GitLab's own most is 100, and administrators may lower it.
    pub max_page: usize,
    /// Whether `__schema` and `__type` are answered.
    pub introspection: bool,
}

impl Default for GraphqlOptions {
    fn default() -> Self {
        Self {
            served: Served::Yes,
            version: Version::V18_5,
            max_complexity: None,
            times_out_above: None,
            max_page: 100,
            introspection: true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    Yes,
    /// 404, as if a proxy let only REST through.
    Missing,
    /// 403 to everybody.
    Forbidden,
}

/// The versions of GitLab whose GraphQL schema is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    V14_10,
    V16_3,
    V18_5,
}

impl Version {
    pub const ALL: [Self; 3] = [Self::V14_10, Self::V16_3, Self::V18_5];

    /// Returns what `/metadata` says.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::V14_10 => "14.10.0",
            Self::V16_3 => "16.3.0",
            Self::V18_5 => "18.5.0",
        }
    }
}
