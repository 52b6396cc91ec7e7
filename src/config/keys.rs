//! The table of settings: every key with the form of its value, its default, and whether a project's file may set it.
//!
//! A key is the long flag without its dashes, or `section.key` for what has no flag; the variable and the key of a
//! file are written from it.

/// The forms that a value has in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    /// A text that names a file.
    Path,
    /// A number, or a word that means one.
    Number,
    Switch,
    List,
    /// Numbers by name.
    Factors,
    /// Texts or lists of texts by name.
    Names,
    /// Sections by name, each with texts or lists of texts by name.
    Sections,
    /// A program and its arguments.
    Command,
    /// The name of a variable.
    Variable,
}

impl Form {
    /// Returns what may be written, as the end of a sentence.
    pub(super) fn permitted(self) -> &'static str {
        match self {
            Self::Text => "a text in quotes",
            Self::Path => "a path in quotes",
            Self::Variable => "the name of a variable in quotes",
            Self::Number => "a number or a word in quotes",
            Self::Switch => "true or false",
            Self::Command => "a list of a program and its arguments, such as [\"pass\", \"gitlab\"]",
            Self::List => "a list, such as [\"a\", \"b\"]",
            Self::Names => "a text for each name, in a section",
            Self::Sections => "a section with a name, such as [views.oncall]",
            Self::Factors => "a number for each name, such as { large = 2, gpu = 7.5 }",
        }
    }
}

/// Whether `./glwatch.toml`, which comes with a repository, may set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InProject {
    Permitted,
    /// Permitted, and reported with every run: it changes the verdict or how much the server is asked.
    Announced,
    /// A restriction: it may be set there and not lifted.
    OnlyTrue,
    /// Refused, for this reason.
    Refused(&'static str),
}

/// Where it may be set at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyReach {
    Anywhere,
    /// As a flag or a variable.
    NoFile,
    /// As a variable or in a file.
    NoFlag,
    OnlyFile,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub name: &'static str,
    pub form: Form,
    /// As it would be written; empty where nothing is set.
    pub default: &'static str,
    pub in_project: InProject,
    pub reach: KeyReach,
}

const ACCESS: InProject = InProject::Refused("it decides who gets the token");
const SECRET: InProject = InProject::Refused("it decides which token is sent");
const LOAD: InProject = InProject::Refused("the user decides how much the server is asked");
const VERDICT: InProject = InProject::Refused("the user decides what the exit code depends on");
const WRITES: InProject = InProject::Refused("it writes a file");
const CACHE: InProject = InProject::Refused("the user decides whether glwatch writes a cache");
const MEMORY: InProject = InProject::Refused("the user decides what glwatch keeps, and where");
const PRICE: InProject = InProject::Refused("the user decides what a minute costs");
const RUNS: InProject = InProject::Refused("it runs a program");
const NOTICE: InProject = InProject::Refused("the user decides what makes a noise");
const LOOK: InProject = InProject::Refused("the user decides what a key does and what a colour means");
const SERVES: InProject = InProject::Refused("the user decides what is served, and to whom");
const CHOICE: InProject = InProject::Refused("the user decides which file and profile count");

/// Every setting, in the order of `glwatch config show`.
pub(crate) const KEYS: &[Key] = &[
    announced("group-id", Form::List, ""),
    announced("include", Form::List, ""),
    announced("exclude", Form::List, ""),
    announced("ref", Form::List, "any"),
    announced("archived", Form::Switch, "false"),
    announced("no-subgroups", Form::Switch, "false"),
    refused("host", Form::Text, "gitlab.com", ACCESS),
    refused("token", Form::Text, "", SECRET),
    refused("token-file", Form::Path, "", SECRET),
    source("token-command", Form::Command),
    source("token-variable", Form::Variable),
    refused("token-header", Form::Text, "authorization", SECRET),
    refused("header", Form::List, "", SECRET),
    source("header-file", Form::Path),
    source("header-command", Form::Command),
    source("header-variable", Form::Variable),
    refused("ca-file", Form::Path, "", ACCESS),
    refused("client-cert", Form::Path, "", SECRET),
    refused("client-key", Form::Path, "", SECRET),
    refused("insecure", Form::Switch, "false", ACCESS),
    refused("from", Form::Text, "", ACCESS),
    Key { reach: KeyReach::NoFlag, ..refused("from-token", Form::Text, "", SECRET) },
    source("from-token-file", Form::Path),
    source("from-token-command", Form::Command),
    source("from-token-variable", Form::Variable),
    permitted("output", Form::Text, "table"),
    refused("export", Form::List, "", WRITES),
    announced("only", Form::List, ""),
    permitted("columns", Form::List, ""),
    permitted("sort", Form::Text, "attention"),
    permitted("stages-width", Form::Number, "auto"),
    permitted("timezone", Form::Text, ""),
    permitted("color", Form::Text, "auto"),
    permitted("ascii", Form::Switch, "false"),
    permitted("plain", Form::Switch, "false"),
    Key { reach: KeyReach::OnlyFile, ..permitted("views", Form::Sections, "") },
    refused("no-view-state", Form::Switch, "false", CACHE),
    refused("theme", Form::Text, "dark", LOOK),
    Key { reach: KeyReach::OnlyFile, ..refused("themes", Form::Sections, "", LOOK) },
    Key { reach: KeyReach::OnlyFile, ..refused("keys", Form::Names, "", LOOK) },
    permitted("quiet", Form::Switch, "false"),
    refused("log-file", Form::Path, "", WRITES),
    flag_only("watch"),
    announced("interval", Form::Text, "10s"),
    announced("list-interval", Form::Text, "5m"),
    flag_only("wait"),
    announced("deadline", Form::Text, "30m"),
    flag_only("fail-fast"),
    Key { form: Form::Text, default: "", ..flag_only("newer-than") },
    refused("fail-on", Form::List, "", VERDICT),
    refused("allow-partial", Form::Switch, "false", VERDICT),
    refused("api", Form::Text, "auto", LOAD),
    refused("concurrency", Form::Number, "8", LOAD),
    refused("rps", Form::Number, "auto", LOAD),
    refused("retry-wait", Form::Text, "300ms", LOAD),
    refused("timeout", Form::Text, "30s", LOAD),
    refused("max-time", Form::Text, "5m", LOAD),
    refused("no-cache", Form::Switch, "false", CACHE),
    refused("follow-wait", Form::Text, "2s", LOAD),
    Key { in_project: InProject::OnlyTrue, ..permitted("read-only", Form::Switch, "false") },
    flag_only("yes"),
    in_section("history.enabled", Form::Switch, "true", MEMORY),
    in_section("history.keep", Form::Text, "400d", MEMORY),
    in_section("history.path", Form::Path, "", MEMORY),
    in_section("cost.price-per-minute", Form::Number, "", PRICE),
    Key { reach: KeyReach::OnlyFile, ..in_section("cost.factor", Form::Factors, "", PRICE) },
    refused("on-change", Form::Command, "", RUNS),
    in_section("notify.events", Form::List, "broke, fixed", NOTICE),
    in_section("notify.projects", Form::List, "", NOTICE),
    in_section("notify.how", Form::List, "bell, osc9", NOTICE),
    Key { reach: KeyReach::OnlyFile, ..in_section("notify.command", Form::Command, "", RUNS) },
    in_section("notify.time", Form::Text, "30s", NOTICE),
    Key { reach: KeyReach::OnlyFile, ..in_section("notify.rules", Form::Sections, "", RUNS) },
    in_section("serve.listen", Form::Text, "127.0.0.1:9252", SERVES),
    in_section("serve.exporter-config", Form::Path, "", SERVES),
    in_section("serve.compatibility", Form::Text, "corrected", SERVES),
    in_section("serve.openmetrics", Form::Switch, "true", SERVES),
    in_section("serve.max-series", Form::Number, "200000", SERVES),
    in_section("serve.cable", Form::Text, "off", SERVES),
    in_section("serve.cable-silence", Form::Text, "10s", SERVES),
    in_section("serve.cable-reconcile", Form::Text, "5m", SERVES),
    in_section("serve.hosts", Form::List, "", SERVES),
    in_section("serve.insecure-open", Form::Switch, "false", SERVES),
    in_section("serve.access-token", Form::Text, "", SECRET),
    source("serve.access-token-file", Form::Path),
    source("serve.access-token-command", Form::Command),
    source("serve.access-token-variable", Form::Variable),
    in_section("serve.webhook-secret", Form::Text, "", SECRET),
    source("serve.webhook-secret-file", Form::Path),
    source("serve.webhook-secret-command", Form::Command),
    source("serve.webhook-secret-variable", Form::Variable),
    in_section("serve.signing-token", Form::Text, "", SECRET),
    source("serve.signing-token-file", Form::Path),
    source("serve.signing-token-command", Form::Command),
    source("serve.signing-token-variable", Form::Variable),
    refused("profile", Form::Text, "", CHOICE),
    Key { name: "config", form: Form::Path, default: "", in_project: CHOICE, reach: KeyReach::NoFile },
];

/// What goes to one host and to no other, beside secrets.
pub(super) const OF_HOST: [&str; 3] = ["token-header", "client-cert", "client-key"];
/// Each has keys of its own for the sources that it may come from.
const SECRETS: [&str; 6] =
    ["token", "header", "from-token", "serve.access-token", "serve.webhook-secret", "serve.signing-token"];
/// The ends of these keys.
const SOURCES: [&str; 4] = ["", "-file", "-command", "-variable"];

const fn permitted(name: &'static str, form: Form, default: &'static str) -> Key {
    Key { name, form, default, in_project: InProject::Permitted, reach: KeyReach::Anywhere }
}

const fn announced(name: &'static str, form: Form, default: &'static str) -> Key {
    Key { in_project: InProject::Announced, ..permitted(name, form, default) }
}

const fn refused(name: &'static str, form: Form, default: &'static str, in_project: InProject) -> Key {
    Key { name, form, default, in_project, reach: KeyReach::Anywhere }
}

/// A source of a secret that only a file names: what a flag or a variable gives is the secret itself.
const fn source(name: &'static str, form: Form) -> Key {
    Key { reach: KeyReach::OnlyFile, ..refused(name, form, "", SECRET) }
}

/// What describes more than one run, and so has no flag.
const fn in_section(name: &'static str, form: Form, default: &'static str, in_project: InProject) -> Key {
    Key { reach: KeyReach::NoFlag, ..refused(name, form, default, in_project) }
}

/// What belongs to one run and so into no file.
const fn flag_only(name: &'static str) -> Key {
    Key { name, form: Form::Switch, default: "false", in_project: CHOICE, reach: KeyReach::NoFile }
}

impl Key {
    /// Returns the section that it is in; empty for one at the top.
    pub(super) fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// Returns the key as it is written in its section.
    pub(super) fn in_its_section(&self) -> String {
        self.name.rsplit('.').next().unwrap_or(self.name).replace('-', "_")
    }

    /// Returns the key as it is written at the top of a file.
    pub(crate) fn in_snake_case(&self) -> String {
        self.name.replace('-', "_")
    }

    pub(super) fn is_in_file(&self) -> bool {
        self.reach != KeyReach::NoFile
    }

    /// Says whether it counts, where a file sets it, for one host only: another server must not get it.
    pub(super) fn is_of_host(&self) -> bool {
        OF_HOST.contains(&self.name)
    }

    /// Returns the secret that it is a source of.
    pub(crate) fn secret(&self) -> Option<&'static str> {
        let is_source_of = |secret: &&str| self.name.strip_prefix(*secret).is_some_and(|end| SOURCES.contains(&end));
        SECRETS.into_iter().find(is_source_of)
    }
}

/// Returns the variable that gives a setting.
pub(crate) fn variable(key: &str) -> String {
    format!("GLWATCH_{}", key.to_ascii_uppercase().replace(['-', '.'], "_"))
}

/// Returns the setting that a variable gives.
pub(crate) fn of_variable(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| variable(key.name) == name)
}
