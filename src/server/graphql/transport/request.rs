//! Parsing of a GraphQL request from its JSON fields, for all transports.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::server::graphql::execution::document::{DocumentSource, GraphqlRequest};
use crate::server::graphql::transport::persisted;
use crate::server::response::problem::{Problem, Result};

/// Parses a request. Unknown fields are ignored, as GraphQL over HTTP permits extensions.
///
/// # Errors
/// A field has the wrong type, or the document is absent.
pub(crate) fn parse(mut fields: Map<String, Value>) -> Result<GraphqlRequest> {
    let wrong = |field: &str, expected: &str| {
        Problem::malformed(format!("{field} must be {expected}")).with("field", field)
    };
    let query = match fields.remove("query") {
        None => None,
        Some(Value::String(query)) => Some(query),
        Some(_) => return Err(wrong("query", "a string")),
    };
    let operation_name = match fields.remove("operationName") {
        None | Some(Value::Null) => None,
        // Clients send an empty name for an anonymous operation.
        Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(wrong("operationName", "a string")),
    };
    let variables = match fields.remove("variables") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(variables)) => variables,
        Some(_) => return Err(wrong("variables", "an object")),
    };
    let digest = match fields.remove("extensions") {
        None | Some(Value::Null) => None,
        Some(Value::Object(extensions)) => persisted::digest_of(&extensions)?,
        Some(_) => return Err(wrong("extensions", "an object")),
    };
    let document = match (query, digest) {
        (Some(text), None) => DocumentSource::Text(text),
        (Some(text), Some(digest)) => DocumentSource::TextWithHash(text, digest),
        (None, Some(digest)) => DocumentSource::Hash(digest),
        (None, None) => return Err(wrong("query", "present: the GraphQL document, a string")),
    };
    Ok(GraphqlRequest { document, operation_name, variables })
}

/// The problem that a subscription was sent over HTTP.
pub(in crate::server) fn no_subscription() -> Problem {
    let detail = "subscribe over the WebSocket at /graphql/ws, with the protocol graphql-transport-ws";
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", detail)
}
