//! All flags and arguments. They become a layer of raw texts here; `config` decides what the texts mean.

use crate::config::{Layer, Origin, Output};
use clap::{Arg, ArgAction, ArgMatches, ValueHint};

pub(super) const PROJECTS: &str = "Projects and pipelines";
pub(super) const ACCESS: &str = "Server and access";
const OUTPUT: &str = "Output";
const PACE: &str = "Watching and waiting";
const VERDICT: &str = "Exit code";
const LOAD: &str = "Load on the server";

/// The option that only `dora` has.
pub(super) const HOTFIX_WINDOW: &str = "hotfix-window";
/// The flag that says no to the setting `history.enabled`.
const NO_HISTORY: &str = "no-history";

/// Returns an option that takes a value; the code that reads it refuses an empty one.
fn option(key: &'static str, value: &'static str, heading: &'static str, help: &'static str) -> Arg {
    Arg::new(key).long(key).value_name(value).help_heading(heading).help(help).action(ArgAction::Append)
}

fn switch(key: &'static str, heading: &'static str, help: &'static str) -> Arg {
    Arg::new(key).long(key).help_heading(heading).help(help).action(ArgAction::SetTrue)
}

/// Returns everything that sets a setting, for each command that has settings.
pub(super) fn setting_args() -> Vec<Arg> {
    [project_args(), access_args(), vec![from_arg()], output_args(), pace_args(), verdict_args(), load_args()].concat()
}

/// Returns the option that names a hub, for commands that can read one.
pub(super) fn from_arg() -> Arg {
    option("from", "URL", ACCESS, "Read another glwatch serve instead of GitLab, such as http://hub.example.com:9252")
        .value_hint(ValueHint::Url)
}

/// Returns what sets how single projects are asked, for commands that are about one.
pub(super) fn asking_args() -> Vec<Arg> {
    const OF_ALL: [&str; 6] = ["exclude", "include", "ref", "archived", "no-subgroups", "api"];
    explaining_args().into_iter().filter(|arg| !OF_ALL.contains(&arg.get_id().as_str())).collect()
}

/// The same for commands that change something: their token needs more.
pub(super) fn acting_args() -> Vec<Arg> {
    let named = |arg: Arg| {
        match arg.get_id().as_str() {
        "token" => arg.help(
            "Token with scope api (read_api does not suffice); others on this machine can see it, so prefer GITLAB_TOKEN",
        ),
        _ => arg,
    }
    };
    asking_args().into_iter().map(named).collect()
}

/// Returns what sets how projects are asked, one or all that are in trouble, for commands that do not show the group.
pub(super) fn explaining_args() -> Vec<Arg> {
    const OF_STATUS: [&str; 9] =
        ["output", "export", "only", "columns", "sort", "stages-width", "timezone", "theme", "no-view-state"];
    let args = [project_args(), access_args(), output_args(), load_args()].concat();
    briefly(args.into_iter().filter(|arg| !OF_STATUS.contains(&arg.get_id().as_str())))
}

/// Returns the settings of `[serve]` that have a flag. Their keys are in that section.
pub(super) fn serve_args() -> Vec<Arg> {
    let option = |key: &'static str, long: &'static str, value: &'static str, help: &'static str| {
        Arg::new(key).long(long).value_name(value).action(ArgAction::Append).help(help)
    };
    vec![
        option("serve.listen", "listen", "ADDRESS", "Address and port [default: 127.0.0.1:9252]"),
        option(
            "serve.exporter-config",
            "exporter-config",
            "FILE",
            "Take host, projects and what is shown of them from a file of gitlab-ci-pipelines-exporter",
        ),
        option(
            "serve.compatibility",
            "compatibility",
            "WORD",
            "corrected, or strict: with the mistakes of that exporter, too [default: corrected]",
        )
        .alias("compat"),
        option(
            "serve.cable",
            "cable",
            "WORD",
            "Let GitLab tell what changes, over one websocket (18.6 and newer): auto, on or off [default: off]",
        ),
        Arg::new("serve.insecure-open")
            .long("insecure-open")
            .action(ArgAction::SetTrue)
            .help("Let everyone who reaches the address look, without a token"),
    ]
}

/// Returns what sets how a server asks; what it prints is its own.
pub(super) fn serving_args() -> Vec<Arg> {
    const PACE_OF_ALL: [&str; 2] = ["interval", "list-interval"];
    let pace = pace_args().into_iter().filter(|arg| PACE_OF_ALL.contains(&arg.get_id().as_str()));
    briefly(pace).into_iter().chain(explaining_args()).collect()
}

/// Returns the settings for a subcommand: its `-h` shows only those that nearly every call needs.
pub(super) fn briefly(args: impl IntoIterator<Item = Arg>) -> Vec<Arg> {
    const COMMON: [&str; 3] = ["group-id", "host", "demo"];
    args.into_iter()
        .map(|arg| {
            let is_rare = !COMMON.contains(&arg.get_id().as_str());
            arg.hide_short_help(is_rare)
        })
        .collect()
}

/// Returns the settings that only single commands have.
pub(super) fn follow_wait_arg() -> Arg {
    Arg::new("follow-wait")
        .long("follow-wait")
        .value_name("TIME")
        .action(ArgAction::Append)
        .help("From one look at the log to the next; grows while nothing new comes [default: 2s]")
}

pub(super) fn yes_arg() -> Arg {
    Arg::new("yes")
        .long("yes")
        .short('y')
        .action(ArgAction::SetTrue)
        .help("Do it without asking; needed where there is no terminal to ask on")
}

/// Returns the option that names the user's own file.
pub(super) fn config_arg() -> Arg {
    option("config", "FILE", ACCESS, "Configuration file [default: ~/.config/glwatch/config.toml]")
        .value_hint(ValueHint::FilePath)
}

fn project_args() -> Vec<Arg> {
    let mut args = vec![
        option(
            "group-id",
            "GROUP",
            PROJECTS,
            "Group, by number or full path; repeatable [in CI: the project's root group]",
        )
        .short('g'),
        option(
            "exclude",
            "PATTERN,..",
            PROJECTS,
            "Leave out projects: id, name, path, a group above, or a glob on the full path",
        ),
        option("include", "PATTERN,..", PROJECTS, "Only these projects; patterns as for --exclude, which wins"),
        option(
            "ref",
            "REF",
            PROJECTS,
            "Newest pipeline of: any, default, tags, mr, a branch or tag, or a glob; repeatable [default: any]",
        ),
        switch("archived", PROJECTS, "Archived projects and those marked for deletion, too"),
        switch("no-subgroups", PROJECTS, "Only projects directly in the group"),
    ];
    if cfg!(feature = "demo") {
        args.push(switch("demo", PROJECTS, "Show a simulated group; needs neither server nor token"));
    }
    args
}

/// Returns what names a host and its files, for commands that ask no server.
pub(super) fn offline_args() -> Vec<Arg> {
    const KNOWN: [&str; 6] = ["host", "config", "profile", "quiet", "verbose", "demo"];
    let args = [project_args(), access_args(), output_args()].concat();
    briefly(args.into_iter().filter(|arg| KNOWN.contains(&arg.get_id().as_str())))
}

/// The same for what counts remembered pipelines of chosen projects and refs.
pub(super) fn counting_args() -> Vec<Arg> {
    const CHOSEN: [&str; 4] = ["include", "exclude", "ref", "ascii"];
    let chosen = [project_args(), output_args()].concat();
    let chosen = chosen.into_iter().filter(|arg| CHOSEN.contains(&arg.get_id().as_str()));
    let meant = |arg: Arg| match arg.get_id().as_str() {
        "ref" => {
            arg.help("Pipelines of: any, default, tags, mr, a branch or tag, or a glob; repeatable [default: any]")
        }
        _ => arg,
    };
    offline_args().into_iter().chain(briefly(chosen.map(meant))).collect()
}

fn access_args() -> Vec<Arg> {
    vec![
        option("host", "HOST", ACCESS, "GitLab host or URL, with sub-path if it has one [default: gitlab.com]")
            .value_hint(ValueHint::Hostname),
        option(
            "token",
            "TOKEN",
            ACCESS,
            "Token with scope read_api; others on this machine can see it, so prefer GITLAB_TOKEN",
        ),
        option("token-file", "FILE", ACCESS, "File with the token, - for standard input")
            .value_hint(ValueHint::FilePath),
        option("token-header", "NAME", ACCESS, "Header of the token [default: authorization]")
            .value_parser(["authorization", "private-token"])
            .ignore_case(true),
        option(
            "header",
            "'NAME: VALUE'",
            ACCESS,
            "Header for every request to the host, such as a proxy's key; repeatable; prefer GLWATCH_HEADER",
        ),
        option("ca-file", "FILE", ACCESS, "Further trusted certificates, PEM").value_hint(ValueHint::FilePath),
        option("client-cert", "FILE", ACCESS, "Certificate for a server that asks for one, PEM; may hold the key, too")
            .value_hint(ValueHint::FilePath),
        option("client-key", "FILE", ACCESS, "Its private key, PEM, not encrypted [default: in --client-cert]")
            .value_hint(ValueHint::FilePath),
        config_arg(),
        option("profile", "NAME", ACCESS, "Profile of the configuration file"),
        switch("insecure", ACCESS, "Accept any certificate: anyone on the way can read the token"),
        switch("read-only", ACCESS, "Refuse whatever would change something in GitLab: retry, cancel, play"),
    ]
}

fn output_args() -> Vec<Arg> {
    vec![
        option("output", "FORMAT", OUTPUT, "What to write on standard output [default: table]")
            .short('o')
            .value_parser(Output::ALL.map(|(word, _)| word)),
        option("export", "FORMAT=FILE", OUTPUT, "Write a file, too, in any format of --output; repeatable")
            .value_hint(ValueHint::FilePath),
        option(
            "only",
            "STATUS,..",
            OUTPUT,
            "Show only these: failed, running, error, ..; --fail-on judges all the same",
        ),
        option("columns", "COLUMN,..", OUTPUT, "Columns of table, wide and csv: project, ref, pipeline, stages, .."),
        option("sort", "ORDER", OUTPUT, "Order of the projects [default: attention]").value_parser([
            "attention",
            "name",
            "age",
            "duration",
            "status",
        ]),
        option("stages-width", "CELLS", OUTPUT, "Width of the stages column in cells, or auto [default: auto]"),
        option("timezone", "ZONE", OUTPUT, "Show times in this zone instead of ages, such as Europe/Berlin"),
        option("color", "WHEN", OUTPUT, "Use colours [default: auto]").value_parser(["auto", "always", "never"]),
        switch("ascii", OUTPUT, "Draw with ASCII characters only"),
        switch("plain", OUTPUT, "Words instead of signs; live: lines that are only added, choices by number"),
        option("theme", "NAME", OUTPUT, "Colours of the live view: dark, light, high-contrast, .. [default: dark]"),
        switch("no-view-state", OUTPUT, "Neither use nor keep how the live view was left: order, folds, mutes"),
        switch("quiet", OUTPUT, "No progress and no warnings on standard error").short('q'),
        Arg::new("verbose")
            .long("verbose")
            .short('v')
            .action(ArgAction::Count)
            .help_heading(OUTPUT)
            .help("Say on standard error what is going on; -vv every request"),
        option("log-file", "FILE", OUTPUT, "Write every request to this file").value_hint(ValueHint::FilePath),
    ]
}

fn pace_args() -> Vec<Arg> {
    vec![
        switch("watch", PACE, "Show it live; without a terminal, one line per change or ndjson").short('w'),
        option("interval", "TIME", PACE, "From one reading to the next [default: 10s]"),
        option("list-interval", "TIME", PACE, "From one reading of the list of projects to the next [default: 5m]"),
        option(
            "on-change",
            "COMMAND",
            PACE,
            "Run this on each change under --watch, without a shell: JSON on its input",
        )
        .value_hint(ValueHint::CommandString),
        switch("wait", PACE, "Wait until no pipeline is active, then show it"),
        option("deadline", "TIME", PACE, "Wait this long at most, then exit with 5 [default: 30m]"),
        switch("fail-fast", PACE, "Wait no longer than to the first match of --fail-on"),
        option("newer-than", "WHEN", PACE, "Wait for pipelines that recent: a time (RFC 3339) or a duration ago"),
    ]
}

fn verdict_args() -> Vec<Arg> {
    vec![
        option(
            "fail-on",
            "STATUS,..",
            VERDICT,
            "Exit with 1 if a project has one of these: failed, warning, canceled, error, ..",
        ),
        switch("allow-partial", VERDICT, "Exit with 0 instead of 4 if a part could not be read"),
    ]
}

fn load_args() -> Vec<Arg> {
    vec![
        option(
            "api",
            "API",
            LOAD,
            "Read over graphql (many projects a request) or rest [default: auto, graphql where it answers]",
        )
        .value_parser(["auto", "graphql", "rest"]),
        option("concurrency", "N", LOAD, "Requests under way at once [default: 8]"),
        option(
            "rps",
            "RATE",
            LOAD,
            "Requests per second at most, such as 5 or 0.5 [default: auto, 1000 at once, then 25]",
        ),
        option(
            "retry-wait",
            "TIME",
            LOAD,
            "Wait before a failed request is tried again; doubles, four attempts in all [default: 300ms]",
        ),
        option("timeout", "TIME", LOAD, "Time for one request, such as 500ms or 1m [default: 30s]"),
        option("max-time", "TIME", LOAD, "Time for the whole command, or for one refresh [default: 5m]"),
        switch("no-cache", LOAD, "Neither use nor keep what an earlier run has read"),
        switch(NO_HISTORY, LOAD, "Neither use nor add to the history, as with enabled = false in [history]"),
    ]
}

/// Returns what was typed, as the strongest layer of settings.
pub(super) fn layer(matches: &ArgMatches) -> Layer {
    let mut layer = Layer::default();
    // Not every command has every one of them.
    for arg in setting_args().into_iter().chain([follow_wait_arg(), yes_arg()]) {
        let Some(key) = arg.get_long() else { continue };
        match arg.get_action() {
            ArgAction::SetTrue if !matches!(matches.try_get_one::<bool>(key), Ok(Some(true))) => {}
            ArgAction::SetTrue if key == NO_HISTORY => {
                layer.set("history.enabled", vec!["false".into()], Origin::Flag(key.to_owned()))
            }
            ArgAction::SetTrue => layer.set(key, vec!["true".into()], Origin::Flag(key.to_owned())),
            ArgAction::Append => {
                let values = matches.try_get_many::<String>(key).ok().flatten();
                layer.set(key, values.into_iter().flatten().cloned().collect(), Origin::Flag(key.to_owned()));
            }
            _ => {}
        }
    }
    for arg in serve_args() {
        let (key, flag) = (arg.get_id().as_str(), arg.get_long().unwrap_or_default());
        let values: Vec<String> = match arg.get_action() {
            ArgAction::SetTrue if matches!(matches.try_get_one::<bool>(key), Ok(Some(true))) => vec!["true".into()],
            ArgAction::SetTrue => continue,
            _ => matches.try_get_many::<String>(key).ok().flatten().into_iter().flatten().cloned().collect(),
        };
        layer.set(key, values, Origin::Flag(flag.to_owned()));
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::KEYS;

    #[test]
    fn every_option_is_in_the_table_of_settings() {
        let of_one_run = ["demo", "verbose", NO_HISTORY];
        for arg in setting_args() {
            let long = arg.get_long().unwrap_or_default();
            let is_known = KEYS.iter().any(|key| key.name == long);
            assert!(is_known || of_one_run.contains(&long), "--{long} is not in config/keys.rs");
        }
    }
}
