//! Validation of documents and of variables by the rules of the GraphQL specification, with `apollo-compiler`.
//!
//! async-graphql validates again before it executes, but accepts more: fields that conflict inside fragments, variables in
//! positions of another type, integers over 32 bits, enum values written as text.
//!
//! Invariant: nothing is executed that this refuses.

use std::sync::LazyLock;

use apollo_compiler::ast::{Document as SyntaxTree, Selection, Value as AstValue};
use apollo_compiler::executable::Operation;
use apollo_compiler::parser::SourceMap;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::{GraphQLError, JsonMap};
use apollo_compiler::validation::{DiagnosticList, Valid, WithErrors};
use apollo_compiler::{Name, Node, Schema};
use async_graphql::Variables;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::server::graphql::execution::introspection::REDACTED_MESSAGE;
use crate::server::graphql::execution::response::ERRORS;
use crate::server::graphql::schema::schema_sdl;
use crate::server::response::problem::{Problem, Result};

static SCHEMA: LazyLock<Valid<Schema>> = LazyLock::new(|| {
    Schema::parse_and_validate(schema_sdl(), "schema.graphql").expect("the schema of this crate is valid")
});

/// The greatest number of edits between a name and the one that is suggested for it.
const EDITS_MAX: usize = 3;

/// What errors may tell of the schema.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Disclosure {
    /// Whether messages may name parts of it.
    pub(in crate::server) names: bool,
    /// Whether messages suggest names.
    pub(in crate::server) suggestions: bool,
}

/// The operations of a valid document, against which the values of variables are checked.
#[derive(Debug)]
pub(in crate::server) struct ValidOperations {
    operations: Vec<Node<Operation>>,
    disclosure: Disclosure,
}

impl ValidOperations {
    /// Validates a document.
    ///
    /// # Errors
    /// It breaks a rule. The member `errors` of the problem has all errors.
    pub(in crate::server) fn of(text: &str, disclosure: Disclosure) -> Result<Self> {
        let refuse = |diagnostics: &DiagnosticList| refused(&errors(diagnostics), disclosure);
        let tree = SyntaxTree::parse(text, "document").map_err(|invalid| refuse(&invalid.errors))?;
        let document = match tree.to_executable_validate(&SCHEMA) {
            Ok(document) => document.into_inner(),
            Err(WithErrors { partial, errors })
                if errors.iter().all(|error| is_unknown_to_the_crate(&error.error.to_string())) =>
            {
                partial
            }
            Err(invalid) => return Err(refuse(&invalid.errors)),
        };
        let repeated = repeated_fields(&tree);
        if !repeated.is_empty() {
            return Err(refused(&repeated, disclosure));
        }
        let operations = document.operations.iter().map(|operation| {
            let mut operation = Operation::clone(operation);
            // Not needed any more, and most of the memory.
            operation.selection_set.selections.clear();
            Node::new(operation)
        });
        Ok(Self { operations: operations.collect(), disclosure })
    }

    /// Checks the values of the variables of an operation; `None` for the only one.
    ///
    /// # Errors
    /// A value is not of the variable's type.
    pub(in crate::server) fn check_variables(&self, name: Option<&str>, values: &Variables) -> Result<()> {
        let is_meant = |operation: &&Node<Operation>| {
            name.is_none_or(|name| operation.name.as_ref().is_some_and(|known| known.as_str() == name))
        };
        let Some(operation) = self.operations.iter().find(is_meant) else { return Ok(()) };
        let declared = operation.variables.iter().filter_map(|variable| {
            let name = variable.name.as_str();
            let value = values.get(name)?.clone().into_json().ok()?;
            Some((name.into(), value.into()))
        });
        let declared: JsonMap = declared.collect();
        match coerce_variable_values(&SCHEMA, operation, &declared) {
            Ok(_) => Ok(()),
            Err(refusal) => {
                let detail = if self.disclosure.names {
                    refusal.message().to_string()
                } else {
                    REDACTED_MESSAGE.to_owned()
                };
                Err(Problem::new(StatusCode::BAD_REQUEST, "invalid-variables", detail))
            }
        }
    }
}

/// Whether an error is about a part of introspection that the crate does not know yet, and async-graphql does.
fn is_unknown_to_the_crate(message: &str) -> bool {
    message == "type `__Type` does not have a field `isOneOf`"
}

fn errors(diagnostics: &DiagnosticList) -> Vec<GraphQLError> {
    diagnostics.iter().map(|diagnostic| diagnostic.to_json()).collect()
}

/// 400: the document breaks rules.
fn refused(errors: &[GraphQLError], disclosure: Disclosure) -> Problem {
    let message = |error: &GraphQLError| match disclosure {
        Disclosure { names: false, .. } => REDACTED_MESSAGE.to_owned(),
        Disclosure { suggestions: true, .. } => with_suggestion(&error.message),
        Disclosure { suggestions: false, .. } => error.message.clone(),
    };
    let listed = |error: &GraphQLError| {
        let locations = error.locations.iter().map(|at| json!({ "line": at.line, "column": at.column }));
        json!({
            "message": message(error),
            "locations": locations.collect::<Vec<_>>(),
            "extensions": { "code": "invalid-query", "classification": "ValidationError" },
        })
    };
    let detail = errors.first().map_or_else(|| "the document is invalid".to_owned(), message);
    let listed: Vec<Value> = errors.iter().map(listed).collect();
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", detail).with(ERRORS, listed)
}

/// Adds the most similar field to a message about an unknown one.
fn with_suggestion(message: &str) -> String {
    // "type `Query` does not have a field `persons`": the crate has no other way to the names.
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (Some(object), Some(unknown), None) = (quoted.next(), quoted.next(), quoted.next()) else {
        return message.to_owned();
    };
    let names: Vec<&str> = match SCHEMA.types.get(object) {
        Some(apollo_compiler::schema::ExtendedType::Object(object)) => {
            object.fields.keys().map(Name::as_str).collect()
        }
        Some(apollo_compiler::schema::ExtendedType::Interface(interface)) => {
            interface.fields.keys().map(Name::as_str).collect()
        }
        _ => Vec::new(),
    };
    let similar = names.into_iter().map(|name| (strsim::damerau_levenshtein(name, unknown), name)).min();
    match similar.filter(|(edits, _)| *edits <= EDITS_MAX) {
        Some((_, name)) => format!("{message}. Did you mean {name:?}?"),
        None => message.to_owned(),
    }
}

/// Errors of input objects that have a field twice, which `apollo-compiler` accepts.
fn repeated_fields(tree: &SyntaxTree) -> Vec<GraphQLError> {
    let mut found = Repeated { sources: &tree.sources, errors: Vec::new() };
    for definition in &tree.definitions {
        match definition {
            apollo_compiler::ast::Definition::OperationDefinition(operation) => {
                let defaults =
                    operation.variables.iter().filter_map(|variable| variable.default_value.as_ref());
                defaults.for_each(|value| found.value(value));
                found.selections(&operation.selection_set);
            }
            apollo_compiler::ast::Definition::FragmentDefinition(fragment) => {
                found.selections(&fragment.selection_set);
            }
            _ => {}
        }
    }
    found.errors
}

struct Repeated<'t> {
    sources: &'t SourceMap,
    errors: Vec<GraphQLError>,
}

impl Repeated<'_> {
    // The recursion is bounded, since `Extent` has limited the nesting of brackets.
    fn selections(&mut self, selections: &[Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    field.arguments.iter().for_each(|argument| self.value(&argument.value));
                    self.selections(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn value(&mut self, value: &Node<AstValue>) {
        match &**value {
            AstValue::List(items) => items.iter().for_each(|item| self.value(item)),
            AstValue::Object(fields) => {
                for (index, (name, value)) in fields.iter().enumerate() {
                    if fields[..index].iter().any(|(before, _)| before == name) {
                        let message = format!("there can be only one input field named `{name}`");
                        self.errors.push(GraphQLError::new(message, value.location(), self.sources));
                    }
                    self.value(value);
                }
            }
            _ => {}
        }
    }
}
