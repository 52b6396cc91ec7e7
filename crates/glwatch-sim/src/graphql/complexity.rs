//! What GitLab says a query costs, and how deep it is.
//!
//! The rules are those of `app/graphql/types/base_field.rb` and `app/graphql/resolvers/base_resolver.rb`: a field costs
//! 1, one with a resolver a little more, and a connection with a resolver one percent more per record of its page.

use apollo_compiler::ast::Value;
use apollo_compiler::collections::IndexMap;
use apollo_compiler::executable::{DirectiveList, Field, Operation, Selection, SelectionSet};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::{ExecutableDocument, Name, Node};

use super::schema::schemas;
use super::variables;
use crate::options::Version;

/// The largest page, and what a connection without `first` or `last` is counted as.
const MAX_PAGE: f64 = 100.0;

/// Returns what GitLab of this version counts for a query, or why the query is not one.
pub fn complexity(version: Version, query: &str, variables_given: &serde_json::Value) -> Result<u32, String> {
    let schema = &schemas(version).published;
    let document =
        ExecutableDocument::parse_and_validate(schema, query, "query").map_err(|broken| broken.errors.to_string())?;
    let operation = document.operations.get(None).map_err(|error| error.message().to_string())?;
    let given = variables(variables_given.clone()).ok_or("the variables are not an object")?;
    let given = coerce_variable_values(schema, operation, &given).map_err(|error| error.message().to_string())?;
    Ok(cost(&document, operation, &given))
}

/// Returns what an operation costs.
pub(super) fn cost(document: &ExecutableDocument, operation: &Operation, variables: &JsonMap) -> u32 {
    CostCount { document, variables }.selections(&[&operation.selection_set])
}

/// Returns how many fields lie below each other at most.
pub(super) fn depth(document: &ExecutableDocument, operation: &Operation) -> usize {
    depth_of(document, &operation.selection_set)
}

fn depth_of(document: &ExecutableDocument, set: &SelectionSet) -> usize {
    let below = |selection: &Selection| match selection {
        Selection::Field(field) => 1 + depth_of(document, &field.selection_set),
        Selection::InlineFragment(inline) => depth_of(document, &inline.selection_set),
        Selection::FragmentSpread(spread) => {
            spread.fragment_def(document).map_or(0, |fragment| depth_of(document, &fragment.selection_set))
        }
    };
    set.selections.iter().map(below).max().unwrap_or(0)
}

/// Fields of one response key, with the type that the first of them belongs to.
type MergedFields<'a> = IndexMap<&'a Name, (&'a Name, Vec<&'a Node<Field>>)>;

struct CostCount<'a> {
    document: &'a ExecutableDocument,
    variables: &'a JsonMap,
}

impl<'a> CostCount<'a> {
    fn selections(&self, sets: &[&'a SelectionSet]) -> u32 {
        let mut merged = MergedFields::default();
        sets.iter().for_each(|set| self.collect(set, &mut merged));
        merged.values().map(|(of, fields)| self.field(of, fields)).sum()
    }

    fn collect(&self, set: &'a SelectionSet, merged: &mut MergedFields<'a>) {
        for selection in set.selections.iter().filter(|selection| self.is_included(selection.directives())) {
            match selection {
                Selection::Field(field) => {
                    merged.entry(field.response_key()).or_insert_with(|| (&set.ty, Vec::new())).1.push(field);
                }
                Selection::InlineFragment(inline) => self.collect(&inline.selection_set, merged),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = spread.fragment_def(self.document) {
                        self.collect(&fragment.selection_set, merged);
                    }
                }
            }
        }
    }

    fn field(&self, of: &Name, fields: &[&'a Node<Field>]) -> u32 {
        let field = fields[0];
        if field.name.starts_with("__") {
            return 1;
        }
        let sets: Vec<&SelectionSet> = fields.iter().map(|field| &field.selection_set).collect();
        let own = 1 + u32::from(calls_gitaly(of, &field.name)) + self.selections(&sets);
        let Some(extra) = resolver(of, &field.name) else { return own };
        let given = |name: &str| self.argument(field, name).is_some();
        let mut cost = own + extra + u32::from(given("sort")) + 5 * u32::from(given("search"));
        if (of.as_str(), field.name.as_str()) == ("Project", "pipelines") {
            cost += 2 * u32::from(given("sha")) + 2 * u32::from(given("ref"));
        }
        if !field.ty().inner_named_type().ends_with("Connection") || given("iid") || given("iids") {
            return cost;
        }
        let limits = ["first", "last"].into_iter().filter_map(|name| self.argument(field, name)?.as_f64());
        let page = limits.fold(MAX_PAGE, f64::min);
        // GitLab truncates; the casts cannot lose anything at these sizes.
        (f64::from(cost) + f64::from(cost) * page * 0.01) as u32
    }

    /// Returns the value of an argument, unless it is null or not given.
    fn argument(&self, field: &Field, name: &str) -> Option<JsonValue> {
        let value = match field.specified_argument_by_name(name)?.as_ref() {
            Value::Variable(variable) => self.variables.get(variable.as_str())?.clone(),
            Value::Null => JsonValue::Null,
            Value::Int(number) => number.try_to_i32().ok()?.into(),
            _ => true.into(),
        };
        (!value.is_null()).then_some(value)
    }

    fn is_included(&self, directives: &DirectiveList) -> bool {
        let says = |name: &str| match directives.get(name)?.specified_argument_by_name("if")?.as_ref() {
            Value::Variable(variable) => self.variables.get(variable.as_str())?.as_bool(),
            value => value.to_bool(),
        };
        says("include").unwrap_or(true) && !says("skip").unwrap_or(false)
    }
}

/// Returns what a field's resolver adds, if it has one (those of the slice only).
fn resolver(of: &str, field: &str) -> Option<u32> {
    match (of, field) {
        ("Query", "group" | "project" | "projects" | "metadata")
        | ("Project", "pipelines" | "pipeline")
        | ("Pipeline", "stages" | "jobs") => Some(0),
        ("Group", "projects") => Some(10),
        _ => None,
    }
}

fn calls_gitaly(of: &str, field: &str) -> bool {
    matches!((of, field), ("Pipeline", "commit") | ("Repository", "rootRef" | "empty" | "exists"))
}
