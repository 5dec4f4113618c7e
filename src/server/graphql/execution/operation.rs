//! Selection of the operation to execute, and the check of its required variables.

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Name, Value as ConstValue, Variables};
use axum::http::StatusCode;

use crate::server::response::problem::{Problem, Result};

/// The operation with this name, or the only one.
///
/// # Errors
/// There is no such operation, or there are several and no name.
pub(super) fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d OperationDefinition> {
    let refused = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "invalid-query", detail);
    match (&document.operations, name) {
        (DocumentOperations::Single(only), None) => Ok(&only.node),
        // `Single` is an anonymous operation in the parser's terms; a single named one is `Multiple` with one entry.
        (DocumentOperations::Single(_), Some(name)) => {
            Err(refused(format!("the document has no operation {name:?}; omit operationName")))
        }
        (DocumentOperations::Multiple(all), Some(name)) => match all.get(name) {
            Some(operation) => Ok(&operation.node),
            None => Err(refused(format!("the document has no operation {name:?}"))),
        },
        (DocumentOperations::Multiple(all), None) => {
            let mut operations = all.values();
            match (operations.next(), operations.next()) {
                (Some(only), None) => Ok(&only.node),
                _ => Err(refused(
                    "the document has several operations; choose one with operationName".to_owned(),
                )),
            }
        }
    }
}

/// The name of the first operation, for the metrics. None if it is anonymous.
pub(super) fn only_name(document: &ExecutableDocument) -> Option<&str> {
    document.operations.iter().next().and_then(|(name, _)| name).map(Name::as_str)
}

pub(super) fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// Adds the defaults of absent variables, and checks that all required ones are present.
///
/// # Errors
/// A non-null variable without a default is absent, or null.
// async-graphql knows no defaults where it evaluates `@skip` and `@include`, and it would report a missing variable only
// where the variable is used, as an error of that field without this code.
pub(super) fn complete_variables(operation: &OperationDefinition, variables: &mut Variables) -> Result<()> {
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        // The field, and not `default_value()`, which is null for an optional variable without a default.
        if let Some(default) = &definition.node.default_value {
            variables.entry(name.clone()).or_insert_with(|| default.node.clone());
        }
        // An explicit null does not select the default.
        let missing = variables.get(name).is_none_or(|value| *value == ConstValue::Null);
        if missing && !definition.node.var_type.node.nullable {
            let detail =
                format!("the variable ${name} of type {} is required", definition.node.var_type.node);
            let status = StatusCode::BAD_REQUEST;
            return Err(Problem::new(status, "invalid-variables", detail).with("field", name.as_str()));
        }
    }
    Ok(())
}
