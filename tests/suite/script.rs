//! The README's script that guards a release with the state of the group, run as printed.

use crate::support::{BINARY, Env, Output};
use glwatch_sim::{Options, Sim, WorldKind};
use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../../README.md");
const MARKER: &str = "<!-- ci: gate -->";

/// Returns the fenced block right after the marker.
fn script() -> String {
    let mut after = README.lines().skip_while(|line| *line != MARKER).skip(1).skip_while(|line| line.is_empty());
    let fence = after.next().unwrap_or_else(|| panic!("README.md has no line {MARKER}"));
    assert_eq!(fence, "```sh", "README.md has no block of sh after {MARKER}");
    let lines: Vec<&str> = after.clone().take_while(|line| *line != "```").collect();
    assert!(after.any(|line| line == "```"), "the block after {MARKER} in README.md has no end");
    let script = lines.join("\n") + "\n";
    for word in ["glwatch", "--wait", "--fail-on", "--deadline"] {
        assert!(script.contains(word), "the block after {MARKER} in README.md has no {word}:\n{script}");
    }
    script
}

/// A group with one green project and these.
fn world(projects: &str) -> Sim {
    let text = format!(
        "root = \"acme\"\ngroup = [{{ path = \"acme\", id = 12345 }}]\n\
         [template]\ngood = [[\"test\", \"unit | 40s\"]]\nbad = [[\"test\", \"unit | 40s | fails\"]]\n\
         [[project]]\npath = \"acme/green\"\nrun = [{{ jobs = \"good\", age = \"3h\" }}]\n{projects}"
    );
    Sim::start(Options { world: WorldKind::Scenario(text), ..Options::default() }).unwrap()
}

/// Runs the script with `sh` against this group, with `glwatch` on the path.
fn run(sim: &Sim) -> Output {
    let env = Env::new().with("GLWATCH_HOST", sim.url()).with("GLWATCH_GROUP_ID", "12345");
    let file = env.home().join("gate.sh");
    std::fs::write(&file, script()).unwrap();
    let binaries = Path::new(BINARY).parent().unwrap();
    let clean = env.command(&[]);
    let mut command = Command::new("sh");
    command.arg(&file).current_dir(env.home()).env_clear();
    command.envs(clean.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binaries.display()));
    let output = command.output().unwrap();
    Output {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

#[test]
fn the_gate_of_the_readme_lets_a_healthy_group_pass() {
    let sim = world("");
    let _ = run(&sim).exits_with(0);
    assert!(!sim.requests().is_empty(), "the script asked nothing");
}

#[test]
fn the_gate_of_the_readme_stops_at_a_failed_pipeline_and_names_its_project() {
    let sim = world("[[project]]\npath = \"acme/red\"\nrun = [{ jobs = \"bad\", age = \"2h\" }]");
    let output = run(&sim).exits_with(1);
    assert!(format!("{}{}", output.stdout, output.stderr).contains("acme/red"), "{output}");
}
