//! Hints: what the user can do about each way in which reading GitLab fails.

use crate::collect::find::FindError;
use crate::collect::run::GroupError;
use crate::config::{Config, Origin, Settings};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::GroupRef;
use crate::domain::permission;
use crate::domain::project_source::{ListOwner, ProjectSearch, ProjectSource};
use crate::gitlab::error::{CertificateProblem, Error, Kind, NotGitlab, ProxyProblem, SetupError};
use crate::text::duration::duration;
use std::io;

/// What was under way when a request failed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Doing<'a> {
    /// Reading what is listed there.
    Listing(&'a ProjectSource),
    /// Anything else; goes on after "failed to".
    Other(&'a str),
}

/// Returns the first line of an error: what happened, in a sentence without an address.
pub(super) fn headline(doing: &Doing<'_>, error: &Error, config: &Config) -> String {
    let has_token = config.connection.token.is_some();
    match (&error.kind, doing) {
        (Kind::Unauthorized { said, .. }, _) if has_token => format!("GitLab refused the token: {said}"),
        (Kind::Unauthorized { said, .. }, Doing::Listing(wanted)) => {
            format!("{wanted} cannot be read {}: {said}", with_what(config))
        }
        (Kind::Unauthorized { said, .. }, Doing::Other(doing)) => {
            format!("failed to {doing} {}: {said}", with_what(config))
        }
        (Kind::InsufficientScope { .. }, _) => error.kind.to_string(),
        (Kind::Status { code: 404, .. }, Doing::Listing(wanted)) => format!("{wanted} not found"),
        (_, Doing::Listing(wanted)) => format!("{wanted} could not be read: {}", error.sentence()),
        (_, Doing::Other(doing)) => format!("failed to {doing}: {}", error.sentence()),
    }
}

/// Says what a run without a token proves itself with: a header of the user's own may be the token, or a proxy's key.
pub(super) fn with_what(config: &Config) -> String {
    match &config.connection.headers {
        Some((_, origin)) => format!("with the headers from {origin} alone"),
        None => "without a token".into(),
    }
}

/// What a job token can do, for old and new servers alike.
const JOB_TOKEN: &str = "CI_JOB_TOKEN is not used: no version of GitLab lets it list the projects of a group or ask \
    GraphQL, and only newer ones (19.x) let it read the pipelines, jobs and bridges of one project";

/// The same for a token whose prefix says that it is one of a job or for deploying.
const UNFIT: &str = "such a token cannot list the projects of a group or ask GraphQL in any version of GitLab; of \
    job tokens, newer versions (19.x) permit to read the pipelines, jobs and bridges of one project, no more";

/// Returns what the user can do about what could not be listed.
pub(super) fn for_source(refused: &GroupError, config: &Config, settings: &Settings) -> Vec<String> {
    let (wanted, error) = (&*refused.wanted, &*refused.source);
    let is_group =
        matches!(wanted, ProjectSource::List { search: ProjectSearch { owner: ListOwner::Group(_), .. }, .. });
    match &error.kind {
        Kind::Status { code: 403 | 404, .. } if !is_group && error.reason().is_none() => vec![
            "GitLab answers 404 for what the token may not see, as well as for what does not exist".to_owned(),
            "a user is named by the username, as in the address of the profile; a project by its full path".to_owned(),
        ],
        _ => for_group(error, config, settings),
    }
}

/// Returns what the user can do about a group that could not be read.
pub(super) fn for_group(error: &Error, config: &Config, settings: &Settings) -> Vec<String> {
    let has_token = config.connection.token.is_some();
    match &error.kind {
        Kind::Unauthorized { unfit: Some(what), .. } if has_token => vec![
            format!("the token from {} is {what}, as its prefix shows: {UNFIT}", token_origin(config)),
            new_token(config),
        ],
        Kind::Unauthorized { .. } if matches!(&config.connection.token, Some((_, Origin::Glab(_)))) => vec![
            format!("GitLab does not accept the token from {}", token_origin(config)),
            "a login by browser lasts two hours: any command of glab renews it, such as glab auth status".into(),
            new_token(config),
        ],
        Kind::Unauthorized { .. } if has_token => vec![
            format!(
                "GitLab does not accept the token from {}: it is expired, revoked, or for another host",
                token_origin(config)
            ),
            new_token(config),
        ],
        Kind::Unauthorized { .. } => without_token(config, settings),
        Kind::Status { code: 403 | 404, .. } if error.reason().is_some() => for_reason(error),
        Kind::GranularScope { .. } => vec![
            format!("the token from {} is fine-grained: give it that permission", token_origin(config)),
            granular(),
        ],
        Kind::NotGitlab { cause, .. } => for_stranger(cause, config),
        Kind::Status { code: 403 | 404, .. } => {
            let mut hints = vec![
                "GitLab answers 404 for groups that you may not see, as well as for those that do not exist".to_owned(),
            ];
            if has_token {
                hints.push(format!(
                    "check the group, and that the owner of the token from {} is a member of it",
                    token_origin(config)
                ));
            } else {
                hints.extend(without_token(config, settings));
            }
            if config.scope.groups.iter().any(|group| matches!(group, GroupRef::Path(_))) {
                hints.push("a group's path is the full one, such as my-group/my-subgroup".into());
            }
            hints
        }
        Kind::InsufficientScope { needed } => {
            vec![format!("the token from {} needs the scope {needed}", token_origin(config)), new_token(config)]
        }
        _ => for_answer(error, config),
    }
}

/// Returns what can be done where no answer came, or not all of it.
fn for_connection(kind: &Kind, config: &Config) -> Vec<String> {
    let host = &config.connection.host;
    match kind {
        Kind::Certificate { problem, .. } => for_server_certificate(*problem, config),
        Kind::Dns(_) => vec![format!(
            "check the spelling of --host ({host}, from {}) and the network",
            config.connection.host_origin
        )],
        Kind::Refused(_) => vec![format!("nothing listens at {host}: check host and port, or whether GitLab is down")],
        Kind::ClientCertificate { is_refused: false, .. } => {
            vec!["name yours and its key: --client-cert me.pem --client-key me.key".into()]
        }
        Kind::ClientCertificate { is_refused: true, .. } => vec![
            "check that --client-cert is still valid and issued by the CA that the server expects, or ask its administrator"
                .into(),
        ],
        Kind::Proxy { proxy, problem: ProxyProblem::Login, .. } => vec![format!(
            "give name and password in the variable (HTTPS_PROXY=http://NAME:PASSWORD@..) or except {host} in NO_PROXY; {proxy} \
             asks for them"
        )],
        Kind::Proxy { proxy, problem: ProxyProblem::NoTunnel, .. } => {
            vec![format!(
                "{proxy} does not reach {host}, or may not: ask its administrator, or except the host in NO_PROXY"
            )]
        }
        Kind::Proxy { proxy, .. } => vec![format!(
            "{proxy} comes from HTTPS_PROXY, HTTP_PROXY or ALL_PROXY: correct it, or except {host} in NO_PROXY"
        )],
        Kind::NotTls(_) => {
            vec![format!("if it is meant to be plain http, write so: --host {}", plain(&host.to_string()))]
        }
        Kind::NotPacked(_) | Kind::OddPacking(_) => {
            vec![format!("a proxy between here and {host} packs its answers wrongly: its administrator knows")]
        }
        Kind::Connection(_) | Kind::BodyCut(_) => {
            vec![format!("check the network and any proxy between here and {host}")]
        }
        _ => Vec::new(),
    }
}

/// Returns what can be done about a server's certificate.
fn for_server_certificate(problem: CertificateProblem, config: &Config) -> Vec<String> {
    let host = &config.connection.host;
    match problem {
        CertificateProblem::Expired | CertificateProblem::NotYetValid => vec![
            "the server's administrator has to renew it; check this machine's clock, too: date".into(),
            INSECURE.into(),
        ],
        CertificateProblem::OtherName => {
            vec![format!("give --host by a name that the certificate has, instead of {host}"), INSECURE.into()]
        }
        CertificateProblem::Version1 => vec![
            "the server needs a certificate of version 3, with its name in it (subjectAltName)".into(),
            INSECURE.into(),
        ],
        CertificateProblem::MarkedAsCa => {
            vec!["if it is the server's own, name that very certificate: --ca-file server.pem".into(), INSECURE.into()]
        }
        CertificateProblem::UnknownIssuer | CertificateProblem::Other => {
            vec!["if it is signed by a CA of your own, name its certificate: --ca-file ca.pem".into(), INSECURE.into()]
        }
    }
}

/// Returns what can be done about an answer that cannot be used.
fn for_answer(error: &Error, config: &Config) -> Vec<String> {
    let host = &config.connection.host;
    let kind = &error.kind;
    match kind {
        Kind::Dns(_)
        | Kind::Refused(_)
        | Kind::Certificate { .. }
        | Kind::ClientCertificate { .. }
        | Kind::Proxy { .. }
        | Kind::NotTls(_)
        | Kind::NotPacked(_)
        | Kind::OddPacking(_)
        | Kind::Connection(_)
        | Kind::BodyCut(_) => for_connection(kind, config),
        Kind::Unauthorized { .. }
        | Kind::InsufficientScope { .. }
        | Kind::GranularScope { .. }
        | Kind::NotGitlab { .. } => Vec::new(),
        Kind::Timeout(_) => {
            vec!["give the server more time (--timeout 2m), or send fewer requests at once (--concurrency 2)".into()]
        }
        Kind::TooLarge(_) => vec![format!("no answer of GitLab is that large: is {host} really a GitLab?")],
        Kind::OwnRate { .. } => {
            vec!["allow more requests per second (--rps 100) if the server can take it, or read fewer groups".into()]
        }
        Kind::RateLimited { .. } | Kind::WaitTooLong { .. } => vec![
            "the server limits how much it is asked: wait, then ask for less at a time (--rps 5, or fewer groups)"
                .into(),
        ],
        Kind::WaitBeforeAct { wait } => {
            vec![format!("try again in {}", duration(*wait)), "--rps limits how many requests glwatch sends".into()]
        }
        Kind::Deadline => {
            vec!["give it more time (--max-time 15m), read fewer groups, or find out why the server is slow".into()]
        }
        Kind::Status { code, .. } if *code >= 500 => {
            let by_id = error.request_id.as_ref().map_or("", |_| "; its administrator finds the request by its id");
            vec![format!("GitLab, or what is in front of it, is in trouble: try again in a minute{by_id}")]
        }
        Kind::Status { .. } => {
            vec![format!("check that {host} is the address of a GitLab, with its sub-path if it has one")]
        }
        Kind::NotJson { .. } | Kind::Decode { .. } => vec![
            format!("check that {host} is the address of a GitLab, with its sub-path if it has one"),
            "a proxy or a login page in between answers HTML: try the address in a browser".into(),
        ],
        Kind::Query(_) | Kind::TooComplex(_) | Kind::UnknownField(_) => {
            vec!["leave --api at auto, which reads over REST where GraphQL does not answer".into()]
        }
        Kind::Redirect { to, is_login: true, .. } => vec![
            format!("there is a login page in front of {host}, at {to}: a token of GitLab does not pass it"),
            "ask its administrator for access to the API without it, or for the headers that it needs".into(),
        ],
        Kind::Redirect { to, .. } => vec![format!("if that is where your GitLab is, name it: --host {to}")],
        Kind::Upgrade(_) => Vec::new(),
        Kind::NotLog => vec!["a proxy or a login page in between answers HTML: try the address in a browser".into()],
        Kind::ListTooLong { .. } => vec![
            "name whose projects are meant: --group-id my-group, or in the file owner: {name: my-group, kind: group}"
                .into(),
            "search: in the file leaves fewer, where a part of the name is enough".into(),
        ],
        Kind::Unsure(_) => vec!["look before you try again: the request was sent, once".into()],
    }
}

/// Returns which permissions a fine-grained token needs for everything that only reads.
fn granular() -> String {
    let mut wanted: Vec<String> = Vec::new();
    let reading = permission::NEEDED.iter().filter(|needed| matches!(needed.command, "status" | "explain" | "logs"));
    for permission in reading.flat_map(|needed| needed.rest.iter().chain(needed.graphql)) {
        let name = format!("[{permission}]");
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    format!("to read, glwatch needs {}; a token with the scope read_api has them all", wanted.join(", "))
}

/// Returns what to do about a refusal whose reason GitLab told: nothing that contradicts it.
fn for_reason(error: &Error) -> Vec<String> {
    let reason = error.reason().unwrap_or_default().to_lowercase();
    let what = if reason.contains("terms of service") {
        "sign in to GitLab in a browser and accept the terms"
    } else if reason.contains("password") {
        "sign in to GitLab in a browser and change the password"
    } else {
        "that is GitLab's own reason; its administrator or an owner of the group can change it"
    };
    vec![what.into()]
}

/// Returns what to do about an answer that is not GitLab's.
fn for_stranger(cause: &NotGitlab, config: &Config) -> Vec<String> {
    let host = &config.connection.host;
    match cause {
        NotGitlab::Login(scheme) => vec![format!(
            "a server in front of {host} asks for a login of its own (WWW-Authenticate: {scheme}): this says nothing about \
             GitLab's token"
        )],
        NotGitlab::EncodedSlash => vec![
            "a server in front of GitLab decodes %2F in addresses: give the group or project by its number".into(),
            "its administrator can permit it: AllowEncodedSlashes NoDecode and nocanon in Apache".into(),
        ],
        NotGitlab::ProxyLogin => vec![format!(
            "the proxy asks for a login: HTTP_PROXY=http://NAME:PASSWORD@.., or except {host} in NO_PROXY"
        )],
        NotGitlab::PlainHttp => {
            vec![format!("the server speaks https on this port: --host {}", https(&host.to_string()))]
        }
        NotGitlab::Unknown => vec![format!(
            "a firewall, a proxy or another program answers in place of {host}: try the address in a browser, and check \
             that it is the address of a GitLab, with its sub-path if it has one"
        )],
    }
}

const INSECURE: &str = "--insecure accepts any certificate; then anyone on the way can read the token";

fn plain(url: &str) -> String {
    url.replacen("https://", "http://", 1)
}

fn https(url: &str) -> String {
    url.replacen("http://", "https://", 1)
}

/// Returns what the user can do about a project, pipeline or job that could not be read or acted on.
pub(super) fn for_request(error: &Error, config: &Config, settings: &Settings) -> Vec<String> {
    let has_token = config.connection.token.is_some();
    match &error.kind {
        Kind::Status { code: 404, .. } if error.reason().is_none() => {
            let mut hints =
                vec!["GitLab answers 404 for what you may not see, as well as for what does not exist".into()];
            hints.extend(if has_token { Vec::new() } else { without_token(config, settings) });
            hints
        }
        Kind::Status { code: 403, .. } if error.reason().is_some() => for_reason(error),
        Kind::Status { code: 403, .. } if has_token => vec![format!(
            "the owner of the token from {} needs a role in the project that permits it, mostly Developer; or GitLab \
             does not permit it at all, as for what has ended",
            token_origin(config)
        )],
        // Only what acts is posted to REST.
        Kind::Unauthorized { .. } if !has_token && error.request.method == "POST" => {
            let mut hints = without_token(config, settings);
            hints.pop();
            hints.push(new_token_with(config, "api"));
            hints
        }
        Kind::InsufficientScope { needed } if needed == "api" => vec![
            format!("the token from {} needs the scope api: read_api reads, but does not act", token_origin(config)),
            new_token_with(config, "api"),
        ],
        _ => for_group(error, config, settings),
    }
}

/// Returns what the user can do about a target that leads to nothing.
pub(super) fn for_target(error: &FindError, config: &Config, settings: &Settings) -> Vec<String> {
    match error {
        FindError::Unknown { near, .. } if !near.is_empty() => vec![format!("did you mean {}?", near.join(", "))],
        FindError::NoGroup { .. } | FindError::Unknown { has_groups: false, .. } => {
            vec!["give its full path, or the group in which to look for the end of one: --group-id my-group".into()]
        }
        FindError::Unknown { .. } => {
            let mut hints = vec![
                "GitLab hides what you may not see; a project's full path is part of its address in the browser".into(),
            ];
            if config.connection.token.is_none() {
                hints.extend(without_token(config, settings));
            }
            hints
        }
        FindError::Ambiguous { .. } => vec!["give more of its path".into()],
        FindError::NoPipeline { .. } => vec!["name another ref: PROJECT@REF, or a pipeline: PROJECT#ID".into()],
        FindError::Incomplete { .. } => vec!["give the project's full path, or try again in a minute".into()],
        FindError::Failed { source, .. } => for_request(source, config, settings),
    }
}

/// Returns what to do when the group could be read and none of its projects.
pub(super) fn nothing_read(failures: &[&Failure], config: &Config, settings: &Settings) -> Vec<String> {
    let mut hints = Vec::new();
    // GitLab's own reason is in the message: what else could be said might contradict it.
    let (told, others): (Vec<&Failure>, Vec<&Failure>) = failures.iter().partition(|failure| failure.has_reason());
    let kinds: Vec<&FailureKind> = others.iter().map(|failure| &failure.kind).collect();
    let is_hidden = |kind: &&FailureKind| matches!(kind, FailureKind::Forbidden | FailureKind::NotFound);
    if told.iter().any(|failure| failure.kind == FailureKind::InsufficientGranularScope) {
        hints.push(granular());
    }
    if kinds.iter().any(is_hidden) && config.connection.token.is_some() {
        hints.push(format!(
            "to see pipelines, the owner of the token from {} needs the role Reporter in the group",
            token_origin(config)
        ));
    } else if kinds.iter().any(is_hidden) {
        hints.extend(without_token(config, settings));
    }
    if !told.is_empty() && hints.is_empty() {
        hints
            .push("GitLab's reason is in the message: its administrator or an owner of the group can change it".into());
    }
    if kinds.iter().any(|kind| !is_hidden(kind) && **kind != FailureKind::CiDisabled) {
        hints.push("try again in a minute, or with less at once (--concurrency 2); -vv shows every request".into());
    }
    if hints.is_empty() {
        hints.push("CI/CD is switched off in all of these projects, so there is nothing to show".into());
    }
    hints
}

/// Returns why a run without a token may fail, and how to give one.
pub(super) fn without_token(config: &Config, settings: &Settings) -> Vec<String> {
    if let Some((_, origin)) = &config.connection.headers {
        return vec![
            format!("if a header from {origin} is your token, it is expired, revoked, or for another host"),
            "else give a token beside it: set GITLAB_TOKEN or use --token-file".into(),
            new_token(config),
        ];
    }
    let mut hints = Vec::new();
    let empty = settings.empty_variables.iter().filter(|name| name.ends_with("_TOKEN"));
    hints.extend(empty.map(|name| format!("{name} is set but empty, which counts as no token")));
    if settings.has_job_token {
        hints.push(format!(
            "{JOB_TOKEN}; make a group access token with scope read_api and store it as the masked CI/CD variable \
             GITLAB_TOKEN"
        ));
    } else {
        hints
            .push("no token is given, so only what is public can be read: set GITLAB_TOKEN or use --token-file".into());
        hints.push(new_token(config));
    }
    hints
}

pub(super) fn new_token(config: &Config) -> String {
    new_token_with(config, "read_api")
}

fn new_token_with(config: &Config, scope: &str) -> String {
    format!("make a token with scope {scope}: {}/-/user_settings/personal_access_tokens", config.connection.host)
}

fn token_origin(config: &Config) -> String {
    config.connection.token.as_ref().map_or_else(|| "nowhere".to_owned(), |(_, origin)| origin.to_string())
}

/// Returns what can be done about a file of certificates or keys.
pub(super) fn for_certificate(problem: &SetupError) -> &'static str {
    match problem {
        SetupError::NoKey => {
            "a private key in PEM form is needed, -----BEGIN PRIVATE KEY-----: name it as --client-key"
        }
        SetupError::EncryptedKey => {
            "glwatch asks for no passphrase; write a copy without: openssl pkey -in FILE -out COPY"
        }
        SetupError::Tls(_) => {
            "the key must be that of the certificate: compare openssl x509 -pubkey and openssl pkey -pubout"
        }
        SetupError::NoCertificate
        | SetupError::DamagedCertificate(_)
        | SetupError::Http(_)
        | SetupError::Proxy { .. } => "certificates are needed in PEM form, -----BEGIN CERTIFICATE-----",
    }
}

/// Returns what to do about a setting that cannot be used and whose refusal says what is permitted.
pub(super) fn for_setting(origin: &Origin) -> String {
    match origin {
        Origin::Flag(_) | Origin::Demo | Origin::Default => format!("glwatch --help says more about {origin}"),
        Origin::File(_) | Origin::Glab(_) => "glwatch config show says where each value comes from".into(),
        Origin::Exporter(path) => format!("correct it in {path}, or say it to glwatch, which counts more"),
        Origin::Variable(_) | Origin::Ci(_) => format!("correct {origin} or unset it"),
    }
}

/// Returns what a secret looks like.
pub(super) fn for_secret(what: &str) -> String {
    match what {
        "token" => "a token is one line of letters, digits and signs, such as glpat-...".into(),
        _ => format!("a {what} is a line of the form 'Name: value', such as 'X-Gate: open'"),
    }
}

/// Returns what to do about a file that cannot be written.
pub(super) fn unwritten(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "make its directory first: glwatch makes files only",
        io::ErrorKind::PermissionDenied => {
            "you need the right to make files in its directory, because it is replaced whole"
        }
        io::ErrorKind::IsADirectory => "name a file in the directory, such as junit=reports/health.xml",
        _ => "check that there is room on the disk and that its directory can be written to",
    }
}

/// Returns what to do when a group has no visible projects.
pub(super) fn empty_group(config: &Config, settings: &Settings) -> Vec<String> {
    let mut hints = vec!["GitLab silently leaves out what this token may not see".to_owned()];
    if config.connection.token.is_some() {
        hints.push(format!(
            "check the group, and that the owner of the token from {} is a member of it",
            token_origin(config)
        ));
    } else {
        hints.extend(without_token(config, settings));
    }
    if !config.scope.subgroups {
        hints.push("projects of subgroups are left out: --no-subgroups".into());
    }
    if !config.scope.archived {
        hints.push("archived projects are left out unless --archived is given".into());
    }
    hints
}

/// Returns what to do when the filters leave nothing.
pub(super) fn nothing_left(unmatched: &[String]) -> Vec<String> {
    let mut hints: Vec<String> =
        unmatched.iter().map(|pattern| format!("pattern \"{}\" matches no project", pattern.escape_debug())).collect();
    hints.push(
        "a pattern is an id, name or path, letter for letter, or a glob on the full path, such as 'acme/*/api'".into(),
    );
    hints
}
