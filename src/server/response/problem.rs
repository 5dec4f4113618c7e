//! Problem details (RFC 9457): the mapping from errors to HTTP statuses and to GraphQL errors.
//!
//! Invariant: this is the only mapping from [`Error`] to HTTP, and internal causes go to the log, never to a client.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::error::{Error, SimilarRecord, StoreErrorKind};

/// The media type of every error response.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// An error as a client sees it.
// Deliberately not `Display`: async-graphql converts any displayable error to its text alone and would lose the code.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable code for programs, such as `not-found`.
    pub code: &'static str,
    /// What was wrong, with the value, and what would be right. For people; the text may change.
    pub detail: String,
    /// Additional JSON members, such as `field`, `candidates` or `path`.
    pub extensions: Map<String, Value>,
}

/// The codes of errors after which a change may have been made all the same.
// They carry no `Retry-After`: HTTP clients retry on it by themselves, and the change would be made twice.
const OUTCOME_UNKNOWN: [&str; 2] = ["outcome-unknown", "timeout"];

/// The member with the encodings that a body may have.
const ACCEPT_ENCODING: &str = "acceptEncoding";

/// A response extension with the code of a problem, for the metrics.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct ProblemCode(pub(in crate::server) &'static str);

/// The result of a handler or a resolver.
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// A problem without additional members.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), extensions: Map::new() }
    }

    /// Adds a JSON member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// 415: the encoding of the body is none of `accepted`.
    pub fn unsupported_encoding(accepted: &'static str, detail: impl Into<String>) -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "unsupported-media-type", detail).with(ACCEPT_ENCODING, accepted)
    }

    /// 400: the request could not be parsed.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// 401: the token is missing, wrong, expired or revoked.
    // The same text for all of these: a client that guesses tokens must not learn that one was valid once. The holder of
    // the whole secret is told more, see `auth/authenticator.rs`.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "send a valid token as \"Authorization: Bearer <token>\"",
        )
    }

    /// 403: the token's role is not sufficient.
    #[must_use]
    pub fn forbidden(needed: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!("this operation needs a token with the role {needed:?}"),
        )
    }

    /// 403: the token is limited to units.
    #[must_use]
    pub fn limited() -> Self {
        let detail = "this operation needs a token that is not limited to units";
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404 after a write: the write was made, but the record is outside the token's scope, or is deleted already, by another
    /// change of the same commit.
    // Not 403: the write did take effect, for example by moving the record out of the scope.
    #[must_use]
    pub fn written_but_not_visible() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "the change was made, but the record is not, or no longer, in this token's scope",
        )
    }

    /// 500: a fault of the server. The cause is in the log, not in the response.
    #[must_use]
    pub fn internal() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(
            status,
            "internal",
            "internal server error; it is not your request's fault, and the server log has the cause",
        )
    }

    /// The JSON form of RFC 9457.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        // A page of this server, relative to it: it knows its codes and is there without a network.
        body.insert("type".into(), json!(format!("/errors#{}", self.code)));
        body.insert("title".into(), json!(self.status.canonical_reason().unwrap_or("Error")));
        body.insert("status".into(), json!(self.status.as_u16()));
        body.insert("code".into(), json!(self.code));
        body.insert("detail".into(), json!(self.detail));
        body.extend(self.extensions.clone());
        Value::Object(body)
    }
}

/// The status and the additional members of each error.
// No catch-all arm for the status: a new error does not compile until someone has decided on its status.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Unauthorized => return Self::unauthorized(),
            Error::Malformed { .. } => StatusCode::BAD_REQUEST,
            Error::OutOfScope { .. } => StatusCode::FORBIDDEN,
            Error::NotFound { .. } => StatusCode::NOT_FOUND,
            Error::Invalid { .. }
            | Error::Missing { .. }
            | Error::UnknownField { .. }
            | Error::RowsDisagree { .. }
            | Error::NotAnObject { .. }
            | Error::Unknown { .. }
            | Error::SelfParent { .. }
            | Error::TooDeep { .. }
            | Error::WrongEnd { .. }
            | Error::WrongType { .. }
            | Error::DatesNotSupported { .. }
            | Error::Refused { .. }
            | Error::TooCostly { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Duplicate { .. }
            | Error::Ambiguous { .. }
            | Error::SeveralProjects { .. }
            | Error::SeveralParents { .. }
            | Error::NotEmpty { .. }
            | Error::WouldCycle { .. } => StatusCode::CONFLICT,
            Error::PreconditionFailed { .. } | Error::OtherLineage { .. } => StatusCode::PRECONDITION_FAILED,
            Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Error::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Error::Store(failure) => status_of(failure.kind()),
            Error::Busy | Error::Closed => StatusCode::SERVICE_UNAVAILABLE,
        };
        let detail = match &error {
            Error::Store(failure) => {
                // A store in use is part of normal operation, of a backup for example; other failures need an operator.
                if failure.kind() == StoreErrorKind::InUse {
                    tracing::warn!(error = %failure, "the store is in use");
                } else {
                    tracing::error!(error = ?failure, "the store failed");
                }
                detail_of(failure.kind()).to_owned()
            }
            other => other.to_string(),
        };
        let mut problem = Self::new(status, error.code(), detail);
        if let Some(field) = error.field() {
            problem = problem.with("field", field);
        }
        match error {
            Error::Ambiguous { candidates, .. }
            | Error::SeveralParents { parents: candidates, .. }
            | Error::SeveralProjects { projects: candidates, .. } => problem.with("candidates", candidates),
            Error::UnknownField { name, .. } => problem.with("field", name),
            Error::NotFound { kind, reference, person_in, similar } => {
                let similar: Vec<Value> = similar
                    .into_iter()
                    .map(|SimilarRecord { key, name }| json!({ "key": key, "name": name }))
                    .collect();
                let problem =
                    problem.with("kind", kind).with("reference", reference).with("similar", similar);
                match person_in {
                    Some(units) => problem.with("personIn", units),
                    None => problem,
                }
            }
            Error::WouldCycle { path } => problem.with("path", path),
            Error::TooDeep { limit, .. } => problem.with("limit", limit),
            Error::NotEmpty { units, people, projects, .. } => {
                problem.with("units", units).with("people", people).with("projects", projects)
            }
            Error::Malformed { line, column, .. } => {
                let position = [("line", line), ("column", column)];
                position.into_iter().fold(problem, |problem, (name, at)| match at {
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

fn status_of(kind: StoreErrorKind) -> StatusCode {
    match kind {
        StoreErrorKind::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
        StoreErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        StoreErrorKind::InUse
        | StoreErrorKind::NotAStore
        | StoreErrorKind::Exists
        | StoreErrorKind::NewerFormat
        | StoreErrorKind::Damaged
        | StoreErrorKind::Io
        | StoreErrorKind::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What a client reads about a failure of the store.
// The store's own message is not used: it names files and causes, which belong in the log only.
fn detail_of(kind: StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::NoSpace => {
            "the disk is full; nothing was changed; reads still work, and changes will work again once there is disk space"
        }
        StoreErrorKind::OutcomeUnknown => {
            "the disk failed while the change was being written; it may have been made, or not: read the record before \
             trying again"
        }
        StoreErrorKind::InUse => {
            "the store is in use: it is being copied, its log is being read, or another process has opened it; nothing \
             was changed; try again later"
        }
        StoreErrorKind::Internal => {
            "internal error of the store; it is not your request's fault, and the server log has the cause; nothing was \
             changed"
        }
        StoreErrorKind::NotAStore
        | StoreErrorKind::Exists
        | StoreErrorKind::NewerFormat
        | StoreErrorKind::Damaged
        | StoreErrorKind::Io => {
            "the store could not be read or written; nothing was changed; try again later"
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.to_json())).into_response();
        // The body is written already; metrics read the code from here.
        response.extensions_mut().insert(ProblemCode(self.code));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        // RFC 9110, section 15.5.2: a 401 must name the authentication scheme.
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // RFC 9110, section 15.5.16: the encodings that would have been accepted.
        let encodings = self.extensions.get(ACCEPT_ENCODING).and_then(Value::as_str);
        if let Some(encodings) = encodings.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(header::ACCEPT_ENCODING, encodings);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE && !OUTCOME_UNKNOWN.contains(&self.code) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<Problem> for async_graphql::Error {
    fn from(problem: Problem) -> Self {
        use async_graphql::ErrorExtensions;
        let is_client_fault = problem.status.is_client_error();
        async_graphql::Error::new(problem.detail).extend_with(|_, extensions| {
            extensions.set("code", problem.code);
            // graphql-java's name for errors that the client has to fix; server errors carry none.
            if is_client_fault {
                extensions.set("classification", "ValidationError");
            }
            for (name, value) in problem.extensions {
                if let Ok(value) = async_graphql::Value::from_json(value) {
                    extensions.set(name, value);
                }
            }
        })
    }
}
