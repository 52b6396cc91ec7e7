//! The whole command line: the subcommands, and what help prints.

use super::{act, args, completions, config, dora, exit, explain, history, logs, man, serve, stats};
use clap::Command;
use clap::builder::styling::{AnsiColor, Styles};

const EXAMPLES: &str = "\
Examples:
  glwatch --demo                                       a simulated group, no server needed
  glwatch --group-id 12345                             the newest pipeline of every project
  glwatch --group-id acme/payments --ref default       only default branches
  glwatch --group-id 12345 --watch                     live
  glwatch --group-id 12345 --wait --fail-on failed && ./release.sh
  glwatch --group-id 12345 --export junit=health.xml --export markdown=health.md
  glwatch --group-id 12345 -o json | jq .summary
  glwatch logs acme/api --follow                       the log of the job that failed or runs
  glwatch retry acme/api#812                           asks first; also cancel and play

{exit_codes}
Every option can be given as a variable: GLWATCH_GROUP_ID, GLWATCH_STAGES_WIDTH, ..
or in a file; ./glwatch.toml may set display, filters and group. Flags come first, then
GLWATCH_*, GITLAB_*, the file's profile, the file, ./glwatch.toml, and in CI its variables.
The token is the first of --token, --token-file, GLWATCH_TOKEN, GITLAB_TOKEN, the file's
for that host, and that of glab for that host.";

/// What `-h` prints: 24 rows of 80 cells, the prompt included.
const SHORT_HELP: &str = "\
Shows the state of every pipeline of a whole GitLab group

Usage: glwatch -g GROUP [OPTIONS]       the group, once
       glwatch COMMAND [OPTIONS]        one project, or glwatch itself

  explain PROJECT                  why its newest pipeline failed
  logs PROJECT [JOB]               a job's log; --follow: as it grows
  retry|cancel|play PROJECT [JOB]  acts on a pipeline or job, and asks first
  config init|show|check           settings; history, stats, dora, serve, sim

  -g, --group-id GROUP      group, by number or full path; repeatable
  -w, --watch               show it live
      --wait                wait until no pipeline is active, then show it
      --fail-on STATUS,..   exit with 1 if a project has one: failed, error, ..
      --ref REF             any, default, tags, mr, a branch or tag, or a glob
      --exclude PATTERN,..  leave out projects: name, path, a glob on the path
      --only STATUS,..      show only these; --fail-on judges all the same
  -o, --output FORMAT       table, wide, json, ndjson, csv, markdown, junit, ..
      --host HOST           GitLab host or URL [default: gitlab.com]
      --demo                show a simulated group; needs no server and no token
  -q, --quiet               no progress and no warnings; -v says what goes on
The token is read from GITLAB_TOKEN or a file.
All options, examples and exit codes: glwatch --help
";

/// Returns the one screen, without the demo where the program has none.
fn one_screen() -> String {
    let is_shown = |line: &&str| cfg!(feature = "demo") || !line.trim_start().starts_with("--demo");
    let words = SHORT_HELP.lines().filter(is_shown).map(|line| format!("{line}\n")).collect::<String>();
    if cfg!(feature = "demo") { words } else { words.replace(", serve, sim", ", serve") }
}

/// Returns a command whose help is the one screen.
pub(super) fn short_help() -> Command {
    Command::new("glwatch").override_help(one_screen())
}

/// Returns the whole command line.
pub(super) fn command() -> Command {
    let styles = Styles::styled()
        .header(AnsiColor::Green.on_default().bold())
        .usage(AnsiColor::Green.on_default().bold())
        .literal(AnsiColor::Cyan.on_default())
        .placeholder(AnsiColor::Cyan.on_default());
    Command::new("glwatch")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Shows the state of every pipeline of a whole GitLab group")
        .after_help(EXAMPLES.replace("{exit_codes}\n", &format!("{}\n", exit::help())))
        .styles(styles)
        .args_conflicts_with_subcommands(true)
        .args_override_self(true)
        .max_term_width(100)
        .args(args::setting_args())
        .subcommand(explain::command())
        .subcommand(logs::command())
        .subcommands(act::commands())
        .subcommand(history::command())
        .subcommand(stats::command())
        .subcommand(dora::command())
        .subcommand(serve::command())
        .subcommand(config::command())
        .subcommand(completions::command())
        .subcommand(man::command())
        .subcommands(simulated())
}

#[cfg(feature = "demo")]
fn simulated() -> Option<Command> {
    Some(super::sim::command())
}

#[cfg(not(feature = "demo"))]
fn simulated() -> Option<Command> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{ACCESS, PROJECTS};

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn the_short_help_fits_on_a_screen_and_names_what_exists() {
        let help = one_screen();
        assert!(help.lines().count() < 24, "{}", help.lines().count());
        assert!(help.lines().all(|line| line.len() <= 80), "a line is too long");
        let command = command();
        for word in help.split(|c: char| !(c.is_alphanumeric() || c == '-')).filter(|w| w.starts_with("--")) {
            let is_known = word == "--help" || all_longs(&command).iter().any(|long| word[2..] == *long);
            assert!(is_known, "{word} is no option");
        }
    }

    #[test]
    fn a_subcommand_shows_its_own_options_first_and_briefly() {
        for name in ["explain", "logs", "retry", "cancel", "play"] {
            let mut top = command();
            let below = top.find_subcommand_mut(name).unwrap();
            let short = below.render_help().to_string();
            assert!(short.lines().count() <= 50, "{name}: {} lines", short.lines().count());
            let long = below.render_long_help().to_string();
            let own = long.find("\nOptions:").unwrap();
            assert!(own < long.find(PROJECTS).unwrap() && own < long.find(ACCESS).unwrap(), "{long}");
            let acts = matches!(name, "retry" | "cancel" | "play");
            assert_eq!(acts, long.contains("Token with scope api"), "{long}");
        }
    }

    fn all_longs(command: &Command) -> Vec<String> {
        let own = command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned));
        own.chain(command.get_subcommands().flat_map(all_longs)).collect()
    }
}
