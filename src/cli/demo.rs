//! `--demo`: runs the simulated GitLab in this process and reads it with the same client as any GitLab.

use super::error::CliError;
use super::run_context::RunContext;
use super::{files, output};
use crate::config::{Layer, Origin, Settings, variable};
use glwatch_sim::{Clock, Options, Sim, TOKEN_API, WorldKind};
use std::collections::HashMap;

/// Sources that do not count in a demo: what they name is somewhere else.
const IGNORED: [&str; 11] = [
    "host",
    "token",
    "token-file",
    "token-header",
    "header",
    "ca-file",
    "client-cert",
    "client-key",
    "insecure",
    "from",
    "from-token",
];
/// The group for what looks back: the demo group was made just now. Its projects deploy every three days.
const PAST: WorldKind =
    WorldKind::History { projects: 8, days: 120, pipelines: 400, merge_requests: 60, deployments: 54 };
/// The demo group's own number; any other is accepted, too.
const GROUP: &str = "12345";

/// Starts the simulated GitLab and points the settings at it.
pub(super) fn start(
    mut flags: Layer,
    mut environment: HashMap<String, String>,
    needs_past: bool,
) -> Result<RunContext, CliError> {
    if flags.sets("from") {
        return Err(CliError::Refused {
            problem: "--demo shows a simulated group, and --from what a hub has read".into(),
            hints: vec!["leave one of them out".into()],
        });
    }
    let world = if needs_past { PAST } else { WorldKind::Demo };
    let options = Options { world, clock: Clock::real(), any_group: true, ..Options::default() };
    let sim = Sim::start(options).map_err(CliError::Sim)?;
    flags.forget(&IGNORED);
    // Stronger than that of a file.
    flags.set("from", vec![String::new()], Origin::Demo);
    flags.set("host", vec![sim.url().to_owned()], Origin::Demo);
    // Logs need one, and so does whatever acts.
    flags.set("token", vec![TOKEN_API.to_owned()], Origin::Demo);
    let of_elsewhere = |name: &str| name.starts_with("GITLAB_") && name != "GITLAB_CI" || name.starts_with("CI_");
    let is_ignored = |name: &str| IGNORED.iter().any(|key| name == variable(key));
    environment.retain(|name, _| !of_elsewhere(name) && !is_ignored(name));
    let mut settings = Settings::new(flags, &environment);
    let files = files::add(&mut settings, &environment, true)?;
    settings.set_default("group-id", GROUP, Origin::Demo);
    if !settings.is_quiet() {
        output::to_stderr(&["demo: a simulated group; token, host, proxy and CI settings are ignored".into()]);
    }
    Ok(RunContext { settings, environment, files, proxy: None, _sim: Some(sim) })
}
