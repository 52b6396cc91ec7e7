//! Which of the fields that came with later versions a server has.

use super::document::document;
use super::{ask, is_unavailable};
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::retry::is_passing;
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;

const INTROSPECTION: &str = include_str!("introspection.graphql");

/// The fields that our queries use where they can, by the oldest published schema that has them
/// (`gitlab-14.10`, `16.3`, `18.5`: what lies between takes the older one's).
const SINCE: [(u32, u32, &str); 6] = [
    (16, 3, "CiJob.failureMessage"),
    (16, 3, "CiJob.retried"),
    (18, 5, "Pipeline.source"),
    (18, 5, "Pipeline.name"),
    (18, 5, "Pipeline.failureReason"),
    (18, 5, "Pipeline.yamlErrorMessages"),
];

/// The optional fields that a server has, as `Type.field`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(BTreeSet<String>);

#[derive(Deserialize, Default)]
struct Wire {
    /// Not for anonymous callers.
    metadata: Option<MetadataWire>,
    pipeline: Option<TypeWire>,
    job: Option<TypeWire>,
}

#[derive(Deserialize)]
struct MetadataWire {
    version: Option<String>,
}

#[derive(Deserialize)]
struct TypeWire {
    name: Option<String>,
    fields: Option<Vec<FieldWire>>,
}

#[derive(Deserialize)]
struct FieldWire {
    name: String,
}

impl Fields {
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(in crate::gitlab) fn has(&self, field: &str) -> bool {
        self.0.contains(field)
    }

    /// Returns what the published schema of a version, or of the one before it, has; nothing optional without a version.
    pub fn of_version(version: &str) -> Self {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Self::of(SINCE.iter().filter(|(major, minor, _)| (*major, *minor) <= version).map(|(_, _, field)| *field))
    }

    fn of_types(types: &[TypeWire]) -> Self {
        let has = |full: &str| {
            let (name, field) = full.split_once('.')?;
            let known = types.iter().find(|known| known.name.as_deref() == Some(name))?;
            known.fields.iter().flatten().find(|known| known.name == field)
        };
        Self::of(SINCE.iter().map(|(_, _, field)| *field).filter(|field| has(field).is_some()))
    }
}

pub(super) fn query() -> (&'static str, String) {
    ("Introspection", document(INTROSPECTION, &Fields::default()))
}

/// Asks a server for its fields; one that does not tell gets what its version is known to have.
pub(in crate::gitlab) async fn read(transport: &Transport) -> Result<Fields, Error> {
    // It is small, so that a server in trouble is asked again; one that keeps GraphQL from us is read over REST instead.
    let passing = |kind: &Kind| is_passing(kind) && !is_unavailable(kind);
    let wire = match ask::<Wire>(transport, query(), json!({}), passing).await {
        Ok(answer) => answer.data,
        // A server that keeps its schema to itself may answer everything else.
        Err(Error { kind: Kind::Query(_) | Kind::UnknownField(_) | Kind::TooComplex(_), .. }) => Wire::default(),
        Err(error) => return Err(error),
    };
    let types: Vec<TypeWire> = [wire.pipeline, wire.job].into_iter().flatten().collect();
    let version = wire.metadata.and_then(|metadata| metadata.version);
    let fields = match (types.is_empty(), &version) {
        (false, _) => Fields::of_types(&types),
        (true, Some(version)) => Fields::of_version(version),
        (true, None) => Fields::default(),
    };
    tracing::info!(version = version.as_deref().unwrap_or("not told"), fields = ?fields.0, "GraphQL answers");
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_what_the_published_schema_before_it_has() {
        let names = |version: &str| Fields::of_version(version).names().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names("14.10.5"), Vec::<String>::new());
        assert_eq!(names("16.3.0-ee"), ["CiJob.failureMessage", "CiJob.retried"]);
        assert_eq!(names("17.11.2"), names("16.3.0"));
        assert_eq!(names("18.5.0").len(), SINCE.len());
        assert_eq!(names("nonsense"), Vec::<String>::new());
    }
}
