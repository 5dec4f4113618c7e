//! GraphQL over HTTP: methods, media types, status codes, caching headers.
//!
//! Invariant: a GET request changes nothing, and the body of a POST must be JSON, which no HTML form can send.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use axum::body::Body;
use axum::extract::{Query as UrlQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::server::admission::memory::{MemoryPermit, ReadOnly};
use crate::server::auth::caller::Caller;
use crate::server::cache::Making;
use crate::server::graphql::execution::document::GraphqlRequest;
use crate::server::graphql::execution::endpoint::{Endpoint, Executed, Prepared, RequestLookup};
use crate::server::graphql::execution::response::GraphqlResponse;
use crate::server::graphql::execution::schedule::blocking;
use crate::server::graphql::execution::variables;
use crate::server::graphql::transport::media::{self, JSON, Media};
use crate::server::graphql::transport::request::{no_subscription, parse};
use crate::server::graphql::transport::{batch, page};
use crate::server::limits::{JSON_VALUE_BYTES, LARGE_RESPONSE_BYTES};
use crate::server::request::body;
use crate::server::response::compress::{Sent, accepts_gzip};
use crate::server::response::problem::{Problem, ProblemCode, Result};
use crate::server::response_cache::{CacheStatus, Cached};
use crate::wire::json;

/// Maximum size of a body, in bytes: a document, and the variables of a large `apply`.
const BODY_MAX: usize = 8 * 1024 * 1024;
/// Larger bodies, in bytes, are parsed as blocking work.
const LARGE_BODY_FROM: usize = 256 * 1024;
const METHODS: &str = "GET, HEAD, POST";

// `Accept-Encoding` only for compressed responses: the compression layer adds it itself to what it compresses.
const VARY: &str = "Authorization, Accept";
const VARY_ENCODED: &str = "Authorization, Accept, Accept-Encoding";

/// Handles `/graphql`, with any method.
pub(crate) async fn endpoint(State(endpoint): State<Arc<Endpoint>>, request: Request<Body>) -> Response {
    if wants_page(&request) {
        return page::page();
    }
    let (head, body) = request.into_parts();
    let mut response = respond_to(&endpoint, &head, body).await;
    // `no-cache` permits storing and requires revalidation: a response is valid until the next commit only.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let vary = if headers.contains_key(header::CONTENT_ENCODING) { VARY_ENCODED } else { VARY };
    headers.insert(header::VARY, HeaderValue::from_static(vary));
    response
}

/// The response to a request for data, before the headers that all responses have.
async fn respond_to(endpoint: &Endpoint, head: &Parts, body: Body) -> Response {
    let Some(caller) = head.extensions.get::<Caller>().cloned() else {
        return Problem::unauthorized().into_response();
    };
    let received = if is_get(&head.method) {
        from_url(&head.uri).map(|request| (Received::One(request), None))
    } else if head.method == Method::POST {
        from_body(head, body, endpoint.settings.batch_max).await
    } else {
        return method_not_allowed(METHODS, "use GET or POST");
    };
    // After the body was read: a client that is still sending when it is refused may never read the refusal.
    let media = match Media::accepted(&head.headers) {
        Ok(media) => media,
        Err(problem) => return problem.into_response(),
    };
    // The permit counts the parsed variables until the response is ready, since execution reads them.
    let (received, _memory) = match received {
        Ok(received) => received,
        Err(problem) => return refuse(problem, media),
    };
    let request = match received {
        Received::One(request) => request,
        Received::Batch(all) => {
            return match batch::execute(endpoint, caller, all).await {
                Ok((body, only_reads)) => marked(respond(StatusCode::OK, media, body), only_reads),
                Err(problem) => refuse(problem, media),
            };
        }
    };
    let gzip = accepts_gzip(&head.headers);
    match endpoint.find(&caller, request, gzip).await {
        Err(problem) => refuse(problem, media),
        Ok(RequestLookup::Cached(body)) => {
            marked(CacheStatus::Hit.on(respond(StatusCode::OK, media, body)), true)
        }
        Ok(RequestLookup::Request(prepared, making)) => match prepared.kind {
            OperationType::Mutation if is_get(&head.method) => {
                method_not_allowed("POST", "send mutations by POST")
            }
            OperationType::Subscription => refuse(no_subscription(), media),
            OperationType::Query | OperationType::Mutation => {
                execute(endpoint, caller, *prepared, making, media, gzip).await
            }
        },
    }
}

/// Executes a request that was not found in the response cache, and caches its response if that is possible.
async fn execute(
    endpoint: &Endpoint,
    caller: Caller,
    prepared: Prepared,
    making: Option<Making<'_, Cached>>,
    media: Media,
    gzip: bool,
) -> Response {
    let (is_large, operation) = (prepared.is_large(), prepared.operation.clone());
    let only_reads = prepared.kind == OperationType::Query;
    let executed = endpoint.execute_prepared(caller, prepared, making).await;
    let Executed { response, key, making, budget } = match executed {
        Ok(executed) => executed,
        Err(problem) => return refuse(problem, media),
    };
    let (is_refused, has_errors) = (response.is_refused(), response.has_errors());
    let body = if is_large { blocking(|| response.into_bytes()) } else { response.into_bytes() };
    // The memory of the response tree ends here; the admission layer counts the body in flight from now on.
    drop(budget);
    let status = media.status(is_refused);
    let response = match key {
        None => respond(status, media, body),
        // Errors may be temporary, such as a timeout, so they are never cached.
        Some(_) if has_errors => CacheStatus::Miss.on(respond(status, media, body)),
        Some(key) => {
            // Compressed here and not by the layer, so that a hit finds compressed bytes.
            let sent = match gzip {
                true if body.len() >= LARGE_RESPONSE_BYTES => blocking(|| Sent::gzip(body)),
                true => Sent::gzip(body),
                false => Sent::plain(body),
            };
            let is_cached = endpoint.insert(key, &sent, operation, making);
            let outcome = if is_cached { CacheStatus::Stored } else { CacheStatus::Miss };
            outcome.on(respond(status, media, sent))
        }
    };
    marked(response, only_reads)
}

/// Marks the response to a read. The admission layer may replace it by a 503 when memory is short, since repeating a
/// read does no harm.
fn marked(mut response: Response, only_reads: bool) -> Response {
    if only_reads {
        response.extensions_mut().insert(ReadOnly);
    }
    response
}

/// Whether a request is for the query page, the only part of `/graphql` that needs no token.
pub(crate) fn wants_page<B>(request: &Request<B>) -> bool {
    is_get(request.method()) && !has_document(request.uri().query()) && media::wants_page(request.headers())
}

fn is_get(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Whether a URL's query string has a document, as text or as a persisted query.
fn has_document(query: Option<&str>) -> bool {
    let names = ["query=", "extensions="];
    query.is_some_and(|query| query.split('&').any(|pair| names.iter().any(|name| pair.starts_with(name))))
}

// RFC 9110 requires `Allow` in every 405.
fn method_not_allowed(allow: &'static str, what: &str) -> Response {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", what);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

/// The response to a refused request.
fn refuse(problem: Problem, media: Media) -> Response {
    // Other statuses, such as 413 or 503, are HTTP's and not GraphQL's: their body is a problem (RFC 9457).
    if problem.status != StatusCode::BAD_REQUEST {
        return problem.into_response();
    }
    // A body that is no GraphQL request is 400 in either media type; a refused document is 200 in `application/json`.
    let status = if problem.code == "malformed" { StatusCode::BAD_REQUEST } else { media.status(true) };
    // For the metrics, which cannot see the code in the body of a 200.
    let code = ProblemCode(problem.code);
    let mut response = respond(status, media, GraphqlResponse::refusal(problem).to_bytes());
    response.extensions_mut().insert(code);
    response
}

fn respond(status: StatusCode, media: Media, body: impl IntoResponse) -> Response {
    let content_type = HeaderValue::from_static(media.content_type());
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

fn from_url(uri: &axum::http::Uri) -> Result<GraphqlRequest> {
    let UrlQuery(pairs) = UrlQuery::<Vec<(String, String)>>::try_from_uri(uri).map_err(|refusal| {
        Problem::malformed(format!("the URL's query string cannot be parsed: {refusal}"))
    })?;
    let mut fields = Map::new();
    for (name, text) in pairs {
        let value = match name.as_str() {
            // Forms and some clients send empty parameters for absent ones.
            "variables" | "extensions" | "operationName" if text.is_empty() => Value::Null,
            "variables" | "extensions" => json::parse_line(text.as_bytes()).map_err(|refusal| {
                let reason = refusal.to_string().replacen("the line", &name, 1);
                Problem::malformed(reason).with("field", name.clone())
            })?,
            _ => Value::String(text),
        };
        if fields.insert(name.clone(), value).is_some() {
            // Servers and proxies disagree on which of two equal parameters counts, so neither does.
            let detail = format!("the URL's query string has {name:?} twice; send it once");
            return Err(Problem::malformed(detail).with("field", name));
        }
    }
    parse(fields)
}

/// The content of a request.
enum Received {
    One(GraphqlRequest),
    Batch(Vec<Result<GraphqlRequest>>),
}

/// Reads a body. Returns its content and the memory permit of its parsed values, if those are large.
async fn from_body(head: &Parts, body: Body, batch_max: usize) -> Result<(Received, Option<MemoryPermit>)> {
    let headers = &head.headers;
    // JSON alone: it makes a cross-site request need a CORS preflight, which a form's media types do not.
    body::require_media_type(headers, &[JSON])?;
    if body::content_encoding(headers).is_some() {
        let detail = "the body must not be compressed; remove Content-Encoding";
        return Err(Problem::unsupported_encoding("identity", detail));
    }
    let work = body::work(head)?;
    let text = body::read(work, body, BODY_MAX).await?;
    let read = || -> Result<_> {
        let bytes = variables::check_body(&text)? * JSON_VALUE_BYTES;
        // Reserved before parsing, from a count of the values. Small bodies are not worth the locks.
        let memory = (bytes >= LARGE_RESPONSE_BYTES).then(|| work.memory(bytes)).transpose();
        Ok((json::parse(&text)?, memory.map_err(body::busy)?))
    };
    let is_large = text.len() > LARGE_BODY_FROM;
    let (value, memory) = if is_large { blocking(read) } else { read() }?;
    let received = match value {
        Value::Object(fields) => Received::One(parse(fields)?),
        Value::Array(requests) => Received::Batch(batch::requests(requests, batch_max)?),
        _ => return Err(Problem::malformed("the body must be a JSON object with a query")),
    };
    Ok((received, memory))
}
