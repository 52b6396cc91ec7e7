//! Resolves the layers of texts into one validated configuration.

use super::cost::CostSettings;
use super::error::ConfigError;
use super::history::HistorySettings;
use super::hub::HubSettings;
use super::layer::Setting;
use super::nearest::meant;
use super::notify::NotifySettings;
use super::origin::Origin;
use super::pace;
use super::section::{
    Acting, Choice, ClientCertificate, Collecting, Color, Config, Connection, Display, Export, Output, Scope,
    StagesWidthSetting, Verdict,
};
use super::serve::ServeSettings;
use super::settings::Settings;
use crate::domain::health::{FailOn, RowOrder};
use crate::domain::host::Host;
use crate::domain::id::{GroupId, GroupRef};
use crate::domain::project::StateWord;
use crate::domain::selection::{ProjectFilter, RefSelector};
use crate::domain::status::Status;
use crate::domain::token::TokenHeader;
use crate::domain::usage::ApiChoice;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Eight is what a browser with two tabs asks of a server at once.
const DEFAULT_CONCURRENCY: usize = 8;
const CONCURRENCY: RangeInclusive<usize> = 1..=100;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(600);
/// Four attempts then take about four seconds: long enough for a proxy that restarts, short enough for a person who waits.
const DEFAULT_RETRY_WAIT: Duration = Duration::from_millis(300);
const RETRY_WAIT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
const STAGES_WIDTH: RangeInclusive<u16> = 1..=1000;
/// One request in a quarter of an hour; slower than that is no rate.
const MIN_RPS: f64 = 0.001;
const MAX_RPS: f64 = 1000.0;

impl Config {
    /// Returns the groups, for what cannot do without one; none is a usage error.
    pub(crate) fn required_groups(&self) -> Result<&[GroupRef], ConfigError> {
        match self.scope.groups.as_slice() {
            [] => Err(no_group(self.scope.is_group_variable_empty)),
            groups => Ok(groups),
        }
    }

    /// Validates the settings; the first that cannot be used is the error.
    pub(crate) fn resolve(settings: &Settings) -> Result<Self, ConfigError> {
        let connection = connection(settings)?;
        let config = Self {
            serve: ServeSettings::resolve(settings, &connection.host)?,
            hub: HubSettings::resolve(settings, &connection.host)?,
            connection,
            scope: scope(settings)?,
            collecting: collecting(settings)?,
            pace: pace::resolve(settings)?,
            display: display(settings)?,
            verdict: verdict(settings)?,
            acting: acting(settings)?,
            history: HistorySettings::resolve(settings)?,
            cost: CostSettings::resolve(settings)?,
            notify: NotifySettings::resolve(settings)?,
        };
        let has_glob = config.scope.refs.iter().any(|selector| matches!(selector, RefSelector::Glob(_)));
        match settings.get("api") {
            Some(setting) if has_glob && config.collecting.api == ApiChoice::Graphql => Err(setting
                .refuse(setting.text(), "reads no globs in --ref: leave it at auto, and they are read over REST")),
            _ => Ok(config),
        }
    }
}

fn connection(settings: &Settings) -> Result<Connection, ConfigError> {
    let host = settings.parsed("host", None, |text| Host::parse(text).map(Some).map_err(|error| error.to_string()));
    let host = match host.map_err(ConfigError::without_secret)? {
        Some(host) => host,
        None => Host::gitlab_com(),
    };
    let host_origin = settings.get("host").map_or(Origin::Default, |setting| setting.origin.clone());
    let token = settings.secret("token", &host).or_else(|| settings.token_of_glab(&host));
    let ca_file = settings.get("ca-file").map(|setting| (PathBuf::from(setting.text()), setting.origin.clone()));
    let token_header = token_header(settings, &host)?;
    let headers = settings.secret("header", &host);
    let client_certificate = client_certificate(settings, &host)?;
    let insecure = settings.switch("insecure")?;
    Ok(Connection { host, host_origin, token, token_header, headers, ca_file, client_certificate, insecure })
}

fn client_certificate(settings: &Settings, host: &Host) -> Result<Option<ClientCertificate>, ConfigError> {
    let file = |setting: &Setting| (PathBuf::from(setting.text()), setting.origin.clone());
    let (certificate, key) = (settings.of_host("client-cert", host), settings.of_host("client-key", host));
    match (certificate, key) {
        (None, None) => Ok(None),
        (None, Some(key)) => Err(key.refuse(key.text(), "is a key without its certificate: name that as client-cert")),
        (Some(certificate), key) => {
            Ok(Some(ClientCertificate { certificate: file(certificate), key: file(key.unwrap_or(certificate)) }))
        }
    }
}

fn token_header(settings: &Settings, host: &Host) -> Result<TokenHeader, ConfigError> {
    let Some(setting) = settings.of_host("token-header", host) else { return Ok(TokenHeader::default()) };
    match setting.text().to_ascii_lowercase().as_str() {
        "authorization" => Ok(TokenHeader::Authorization),
        "private-token" => Ok(TokenHeader::PrivateToken),
        _ => Err(setting.refuse_word(
            setting.text(),
            "is neither authorization nor private-token".into(),
            &["authorization", "private-token"],
        )),
    }
}

fn scope(settings: &Settings) -> Result<Scope, ConfigError> {
    let list = |key| settings.get(key).into_iter().flat_map(|setting| setting.list());
    let mut groups = Vec::new();
    if let Some(setting) = settings.get("group-id") {
        for text in setting.list() {
            let group = group_ref(text).map_err(|problem| setting.refuse(text, problem))?;
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
    }
    for key in ["include", "exclude"] {
        for text in list(key) {
            if let (Err(error), Some(setting)) = (ProjectFilter::new([text], []), settings.get(key)) {
                return Err(setting.refuse(text, format!("is not a glob: {}", error.kind())));
            }
        }
    }
    let filter = ProjectFilter::new(list("include"), list("exclude")).unwrap_or_default();
    let mut refs = Vec::new();
    if let Some(setting) = settings.get("ref") {
        // Not split at commas: a ref may have one in its name.
        for text in setting.values.iter().map(|value| value.trim()) {
            let selector = RefSelector::parse(text)
                .map_err(|error| setting.refuse(text, format!("is not a glob: {}", error.kind())))?;
            refs.push(selector);
        }
    }
    if refs.is_empty() {
        refs.push(RefSelector::Any);
    }
    let subgroups = !settings.switch("no-subgroups")?;
    let is_group_variable_empty = settings.empty_variables.iter().any(|name| name == "GLWATCH_GROUP_ID");
    let archived = settings.switch("archived")?;
    Ok(Scope { groups, is_group_variable_empty, filter, subgroups, archived, refs })
}

fn no_group(is_variable_empty: bool) -> ConfigError {
    let mut hints = vec![
        "give the group's number or full path: glwatch --group-id 12345, or --group-id my-group/my-subgroup".to_owned(),
        "its number is on the group's page, behind the three dots beside its name".to_owned(),
        "to give it once and for all: glwatch config init, then group_id in that file".to_owned(),
        "to see what glwatch does without a server: glwatch --demo".to_owned(),
    ];
    if is_variable_empty {
        hints.insert(0, "GLWATCH_GROUP_ID is set but empty".to_owned());
    }
    ConfigError { origin: Origin::Flag("group-id".into()), value: None, problem: "no group is given".into(), hints }
}

/// Reads a group's number or full path (legal characters: GitLab `lib/gitlab/path_regex.rb`).
fn group_ref(text: &str) -> Result<GroupRef, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse() {
            Ok(id) if id > 0 => Ok(GroupRef::Id(GroupId(id))),
            _ => Err("is no group's number".into()),
        };
    }
    let path = text.trim_matches('/');
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if text.contains("://") || text.starts_with('-') || path.is_empty() || !path.split('/').all(is_part) {
        return Err("is neither a group's number nor its full path, such as 12345 or my-group/my-subgroup".into());
    }
    Ok(GroupRef::Path(path.to_owned()))
}

fn collecting(settings: &Settings) -> Result<Collecting, ConfigError> {
    let concurrency = settings.parsed("concurrency", DEFAULT_CONCURRENCY, |text| {
        text.parse()
            .ok()
            .filter(|count| CONCURRENCY.contains(count))
            .ok_or_else(|| format!("is not a number of requests from {} to {}", CONCURRENCY.start(), CONCURRENCY.end()))
    })?;
    let rps = settings.parsed("rps", None, |text| match text.parse::<f64>() {
        _ if text == "auto" => Ok(None),
        Ok(rps) if (MIN_RPS..=MAX_RPS).contains(&rps) => Ok(Some(rps)),
        _ => {
            Err(format!("is neither auto nor a rate from {MIN_RPS} to {MAX_RPS} requests per second, such as 5 or 0.5"))
        }
    })?;
    let timeout = settings.time("timeout", DEFAULT_TIMEOUT, TIMEOUT)?;
    let retry_wait = settings.time("retry-wait", DEFAULT_RETRY_WAIT, RETRY_WAIT)?;
    let apis = [("auto", ApiChoice::Auto), ("graphql", ApiChoice::Graphql), ("rest", ApiChoice::Rest)];
    let api = settings.choice("api", &apis, ApiChoice::Auto)?;
    let cache = !settings.switch("no-cache")?;
    Ok(Collecting { api, concurrency, rps, timeout, retry_wait, cache })
}

fn display(settings: &Settings) -> Result<Display, ConfigError> {
    let colors = [("auto", Color::Auto), ("always", Color::Always), ("never", Color::Never)];
    let stages_width = settings.parsed("stages-width", StagesWidthSetting::Auto, |text| match text.parse() {
        _ if text == "auto" => Ok(StagesWidthSetting::Auto),
        Ok(cells) if STAGES_WIDTH.contains(&cells) => Ok(StagesWidthSetting::Cells(cells)),
        _ => Err(format!("is neither auto nor a width from {} to {} cells", STAGES_WIDTH.start(), STAGES_WIDTH.end())),
    })?;
    let timezone = settings.parsed("timezone", None, |text| {
        text.parse()
            .map(Some)
            .map_err(|_| "is not a time zone of the IANA database, such as UTC or Europe/Berlin".into())
    })?;
    Ok(Display {
        output: settings.choice("output", &Output::ALL, Output::Table)?,
        exports: exports(settings)?,
        only: settings.get("only").map(|setting| statuses_and_states(setting, &StateWord::ALL)).transpose()?,
        columns: columns(settings)?,
        color: settings.choice("color", &colors, Color::Auto)?,
        ascii: settings.switch("ascii")?,
        plain: settings.switch("plain")?,
        theme: words(settings, "theme").unwrap_or_else(default_theme),
        views: words(settings, "views"),
        remembers_view: !settings.switch("no-view-state")?,
        themes: words(settings, "themes"),
        keys: words(settings, "keys"),
        stages_width,
        sort: settings.choice("sort", &RowOrder::ALL, RowOrder::Attention)?,
        sort_is_chosen: settings.get("sort").is_some_and(|setting| setting.origin != Origin::Default),
        timezone,
        quiet: settings.switch("quiet")?,
        log_file: settings.get("log-file").map(|setting| PathBuf::from(setting.text())),
    })
}

fn verdict(settings: &Settings) -> Result<Verdict, ConfigError> {
    // That a project has pipelines is nothing to fail on.
    let states: Vec<StateWord> = StateWord::ALL.into_iter().filter(|state| *state != StateWord::Ok).collect();
    let fail_on = settings.get("fail-on").map(|setting| statuses_and_states(setting, &states)).transpose()?;
    Ok(Verdict { fail_on: fail_on.unwrap_or_default(), allow_partial: settings.switch("allow-partial")? })
}

fn acting(settings: &Settings) -> Result<Acting, ConfigError> {
    let forbids = settings.switch("read-only")?;
    let read_only = settings.get("read-only").filter(|_| forbids).map(|setting| setting.origin.clone());
    Ok(Acting { read_only, yes: settings.switch("yes")? })
}

fn statuses_and_states(setting: &Setting, states: &[StateWord]) -> Result<FailOn, ConfigError> {
    let mut named = FailOn::default();
    for word in setting.list() {
        let state = states.iter().find(|state| state.word() == word);
        match (Status::from_word(word), state) {
            (Some(status), _) => named.statuses.push(status),
            (None, Some(state)) => named.states.push(*state),
            (None, None) => {
                let permitted: Vec<&str> =
                    Status::KNOWN.iter().map(Status::word).chain(states.iter().map(|state| state.word())).collect();
                let problem = format!("is no status: permitted are {}", permitted.join(", "));
                return Err(setting.refuse_word(word, problem, &permitted));
            }
        }
    }
    Ok(named)
}

fn columns(settings: &Settings) -> Result<Option<Choice>, ConfigError> {
    let Some(setting) = settings.get("columns") else { return Ok(None) };
    let words: Vec<String> = setting.list().map(str::to_owned).collect();
    if words.is_empty() {
        return Err(setting.refuse(setting.text(), "names no column"));
    }
    Ok(Some(Choice { words, origin: setting.origin.clone() }))
}

fn default_theme() -> Choice {
    Choice { words: vec!["dark".into()], origin: Origin::Default }
}

/// Returns words that another module understands.
fn words(settings: &Settings, key: &str) -> Option<Choice> {
    let setting = settings.get(key)?;
    Some(Choice { words: setting.values.clone(), origin: setting.origin.clone() })
}

/// Reads `FORMAT=FILE`, not split at commas: a file may have one in its name.
fn exports(settings: &Settings) -> Result<Vec<Export>, ConfigError> {
    let mut exports: Vec<Export> = Vec::new();
    let Some(setting) = settings.get("export") else { return Ok(exports) };
    for text in &setting.values {
        let formats = || Output::ALL.map(|(word, _)| word).join(", ");
        let Some((format, file)) = text.split_once('=').map(|(format, file)| (format.trim(), file.trim())) else {
            let problem = format!("is not FORMAT=FILE, such as junit=health.xml; formats are {}", formats());
            return Err(setting.refuse(text, problem));
        };
        let Some((_, output)) = Output::ALL.into_iter().find(|(word, _)| *word == format) else {
            let mut refusal = setting.refuse(text, format!("has no known format: permitted are {}", formats()));
            refusal.hints = meant(format, &Output::ALL.map(|(word, _)| word));
            return Err(refusal);
        };
        // A path of components: `./a` and `a` are one file.
        let path: PathBuf = Path::new(file).components().filter(|part| *part != Component::CurDir).collect();
        if file == "-" || path.as_os_str().is_empty() || file.ends_with('/') {
            return Err(setting.refuse(text, "names no file: standard output is for --output"));
        }
        if exports.iter().any(|export| export.path == path) {
            return Err(setting.refuse(text, "names a file that another --export writes"));
        }
        exports.push(Export { output, path });
    }
    Ok(exports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::KEYS;
    use crate::config::layer::Layer;
    use std::collections::HashMap;

    fn resolve(values: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
        let mut flags = Layer::default();
        flags.set("group-id", vec!["1".into()], Origin::Flag("group-id".into()));
        for (key, value) in values {
            flags.set(key, vec![(*value).to_owned()], Origin::Flag((*key).into()));
        }
        Config::resolve(&Settings::new(flags, &HashMap::new()))
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_flag_value_and_what_is_permitted() {
        let cases = [
            ("timezone", "Mars/Olympus", "is not a time zone"),
            ("stages-width", "wide", "neither auto nor a width from 1 to 1000"),
            ("stages-width", "0", "neither auto nor a width"),
            ("exclude", "acme/[*", "is not a glob"),
            ("ref", "v[12", "is not a glob"),
            ("group-id", "-5", "neither a group's number nor its full path"),
            ("group-id", "https://gitlab.com/acme", "neither a group's number"),
            ("group-id", "a b", "neither a group's number"),
            ("group-id", "0", "is no group's number"),
            ("timeout", "soon", "\"soon\" is not a duration"),
            ("timeout", "1h", "from 100ms to 600s"),
            ("fail-on", "failed,borken", "is no status: permitted are failed"),
            ("concurrency", "0", "from 1 to 100"),
            ("rps", "0", "neither auto nor a rate from 0.001"),
            ("rps", "1e-300", "from 0.001"),
            ("rps", "NaN", "from 0.001"),
            ("host", "ftp://x", "only https and http"),
            ("sort", "size", "is not one of attention, name"),
            ("output", "xml", "is not one of table, wide, json"),
            ("only", "failed,grene", "is no status: permitted are failed, canceled"),
            ("export", "xml", "is not FORMAT=FILE, such as junit=health.xml"),
            ("export", "xml=a", "has no known format: permitted are table, wide, json, ndjson, csv, markdown"),
            ("export", "json=", "names no file"),
            ("export", "json=-", "names no file"),
            ("export", "json=./", "names no file"),
            ("columns", ",", "names no column"),
            ("insecure", "maybe", "neither true nor false"),
        ];
        for (key, value, words) in cases {
            let error = resolve(&[(key, value)]).expect_err(value).to_string();
            let culprit = if key == "columns" { value } else { value.rsplit(',').next().unwrap() };
            assert!(error.starts_with(&format!("--{key}: \"{culprit}\" ")) && error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_glob_on_refs_is_not_read_over_graphql() {
        let refused = resolve(&[("api", "graphql"), ("ref", "v*")]).unwrap_err();
        assert!(refused.problem.contains("leave it at auto"), "{}", refused.problem);
        assert!(resolve(&[("api", "graphql"), ("ref", "v1")]).is_ok());
        assert!(resolve(&[("api", "auto"), ("ref", "v*")]).is_ok());
    }

    #[test]
    fn a_host_with_a_secret_in_it_is_refused_without_showing_it() {
        for value in ["https://ada:s3cret@gitlab.com", "gitlab.com?private_token=s3cret", "ada:s3cret@git lab"] {
            let error = resolve(&[("host", value)]).expect_err(value).to_string();
            assert!(error.starts_with("--host: ") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_group_is_a_number_or_a_full_path() {
        let groups = |text| resolve(&[("group-id", text)]).map(|config| config.scope.groups);
        let path = |path: &str| GroupRef::Path(path.into());
        assert_eq!(groups("12345").unwrap(), [GroupRef::Id(GroupId(12345))]);
        assert_eq!(groups("acme/pay.ments/").unwrap(), [path("acme/pay.ments")]);
        assert_eq!(groups("acme, acme,7").unwrap(), [path("acme"), GroupRef::Id(GroupId(7))]);
    }

    #[test]
    fn fail_on_takes_statuses_and_states() {
        let verdict = resolve(&[("fail-on", "failed, warning,no_access")]).unwrap().verdict;
        assert_eq!(verdict.fail_on.statuses, [Status::Failed, Status::Warning]);
        assert_eq!(verdict.fail_on.states, [StateWord::NoAccess]);
    }

    #[test]
    fn only_takes_any_state_and_fail_on_none_that_is_fine() {
        let only = resolve(&[("only", "ok,failed")]).unwrap().display.only.unwrap();
        assert_eq!((only.statuses, only.states), (vec![Status::Failed], vec![StateWord::Ok]));
        assert!(resolve(&[("fail-on", "ok")]).unwrap_err().to_string().contains("no_pipeline, no_access, error"));
    }

    #[test]
    fn a_file_is_exported_to_once() {
        let exports = |values: &[&str]| {
            let mut flags = Layer::default();
            flags.set("group-id", vec!["1".into()], Origin::Flag("group-id".into()));
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            flags.set("export", values, Origin::Flag("export".into()));
            Config::resolve(&Settings::new(flags, &HashMap::new())).map(|config| config.display.exports)
        };
        let export = |output, path: &str| Export { output, path: path.into() };
        assert_eq!(
            exports(&["json=a,b=c.json", "csv=./x.csv", "json=/tmp/j"]).unwrap(),
            [export(Output::Json, "a,b=c.json"), export(Output::Csv, "x.csv"), export(Output::Json, "/tmp/j")]
        );
        let error = exports(&["json=a", "csv=./a"]).unwrap_err().to_string();
        assert_eq!(error, "--export: \"csv=./a\" names a file that another --export writes");
    }

    #[test]
    fn the_defaults_of_the_table_are_those_that_count() {
        let mut flags = Layer::default();
        for key in KEYS {
            let values = Some(key.default).filter(|value| !value.is_empty());
            flags.set(key.name, values.into_iter().map(str::to_owned).collect(), Origin::Default);
        }
        flags.set("group-id", vec!["1".into()], Origin::Default);
        let written = Config::resolve(&Settings::new(flags, &HashMap::new())).unwrap();
        assert_eq!(format!("{written:?}"), format!("{:?}", resolve(&[]).unwrap()));
    }

    #[test]
    fn without_a_group_the_hints_say_how_to_name_one() {
        let config = Config::resolve(&Settings::new(Layer::default(), &HashMap::new())).unwrap();
        let error = config.required_groups().unwrap_err();
        assert!(error.to_string().contains("no group is given") && !error.hints.is_empty());
    }
}
