//! A secret comes from a value, a file, a program or a variable: each kind of secret from each source, at each place.

use crate::support::canned::Canned;
use crate::support::{Env, Output};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

const OWN: &str = ".config/glwatch/config.toml";
/// The key, the secret, and the line of a request that it leads to.
const KINDS: [(&str, &str, &str); 2] = [
    ("token", "glpat-0123456789abcdef", "authorization: bearer glpat-0123456789abcdef\n"),
    ("header", "X-Gate: s3cret-of-the-gate", "x-gate: s3cret-of-the-gate\n"),
];
const SOURCES: [&str; 4] = ["value", "file", "command", "variable"];

fn write(env: &Env, path: &str, text: &[u8]) {
    let path = env.home().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Returns the line of a file that gives a secret; relative paths start in the folder of the file.
fn line(key: &str, source: &str, secret: &str) -> String {
    match source {
        "value" => format!("{key} = '{secret}'\n"),
        "file" => format!("{key}_file = 'secret'\n"),
        "command" => format!("{key}_command = ['cat', '.config/glwatch/secret']\n"),
        _ => format!("{key}_variable = 'OF_THE_TEST'\n"),
    }
}

fn run(env: &Env, text: &str, more: &[&str]) -> Output {
    write(env, OWN, text.as_bytes());
    env.run(&[&["--group-id", "acme", "--api", "rest"][..], more].concat())
}

#[test]
fn each_secret_comes_from_each_source_at_each_place_of_the_users_file_and_shows_nowhere() {
    for (key, secret, sent) in KINDS {
        for source in SOURCES {
            for place in ["top", "profile", "host"] {
                let server = Canned::start(move |_| (404, format!(r#"{{"message": "you sent {secret}"}}"#)));
                let env = Env::new().with("OF_THE_TEST", secret);
                write(&env, ".config/glwatch/secret", format!("{secret}\n").as_bytes());
                let (url, line) = (server.url(), line(key, source, secret));
                let (text, more) = match place {
                    "top" => (format!("host = '{url}'\n{line}"), &[][..]),
                    "profile" => (format!("[profiles.work]\nhost = '{url}'\n{line}"), &["--profile", "work"][..]),
                    _ => (format!("host = '{url}'\n[hosts.'{url}']\n{line}"), &[][..]),
                };
                let output = run(&env, &text, more);
                let heads = server.heads();
                let is_sent = |head: &String| head.to_lowercase().contains(sent);
                assert!(!heads.is_empty() && heads.iter().all(is_sent), "{key} {source} {place}: {heads:?}\n{output}");
                let shown = env.run(&[&["config", "show"][..], more].concat()).exits_with(0);
                let value = secret.rsplit(' ').next().unwrap();
                for output in [&output, &shown] {
                    assert!(!output.to_string().contains(value), "{key} {source} {place}\n{output}");
                }
            }
        }
    }
}

#[test]
fn no_source_of_a_secret_is_taken_from_a_projects_file() {
    for (key, secret, _) in KINDS {
        for source in SOURCES {
            let env = Env::new().with("OF_THE_TEST", secret);
            write(&env, "glwatch.toml", line(key, source, secret).as_bytes());
            let output = env.run(&["--group-id", "acme", "--host", "127.0.0.1:1"]);
            let output = output.refuses(2, &["./glwatch.toml:1 (", "comes with the repository", "which token is sent"]);
            assert!(!output.stderr.contains(secret), "{output}");
        }
    }
}

#[test]
fn a_source_without_a_secret_is_an_error_that_names_it_and_nothing_is_sent() {
    for (key, ..) in KINDS {
        let cases: [(&str, &str, Option<&[u8]>, &str); 9] = [
            ("file", "an empty file", Some(b""), "is empty"),
            ("file", "a file with blanks", Some(b" \n\n"), "is empty"),
            ("file", "a file that is not UTF-8", Some(b"glpat-\xFF"), "is not UTF-8"),
            ("file", "no file", None, "No such file"),
            ("command", "a program without output", Some(b""), "is empty"),
            ("command", "output that is not UTF-8", Some(b"glpat-\xFF"), "is not UTF-8"),
            ("variable", "an empty variable", Some(b" "), "OF_THE_TEST is set but empty"),
            ("variable", "a variable that is not UTF-8", Some(b"glpat-\xFF"), "in OF_THE_TEST is not UTF-8"),
            ("variable", "no variable", None, "OF_THE_TEST is not set"),
        ];
        for (source, sentence, content, problem) in cases {
            let server = Canned::start(|_| (404, r#"{"message": "404 Not Found"}"#.into()));
            let env = Env::new();
            let text = format!("host = '{}'\n{}", server.url(), line(key, source, ""));
            write(&env, OWN, text.as_bytes());
            let mut command = env.command(&["--group-id", "acme", "--api", "rest"]);
            match content {
                Some(content) if source == "variable" => drop(command.env("OF_THE_TEST", OsStr::from_bytes(content))),
                Some(content) => write(&env, ".config/glwatch/secret", content),
                None => {}
            }
            let output = command.output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            let names = format!("config.toml:2 ({key}_{source}): ");
            assert_eq!(output.status.code(), Some(2), "{key}, {sentence}: {stderr}");
            assert!(stderr.contains(&names) && stderr.contains(problem), "{key}, {sentence}: {stderr}");
            assert!(server.heads().is_empty(), "{key}, {sentence}");
        }
    }
}

#[test]
fn a_program_that_does_not_end_is_ended_with_the_time_of_the_run() {
    for (key, ..) in KINDS {
        // The second closes its output first; the third leaves a child behind that keeps it, and only it.
        for script in ["exec sleep 60", "exec sleep 60 >&-", "sleep 60 2>&- & echo x"] {
            let text = format!("{key}_command = ['sh', '-c', '{script}']\n");
            let output = run(&Env::new(), &text, &["--max-time", "1s"]);
            let _ = output.refuses(2, &[&format!("({key}_command)"), "it did not end within 1s", "run it by hand"]);
        }
    }
}

#[test]
fn a_file_with_a_secret_that_others_may_read_is_warned_about() {
    for (key, secret, _) in KINDS {
        for (mode, is_warned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o644, true)] {
            let env = Env::new();
            write(&env, ".config/glwatch/secret", secret.as_bytes());
            let path = env.home().join(".config/glwatch/secret");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let text = format!("host = 'http://127.0.0.1:1'\nretry_wait = '1ms'\n{key}_file = 'secret'\n");
            let output = run(&env, &text, &[]);
            let warning = format!("secret holds a {key} and others may read it");
            assert_eq!(output.stderr.contains(&warning), is_warned, "{key} {mode:o}\n{output}");
            let quiet = run(&env, &text, &["--quiet"]);
            assert!(!quiet.stderr.contains(&warning), "{quiet}");
        }
    }
}
