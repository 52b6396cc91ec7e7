//! Query: which of the fields of later GitLab versions does a server have?

use super::document::document;
use super::question::{ErrorWire, ask};
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::lenient::{Item, LenientList, loose};
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;

const INTROSPECTION: &str = include_str!("introspection.graphql");

/// The fields that our queries use where they can, by the oldest published schema that has them
/// (`gitlab-14.10`, `16.3`, `18.5`: what lies between takes the older one's).
const SINCE: [(u32, u32, &str); 7] = [
    (14, 10, "CiJob.needs"),
    (16, 3, "CiJob.failureMessage"),
    (16, 3, "CiJob.retried"),
    (18, 5, "Pipeline.source"),
    (18, 5, "Pipeline.name"),
    (18, 5, "Pipeline.failureReason"),
    (18, 5, "Pipeline.yamlErrorMessages"),
];

/// How often a server that answers without saying anything is asked.
const TRIES: usize = 2;

/// The optional fields that a server has, as `Type.field`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    names: BTreeSet<String>,
    /// Whether the server itself has told them, which may be remembered.
    is_told: bool,
    /// Whether it told them without its version.
    lacks_version: bool,
}

#[derive(Deserialize, Default)]
struct IntrospectionWire {
    /// Not for anonymous callers, nor for a token without a permission of its own.
    #[serde(default)]
    metadata: Item<MetadataWire>,
    #[serde(default)]
    pipeline: Item<TypeWire>,
    #[serde(default)]
    job: Item<TypeWire>,
}

#[derive(Deserialize)]
struct MetadataWire {
    #[serde(default, deserialize_with = "loose")]
    version: Option<String>,
}

#[derive(Deserialize)]
struct TypeWire {
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(default)]
    fields: LenientList<FieldWire>,
}

#[derive(Deserialize)]
struct FieldWire {
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
}

impl TypeWire {
    /// Returns the fields of the type with this name, unless this is not what it says.
    fn fields_of(self, name: &str) -> Option<BTreeSet<String>> {
        let fields = self.fields.0.filter(|_| self.name.as_deref() == Some(name))?;
        let names: BTreeSet<String> = fields.into_iter().filter_map(|field| field.read()?.name).collect();
        (!names.is_empty()).then_some(names)
    }
}

impl Fields {
    /// Returns the fields that a server has told, at another time.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(str::to_owned).collect();
        Self { names, is_told: true, lacks_version: false }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Says whether the server itself has told them.
    pub fn are_told(&self) -> bool {
        self.is_told
    }

    /// Says whether the server did not tell its version when it told them: it may be hidden from this token.
    pub fn lack_version(&self) -> bool {
        self.lacks_version
    }

    pub(in crate::gitlab) fn has(&self, field: &str) -> bool {
        self.names.contains(field)
    }

    /// Returns what the published schema of a version, or of the one before it, has; nothing optional without a version.
    pub fn of_version(version: &str) -> Self {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        let known = SINCE.iter().filter(|(major, minor, _)| (*major, *minor) <= version).map(|(_, _, field)| *field);
        Self { is_told: false, ..Self::of(known) }
    }

    fn of_types(pipeline: &BTreeSet<String>, job: &BTreeSet<String>) -> Self {
        let has = |full: &&str| match full.split_once('.') {
            Some(("Pipeline", field)) => pipeline.contains(field),
            Some(("CiJob", field)) => job.contains(field),
            _ => false,
        };
        Self::of(SINCE.iter().map(|(_, _, field)| *field).filter(has))
    }
}

pub(super) fn query() -> (&'static str, String) {
    ("Introspection", document(INTROSPECTION, &Fields::default()))
}

/// Asks a server for its fields.
///
/// A server that refuses to tell its types gets what its version is known to have, or only what every version has. One
/// that neither tells them nor refuses is asked again, and then not believed.
pub(in crate::gitlab) async fn read(transport: &Transport) -> Result<Fields, Error> {
    for _ in 0..TRIES {
        if let Some(fields) = ask_once(transport).await? {
            return Ok(fields);
        }
    }
    let problem = "the answer lacks the types that it was asked for".into();
    Err(transport.error("Introspection", Kind::Decode { path: "data".into(), problem }))
}

async fn ask_once(transport: &Transport) -> Result<Option<Fields>, Error> {
    // It is small, so that a server in trouble is asked again; one that keeps GraphQL from us is read over REST instead.
    let passing = |kind: &Kind| kind.is_passing() && !kind.is_unavailable();
    let (wire, refuses) = match ask::<Item<IntrospectionWire>>(transport, query(), json!({}), passing).await {
        Ok(answer) => {
            let wire = answer.data.read().unwrap_or_default();
            // The version may be hidden from this token. Types beside any other error may lack what it took away.
            let is_of_version = |error: &ErrorWire| matches!(error.path.as_deref(), Some([of, ..]) if of == "metadata");
            let has_types = matches!((&wire.pipeline, &wire.job), (Item::Read(_), Item::Read(_)));
            if has_types && !answer.errors.iter().all(is_of_version) {
                return Ok(None);
            }
            (wire, !answer.errors.is_empty())
        }
        // A server that keeps its schema to itself may answer everything else.
        Err(Error { kind: Kind::Query(_) | Kind::UnknownField(_) | Kind::TooComplex(_), .. }) => {
            (IntrospectionWire::default(), true)
        }
        // An answer that says nothing, or has another shape.
        Err(Error { kind: Kind::Decode { .. }, .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let version = wire.metadata.read().and_then(|metadata| metadata.version);
    let pipeline = wire.pipeline.read().and_then(|of| of.fields_of("Pipeline"));
    let job = wire.job.read().and_then(|of| of.fields_of("CiJob"));
    let fields = match (pipeline, job, &version) {
        (Some(pipeline), Some(job), _) => {
            Fields { lacks_version: version.is_none(), ..Fields::of_types(&pipeline, &job) }
        }
        (_, _, Some(version)) => Fields::of_version(version),
        _ if refuses => Fields::default(),
        _ => return Ok(None),
    };
    tracing::info!(version = version.as_deref().unwrap_or("not told"), fields = ?fields.names, "GraphQL answers");
    Ok(Some(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_what_the_published_schema_before_it_has() {
        let names = |version: &str| Fields::of_version(version).names().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names("14.9.5"), Vec::<String>::new());
        assert_eq!(names("14.10.5"), ["CiJob.needs"]);
        assert_eq!(names("16.3.0-ee"), ["CiJob.failureMessage", "CiJob.needs", "CiJob.retried"]);
        assert_eq!(names("17.11.2"), names("16.3.0"));
        assert_eq!(names("18.5.0").len(), SINCE.len());
        assert_eq!(names("nonsense"), Vec::<String>::new());
    }
}
