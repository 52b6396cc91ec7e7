//! Environment variables: those that are settings, and those that only look like ours.

use super::keys::{KEYS, Key, KeyReach, of_variable, variable};
use super::nearest::nearest;
use super::settings::ACCESSIBLE;

/// Returns the variables that are named like ours and are none, each with what was probably meant.
pub(crate) fn unknown_variables<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let is_read = |key: &&Key| key.reach != KeyReach::OnlyFile;
    let unknown = |name: &&str| {
        name.starts_with(PREFIX) && *name != ACCESSIBLE && !of_variable(name).is_some_and(|key| is_read(&key))
    };
    let tell = |name: &str| {
        let hint = match of_variable(name) {
            Some(key) => format!("{} goes into the configuration file", key.in_snake_case()),
            None => match nearest(&name[PREFIX.len()..], KEYS.iter().filter(is_read).map(Key::in_snake_case)) {
                Some(near) => format!("did you mean {}?", variable(&near)),
                None => "glwatch config show names all settings".into(),
            },
        };
        format!("{} is no variable of glwatch and does nothing: {hint}", name.escape_debug())
    };
    let mut unknown: Vec<&str> = names.into_iter().filter(unknown).collect();
    unknown.sort_unstable();
    unknown.into_iter().map(tell).collect()
}

/// Of every variable of ours.
const PREFIX: &str = "GLWATCH_";

/// Further variables that decide what is read, from where, and how it is shown. A proxy's that is no text would be
/// passed by.
const OTHERS: [&str; 27] = [
    "GITLAB_TOKEN",
    "GITLAB_HOST",
    "GITLAB_CI",
    "CI_JOB_TOKEN",
    "CI_SERVER_URL",
    "CI_SERVER_TLS_CA_FILE",
    "CI_PROJECT_ROOT_NAMESPACE",
    "GLAB_CONFIG_DIR",
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "NO_COLOR",
    "TERM",
    "TZ",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "CLICOLOR",
    "COLUMNS",
];

/// Says whether a variable decides anything, so that it must be text.
pub(crate) fn is_read(name: &str) -> bool {
    name.starts_with(PREFIX) || OTHERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_none_of_ours_is_told_with_what_was_probably_meant() {
        let cases = [
            ("GLWATCH_FAILON", "did you mean GLWATCH_FAIL_ON?"),
            ("GLWATCH_REFS", "did you mean GLWATCH_REF?"),
            ("GLWATCH_TOKEN_COMMAND", "token_command goes into the configuration file"),
            ("GLWATCH_", "glwatch config show"),
        ];
        for (name, hint) in cases {
            let told = unknown_variables([name]);
            assert!(told.len() == 1 && told[0].starts_with(name) && told[0].contains(hint), "{told:?}");
        }
        let known = KEYS.iter().filter(|key| key.reach != KeyReach::OnlyFile).map(|key| variable(key.name));
        let known: Vec<String> = known.chain(["GLWATCH".into(), "GITLAB_TOKN".into()]).collect();
        assert_eq!(unknown_variables(known.iter().map(String::as_str)), Vec::<String>::new());
    }
}
