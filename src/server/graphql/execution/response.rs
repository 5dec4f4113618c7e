//! GraphQL responses: data, errors or both.
//!
//! Invariant: every error has a stable `extensions.code`, and the number of errors is bounded.

use async_graphql::{Response, ServerError, Value as ConstValue, value};
use serde::Serialize;
use serde_json::{Value, json};

use crate::server::graphql::execution::introspection::REDACTED_MESSAGE;
use crate::server::response::problem::Problem;

/// Maximum number of errors in a response. Further ones are only counted.
const ERRORS_MAX: usize = 20;
/// The member of a problem with the errors of an invalid document.
pub(in crate::server) const ERRORS: &str = "errors";

/// The response to a request that was executed, or refused before.
pub(in crate::server) enum GraphqlBody {
    /// The JSON of a response without errors, written by a plan.
    Written(Vec<u8>),
    /// A response of async-graphql, or a refusal.
    Resolved(GraphqlResponse),
}

impl GraphqlBody {
    /// Whether the request was refused before execution.
    pub(in crate::server) fn is_refused(&self) -> bool {
        matches!(self, Self::Resolved(response) if response.is_refused())
    }

    pub(in crate::server) fn has_errors(&self) -> bool {
        matches!(self, Self::Resolved(response) if !response.errors.is_empty())
    }

    /// The response as JSON.
    pub(in crate::server) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Written(json) => json,
            Self::Resolved(response) => response.to_bytes(),
        }
    }
}

/// A GraphQL response, ready to serialize.
///
/// ```
/// use clade::server::app::{DocumentSource, GraphqlRequest, execute};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # let directory = clade::Directory::in_memory()?;
/// let document = DocumentSource::Text("{ roots {".to_owned());
/// let request = GraphqlRequest { document, operation_name: None, variables: serde_json::Map::new() };
/// let response = runtime.block_on(execute(directory, request));
/// assert!(response.is_refused(), "nothing was executed");
/// assert_eq!(response.errors[0]["extensions"]["code"], "syntax-error");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct GraphqlResponse {
    /// The errors. Absent from the JSON if there are none.
    // Serialized before `data`, as the specification recommends: a reader of a long response sees them at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Value>,
    /// The data. `None` if the request was refused before execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<ConstValue>,
}

impl GraphqlResponse {
    /// Whether the request was refused before execution.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.data.is_none()
    }

    /// The response as JSON.
    pub(in crate::server) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("all keys of a response are strings, and no value fails to serialize")
    }

    /// The response to a request that was refused before execution.
    #[must_use]
    pub fn refusal(mut problem: Problem) -> Self {
        // Of an invalid document, there is one for each rule that it breaks.
        if let Some(Value::Array(listed)) = problem.extensions.remove(ERRORS) {
            return Self { errors: bounded(listed), data: None };
        }
        // `locations` are positions in the document. Those of a malformed body are positions in its JSON.
        let in_document = problem.code != "malformed";
        let position =
            ["line", "column"].map(|name| problem.extensions.get(name).cloned().filter(|_| in_document));
        let error = async_graphql::Error::from(problem).into_server_error(async_graphql::Pos::default());
        let mut error = serde_json::to_value(&error).unwrap_or_default();
        if let Some(error) = error.as_object_mut() {
            // `into_server_error` always adds one, here 0:0, which no document has.
            error.remove("locations");
            if let [Some(line), Some(column)] = position {
                error.insert("locations".to_owned(), json!([{ "line": line, "column": column }]));
            }
        }
        Self { errors: vec![error], data: None }
    }

    /// Converts async-graphql's response and adds a code to every error. Without introspection, messages of validation
    /// are redacted, since they name parts of the schema.
    pub(in crate::server) fn of(response: Response, introspection_enabled: bool) -> Self {
        // async-graphql reports a failed validation as null data with errors that have no path. Null data with a path
        // is an executed request whose non-null root field failed: that one has `data: null`.
        let refused = !response.errors.is_empty()
            && response.data == ConstValue::Null
            && response.errors.iter().all(|error| error.path.is_empty());
        let data = match response.data {
            _ if refused => None,
            // All root fields were skipped by `@skip` or `@include`: an empty object, and not null as after an error.
            ConstValue::Null if response.errors.is_empty() => Some(value!({})),
            data => Some(data),
        };
        let coded = response.errors.into_iter().map(|error| coded(error, refused, introspection_enabled));
        Self { errors: bounded(coded), data }
    }
}

/// The first [`ERRORS_MAX`] errors, and a last one that counts the others.
fn bounded(errors: impl IntoIterator<Item = Value>) -> Vec<Value> {
    // A page of a thousand records may fail in each of them: the errors would be larger than the data.
    let mut all = errors.into_iter();
    let mut errors: Vec<Value> = all.by_ref().take(ERRORS_MAX).collect();
    let more = all.count();
    if more > 0 {
        errors.push(json!({
            "message": format!("and {more} more errors"),
            "extensions": { "code": "invalid-query", "classification": "ValidationError" },
        }));
    }
    errors
}

fn coded(mut error: ServerError, refused: bool, introspection_enabled: bool) -> Value {
    // Our own problems come with a code. What has none is async-graphql's.
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        // Errors of async-graphql have no source; an error with a source and no code is a fault in a resolver.
        if refused || error.source.is_none() {
            extensions.set("code", "invalid-query");
            extensions.set("classification", "ValidationError");
            if !introspection_enabled {
                REDACTED_MESSAGE.clone_into(&mut error.message);
            }
        } else {
            extensions.set("code", "internal");
        }
    }
    serde_json::to_value(&error).unwrap_or_default()
}
