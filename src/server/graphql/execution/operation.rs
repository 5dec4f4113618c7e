//! Which operation of a document is asked for, and whether its variables are given.

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Name, Value as ConstValue, Variables};
use axum::http::StatusCode;

use crate::server::response::problem::{Problem, Result};

pub(super) fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d OperationDefinition> {
    let refused = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "invalid-query", detail);
    match (&document.operations, name) {
        (DocumentOperations::Single(only), None) => Ok(&only.node),
        (DocumentOperations::Single(_), Some(name)) => {
            Err(refused(format!("the document has no operation {name:?}; leave operationName out")))
        }
        (DocumentOperations::Multiple(all), Some(name)) => match all.get(name) {
            Some(operation) => Ok(&operation.node),
            None => Err(refused(format!("the document has no operation {name:?}"))),
        },
        (DocumentOperations::Multiple(all), None) => {
            let mut operations = all.values();
            match (operations.next(), operations.next()) {
                (Some(only), None) => Ok(&only.node),
                _ => {
                    Err(refused("the document has several operations; name one in operationName".to_owned()))
                }
            }
        }
    }
}

/// The name of the only operation, where it has one.
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

/// Refuses a request that leaves out a variable which must be given.
pub(super) fn variables_are_given(operation: &OperationDefinition, variables: &Variables) -> Result<()> {
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        let missing = match variables.get(name) {
            None => definition.node.default_value.is_none(),
            Some(value) => *value == ConstValue::Null,
        };
        if missing && !definition.node.var_type.node.nullable {
            let detail =
                format!("the variable ${name} must be given; its type is {}", definition.node.var_type.node);
            let status = StatusCode::BAD_REQUEST;
            return Err(Problem::new(status, "invalid-variables", detail).with("field", name.as_str()));
        }
    }
    Ok(())
}
