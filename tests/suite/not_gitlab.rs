//! Answers that another server gives in GitLab's place: a fact about no project, and about no run.

use super::trouble::{pipelines_of, row, sim};
use crate::support::Env;
use glwatch_sim::{Action, Fault, FaultOn, Options, Sim, TOKEN_API, WorldKind};
use serde_json::json;

const PAGE: &str = "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head></html>";

/// What is answered, by a sentence that names it.
const ANSWERS: [(&str, u16, &str, &str); 9] = [
    ("a firewall's page with 403", 403, "text/html", PAGE),
    ("a firewall's page with 404", 404, "text/html", PAGE),
    ("a proxy's page with 401", 401, "text/html", "<html>401</html>"),
    ("an empty 403", 403, "text/plain", ""),
    ("an empty 401", 401, "application/json", ""),
    ("JSON of another program with 404", 404, "application/json", "{\"detail\":\"Not Found\"}"),
    ("JSON of another program with 401", 401, "application/json", "{\"error\":{\"code\":401}}"),
    ("a text with 403", 403, "text/plain", "Access denied"),
    ("a page with 451", 451, "text/html", PAGE),
];

fn on(path: &str, (_, code, content_type, body): (&str, u16, &str, &str)) -> Fault {
    Fault::on(path).answer(code, content_type, body)
}

#[test]
fn behind_such_an_answer_a_project_is_an_error_and_never_no_access() {
    for api in ["rest", "auto"] {
        for answer in ANSWERS {
            let sim = sim(vec![]);
            sim.add_fault(on(&pipelines_of(&sim, "acme/web/shop"), answer));
            if api == "auto" {
                sim.add_fault(on("/api/graphql", answer));
            }
            let env = Env::new().with("GITLAB_TOKEN", TOKEN_API);
            let group = ["--host", sim.url(), "--group-id", "12345", "--include", "acme/web/*"];
            let output = env.run(&[&group[..], &["--api", api, "-o", "json", "--fail-on", "no_access"]].concat());
            let json = output.exits_with(4).json();
            let shop = row(&json, "acme/web/shop");
            assert_eq!((&shop["state"], &shop["error"]["kind"]), (&json!("error"), &json!("not_gitlab")), "{answer:?}");
            assert_eq!((&json["complete"], &json["summary"]["no_access"]), (&json!(false), &json!(0)), "{answer:?}");
            assert!(shop["error"]["message"].as_str().unwrap().contains("not GitLab's answer"), "{answer:?}: {shop}");
            let others = json["projects"].as_array().unwrap().iter().filter(|project| project["state"] == "ok");
            assert!(others.count() > 0, "{answer:?}: it ended the whole run");
        }
    }
}

#[test]
fn such_an_answer_is_asked_for_again_and_may_pass() {
    for answer in ANSWERS {
        let sim = sim(vec![]);
        let path = pipelines_of(&sim, "acme/web/shop");
        let (_, code, content_type, body) = answer;
        sim.add_fault(Fault::on(&path).times(2).answer(code, content_type, body));
        let _ = super::trouble::status(&sim, &[]).exits_with(0);
    }
}

#[test]
fn a_login_of_a_proxy_takes_one_attempt_and_says_nothing_about_the_token() {
    let headers = vec![("www-authenticate".to_owned(), "Basic realm=\"intranet\"".to_owned())];
    let page = || Action::Status {
        code: 401,
        content_type: "text/html".into(),
        body: "<html><title>401 Authorization Required</title></html>".into(),
        headers: headers.clone(),
    };
    let sim = sim(vec![Fault::on("/api/").action(page())]);
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_API);
    let output = env.run(&["--host", sim.url(), "--group-id", "12345"]);
    let output = output.refuses(3, &["401: not GitLab's answer", "401 Authorization Required", "a login of its own"]);
    assert!(!output.stderr.contains("expired") && !output.stderr.contains("attempts"), "{output}");
}

#[test]
fn a_triggered_pipeline_behind_such_an_answer_is_unread() {
    for answer in ANSWERS {
        let sim = sim(vec![]);
        let truth = sim.expected();
        let child = &row(&truth, "acme/platform/scheduler")["pipelines"][0]["downstream"][0]["id"];
        sim.add_fault(on(&format!("/pipelines/{child}"), answer));
        let json = super::trouble::status(&sim, &["-o", "json"]).exits_with(4).json();
        let worst = &row(&json, "acme/platform/scheduler")["pipelines"][0]["worst"];
        assert_eq!((worst, &json["complete"]), (&json!("unread"), &json!(false)), "{answer:?}");
    }
}

#[test]
fn a_wait_does_not_end_with_such_an_answer() {
    let sim = sim(vec![]);
    sim.add_fault(on(&pipelines_of(&sim, "acme/web/shop"), ANSWERS[0]));
    let wait = ["--include", "acme/web/shop,acme/web/docs", "--wait", "--deadline", "0s", "--interval", "50ms"];
    let _ = super::trouble::status(&sim, &wait).exits_with(5).says(&["acme/web/shop could not be read"]);
}

#[test]
fn a_watch_keeps_what_it_knew() {
    let sim = sim(vec![]);
    let env = Env::new();
    let mut watched = env.start(&[
        "--host",
        sim.url(),
        "--group-id",
        "12345",
        "--include",
        "acme/payments/invoices",
        "--watch",
        "-o",
        "ndjson",
        "--interval",
        "50ms",
        "--list-interval",
        "100ms",
    ]);
    let known = watched.line_with(|line| line.contains("\"snapshot\""));
    assert!(known.contains("\"worst\":\"failed\""), "it must be red for this to prove anything: {known}");
    for answer in ANSWERS {
        sim.add_fault(on(&pipelines_of(&sim, "acme/payments/invoices"), answer));
    }
    let change = watched.line_with(|line| line.contains("stale") || line.contains("no_access"));
    assert!(!change.contains("no_access"), "{change}");
}

#[test]
fn commands_about_one_project_call_it_a_failed_request() {
    let cases: [(&[&str], &str); 4] = [
        (&["explain", "acme/payments/invoices"], "/pipelines"),
        (&["logs", "acme/payments/invoices"], "/trace"),
        (&["retry", "acme/payments/invoices", "--yes"], "/jobs"),
        (&["explain", "acme/payments/invoices"], "GET /api/v4/projects/acme%2Fpayments%2Finvoices*"),
    ];
    for (words, path) in cases {
        for answer in [ANSWERS[0], ANSWERS[1], ANSWERS[4]] {
            let sim = sim(vec![on(path, answer)]);
            let output = Env::new().with("GITLAB_TOKEN", TOKEN_API).run(&[words, &["--host", sim.url()]].concat());
            let output = output.exits_with(3).says(&["not GitLab's answer"]);
            for wrong in ["expired", "a role", "one may not see", "is to be seen"] {
                assert!(!output.stderr.contains(wrong), "{words:?} {answer:?}: {wrong}\n{output}");
            }
        }
    }
}

#[test]
fn config_check_does_not_blame_the_token_for_it() {
    let sim = sim(vec![on("personal_access_tokens/self", ANSWERS[2])]);
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_API);
    let output = env.run(&["config", "check", "--host", sim.url(), "--group-id", "12345"]);
    assert!(output.stdout.contains("not GitLab's answer") && !output.stdout.contains("expired, revoked"), "{output}");
}

#[test]
fn a_server_in_passing_trouble_is_asked_again_over_both_apis() {
    for code in [408, 425, 502, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530] {
        let page = |on: FaultOn| on.answer(code, "text/html", "<html>");
        let sim = sim(vec![
            page(Fault::on("/groups/12345?").once()),
            page(Fault::on("/jobs").times(2)),
            page(Fault::on("/api/graphql Introspection").once()),
        ]);
        let _ = super::trouble::status(&sim, &[]).exits_with(0);
        let output = super::trouble::status(&sim, &["--api", "graphql", "-o", "json"]).exits_with(0);
        assert_eq!(output.json()["requests"]["api"], "graphql", "{code}");
    }
}

#[test]
fn gitlabs_own_reason_is_on_the_row_and_no_hint_contradicts_it() {
    let granular = "Access denied: Your Personal Access Token lacks the required permissions: [Pipeline: Read]";
    let cases = [
        (json!({"error": "insufficient_granular_scope", "error_description": granular}), granular, "[Pipeline: Read]"),
        (json!({"message": "403 Forbidden - IP not allowed"}), "IP not allowed", "GitLab's reason"),
        (json!({"message": "Your account has been blocked."}), "has been blocked", "GitLab's reason"),
    ];
    for (body, reason, hint) in cases {
        let sim = sim(vec![Fault::on("/pipelines").answer(403, "application/json", &body.to_string())]);
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_API);
        let output = env.run(&["--host", sim.url(), "--group-id", "12345", "-o", "json"]);
        let output = output.exits_with(3).says(&[reason, hint]);
        assert!(!output.stderr.contains("role Reporter"), "{output}");
        let json = output.json();
        let shop = row(&json, "acme/web/shop");
        assert_eq!(shop["state"], "no_access");
        assert!(shop["error"]["message"].as_str().unwrap().contains(reason), "{shop}");
    }
    for reason in ["You must accept the Terms of Service", "Your password expired", "IP 10.0.0.1 is not allowed"] {
        let body = json!({ "message": format!("403 Forbidden - {reason}") }).to_string();
        let sim = sim(vec![Fault::on("/groups/").answer(403, "application/json", &body)]);
        let output = super::trouble::status(&sim, &[]).refuses(3, &[reason]);
        // A port is a number, too.
        let said = output.stderr.replace(sim.url(), "");
        assert!(!said.contains("404") && !said.contains("member"), "{output}");
    }
}

#[test]
fn a_token_of_another_kind_is_named_by_its_beginning() {
    for (token, what) in [("glcbt-64_x", "a CI/CD job token"), ("gldt-x", "a deploy token")] {
        let sim = sim(vec![Fault::on("/api/").status(401)]);
        let output = Env::new().with("GITLAB_TOKEN", token).run(&["--host", sim.url(), "--group-id", "12345"]);
        let output = output.refuses(3, &[&format!("the token from GITLAB_TOKEN is {what}")]);
        assert!(!output.stderr.contains("expired") && !output.stderr.contains(token), "{output}");
    }
}

#[test]
fn a_decoded_slash_is_told_for_what_it_is() {
    let sim = sim(vec![Fault::on("%2F").answer(404, "text/html", "<title>404 Not Found</title>")]);
    let output = Env::new().run(&["--host", sim.url(), "--group-id", "acme/web"]);
    let output = output.refuses(3, &["decodes %2F", "by its number", "AllowEncodedSlashes"]);
    assert!(!output.stderr.contains("attempts") && !output.stderr.contains("full one"), "{output}");
}

#[test]
fn a_server_that_is_away_is_not_asked_about_each_project() {
    for (api, most) in [("auto", 2 + 4 + 3 * 4), ("rest", 2 + (8 + 2) * 4)] {
        let world = WorldKind::Uniform { projects: 60, stages: 1, jobs: 1 };
        let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
        sim.add_fault(Fault::on("/api/graphql").status(502));
        sim.add_fault(Fault::on("/pipelines").status(502));
        let given = ["--host", sim.url(), "--group-id", "12345", "-o", "json", "--fail-on", "failed", "--api", api];
        let output = Env::new().run(&given).exits_with(3);
        let rows = output.json()["projects"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 60, "{api}: {output}");
        assert!(rows.iter().all(|row| row["error"]["kind"] == "http_502"), "{api}: {output}");
        assert!(!output.stderr.contains("GraphQL is not available"), "{api}: {output}");
        let asked = sim.requests().len();
        assert!(asked <= most, "{api}: {asked} requests");
    }
}
