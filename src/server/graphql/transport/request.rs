//! A request as a client sends it, in whichever transport: read from its fields.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::server::graphql::execution::document::{DocumentSource, GraphqlRequest};
use crate::server::graphql::transport::persisted;
use crate::server::response::problem::{Problem, Result};

/// A request from its fields, each of the type it must have.
pub(crate) fn asked(mut fields: Map<String, Value>) -> Result<GraphqlRequest> {
    let wrong =
        |field: &str, what: &str| Problem::malformed(format!("{field} must be {what}")).with("field", field);
    let query = match fields.remove("query") {
        None => None,
        Some(Value::String(query)) => Some(query),
        Some(_) => return Err(wrong("query", "a string")),
    };
    let operation_name = match fields.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(wrong("operationName", "a string")),
    };
    let variables = match fields.remove("variables") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(variables)) => variables,
        Some(_) => return Err(wrong("variables", "an object")),
    };
    let named = match fields.remove("extensions") {
        None | Some(Value::Null) => None,
        Some(Value::Object(extensions)) => persisted::named(&extensions)?,
        Some(_) => return Err(wrong("extensions", "an object")),
    };
    let document = match (query, named) {
        (Some(text), None) => DocumentSource::Text(text),
        (Some(text), Some(digest)) => DocumentSource::Named(text, digest),
        (None, Some(digest)) => DocumentSource::Known(digest),
        (None, None) => return Err(wrong("query", "given: the GraphQL document, a string")),
    };
    Ok(GraphqlRequest { document, operation_name, variables })
}

/// The one answer to a subscription that is no socket's.
pub(in crate::server) fn no_subscription() -> Problem {
    let detail = "subscribe over the WebSocket at /graphql/ws, with the protocol graphql-transport-ws";
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", detail)
}
