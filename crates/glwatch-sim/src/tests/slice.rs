//! The slice of GitLab's GraphQL schema says nothing that the published schema of its version does not say.

use apollo_compiler::Schema;
use apollo_compiler::ast::InputValueDefinition;
use apollo_compiler::schema::{EnumType, ExtendedType, ObjectType};

use super::published::schema;
use crate::Version;
use crate::graphql::sdl;

fn published(version: Version) -> Schema {
    let file = match version {
        Version::V14_10 => "gitlab-14.10.graphql",
        Version::V16_3 => "gitlab-16.3.graphql",
        Version::V18_5 => "gitlab-18.5-ce.graphql",
    };
    Schema::parse(schema(file), file).unwrap_or_else(|broken| broken.partial)
}

fn slice(version: Version) -> Schema {
    Schema::parse_and_validate(sdl(version), "slice").unwrap().into_inner()
}

/// A default of `null` is as good as none.
fn argument(argument: &InputValueDefinition) -> String {
    let default = argument.default_value.as_ref().filter(|value| !value.is_null());
    format!("{}: {}{}", argument.name, argument.ty, default.map(|value| format!(" = {value}")).unwrap_or_default())
}

fn compare_objects(mine: &ObjectType, theirs: &ObjectType, wrong: &mut Vec<String>) {
    for (name, field) in &mine.fields {
        let place = format!("{}.{name}", mine.name);
        let Some(real) = theirs.fields.get(name) else {
            wrong.push(format!("{place} does not exist"));
            continue;
        };
        if field.ty != real.ty {
            wrong.push(format!("{place} is {}, not {}", real.ty, field.ty));
        }
        let real: Vec<String> = real.arguments.iter().map(|given| argument(given)).collect();
        let unknown = field.arguments.iter().map(|given| argument(given)).filter(|given| !real.contains(given));
        wrong.extend(unknown.map(|given| format!("{place} has no argument `{given}`")));
    }
}

fn compare_enums(mine: &EnumType, theirs: &EnumType, wrong: &mut Vec<String>) {
    let unknown = mine.values.keys().filter(|value| !theirs.values.contains_key(*value));
    wrong.extend(unknown.map(|value| format!("{} has no {value}", mine.name)));
    if mine.name.contains("Status") {
        let missing = theirs.values.keys().filter(|value| !mine.values.contains_key(*value));
        wrong.extend(missing.map(|value| format!("{} lacks {value}", mine.name)));
    }
}

#[test]
fn the_slice_of_each_version_is_a_part_of_what_gitlab_publishes() {
    for version in Version::ALL {
        let published = published(version);
        let mut wrong = Vec::new();
        for (name, ty) in slice(version).types.iter().filter(|(_, ty)| !ty.is_built_in()) {
            match (ty, published.types.get(name)) {
                (ExtendedType::Object(mine), Some(ExtendedType::Object(theirs))) => {
                    compare_objects(mine, theirs, &mut wrong);
                }
                (ExtendedType::Enum(mine), Some(ExtendedType::Enum(theirs))) => compare_enums(mine, theirs, &mut wrong),
                (ExtendedType::Scalar(_), Some(ExtendedType::Scalar(_))) => {}
                _ => wrong.push(format!("{name} is not what it is")),
            }
        }
        assert!(wrong.is_empty(), "{version:?}: {wrong:#?}");
    }
}

#[test]
fn versions_differ_where_gitlab_changed() {
    let has = |version, of: &str, field: &str| slice(version).type_field(of, field).is_ok();
    let rows = [
        ("Pipeline", "source", [false, false, true]),
        ("CiJob", "kind", [false, true, true]),
        ("CiJob", "exitCode", [false, false, true]),
        ("DetailedStatus", "name", [false, false, true]),
        ("Metadata", "enterprise", [false, true, true]),
        ("Pipeline", "refPath", [true, true, true]),
    ];
    for (of, field, expected) in rows {
        assert_eq!(Version::ALL.map(|version| has(version, of, field)), expected, "{of}.{field}");
    }
}
