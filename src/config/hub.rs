//! `--from`: a hub that is read instead of GitLab, and the token that it asks for.

use super::error::ConfigError;
use super::origin::Origin;
use super::secret::SecretSource;
use super::settings::Settings;
use crate::domain::host::Host;
use url::Url;

/// Settings that decide what is read of GitLab, which a hub has decided already.
const OF_THE_HUB: [&str; 3] = ["ref", "archived", "no-subgroups"];
/// Flags that set how GitLab is asked. In a file or a variable they are for other runs.
const OF_GITLAB: [&str; 10] = [
    "token",
    "token-file",
    "token-header",
    "header",
    "client-cert",
    "client-key",
    "api",
    "concurrency",
    "rps",
    "list-interval",
];

/// A hub that is read.
#[derive(Debug, Clone)]
pub(crate) struct HubSettings {
    pub address: Host,
    pub token: Option<(SecretSource, Origin)>,
}

impl HubSettings {
    /// Reads the settings; `None` where GitLab is to be read. `host` is GitLab's.
    pub(super) fn resolve(settings: &Settings, host: &Host) -> Result<Option<Self>, ConfigError> {
        // A demo sets it to nothing.
        let address =
            settings.parsed("from", None, |text| Some(text).filter(|text| !text.is_empty()).map(parse).transpose());
        let Some(address) = address.map_err(ConfigError::without_secret)? else { return Ok(None) };
        // A token in a file is for the hub that the same file names, and for no other.
        let is_of_file = |origin: &Origin| matches!(origin, Origin::File(_));
        let named = settings.of_file("from").and_then(|setting| parse(setting.text()).ok());
        let token = settings.secret("from-token", host);
        let token = token.filter(|(_, origin)| !is_of_file(origin) || named.as_ref() == Some(&address));
        Ok(Some(Self { address, token }))
    }

    /// Fails on what cannot be had from a hub, or is decided there.
    pub(crate) fn check(settings: &Settings) -> Result<(), ConfigError> {
        let refuse = |key: &str, problem: &str, hint: &str| {
            let setting = settings.get(key).filter(|setting| !setting.text().is_empty());
            setting.map_or(Ok(()), |setting| {
                let hints = vec![hint.to_owned()];
                Err(ConfigError { origin: setting.origin.clone(), value: None, problem: problem.to_owned(), hints })
            })
        };
        for key in OF_THE_HUB {
            let is_default = |text: &str| matches!(text, "any" | "false" | "no" | "off" | "0");
            if settings.get(key).is_some_and(|setting| !setting.values.iter().all(|text| is_default(text.trim()))) {
                refuse(key, "cannot be chosen with --from: the hub has decided it", "start the hub with it")?;
            }
        }
        for key in OF_GITLAB {
            if settings.get(key).is_some_and(|setting| matches!(setting.origin, Origin::Flag(_))) {
                let hint = "leave it out; a hub's own token is from_token_file in the file, or GLWATCH_FROM_TOKEN";
                refuse(key, "is for reading GitLab, and --from reads a hub", hint)?;
            }
        }
        Ok(())
    }

    /// Returns where the program's requests begin.
    pub(crate) fn home(&self) -> Result<Url, url::ParseError> {
        Url::parse(&self.address.to_string())
    }
}

/// Reads an address. Without a scheme it may be either: which one decides who can read the token.
fn parse(text: &str) -> Result<Host, String> {
    if !text.contains("://") {
        return Err("is no address of a hub, such as http://127.0.0.1:9252".into());
    }
    Host::parse(text).map_err(|error| error.to_string())
}
