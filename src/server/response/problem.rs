//! The only place where an error meets HTTP: RFC 9457 problems, and the same as GraphQL errors.
//!
//! A [`Problem`] is deliberately not `Display`: async-graphql takes any displayable error by its text,
//! and would lose the code. Inner causes go to the log, never to a client.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::error::{Error, StoreTrouble};

/// The media type of every error answer.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// An error as a client sees it.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable word for programs.
    pub code: &'static str,
    /// What was wrong, with the value, and what would be right.
    pub detail: String,
    /// Members of their own: `field`, `candidates`, `path` …
    pub facts: Map<String, Value>,
}

/// Refusals of what may have been made all the same. Whoever sends it again without a look makes it twice, so these do
/// not say when to.
const MAY_STAND: [&str; 2] = ["outcome-unknown", "timeout"];

/// What an answer that is a problem carries for those who count, not for the client: its code.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct ProblemCode(pub(in crate::server) &'static str);

/// The result of a handler or a resolver.
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// A problem without facts.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), facts: Map::new() }
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// What could not be read at all.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// The one answer to a missing, wrong, expired or revoked token.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "send a valid token as \"Authorization: Bearer <token>\"",
        )
    }

    /// The token's role does not reach this far.
    #[must_use]
    pub fn forbidden(needed: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", format!("this needs a token with the role {needed:?}"))
    }

    /// The token is of the right role, but limited to units.
    #[must_use]
    pub fn limited() -> Self {
        let detail = "this needs a token that is not limited to units";
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// What should not have happened. The cause is in the log, not in the answer.
    #[must_use]
    pub fn internal() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal", "something went wrong here; it is logged, and not your request's fault")
    }

    /// As RFC 9457 writes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), json!("about:blank"));
        body.insert("title".into(), json!(self.status.canonical_reason().unwrap_or("Error")));
        body.insert("status".into(), json!(self.status.as_u16()));
        body.insert("code".into(), json!(self.code));
        body.insert("detail".into(), json!(self.detail));
        body.extend(self.facts.clone());
        Value::Object(body)
    }
}

/// The table: status and facts for each error.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Unauthorized => return Self::unauthorized(),
            Error::Malformed { .. } => StatusCode::BAD_REQUEST,
            Error::OutOfScope { .. } => StatusCode::FORBIDDEN,
            Error::NotFound { .. } => StatusCode::NOT_FOUND,
            Error::Invalid { .. }
            | Error::Missing { .. }
            | Error::NotAnObject { .. }
            | Error::Unknown { .. }
            | Error::SelfParent { .. }
            | Error::WrongEnd { .. }
            | Error::WrongType { .. }
            | Error::DatesNotSupported { .. }
            | Error::Refused { .. }
            | Error::TooCostly { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Duplicate { .. }
            | Error::Ambiguous { .. }
            | Error::SeveralParents { .. }
            | Error::WouldCycle { .. } => StatusCode::CONFLICT,
            Error::PreconditionFailed { .. } => StatusCode::PRECONDITION_FAILED,
            Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Error::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Error::Store(failure) => status_of(failure.trouble()),
            Error::Busy | Error::Closed => StatusCode::SERVICE_UNAVAILABLE,
        };
        let detail = match &error {
            Error::Store(failure) => {
                if failure.trouble() == StoreTrouble::Held {
                    tracing::warn!(error = %failure, "the store is in use");
                } else {
                    tracing::error!(error = ?failure, "the store failed");
                }
                detail_of(failure.trouble()).to_owned()
            }
            other => other.to_string(),
        };
        let mut problem = Self::new(status, error.code(), detail);
        if let Some(field) = error.field() {
            problem = problem.with("field", field);
        }
        match error {
            Error::Ambiguous { candidates, .. } | Error::SeveralParents { parents: candidates, .. } => {
                problem.with("candidates", candidates)
            }
            Error::WouldCycle { path } => problem.with("path", path),
            Error::Malformed { line, column, .. } => {
                let place = [("line", line), ("column", column)];
                place.into_iter().fold(problem, |problem, (name, at)| match at {
                    Some(at) => problem.with(name, at),
                    None => problem,
                })
            }
            Error::TooCostly { texts, limit } => problem.with("cost", texts).with("limit", limit),
            Error::Duplicate { key, id, .. } => {
                let problem = problem.with("key", key);
                match id {
                    Some(id) => problem.with("id", id),
                    None => problem,
                }
            }
            _ => problem,
        }
    }
}

fn status_of(trouble: StoreTrouble) -> StatusCode {
    match trouble {
        StoreTrouble::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
        StoreTrouble::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        StoreTrouble::Held
        | StoreTrouble::NotAStore
        | StoreTrouble::Exists
        | StoreTrouble::NewerFormat
        | StoreTrouble::Damaged
        | StoreTrouble::Io
        | StoreTrouble::Unsure => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The store's own words name files and causes, which are for the log alone.
fn detail_of(trouble: StoreTrouble) -> &'static str {
    match trouble {
        StoreTrouble::NoSpace => {
            "the disk is full; nothing was changed; what is there can be read, and changes are taken once there is room"
        }
        StoreTrouble::Unsure => {
            "the disk failed as the change was being made durable; it may have been made, or not: read the record \
             before trying again"
        }
        StoreTrouble::Held => {
            "the store is in use: it is being copied, or its log read, or another process has it; nothing was \
             changed; try again later"
        }
        StoreTrouble::Internal => {
            "something went wrong here; it is logged, and not your request's fault; nothing was changed"
        }
        StoreTrouble::NotAStore
        | StoreTrouble::Exists
        | StoreTrouble::NewerFormat
        | StoreTrouble::Damaged
        | StoreTrouble::Io => "the store could not be read or written; nothing was changed; try again later",
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.to_json())).into_response();
        response.extensions_mut().insert(ProblemCode(self.code));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE && !MAY_STAND.contains(&self.code) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<Problem> for async_graphql::Error {
    fn from(problem: Problem) -> Self {
        use async_graphql::ErrorExtensions;
        let client_fault = problem.status.is_client_error();
        async_graphql::Error::new(problem.detail).extend_with(|_, extensions| {
            extensions.set("code", problem.code);
            if client_fault {
                extensions.set("classification", "ValidationError");
            }
            for (name, value) in problem.facts {
                if let Ok(value) = async_graphql::Value::from_json(value) {
                    extensions.set(name, value);
                }
            }
        })
    }
}
