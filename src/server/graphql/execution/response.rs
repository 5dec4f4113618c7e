//! What comes of a request: data, errors or both, each error with its stable code.

use async_graphql::{Response, ServerError, Value as ConstValue, value};
use serde::Serialize;
use serde_json::{Value, json};

use crate::server::graphql::execution::introspection::UNNAMED;
use crate::server::response::problem::Problem;

/// More errors than this are counted, not told.
const ERRORS_MAX: usize = 20;

/// What came of a request, to be written as it is.
#[derive(Debug, Clone, Serialize)]
pub struct GraphqlResponse {
    /// What went wrong. First, so that whoever reads a long answer sees it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Value>,
    /// What was asked for; none when the request was refused before anything was carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<ConstValue>,
}

impl GraphqlResponse {
    /// Whether the request was refused before anything was carried out.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.data.is_none()
    }

    /// As it is sent.
    pub(in crate::server) fn to_bytes(&self) -> Vec<u8> {
        written(self)
    }

    /// The answers to a batch, as they are sent.
    pub(in crate::server) fn all_to_bytes(answers: &[Self]) -> Vec<u8> {
        written(answers)
    }

    /// The answer to a request that could not be prepared.
    #[must_use]
    pub fn refusal(problem: Problem) -> Self {
        // Of what is no request at all, they would be places in something else than the document.
        let in_document = problem.code != "malformed";
        let place = ["line", "column"].map(|name| problem.facts.get(name).cloned().filter(|_| in_document));
        let error = async_graphql::Error::from(problem).into_server_error(async_graphql::Pos::default());
        let mut error = serde_json::to_value(&error).unwrap_or_default();
        if let Some(error) = error.as_object_mut() {
            error.remove("locations");
            if let [Some(line), Some(column)] = place {
                error.insert("locations".to_owned(), json!([{ "line": line, "column": column }]));
            }
        }
        Self { errors: vec![error], data: None }
    }

    /// The answer as async-graphql gives it, with a code for every error.
    /// It names what of the schema was meant only if it may.
    pub(in crate::server) fn of(response: Response, tells_schema: bool) -> Self {
        let refused = !response.errors.is_empty()
            && response.data == ConstValue::Null
            && response.errors.iter().all(|error| error.path.is_empty());
        let data = match response.data {
            _ if refused => None,
            // All fields were skipped.
            ConstValue::Null if response.errors.is_empty() => Some(value!({})),
            data => Some(data),
        };
        Self { errors: shown(response.errors, refused, tells_schema), data }
    }
}

fn written(answer: &(impl Serialize + ?Sized)) -> Vec<u8> {
    serde_json::to_vec(answer)
        .expect("an answer's names are strings, and none of its values can fail to be written")
}

/// The errors of an answer, bounded, each with its code.
fn shown(mut errors: Vec<ServerError>, refused: bool, tells_schema: bool) -> Vec<Value> {
    let more = errors.len().saturating_sub(ERRORS_MAX);
    errors.truncate(ERRORS_MAX);
    let mut told: Vec<Value> = errors.into_iter().map(|error| coded(error, refused, tells_schema)).collect();
    if more > 0 {
        told.push(json!({
            "message": format!("and {more} more errors"),
            "extensions": { "code": "invalid-query", "classification": "ValidationError" },
        }));
    }
    told
}

fn coded(mut error: ServerError, refused: bool, tells_schema: bool) -> Value {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        if refused || error.source.is_none() {
            extensions.set("code", "invalid-query");
            extensions.set("classification", "ValidationError");
            if !tells_schema {
                UNNAMED.clone_into(&mut error.message);
            }
        } else {
            extensions.set("code", "internal");
        }
    }
    serde_json::to_value(&error).unwrap_or_default()
}
