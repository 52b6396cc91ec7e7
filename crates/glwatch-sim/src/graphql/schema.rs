//! The slice of GitLab's schema that is answered here, per version.

use std::sync::OnceLock;

use apollo_compiler::schema::{ExtendedType, ScalarType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

use crate::options::Version;

const SLICE: &str = include_str!("schema.graphql");
/// The enums whose values GitLab adds to: a scenario may hold a word that no version knows.
const OPEN_ENUMS: [&str; 2] = ["PipelineStatusEnum", "CiJobStatus"];

pub(super) struct SchemaVersions {
    /// What validation and introspection see.
    pub(super) published: Valid<Schema>,
    /// What execution sees: the open enums are scalars, so that any word can be served.
    pub(super) lenient: Valid<Schema>,
}

/// Returns the schemas of a version, made when they are first needed.
#[expect(clippy::expect_used, reason = "the slice is a file of this crate, and every test reads it")]
pub(super) fn schemas(version: Version) -> &'static SchemaVersions {
    static KNOWN: [OnceLock<SchemaVersions>; 3] = [const { OnceLock::new() }; 3];
    KNOWN[version as usize].get_or_init(|| {
        let published = Schema::parse_and_validate(sdl(version), "schema.graphql").expect("the slice is a schema");
        let mut lenient = Schema::clone(&published);
        for name in OPEN_ENUMS {
            let name = Name::new_unchecked(name);
            let scalar = ScalarType { description: None, name: name.clone(), directives: Default::default() };
            lenient.types.insert(name, ExtendedType::Scalar(scalar.into()));
        }
        SchemaVersions { published, lenient: Valid::assume_valid(lenient) }
    })
}

/// Returns the lines of the slice that `version` has.
pub(crate) fn sdl(version: Version) -> String {
    SLICE.lines().filter(|line| exists(line, version)).map(|line| format!("{line}\n")).collect()
}

fn exists(line: &str, version: Version) -> bool {
    let known = |text: &str| match text {
        "14.10" => Version::V14_10,
        "16.3" => Version::V16_3,
        "18.5" => Version::V18_5,
        other => unreachable!("no version {other} in the slice"),
    };
    let Some((code, mark)) = line.split_once(" # ").filter(|(code, _)| !code.starts_with('#')) else { return true };
    match mark.split_once(' ') {
        Some(("since", from)) => version >= known(from),
        Some(("until", to)) => version <= known(to),
        _ => unreachable!("no mark on `{code}`"),
    }
}
