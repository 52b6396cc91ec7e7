use super::*;
use crate::config::{Config, Settings};
use secrecy::ExposeSecret;
use std::collections::HashMap;

type Pairs = &'static [(&'static str, &'static str)];
type Files<'a> = &'a [(&'a str, Owner)];

fn parse(text: &str, owner: Owner) -> Result<File, ConfigError> {
    File::parse(text, Path::new("/etc/glwatch/config.toml"), owner, Some(Path::new("/home/u")))
}

/// Settings of a user's file under flags and variables.
fn layered(
    flags: &[(&str, &str)],
    variables: &[(&str, &str)],
    files: &[(&str, Owner)],
) -> Result<Settings, ConfigError> {
    let mut layer = Layer::default();
    for (key, value) in flags {
        layer.set(key, vec![(*value).into()], Origin::Flag((*key).into()));
    }
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let mut settings = Settings::new(layer, &variables);
    for (text, owner) in files {
        settings.add_file(parse(text, *owner)?)?;
    }
    Ok(settings)
}

#[test]
fn each_layer_lies_below_the_one_before() {
    let user = "profile = 'p'\nhost = 'h4.example'\nsort = 'age'\n[profiles.p]\nhost = 'h3.example'\n";
    let project = "timezone = 'Asia/Tokyo'\nsort = 'name'\ncolor = 'never'\ngroup_id = [7]\n";
    let files = [(user, Owner::User), (project, Owner::Project)];
    let ci = [("GITLAB_CI", "true"), ("CI_PROJECT_ROOT_NAMESPACE", "acme"), ("CI_SERVER_URL", "https://h5.example")];
    let with = |more: &[(&'static str, &'static str)]| [&ci[..], more].concat();
    type Case<'a> = (&'a str, Pairs, Vec<(&'a str, &'a str)>, Files<'a>, &'a str, &'a str);
    let cases: [Case<'_>; 8] = [
        ("a flag", &[("host", "h0.example")], with(&[("GLWATCH_HOST", "h1.example")]), &files, "host", "h0.example"),
        ("our variable", &[], with(&[("GLWATCH_HOST", "h1"), ("GITLAB_HOST", "h2")]), &files, "host", "h1"),
        ("a shared variable", &[], with(&[("GITLAB_HOST", "h2")]), &files, "host", "h2"),
        ("the profile", &[], with(&[]), &files, "host", "h3.example"),
        ("the user's file over the project's", &[], with(&[]), &files, "sort", "age"),
        ("the project's file", &[], with(&[]), &files, "color", "never"),
        ("the project's file over the CI variables", &[], with(&[]), &files, "group-id", "7"),
        ("a CI variable", &[], with(&[]), &[], "host", "https://h5.example"),
    ];
    for (sentence, flags, variables, files, key, expected) in cases {
        let settings = layered(flags, &variables, files).unwrap();
        assert_eq!(settings.get(key).unwrap().text(), expected, "{sentence}");
    }
}

#[test]
fn a_value_remembers_file_line_and_key() {
    let settings = layered(&[], &[], &[("# one\n\n[profiles.work]\nsort = 'bad'\n", Owner::User)]);
    assert!(settings.unwrap().get("sort").is_none(), "a profile that was not chosen counts");
    let settings = layered(
        &[("profile", "work"), ("group-id", "1")],
        &[],
        &[("# one\n\n[profiles.work]\nsort = 'bad'\n", Owner::User)],
    );
    let error = Config::resolve(&settings.unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("/etc/glwatch/config.toml:4 (profiles.work.sort): \"bad\" is not one of"), "{error}");
}

#[test]
fn what_a_file_may_not_say_is_refused_with_line_and_help() {
    let cases = [
        ("concurency = 3", ":1 (concurency): is no setting", "did you mean concurrency?"),
        ("\ncolour = 'auto'", ":2 (colour): is no setting", "did you mean color?"),
        ("time-zone = 'UTC'", "(time-zone): is no setting", "did you mean timezone?"),
        ("group = 1", "is no setting", "did you mean group_id?"),
        ("[profile.work]", "(profile): is a section; permitted is a text in quotes", ""),
        ("[host]", "(host): is a section", ""),
        ("zzz = 1", "is no setting", "config show names all settings"),
        ("[profiles.work]\nhots = 'x'", ":2 (profiles.work.hots): is no setting", "did you mean host?"),
        ("[profiles.work]\nprofile = 'x'", "not allowed in a profile", ""),
        ("profiles = 3", "(profiles): is a number; permitted is a section [profiles]", ""),
        ("[hosts.'a.example']\nsort = 'name'", "section of a host", ""),
        ("[hosts.'a.example']\ntokn = 'x'", "is no setting", "did you mean token?"),
        ("[hosts.'ftp://x']\ntoken = 'x'", "(hosts.\"ftp://x\"): is reached by ftp", ""),
        ("ascii = 'yes'", "is a text; permitted is true or false", ""),
        ("timeout = 30", "is a number; permitted is a text in quotes", ""),
        ("concurrency = true", "is true or false; permitted is a number", ""),
        ("group_id = [1, [2]]", "is a list; permitted is a list", ""),
        ("sort = ['age']", "is a list; permitted is a text", ""),
        ("timezone = 2026-01-01", "is a date; permitted is a text", ""),
        ("token_command = 'pass gitlab'", "permitted is a list of a program and its arguments", ""),
        ("stages_width = 3\nstages-width = 4", ":2 (stages-width): is set twice", ""),
        ("token = 'a'\ntoken_file = 'b'", "second source of the token", ""),
        (
            "token_variable = 'A'\ntoken_command = ['b']",
            "second source of the token beside /etc/glwatch/config.toml:1",
            "",
        ),
        ("header = 'a: b'\nheader_file = 'b'", "second source of the header", ""),
        ("token_variable = ['A']", "permitted is the name of a variable", ""),
        ("token_varible = 'A'", "is no setting", "did you mean token_variable?"),
        ("config = 'x'", "give it as --config or GLWATCH_CONFIG", ""),
        ("https_proxy = 'x'", "HTTPS_PROXY", ""),
        ("concurrency = 99999999999999999999", "too large", ""),
        ("a = = 1", ":1: is not TOML", ""),
        ("sort = 'age'\nsort = 'age'", ":2: is not TOML", ""),
        ("[history]\nkep = '1d'", ":2 (history.kep): is no setting", "did you mean keep?"),
        ("[histroy]\nkeep = '1d'", ":1 (histroy): is no setting", "did you mean history?"),
        ("[profiles.work.history]\nkep = '1d'", ":2 (profiles.work.history.kep): is no setting", "did you mean keep?"),
        ("[cost]\nsort = 'age'", "(cost.sort): is no setting", "did you mean sort?"),
        ("price_per_minute = 1", "is no setting", "did you mean cost.price_per_minute?"),
        ("[grafana]\nport = 1", ":1 (grafana): is no setting", "config show names all settings"),
        ("history = true", "(history): is true or false; permitted is a section [history]", ""),
        ("[history]\nenabled = 'yes'", "(history.enabled): is a text; permitted is true or false", ""),
        ("[history]\nkeep = 400", "(history.keep): is a number; permitted is a text in quotes", ""),
        ("[cost]\nfactor = 2", "(cost.factor): is a number; permitted is a number for each name", ""),
        ("[cost.factor]\ngpu = [1]", "(cost.factor): is a list; permitted is a number for each name", ""),
        ("[hosts.'a.example'.cost]\nfactor = {}", "section of a host", ""),
    ];
    for (text, problem, hint) in cases {
        let error = parse(text, Owner::User).expect_err(text);
        assert!(error.to_string().contains(problem), "{text}: {error}");
        assert!(error.hints.concat().contains(hint), "{text}: {:?}", error.hints);
    }
}

#[test]
fn no_error_quotes_a_token() {
    for text in
        ["token = glpat-secret", "token = 'glpat-secret", "token = ['glpat-secret']\nx = 1", "token = 'glpat-secret'x"]
    {
        let error = parse(text, Owner::User).expect_err(text);
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn a_project_may_set_display_filters_and_group_only() {
    let forbidden = [
        "host = 'evil.example'",
        "token = 'x'",
        "token_file = '/etc/passwd'",
        "token-file = '/etc/passwd'",
        "token_command = ['sh', '-c', 'true']",
        "ca_file = 'ca.pem'",
        "insecure = true",
        "header = ['X-Gate: x']",
        "headers = ['X-Gate: x']",
        "token_header = 'private-token'",
        "token_variable = 'HOME'",
        "header_file = '/etc/passwd'",
        "header_command = ['sh']",
        "header_variable = 'HOME'",
        "https_proxy = 'http://evil.example'",
        "no_proxy = '*'",
        "proxy = 'http://evil.example'",
        "log_file = '/home/u/.bashrc'",
        "export = ['json=x']",
        "command = ['sh']",
        "profile = 'work'",
        "config = 'other.toml'",
        "concurrency = 100",
        "rps = 1000",
        "timeout = '1s'",
        "retry_wait = '1ms'",
        "fail_on = []",
        "allow_partial = true",
        "[hosts.'gitlab.com']\ntoken = 'x'",
        "[profiles.work]\nhost = 'evil.example'",
        "history.path = '/home/u/.bashrc'",
        "history.enabled = false",
        "cost.factor = { gpu = 0 }",
    ];
    for text in forbidden {
        let error = parse(text, Owner::Project).expect_err(text);
        assert!(error.to_string().contains("not allowed in ./glwatch.toml"), "{text}: {error}");
        assert!(error.to_string().contains("config.toml:1 ("), "{text}: {error}");
    }
    let refused = KEYS.iter().filter(|key| !matches!(key.in_project, InProject::Permitted | InProject::Announced));
    for key in refused {
        let text = format!("{} = ''", key.in_snake_case());
        assert!(parse(&text, Owner::Project).is_err(), "{text}");
    }
    let permitted = "group_id = ['acme', 7]\ninclude = ['a']\nexclude = 'b'\nref = ['default']\narchived = true\n\
                     no_subgroups = true\noutput = 'wide'\nsort = 'age'\nstages_width = 30\ntimezone = 'UTC'\n\
                     color = 'never'\nascii = true\nquiet = false\n";
    assert!(parse(permitted, Owner::Project).is_ok());
    // A restriction may be tightened by anyone, and loosened only by the user.
    assert!(parse("read_only = true", Owner::Project).is_ok());
    let error = parse("read_only = false", Owner::Project).unwrap_err().to_string();
    assert!(error.ends_with("may only be true in a project's file"), "{error}");
    let read_only = |files: &[(&str, Owner)]| layered(&[], &[], files).unwrap().switch("read-only").unwrap();
    assert!(read_only(&[("sort = 'age'", Owner::User), ("read_only = true", Owner::Project)]));
    assert!(!read_only(&[("read_only = false", Owner::User), ("read_only = true", Owner::Project)]));
    let error = parse("hos = 'x'", Owner::Project).unwrap_err();
    assert!(!error.hints.concat().contains("host"), "what is not allowed there is not proposed");
}

#[test]
fn a_projects_file_shortens_no_interval_below_two_seconds() {
    let cases =
        [("10ms", "2s", true), ("0s", "2s", true), ("1999ms", "2s", true), ("2s", "2s", false), ("1m", "1m", false)];
    for key in ["interval", "list_interval"] {
        for (written, counts, is_raised) in cases {
            let text = format!("{key} = '{written}'");
            let file = parse(&text, Owner::Project).unwrap();
            assert_eq!(file.top.layer.get(&key.replace('_', "-")).unwrap().text(), counts, "{text}");
            assert_eq!(file.warnings.len(), usize::from(is_raised), "{text}: {:?}", file.warnings);
            let own = parse(&text, Owner::User).unwrap();
            assert_eq!((own.top.layer.get(&key.replace('_', "-")).unwrap().text(), own.warnings.len()), (written, 0));
        }
    }
}

#[test]
fn a_secret_in_the_name_of_a_section_is_not_shown() {
    let texts = [
        "[hosts.'https://ada:s3cret@h']\ntoken = 'x'",
        "[hosts.'https://ada:s3cret@h']\nsort = 'x'",
        "[hosts.'ada:s3cret@h x']\ntoken = 'x'",
        "[hosts]\n'https://ada:s3cret@h' = 1",
        "[hosts.'https://h?private_token=s3cret']\ntoken = 'x'",
        "'https://ada:s3cret@h' = 1",
        "['https://ada:s3cret@h']\n['https://ada:s3cret@h']",
        "host = 'https://ada:s3cret@h'\ntoken = 'x'",
    ];
    for text in texts {
        let error = layered(&[], &[], &[(text, Owner::User)]).map(|_| ()).expect_err(text);
        let said = format!("{error} {:?}", error.hints);
        assert!(!said.contains("s3cret") && said.contains("config.toml:"), "{text}: {said}");
    }
}

#[test]
fn profiles_are_chosen_by_flag_variable_or_file() {
    let file =
        "profile = 'c'\n[profiles.a]\nsort = 'age'\n[profiles.b]\nsort = 'name'\n[profiles.c]\nsort = 'status'\n";
    let sort = |flags: &[(&str, &str)], variables: &[(&str, &str)]| {
        let settings = layered(flags, variables, &[(file, Owner::User)])?;
        Ok::<_, ConfigError>(settings.get("sort").unwrap().text().to_owned())
    };
    assert_eq!(sort(&[("profile", "a")], &[("GLWATCH_PROFILE", "b")]).unwrap(), "age");
    assert_eq!(sort(&[], &[("GLWATCH_PROFILE", "b")]).unwrap(), "name");
    assert_eq!(sort(&[], &[]).unwrap(), "status");
    let error = sort(&[("profile", "x")], &[]).unwrap_err();
    assert_eq!(error.to_string(), "--profile: \"x\" is no profile");
    assert!(error.hints[0].contains("has a, b, c"), "{:?}", error.hints);
    let mut settings = layered(&[("profile", "x")], &[], &[]).unwrap();
    let error = settings.add_file(File::empty(Path::new("none.toml"))).unwrap_err();
    assert!(error.hints[0].contains("there is none in none.toml"), "{:?}", error.hints);
}

#[test]
fn a_token_in_a_file_goes_only_to_its_host() {
    let file = "host = 'own.example'\ntoken = 'top'\n[hosts.'other.example']\ntoken_file = 'secret'\n\
                [hosts.'own.example:8443']\ntoken_command = ['./get', 'x']\n\
                [profiles.work]\nhost = 'work.example'\ntoken = 'work'\n[profiles.plain]\ntoken = 'plain'\n";
    let cases: [(&str, Pairs, Option<&str>); 9] = [
        ("the file's own host", &[], Some("top")),
        ("a section", &[("host", "other.example")], Some("/etc/glwatch/secret")),
        ("a port is another host", &[("host", "own.example:8443")], Some("/etc/glwatch/./get x")),
        ("no other host gets it", &[("host", "evil.example")], None),
        ("plain http is another host", &[("host", "http://own.example")], None),
        ("a profile's own host", &[("profile", "work")], Some("work")),
        ("not another one's", &[("profile", "work"), ("host", "evil.example")], None),
        ("a profile without a host has the file's", &[("profile", "plain")], Some("plain")),
        ("flags win", &[("token", "flag")], Some("flag")),
    ];
    for (sentence, flags, expected) in cases {
        let settings = layered(&[flags, &[("group-id", "1")]].concat(), &[], &[(file, Owner::User)]).unwrap();
        let token = Config::resolve(&settings).unwrap().connection.token.map(|(source, _)| match source {
            SecretSource::Given(texts) => texts.iter().map(|text| text.expose_secret()).collect(),
            SecretSource::File(path) => path.display().to_string(),
            SecretSource::Command(words) => words.join(" "),
            SecretSource::Variable(name) => name,
        });
        assert_eq!(token.as_deref(), expected, "{sentence}");
    }
    assert!(parse(file, Owner::User).unwrap().secret == Some("a token"));
    assert!(parse("token_file = 'x'\n", Owner::User).unwrap().secret.is_none());
}

#[test]
fn glab_is_the_last_to_be_asked() {
    let glab = "hosts:\n  gitlab.com:\n    token: from-glab\n";
    let origin = |variables: &[(&str, &str)], file: &str| {
        let mut settings = layered(&[("group-id", "1")], variables, &[(file, Owner::User)]).unwrap();
        settings.add_glab("glab.yml".into(), glab.into());
        Config::resolve(&settings).unwrap().connection.token.map(|(_, origin)| origin.to_string())
    };
    assert_eq!(origin(&[], "").as_deref(), Some("glab.yml (glab)"));
    assert_eq!(origin(&[], "token = 'x'").as_deref(), Some("/etc/glwatch/config.toml:1 (token)"));
    assert_eq!(origin(&[("GITLAB_TOKEN", "x")], "token = 'x'").as_deref(), Some("GITLAB_TOKEN"));
    assert_eq!(origin(&[], "host = 'other.example'"), None);
}

#[test]
fn paths_start_in_the_files_folder_and_an_empty_text_is_unset() {
    let file = "ca_file = '~/ca.pem'\nlog_file = 'log'\ntimezone = ''\nexclude = []\nstages_width = 0x1e\n";
    let settings = layered(&[], &[], &[(file, Owner::User)]).unwrap();
    let text = |key| settings.get(key).map(|setting| setting.text().to_owned());
    assert_eq!(text("ca-file").as_deref(), Some("/home/u/ca.pem"));
    assert_eq!(text("log-file").as_deref(), Some("/etc/glwatch/log"));
    assert_eq!((text("timezone"), text("exclude")), (None, None));
    assert_eq!(text("stages-width").as_deref(), Some("30"));
}

#[test]
fn the_example_has_every_setting_with_its_default() {
    let example = include_str!("../../../config.example.toml");
    let uncommented = |line: &str| match line.strip_prefix("# ") {
        Some(rest)
            if rest
                .split_once(" = ")
                .is_some_and(|(key, _)| key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_' | b'.'))) =>
        {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    let text: String = example.lines().map(|line| uncommented(line) + "\n").collect();
    let settings = layered(&[], &[], &[(&text, Owner::User)]).unwrap();
    let host = Host::parse("gitlab.com").unwrap();
    for key in KEYS.iter().filter(|key| key.is_in_file()) {
        assert!(text.contains(&format!("\n{} = ", key.in_snake_case())), "{} is not in the example", key.name);
        let value = settings.shown_for(key.name, &host).map_or(String::new(), |(value, _)| value);
        assert_eq!(value, key.default, "{}", key.name);
    }
    // The sections are examples, not defaults; they must be right all the same.
    let sections: String = example.lines().map(|line| line.trim_start_matches("# ").to_owned() + "\n").collect();
    let sections = &sections[sections.find("[profiles.work]").unwrap()..];
    let sections: String =
        sections.lines().filter(|line| line.starts_with(['[', ' '])).map(|line| format!("{line}\n")).collect();
    assert_eq!(parse(&sections, Owner::User).unwrap().profiles.len(), 1, "{sections}");
}

#[test]
fn a_section_is_validated_and_each_of_its_values_has_an_origin() {
    let file = "[history]\nkeep = '30d'\npath = 'memory'\n[cost]\nprice_per_minute = 1\nfactor = { gpu = 7.5, 'a=b' = 2 }\n\
                [profiles.work]\nhistory.enabled = false\n[profiles.work.cost.factor]\ngpu = 0\n";
    let show = |flags: Pairs, variables: Pairs, key: &str| {
        let settings = layered(flags, variables, &[(file, Owner::User)]).unwrap();
        settings.shown(key).map(|(value, origin)| format!("{value} {origin}").replace("/etc/glwatch/config.toml", ""))
    };
    let work: Pairs = &[("profile", "work")];
    let cases: [(&str, Pairs, Pairs, &str, Option<&str>); 7] = [
        ("of the section", &[], &[], "history.keep", Some("30d :2 (history.keep)")),
        ("a path starts in the file's folder", &[], &[], "history.path", Some("/etc/glwatch/memory :3 (history.path)")),
        ("a number for each tag", &[], &[], "cost.factor", Some("gpu=7.5, a=b=2 :6 (cost.factor)")),
        ("a profile replaces it whole", work, &[], "cost.factor", Some("gpu=0 :9 (profiles.work.cost.factor)")),
        ("in one line", work, &[], "history.enabled", Some("false :8 (profiles.work.history.enabled)")),
        ("a variable", &[], &[("GLWATCH_HISTORY_KEEP", "2d")], "history.keep", Some("2d GLWATCH_HISTORY_KEEP")),
        ("not set", &[], &[], "history.enabled", None),
    ];
    for (sentence, flags, variables, key, expected) in cases {
        let shown = show(flags, variables, key);
        assert_eq!(shown.as_deref(), expected, "{sentence}");
    }
    let config =
        |variables: Pairs, text: &str| Config::resolve(&layered(&[], variables, &[(text, Owner::User)]).unwrap());
    let set = config(&[], file).unwrap();
    assert_eq!((set.history.enabled, set.history.keep), (true, Duration::from_secs(30 * 86_400)));
    assert_eq!(set.history.path, Some(PathBuf::from("/etc/glwatch/memory")));
    assert_eq!(set.cost.price_per_minute, Some(1.0));
    assert_eq!(set.cost.factors, [("gpu".to_owned(), 7.5), ("a=b".to_owned(), 2.0)].into());
    let nothing = config(&[], "").unwrap();
    assert_eq!((nothing.history.enabled, nothing.history.keep), (true, Duration::from_secs(400 * 86_400)));
    assert_eq!((nothing.cost.price_per_minute, nothing.cost.factors.len()), (None, 0));
    let wrong = [
        ("history.keep = '1h'", "(history.keep): \"1h\" is not a time from 1d to 3650d"),
        ("history.keep = '11y'", "from 1d to 3650d"),
        ("cost.price_per_minute = -1", "(cost.price_per_minute): \"-1\" is not a price from 0"),
        ("cost.price_per_minute = 'much'", "\"much\" is not a price"),
        ("cost.price_per_minute = nan", "is not a price"),
        ("cost.factor = { gpu = inf }", "(cost.factor): \"gpu=inf\" is not a factor"),
        ("cost.factor = { gpu = '' }", "\"gpu=\" is not a factor"),
    ];
    for (text, problem) in wrong {
        let error = config(&[], text).expect_err(text).to_string();
        assert!(error.contains(problem), "{text}: {error}");
    }
    let error = config(&[("GLWATCH_HISTORY_ENABLED", "maybe")], "").unwrap_err().to_string();
    assert_eq!(error, "GLWATCH_HISTORY_ENABLED: \"maybe\" is neither true nor false");
}
