//! GraphQL over HTTP: which method, which media type, which status.

use async_graphql::parser::types::OperationType;
use axum::body::Body;
use axum::extract::{Query as UrlQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::server::body;
use crate::server::graphql::media::{JSON, Media, wants_page};
use crate::server::graphql::{Answer, Asked, Endpoint, page, prepare};
use crate::server::json;
use crate::server::problem::{Problem, Result};
use crate::server::state::Caller;

/// The largest body, in bytes: a document, and the variables of a large `apply`.
const BODY_MAX: usize = 8 * 1024 * 1024;
const METHODS: &str = "GET, HEAD, POST";

/// `/graphql`, by any method.
pub(crate) async fn endpoint(State(endpoint): State<Endpoint>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    if is_get(&head.method) && wants_page(&head.headers) && !has_query(head.uri.query()) {
        return page::page();
    }
    let mut response = answer(&endpoint, &head, body).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization, Accept"));
    response
}

/// What is no page.
async fn answer(endpoint: &Endpoint, head: &Parts, body: Body) -> Response {
    // POST was let in by the gate; GET was not, since it may have been for the page.
    let admitted = head.extensions.get::<Caller>().cloned();
    let caller = match admitted.map_or_else(|| endpoint.state.caller(&head.headers), Ok) {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let asked = if is_get(&head.method) {
        by_url(&head.uri)
    } else if head.method == Method::POST {
        by_body(&head.headers, body).await
    } else {
        return method_not_allowed(METHODS, "ask by GET or POST");
    };
    let media = match Media::accepted(&head.headers) {
        Ok(media) => media,
        Err(problem) => return problem.into_response(),
    };
    let answer = match asked.and_then(prepare) {
        Err(problem) if problem.status != StatusCode::BAD_REQUEST => return problem.into_response(),
        Err(problem) if problem.code == "malformed" => {
            return respond(&Answer::refusal(problem), media, true);
        }
        Err(problem) => Answer::refusal(problem),
        Ok(prepared) if is_get(&head.method) && prepared.kind == OperationType::Mutation => {
            return method_not_allowed("POST", "send mutations by POST");
        }
        Ok(prepared) if prepared.kind == OperationType::Subscription => Answer::refusal(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-query",
            "subscribe over the WebSocket at /graphql/ws, with the protocol graphql-transport-ws",
        )),
        Ok(prepared) => endpoint.carry_out(caller, prepared).await,
    };
    respond(&answer, media, false)
}

fn is_get(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

fn has_query(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with("query=")))
}

fn method_not_allowed(allow: &'static str, what: &str) -> Response {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", what);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

fn respond(answer: &Answer, media: Media, malformed: bool) -> Response {
    let status = match media {
        Media::GraphqlResponse if answer.refused => StatusCode::BAD_REQUEST,
        Media::Json if malformed => StatusCode::BAD_REQUEST,
        Media::GraphqlResponse | Media::Json => StatusCode::OK,
    };
    (status, [(header::CONTENT_TYPE, media.content_type())], answer.body.to_string()).into_response()
}

fn by_url(uri: &axum::http::Uri) -> Result<Asked> {
    let UrlQuery(pairs) = UrlQuery::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|refusal| Problem::malformed(format!("the url's query cannot be read: {refusal}")))?;
    let mut fields = Map::new();
    for (name, text) in pairs {
        let value = match name.as_str() {
            "variables" | "extensions" | "operationName" if text.is_empty() => Value::Null,
            "variables" | "extensions" => serde_json::from_str(&text).map_err(|refusal| {
                Problem::malformed(format!("{name} is no JSON: {refusal}")).with("field", name.clone())
            })?,
            _ => Value::String(text),
        };
        fields.insert(name, value);
    }
    asked(fields)
}

/// Only JSON is taken: what a form can send from another site is not.
async fn by_body(headers: &HeaderMap, body: Body) -> Result<Asked> {
    body::require_media_type(headers, &[JSON])?;
    if body::content_encoding(headers).is_some() {
        return Err(body::unsupported("this body must not be encoded; leave Content-Encoding out"));
    }
    match json::parse(&body::read(headers, body, BODY_MAX).await?)? {
        Value::Object(fields) => asked(fields),
        Value::Array(_) => Err(Problem::malformed("batches are not taken; send one request at a time")),
        _ => Err(Problem::malformed("the body must be a JSON object with a query")),
    }
}

/// A request from its fields, each of the type it must have.
pub(crate) fn asked(mut fields: Map<String, Value>) -> Result<Asked> {
    let wrong =
        |field: &str, what: &str| Problem::malformed(format!("{field} must be {what}")).with("field", field);
    let query = match fields.remove("query") {
        Some(Value::String(query)) => query,
        Some(_) => return Err(wrong("query", "a string")),
        None => return Err(wrong("query", "given: the GraphQL document, a string")),
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
    match fields.remove("extensions") {
        None | Some(Value::Null | Value::Object(_)) => {}
        Some(_) => return Err(wrong("extensions", "an object")),
    }
    Ok(Asked { query, operation_name, variables })
}
