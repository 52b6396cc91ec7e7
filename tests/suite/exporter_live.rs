//! What `glwatch serve` shows of refs while they change: pipelines that come between two looks or are deleted, jobs of one
//! name, projects that come, with webhooks and without them. GitLab is one of a few answers over REST, which a test changes.

use super::serve::{Served, ask};
use super::watch::client_of;
use crate::support::Env;
use crate::support::canned::Canned;
use crate::support::running::DEADLINE;
use glwatch::collect::exported::refs;
use glwatch::domain::id::{ProjectId, ProjectRef};
use glwatch::testing::ExporterConfig;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::runtime::Builder;
use url::Url;

const OFTEN: &str = "interval_seconds: 1";
/// Nothing but an event leads to a reading.
const NEVER: &str = "interval_seconds: 3600";
const AT: &str = "2026-11-20T18:00:00Z";

/// A pipeline: number, status, source.
type Line = (u64, &'static str, &'static str);

#[derive(Default)]
struct World {
    /// Paths by number, and whether the group lists them.
    projects: BTreeMap<u64, (&'static str, bool)>,
    /// Pipelines of `main` of project 7.
    pipelines: Vec<Line>,
    /// Their jobs: stage and number, all of one name.
    jobs: Vec<(&'static str, u64)>,
}

impl World {
    fn project(&self, id: u64) -> Value {
        let (path, _) = self.projects[&id];
        let (namespace, name) = path.rsplit_once('/').unwrap();
        json!({
            "id": id, "name": name, "path": name, "path_with_namespace": path, "default_branch": "main",
            "web_url": format!("http://gitlab.example.com/{path}"), "archived": false, "builds_access_level": "enabled",
            "jobs_enabled": true, "empty_repo": false, "last_activity_at": AT,
            "namespace": { "id": 1, "kind": "group", "full_path": namespace },
        })
    }

    fn pipeline(&self, (id, status, source): Line) -> Value {
        json!({
            "id": id, "iid": id, "project_id": 7, "sha": format!("{id:040x}"), "ref": "main", "tag": false,
            "status": status, "source": source, "created_at": AT, "updated_at": AT, "duration": 10,
            "web_url": format!("http://gitlab.example.com/acme/api/-/pipelines/{id}"),
            "detailed_status": { "group": status, "text": status, "label": status, "icon": "x" },
        })
    }

    fn job(&self, (stage, id): (&str, u64)) -> Value {
        json!({ "id": id, "name": "unit", "stage": stage, "status": "success", "created_at": AT, "tag_list": [],
            "ref": "main", "tag": false, "allow_failure": false, "artifacts": [], "pipeline": { "id": 1 } })
    }

    fn answer(&self, path: &str) -> (u16, String) {
        let url = Url::parse(&format!("http://x{path}")).unwrap();
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let number = |name: &str, or: usize| asked.get(name).and_then(|text| text.parse().ok()).unwrap_or(or);
        let page = |items: Vec<Value>| {
            let (page, per) = (number("page", 1), number("per_page", 20));
            Value::from(items.into_iter().skip((page - 1) * per).take(per).collect::<Vec<_>>())
        };
        let parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).skip(2).collect();
        let listed = || self.projects.iter().filter(|(_, (_, is_listed))| *is_listed).map(|(id, _)| self.project(*id));
        let id = |text: &str| {
            let named = self.projects.iter().find(|(_, (path, _))| path.replace('/', "%2F") == text).map(|(id, _)| *id);
            text.parse().ok().or(named).filter(|id| self.projects.contains_key(id))
        };
        let found = match parts.as_slice() {
            ["version" | "metadata"] => Some(json!({ "version": "17.1.0-ee", "revision": "x" })),
            ["groups", _] => Some(json!({ "id": 1, "name": "acme", "path": "acme", "full_path": "acme",
                "web_url": "http://gitlab.example.com/groups/acme" })),
            ["groups", _, "projects"] => Some(page(listed().collect())),
            ["groups", ..] => Some(json!([])),
            ["projects", project] => id(project).map(|id| self.project(id)),
            ["projects", "7", "pipelines"] => {
                let mut newest = self.pipelines.clone();
                newest.reverse();
                let is_old = asked.get("updated_after").is_some_and(|since| since.as_str() > AT);
                let asked_for = newest.into_iter().filter(|(id, ..)| !is_old || *id > 405);
                Some(page(asked_for.map(|line| self.pipeline(line)).collect()))
            }
            ["projects", "7", "pipelines", number, rest @ ..] => {
                let line = self.pipelines.iter().find(|(id, ..)| id.to_string() == *number);
                line.map(|line| match rest {
                    [] => self.pipeline(*line),
                    ["jobs"] => page(self.jobs.iter().map(|job| self.job(*job)).collect()),
                    _ => json!([]),
                })
            }
            ["projects", _, "repository", "branches"] => Some(json!([{ "name": "main", "commit": {} }])),
            ["projects", ..] => Some(json!([])),
            _ => None,
        };
        match found {
            Some(body) => (200, body.to_string()),
            None => (404, json!({ "message": "404 Not found" }).to_string()),
        }
    }
}

/// The server that is tested, with its GitLab.
struct Live {
    world: Arc<Mutex<World>>,
    gitlab: Canned,
    served: Served,
    _env: Env,
}

impl Live {
    fn start(interval: &str, world: World) -> Self {
        let world = Arc::new(Mutex::new(world));
        let told = Arc::clone(&world);
        let gitlab = Canned::start(move |path| told.lock().unwrap().answer(path));
        let env = Env::new();
        let path: PathBuf = env.home().join("exporter.yml");
        let text = format!(
            "
gitlab: {{url: '{}', token: glpat-0123456789abcdefghij, maximum_requests_per_second: 1000}}
server: {{listen_address: '127.0.0.1:0'}}
pull: {{metrics: {{{interval}}}}}
project_defaults: {{pull: {{refs: {{tags: {{enabled: false}}}}, pipeline: {{jobs: {{enabled: true}}}}}}}}
projects: [{{name: ada/tool}}]
wildcards: [{{owner: {{name: acme, kind: group, include_subgroups: true}}}}]
",
            gitlab.url()
        );
        fs::write(&path, text).unwrap();
        let served = serve(&env, &path);
        served.wait(|served| served.get("/metrics").body.contains("gitlab_ci_pipeline_id{"));
        Self { world, gitlab, served, _env: env }
    }

    fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
    }

    fn hook(&self, project: u64) {
        let body = json!({
            "object_kind": "pipeline", "object_attributes": { "ref": "main", "tag": false },
            "project": { "id": project, "path_with_namespace": "acme/api" },
        });
        self.event(&body);
    }

    fn event(&self, body: &Value) {
        assert_eq!(ask(&self.served.address, "POST", "/webhook", &[], &body.to_string()).status, 200);
    }

    /// Returns the value of the only series of a family with these parts of its labels.
    fn value(&self, family: &str, labels: &[&str]) -> Option<f64> {
        let page = self.served.get("/metrics").body;
        let is_it =
            |line: &&str| line.starts_with(&format!("{family}{{")) && labels.iter().all(|one| line.contains(one));
        page.lines().find(is_it).and_then(|line| line.rsplit_once(' ')?.1.parse().ok())
    }

    #[track_caller]
    fn comes_to(&self, sentence: &str, family: &str, labels: &[&str], expected: Option<f64>) {
        let until = Instant::now() + DEADLINE;
        loop {
            let found = self.value(family, labels);
            if found == expected {
                return;
            }
            assert!(Instant::now() < until, "{sentence}: {family} {labels:?} is {found:?}, expected {expected:?}");
        }
    }

    /// Returns how many requests had this part in their path.
    fn asked(&self, part: &str) -> usize {
        self.gitlab.heads().iter().filter(|head| head.lines().next().is_some_and(|line| line.contains(part))).count()
    }

    /// Waits until something is asked for after an event.
    #[track_caller]
    fn is_asked_after(&self, part: &str, event: impl FnOnce()) {
        let before = self.asked(part);
        event();
        let until = Instant::now() + DEADLINE;
        while self.asked(part) == before {
            assert!(Instant::now() < until, "{part} is not asked for");
        }
    }
}

/// Starts the server with a file of the exporter's.
fn serve(env: &Env, file: &Path) -> Served {
    let mut running = env.start(&["serve", "--exporter-config", file.to_str().unwrap(), "--no-history"]);
    let address = loop {
        if let Some(address) = running.error_line().strip_prefix("serving on http://") {
            break address.to_owned();
        }
    };
    Served { running, address }
}

fn world(pipelines: &[Line]) -> World {
    World {
        projects: BTreeMap::from([(7, ("acme/api", true)), (9, ("ada/tool", false))]),
        pipelines: pipelines.to_vec(),
        jobs: vec![("build", 100), ("test", 101)],
    }
}

const RUNS: &str = "gitlab_ci_pipeline_run_count";
const STATUS: &str = "gitlab_ci_pipeline_status";

#[test]
fn pipelines_between_two_looks_are_counted_for_their_sources() {
    for (sentence, interval) in [("with webhooks", NEVER), ("without them", OFTEN)] {
        let live = Live::start(interval, world(&[(405, "success", "push")]));
        live.change(|world| {
            world.pipelines.extend([(406, "success", "push"), (407, "failed", "push"), (408, "success", "schedule")]);
        });
        if interval == NEVER {
            (0..3).for_each(|_| live.hook(7));
        }
        live.comes_to(sentence, RUNS, &["source=\"schedule\""], Some(1.0));
        live.comes_to(sentence, RUNS, &["source=\"push\""], Some(2.0));
    }
}

#[test]
fn a_reading_of_what_has_not_changed_counts_no_run_of_a_job() {
    let live = Live::start(NEVER, world(&[(405, "success", "push")]));
    // When the last of them is read, those before have been shown.
    (0..4).for_each(|_| live.is_asked_after("/pipelines?ref=main&page=1&per_page=20", || live.hook(7)));
    for stage in ["build", "test"] {
        let labels = [format!("stage=\"{stage}\"")];
        assert_eq!(live.value("gitlab_ci_pipeline_job_run_count", &[&labels[0]]), Some(0.0), "{stage}");
    }
}

#[test]
fn a_pipeline_that_was_deleted_gives_place_to_the_one_before() {
    let older = (404, "success", "push");
    let cases: [(&str, Line, &[Line], Option<f64>); 4] = [
        ("one that had failed", (405, "failed", "push"), &[older], Some(404.0)),
        ("one that was running", (405, "running", "push"), &[older], Some(404.0)),
        ("the only one", (405, "failed", "push"), &[], None),
        ("the only one, that was running", (405, "running", "push"), &[], None),
    ];
    for (sentence, newest, left, expected) in cases {
        let live = Live::start(OFTEN, world(&[left, &[newest]].concat()));
        live.comes_to(sentence, "gitlab_ci_pipeline_id", &[], Some(405.0));
        live.change(|world| world.pipelines = left.to_vec());
        live.comes_to(sentence, "gitlab_ci_pipeline_id", &[], expected);
        live.comes_to(sentence, STATUS, &["running"], None);
        live.comes_to(sentence, STATUS, &["failed"], None);
        // What is gone is asked for no more.
        let before = live.asked("/pipelines/405");
        (0..3).for_each(|_| live.is_asked_after("updated_after", || ()));
        assert_eq!(live.asked("/pipelines/405"), before, "{sentence}");
    }
}

#[test]
fn an_event_about_a_project_that_is_not_listed_has_the_list_read() {
    let pipeline = json!({
        "object_kind": "pipeline", "object_attributes": { "ref": "main", "tag": false },
        "project": { "id": 8, "path_with_namespace": "acme/new" },
    });
    let cases = [
        ("a system hook", json!({ "event_name": "project_create", "project_id": 8 })),
        ("a pipeline of a project that is new", pipeline),
    ];
    for (sentence, event) in cases {
        let live = Live::start(NEVER, world(&[(405, "success", "push")]));
        live.change(|world| world.projects.extend([(8, ("acme/new", true))]));
        live.is_asked_after("/groups/acme/projects", || live.event(&event));
        live.served.wait(|served| served.get("/api/v1/snapshot").body.contains("acme/new"));
        assert_eq!(live.value("glwatch_webhooks_total", &["\"used\""]), Some(1.0), "{sentence}");
    }
}

#[test]
fn a_project_of_another_group_has_the_list_read_once() {
    let live = Live::start(NEVER, world(&[(405, "success", "push")]));
    live.is_asked_after("/groups/acme/projects", || live.hook(999));
    let before = live.asked("/groups/acme/projects");
    (0..3).for_each(|_| live.hook(999));
    live.is_asked_after("/pipelines?ref=main&page=1&per_page=20", || live.hook(7));
    assert_eq!(live.asked("/groups/acme/projects"), before);
    assert_eq!(live.value("glwatch_webhooks_total", &["\"unused\""]), Some(3.0));
}

#[test]
fn a_file_that_wants_no_metrics_has_none() {
    for (is_enabled, expected) in [(true, 200), (false, 404)] {
        let world = world(&[(405, "success", "push")]);
        let gitlab = Canned::start(move |path| world.answer(path));
        let env = Env::new();
        let path = env.home().join("exporter.yml");
        let server = format!("server: {{listen_address: '127.0.0.1:0', metrics: {{enabled: {is_enabled}}}}}");
        let wildcards = "wildcards: [{owner: {name: acme, kind: group}}]";
        let text =
            format!("gitlab: {{url: '{}', token: glpat-0123456789abcdefghij}}\n{server}\n{wildcards}\n", gitlab.url());
        fs::write(&path, text).unwrap();
        let served = serve(&env, &path);
        assert_eq!(served.get("/metrics").status, expected);
        assert_eq!(served.get("/health/live").status, 200);
    }
}

#[test]
fn merge_requests_that_are_not_open_are_left_out_where_the_file_says_so() {
    let answer = |path: &str| {
        let pipeline = |iid: u64| json!({ "id": 100 + iid, "ref": format!("refs/merge-requests/{iid}/head") });
        match path.split('?').next().unwrap().rsplit('/').next() {
            Some("pipelines") => (200, json!([pipeline(1), pipeline(2), pipeline(3)]).to_string()),
            Some("merge_requests") if path.contains("state=opened") => {
                (200, json!([{ "iid": 1, "title": "Fix it" }, { "iid": 2, "title": "Draft: x" }]).to_string())
            }
            _ => (404, json!({ "message": "404 Not found" }).to_string()),
        }
    };
    let forbidden = move |path: &str| {
        if path.contains("/merge_requests") {
            (403, json!({ "message": "403 Forbidden" }).to_string())
        } else {
            answer(path)
        }
    };
    let cases: [(&str, &str, bool, &[&str]); 5] = [
        ("all that have pipelines", "", true, &["1", "2", "3"]),
        ("a pattern alone is not used", "regexp: '^Fix'", true, &["1", "2", "3"]),
        ("those that are open", "exclude_non_opened: true", true, &["1", "2"]),
        ("those that are open, by title", "exclude_non_opened: true, regexp: '^Fix'", true, &["1"]),
        ("a project that shows none", "exclude_non_opened: true", false, &[]),
    ];
    for (sentence, keys, is_shown, expected) in cases {
        let server = Canned::start(move |path| if is_shown { answer(path) } else { forbidden(path) });
        let kinds = "branches: {enabled: false}, tags: {enabled: false}";
        let wanted = [" enabled: true", keys].into_iter().filter(|key| !key.is_empty()).collect::<Vec<_>>().join(", ");
        let pull = format!("pull: {{refs: {{{kinds}, merge_requests: {{{wanted}}}}}}}");
        let config = ExporterConfig::parse(&format!("projects: [{{name: acme/api, {pull}}}]")).unwrap();
        let (client, project) = (client_of(server.url()), ProjectRef::Id(ProjectId(7)));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let now = chrono::Utc::now();
        let found = runtime.block_on(refs::discover(&client, &project, &config.projects[0].rules, now)).unwrap();
        let found: Vec<&str> = found.iter().map(|tracked| tracked.name.as_str()).collect();
        assert_eq!(found, expected, "{sentence}");
    }
}
