use super::*;
use secrecy::ExposeSecret;

fn parse(text: &str) -> ExporterConfig {
    ExporterConfig::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_defaults_are_those_of_the_exporter() {
    let config = parse("projects: [{name: acme/api}]");
    assert_eq!((config.host.as_str(), config.listen.as_str()), ("https://gitlab.com", ":8080"));
    assert_eq!((config.metrics_interval, config.list_interval), (Duration::from_secs(30), None));
    assert!(config.verifies_tls && config.has_metrics && !config.has_openmetrics && config.webhook_secret.is_none());
    let rules = &config.projects[0].rules;
    assert!(rules.is_sparse && rules.branches.enabled && rules.tags.enabled && !rules.merge_requests.enabled);
    assert!(rules.branches.pattern.matches("main") && !rules.branches.pattern.matches("dev"));
    assert!(!rules.jobs.enabled && rules.jobs.from_children && !rules.tests.enabled && rules.variables.is_none());
    assert!(!rules.environments.enabled && rules.environments.exclude_stopped);
    assert_eq!(config.notices, Vec::<String>::new());
}

#[test]
fn what_is_written_for_a_project_is_put_over_the_defaults_of_the_file() {
    let config = parse(
        "
gitlab: {url: https://gitlab.example.com, token: abc}
server: {listen_address: 127.0.0.1:9252, webhook: {enabled: true, secret_token: s3cret}}
project_defaults:
  output_sparse_status_metrics: false
  pull: {pipeline: {jobs: {enabled: true}}}
projects:
  - name: acme/api
    pull: {refs: {branches: {regexp: '^m'}}, environments: {enabled: true, regexp: '^prod'}}
  - name: acme/web
    output_sparse_status_metrics: true
wildcards:
  - owner: {name: acme, kind: group, include_subgroups: true}
    archived: true
  - {}
",
    );
    assert_eq!(config.token.as_ref().unwrap().expose_secret(), "abc");
    assert_eq!(config.webhook_secret.as_ref().unwrap().expose_secret(), "s3cret");
    let [api, web] = config.projects.as_slice() else { panic!("{:?}", config.projects) };
    assert!(!api.rules.is_sparse && api.rules.jobs.enabled && api.rules.branches.pattern.matches("mine"));
    assert!(api.rules.environments.enabled && !api.rules.environments.pattern.matches("dev"));
    assert!(web.rules.is_sparse && web.rules.jobs.enabled && !web.rules.branches.pattern.matches("mine"));
    let owners: Vec<&WildcardOwner> = config.wildcards.iter().map(|wildcard| &wildcard.owner).collect();
    let group = WildcardOwner::Group { path: "acme".into(), include_subgroups: true };
    assert_eq!(owners, [&group, &WildcardOwner::Anyone]);
    assert!(config.wildcards[0].archived);
}

#[test]
fn a_key_without_a_meaning_is_named_with_the_reason() {
    let config = parse(
        "
log: {level: debug}
redis: {url: redis://localhost}
gitlab: {health_url: https://x, maximum_jobs_queue_size: 5}
garbage_collect: {refs: {interval_seconds: 5}}
projects: [{name: a/b, pull: {refs: {branches: {name_regexp: x}}}}]
nonsense: 1
",
    );
    let begins: Vec<&str> =
        config.notices.iter().filter_map(|notice| notice.split_once(' ')).map(|(key, _)| key).collect();
    for key in [
        "log",
        "redis",
        "gitlab.health_url",
        "gitlab.maximum_jobs_queue_size",
        "garbage_collect",
        "projects[0].pull.refs.branches.name_regexp",
        "nonsense",
    ] {
        assert!(begins.contains(&key), "{key} in {:?}", config.notices);
    }
    assert_eq!(begins.len(), 7, "{:?}", config.notices);
}

#[test]
fn a_key_that_is_not_done_is_named_and_one_that_is_done_is_not() {
    let titles = "pull: {refs: {merge_requests: {enabled: true, regexp: '^Fix'}}}";
    let open = "pull: {refs: {merge_requests: {regexp: '^Fix', exclude_non_opened: true}}}";
    let cases: [(&str, String, &[&str]); 11] = [
        (
            "refs in an interval",
            "pull: {refs_from_projects: {interval_seconds: 7}}".into(),
            &["pull.refs_from_projects"],
        ),
        (
            "environments in an interval",
            "pull: {environments_from_projects: {on_init: false}}".into(),
            &["pull.environments_from_projects"],
        ),
        ("a burst", "gitlab: {burstable_requests_per_second: 2}".into(), &["gitlab.burstable_requests_per_second"]),
        (
            "no list at the start and later",
            "pull: {projects_from_wildcards: {on_init: false, scheduled: false}}".into(),
            &["pull.projects_from_wildcards.on_init", "pull.projects_from_wildcards.scheduled"],
        ),
        (
            "no metrics at the start and later",
            "pull: {metrics: {on_init: false, scheduled: false}}".into(),
            &["pull.metrics.on_init", "pull.metrics.scheduled"],
        ),
        ("what is done anyway", "pull: {metrics: {on_init: true, scheduled: true, interval_seconds: 5}}".into(), &[]),
        ("the list in an interval", "pull: {projects_from_wildcards: {interval_seconds: 60}}".into(), &[]),
        ("no metrics", "server: {metrics: {enabled: false}}".into(), &[]),
        ("titles", format!("project_defaults: {{{titles}}}"), &["project_defaults.pull.refs.merge_requests.regexp"]),
        ("titles of open ones", format!("project_defaults: {{{open}}}"), &[]),
        (
            "titles of one project, and those of the defaults",
            format!("project_defaults: {{{titles}}}\nwildcards: [{{owner: {{name: a, kind: group}}, {titles}}}]"),
            &["project_defaults.pull.refs.merge_requests.regexp"],
        ),
    ];
    for (sentence, text, expected) in cases {
        let config = parse(&format!("projects: [{{name: a/b}}]\n{text}"));
        let named: Vec<&str> = config.notices.iter().filter_map(|notice| Some(notice.split_once(' ')?.0)).collect();
        let (mut named, mut expected) = (named, expected.to_vec());
        named.sort_unstable();
        expected.sort_unstable();
        assert_eq!(named, expected, "{sentence}: {:?}", config.notices);
    }
    let config = parse("projects: [{name: a/b}]\npull: {projects_from_wildcards: {interval_seconds: 60}}");
    assert_eq!(config.list_interval, Some(Duration::from_secs(60)));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases = [
        ("no project at all", "", "projects: the file names neither"),
        ("no YAML", "projects: [", "the file: is not YAML"),
        ("no name", "projects: [{}]", "projects[0].name: is missing"),
        ("no list", "projects: {a: b}", "projects: is not a list"),
        (
            "a pattern that is none",
            "projects: [{name: a, pull: {refs: {tags: {regexp: '('}}}}]",
            "projects[0].pull.refs.tags.regexp",
        ),
        (
            "a word for a switch",
            "projects: [{name: a, output_sparse_status_metrics: 3}]",
            "projects[0].output_sparse_status_metrics: is not true or false",
        ),
        (
            "a webhook without a secret",
            "projects: [{name: a}]\nserver: {webhook: {enabled: true}}",
            "server.webhook.secret_token: is needed",
        ),
        (
            "an interval of nothing",
            "projects: [{name: a}]\npull: {metrics: {interval_seconds: 0}}",
            "pull.metrics.interval_seconds",
        ),
        (
            "an owner of an unknown kind",
            "wildcards: [{owner: {name: a, kind: team}}]",
            "wildcards[0].owner.kind: \"team\"",
        ),
        ("an owner without a name", "wildcards: [{owner: {kind: group}}]", "wildcards[0].owner.name: is missing"),
        ("a file that is a list", "[]", "the file: is not a table"),
        ("a table that is a text", "projects: [{name: a, pull: x}]", "projects[0].pull: is not a table"),
    ];
    for (sentence, text, expected) in cases {
        let error = ExporterConfig::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{sentence}: {error}");
    }
}
