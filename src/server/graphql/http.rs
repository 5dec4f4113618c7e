//! GraphQL over HTTP: which method, which media type, which status.

use async_graphql::parser::types::OperationType;
use axum::body::Body;
use axum::extract::{Query as UrlQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use crate::server::graphql::{Answer, Asked, Endpoint, page, prepare};
use crate::server::problem::{Problem, Result};
use crate::server::state::Caller;

/// The largest body, in bytes: a document, and the variables of a large `apply`.
const BODY_MAX: usize = 8 * 1024 * 1024;
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";
const METHODS: &str = "GET, HEAD, POST";

/// Which of the two media types an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    /// The status tells whether the request was carried out.
    GraphqlResponse,
    /// The status is 200 whenever the answer is a GraphQL one.
    Json,
}

/// `/graphql`, by any method.
pub(crate) async fn endpoint(State(endpoint): State<Endpoint>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let wants_page = accepts(&head.headers).any(|range| range == "text/html");
    if is_get(&head.method) && wants_page && !has_query(head.uri.query()) {
        return page::page();
    }
    // What is not a page was let in by the gate; GET was not, since it may have been for the page.
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
    let media = match media(&head.headers) {
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

/// The media ranges that a client accepts, without their parameters, but for those it refuses by `q=0`.
fn accepts(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        (!refused && !name.is_empty()).then_some(name)
    })
}

/// The first of the two that the client accepts.
fn media(headers: &HeaderMap) -> Result<Media> {
    let mut any = false;
    for range in accepts(headers) {
        any = true;
        match range.as_str() {
            GRAPHQL_RESPONSE => return Ok(Media::GraphqlResponse),
            JSON | "*/*" | "application/*" => return Ok(Media::Json),
            _ => {}
        }
    }
    if any {
        let detail = format!("accept {GRAPHQL_RESPONSE} or {JSON}");
        return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail));
    }
    Ok(Media::Json)
}

fn respond(answer: &Answer, media: Media, malformed: bool) -> Response {
    let (content_type, status) = match media {
        Media::GraphqlResponse if answer.refused => {
            ("application/graphql-response+json; charset=utf-8", StatusCode::BAD_REQUEST)
        }
        Media::GraphqlResponse => ("application/graphql-response+json; charset=utf-8", StatusCode::OK),
        Media::Json if malformed => ("application/json; charset=utf-8", StatusCode::BAD_REQUEST),
        Media::Json => ("application/json; charset=utf-8", StatusCode::OK),
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "Authorization, Accept"),
    ];
    (status, headers, answer.body.to_string()).into_response()
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

async fn by_body(headers: &HeaderMap, body: Body) -> Result<Asked> {
    is_json(headers)?;
    let bytes = match Limited::new(body, BODY_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(refusal) if refusal.is::<LengthLimitError>() => {
            let detail = format!("the body may have at most {BODY_MAX} bytes");
            return Err(
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail).with("limit", BODY_MAX)
            );
        }
        Err(_) => return Err(Problem::malformed("the body ended before it was whole")),
    };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(fields)) => asked(fields),
        Ok(Value::Array(_)) => Err(Problem::malformed("batches are not taken; send one request at a time")),
        Ok(_) => Err(Problem::malformed("the body must be a JSON object with a query")),
        Err(refusal) => Err(Problem::malformed(format!("the body is no JSON: {refusal}"))),
    }
}

/// Only JSON is taken: what a form can send from another site is not.
fn is_json(headers: &HeaderMap) -> Result<()> {
    let unsupported = || {
        let detail = format!("send the body as {JSON}, in UTF-8");
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
    };
    let text =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).ok_or_else(unsupported)?;
    let media: mime::Mime = text.parse().map_err(|_| unsupported())?;
    let charset = media.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8);
    if media.essence_str() == JSON && charset { Ok(()) } else { Err(unsupported()) }
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
        Some(Value::String(name)) => Some(name),
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
