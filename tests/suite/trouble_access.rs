//! Tokens and groups that GitLab refuses: exit code 3, and how to get a token that will do.

use crate::support::Env;
use glwatch_sim::{Access, Fault, Options, Sim, TOKEN_JOB, TOKEN_READ_API, TOKEN_READ_USER};

fn private() -> Sim {
    Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap()
}

const NO_TOKEN: &str = "no token is given, so only what is public can be read: set GITLAB_TOKEN or use --token-file";
const HIDDEN: &str = "GitLab answers 404 for groups that you may not see, as well as for those that do not exist";

#[test]
fn without_a_token_a_private_group_looks_absent() {
    let sim = private();
    let output = Env::new().run(&["--host", sim.url(), "--group-id", "12345"]);
    let _ = output.refuses(3, &["group \"12345\" not found", "404", HIDDEN, NO_TOKEN, "read_api"]);
    assert!(sim.requests().iter().all(|request| !request.authorization));
}

#[test]
fn an_empty_token_variable_is_named() {
    let sim = private();
    for (name, value) in [("GITLAB_TOKEN", ""), ("GLWATCH_TOKEN", "  ")] {
        let output = Env::new().with(name, value).run(&["--host", sim.url(), "--group-id", "12345"]);
        let _ = output.refuses(3, &["404", &format!("{name} is set but empty, which counts as no token"), NO_TOKEN]);
    }
}

#[test]
fn a_token_without_read_api_is_told_which_scope_it_lacks() {
    let sim = private();
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_USER);
    let output = env.run(&["--host", sim.url(), "--group-id", "12345"]);
    let words = ["the token lacks the scope read_api", "the token from GITLAB_TOKEN needs the scope read_api"];
    let output = output.refuses(3, &words).says(&["/-/user_settings/personal_access_tokens"]);
    assert!(!output.stderr.contains(TOKEN_READ_USER), "{output}");
}

#[test]
fn a_token_that_loses_its_scope_on_the_way_is_the_whole_runs_problem() {
    let sim = private();
    sim.add_fault(Fault::on("/pipelines").insufficient_scope());
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let output = env.run(&["--host", sim.url(), "--group-id", "12345", "-o", "json"]);
    let _ = output.refuses(3, &["the token lacks the scope read_api"]);
}

#[test]
fn a_group_that_the_token_cannot_see_is_told_apart_from_no_token() {
    let sim = private();
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let output = env.run(&["--host", sim.url(), "--group-id", "99999"]);
    let member = "check the group, and that the owner of the token from GITLAB_TOKEN is a member of it";
    let output = output.refuses(3, &["group \"99999\" not found", "404", HIDDEN, member]);
    assert!(!output.stderr.contains(NO_TOKEN), "{output}");
    let output = env.run(&["--host", sim.url(), "--group-id", "payments"]);
    let _ = output.refuses(3, &["group \"payments\" not found", "a group's path is the full one"]);
}

#[test]
fn a_ci_job_learns_that_its_job_token_cannot_list() {
    let sim = private();
    let env = Env::new()
        .with("GITLAB_CI", "true")
        .with("CI_SERVER_URL", sim.url())
        .with("CI_JOB_TOKEN", TOKEN_JOB)
        .with("CI_PROJECT_ROOT_NAMESPACE", "acme");
    let output = env.run(&[]);
    let words = [
        "group \"acme\" not found",
        "404",
        "CI_JOB_TOKEN is not used",
        "no version of GitLab lets it list the projects",
    ];
    let output = output.refuses(3, &words).says(&["group access token", "read_api", "GITLAB_TOKEN"]);
    assert!(!output.stderr.contains(TOKEN_JOB), "{output}");
    assert!(sim.requests().iter().all(|request| !request.authorization), "the job token was sent");
    // With a token of its own the same job needs no argument.
    let _ = env.with("GITLAB_TOKEN", TOKEN_READ_API).run(&[]).exits_with(0);
}

#[test]
fn outside_of_ci_the_variables_of_a_job_do_not_count() {
    let output = Env::new().with("CI_PROJECT_ROOT_NAMESPACE", "acme").with("CI_JOB_TOKEN", TOKEN_JOB).run(&[]);
    let _ = output.refuses(2, &["no group is given"]);
}

#[test]
fn when_no_project_may_be_read_the_run_has_no_data() {
    let sim = Sim::start(Options { faults: vec![Fault::on("/pipelines").status(403)], ..Options::default() }).unwrap();
    let output = Env::new().run(&["--host", sim.url(), "--group-id", "12345"]);
    let _ = output.exits_with(3).says(&["error: ", "not one project's pipelines could be read", "\nHint: "]);
    // What is known of the projects is still shown, and `--allow-partial` is not meant.
    let output = Env::new().run(&["--host", sim.url(), "--group-id", "12345", "-o", "json", "--allow-partial"]);
    let json = output.exits_with(3).json();
    let projects = json["projects"].as_array().unwrap();
    assert!(!projects.is_empty() && projects.iter().all(|project| project["state"] == "no_access"));
}
