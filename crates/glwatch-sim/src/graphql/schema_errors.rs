//! Fields, arguments and enum values that this version does not have, told in the words of graphql-ruby.

use apollo_compiler::ast::{Argument, Definition, Document, Field, Selection, Value as Literal};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use apollo_compiler::{Name, Node, Schema};
use serde_json::{Value, json};

/// Lists them in the order of the text; what else can be wrong with a query is left to the validator.
pub(super) fn mistakes(schema: &Schema, document: &Document, introspection: bool) -> Vec<Value> {
    let mut walk = SchemaWalk { schema, document, introspection, path: Vec::new(), found: Vec::new() };
    for definition in &document.definitions {
        let (label, of, selections) = match definition {
            Definition::OperationDefinition(operation) => {
                let name = operation.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
                let of = schema.root_operation(operation.operation_type);
                (format!("{}{name}", operation.operation_type.name()), of, &operation.selection_set)
            }
            Definition::FragmentDefinition(fragment) => {
                (format!("fragment {}", fragment.name), Some(&fragment.type_condition), &fragment.selection_set)
            }
            _ => continue,
        };
        walk.path = vec![label];
        if let Some(of) = of {
            walk.selections(of, selections);
        }
    }
    walk.found
}

struct SchemaWalk<'a> {
    schema: &'a Schema,
    document: &'a Document,
    introspection: bool,
    path: Vec<String>,
    found: Vec<Value>,
}

impl SchemaWalk<'_> {
    fn selections(&mut self, of: &Name, selections: &[Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    self.path.push(field.response_name().to_string());
                    self.field(of, field);
                    self.path.pop();
                }
                Selection::InlineFragment(inline) => {
                    let of = inline.type_condition.as_ref().unwrap_or(of);
                    self.path.push(format!("... on {of}"));
                    self.selections(of, &inline.selection_set);
                    self.path.pop();
                }
                // A fragment is looked at where it is defined.
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn field(&mut self, of: &Name, field: &Field) {
        let hidden = !self.introspection && matches!(field.name.as_str(), "__schema" | "__type");
        // A type that does not exist at all is the validator's to tell.
        if !self.schema.types.contains_key(of) {
            return;
        }
        let definition = self.schema.type_field(of, &field.name).ok().filter(|_| !hidden);
        let Some(definition) = definition else {
            let text = format!("Field '{}' doesn't exist on type '{of}'", field.name);
            let more = json!({ "code": "undefinedField", "typeName": of.as_str(), "fieldName": field.name.as_str() });
            self.note(&field.name, &text, more);
            return;
        };
        field.arguments.iter().for_each(|argument| self.argument(field, definition, argument));
        self.selections(definition.ty.inner_named_type(), &field.selection_set);
    }

    fn argument(&mut self, field: &Field, definition: &FieldDefinition, argument: &Node<Argument>) {
        self.path.push(argument.name.to_string());
        match definition.argument_by_name(&argument.name) {
            None => {
                let text = format!("Field '{}' doesn't accept argument '{}'", field.name, argument.name);
                let more = json!({
                    "code": "argumentNotAccepted", "name": field.name.as_str(), "typeName": "Field",
                    "argumentName": argument.name.as_str(),
                });
                self.note(&argument.name, &text, more);
            }
            Some(known) if self.is_unknown_word(known.ty.inner_named_type(), &argument.value) => {
                let text = format!(
                    "Argument '{}' on Field '{}' has an invalid value ({}). Expected type '{}'.",
                    argument.name, field.name, argument.value, known.ty
                );
                let more = json!({
                    "code": "argumentLiteralsIncompatible", "typeName": "Field",
                    "argumentName": argument.name.as_str(),
                });
                self.note(&argument.name, &text, more);
            }
            Some(_) => {}
        }
        self.path.pop();
    }

    fn is_unknown_word(&self, of: &Name, value: &Literal) -> bool {
        let Some(ExtendedType::Enum(known)) = self.schema.types.get(of) else { return false };
        match value {
            Literal::Enum(word) => !known.values.contains_key(word),
            Literal::List(items) => items.iter().any(|item| self.is_unknown_word(of, item)),
            _ => false,
        }
    }

    fn note(&mut self, at: &Name, text: &str, more: Value) {
        let place = at.location().and_then(|span| span.line_column(&self.document.sources));
        let places: Vec<Value> =
            place.iter().map(|place| json!({ "line": place.line, "column": place.column })).collect();
        self.found.push(json!({ "message": text, "locations": places, "path": self.path, "extensions": more }));
    }
}
