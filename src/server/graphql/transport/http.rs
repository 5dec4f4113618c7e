//! GraphQL over HTTP: which method, which media type, which status.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use axum::body::Body;
use axum::extract::{Query as UrlQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::server::admission::memory::{MemoryPermit, OnlyRead};
use crate::server::auth::caller::Caller;
use crate::server::graphql::execution::document::GraphqlRequest;
use crate::server::graphql::execution::endpoint::{CarriedOut, Endpoint, RequestLookup};
use crate::server::graphql::execution::response::GraphqlResponse;
use crate::server::graphql::execution::schedule::blocking;
use crate::server::graphql::execution::variables;
use crate::server::graphql::transport::media::{self, JSON, Media};
use crate::server::graphql::transport::request::{asked, no_subscription};
use crate::server::graphql::transport::{batch, page};
use crate::server::limits::{JSON_VALUE_BYTES, LARGE_ANSWER_BYTES};
use crate::server::request::body;
use crate::server::response::compress::{Sent, takes_gzip};
use crate::server::response::problem::{Problem, ProblemCode, Result};
use crate::wire::json;

/// The largest body, in bytes: a document, and the variables of a large `apply`.
const BODY_MAX: usize = 8 * 1024 * 1024;
/// Reading a body from this size on takes long, in bytes.
const LARGE_BODY_FROM: usize = 256 * 1024;
const METHODS: &str = "GET, HEAD, POST";

const VARY: &str = "Authorization, Accept";
const VARY_ENCODED: &str = "Authorization, Accept, Accept-Encoding";

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const HIT: &str = "clade; hit";
const MISS: &str = "clade; fwd=miss";
const MISS_STORED: &str = "clade; fwd=miss; stored";

/// `/graphql`, by any method.
pub(crate) async fn endpoint(State(endpoint): State<Arc<Endpoint>>, request: Request<Body>) -> Response {
    if wants_page(&request) {
        return page::page();
    }
    let (head, body) = request.into_parts();
    let mut response = answer(&endpoint, &head, body).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let vary = if headers.contains_key(header::CONTENT_ENCODING) { VARY_ENCODED } else { VARY };
    headers.insert(header::VARY, HeaderValue::from_static(vary));
    response
}

/// What is no page.
async fn answer(endpoint: &Endpoint, head: &Parts, body: Body) -> Response {
    let Some(caller) = head.extensions.get::<Caller>().cloned() else {
        return Problem::unauthorized().into_response();
    };
    let posted = if is_get(&head.method) {
        by_url(&head.uri).map(|asked| (Posted::One(asked), None))
    } else if head.method == Method::POST {
        by_body(head, body, endpoint.settings.batch_max).await
    } else {
        return method_not_allowed(METHODS, "ask by GET or POST");
    };
    let media = match Media::accepted(&head.headers) {
        Ok(media) => media,
        Err(problem) => return problem.into_response(),
    };
    let (posted, _held) = match posted {
        Ok(posted) => posted,
        Err(problem) => return refuse(problem, media),
    };
    let asked = match posted {
        Posted::One(asked) => asked,
        Posted::Batch(all) => {
            return match batch::answer(endpoint, caller, all).await {
                Ok((answers, only_reads)) => marked(respond(StatusCode::OK, media, answers), only_reads),
                Err(problem) => refuse(problem, media),
            };
        }
    };
    let gzip = takes_gzip(&head.headers);
    match endpoint.find(&caller, asked, gzip) {
        Err(problem) => refuse(problem, media),
        Ok(RequestLookup::Answer(body)) => marked(cached(respond(StatusCode::OK, media, body), HIT), true),
        Ok(RequestLookup::Request(prepared))
            if is_get(&head.method) && prepared.kind == OperationType::Mutation =>
        {
            method_not_allowed("POST", "send mutations by POST")
        }
        Ok(RequestLookup::Request(prepared)) if prepared.kind == OperationType::Subscription => {
            refuse(no_subscription(), media)
        }
        Ok(RequestLookup::Request(prepared)) => {
            let (is_large, operation) = (prepared.is_large(), prepared.operation.clone());
            let only_reads = prepared.kind == OperationType::Query;
            let CarriedOut { answer, key, budget } = match endpoint.carry_out(caller, *prepared).await {
                Ok(carried_out) => carried_out,
                Err(problem) => return refuse(problem, media),
            };
            let body = if is_large { blocking(|| answer.to_bytes()) } else { answer.to_bytes() };
            drop(budget);
            let status = media.status(answer.is_refused());
            let response = match key {
                None => respond(status, media, body),
                Some(_) if !answer.errors.is_empty() => cached(respond(status, media, body), MISS),
                Some(key) => {
                    let sent = match gzip {
                        true if body.len() >= LARGE_ANSWER_BYTES => blocking(|| Sent::gzip(body)),
                        true => Sent::gzip(body),
                        false => Sent::plain(body),
                    };
                    let how = if endpoint.keep(key, &sent, operation) { MISS_STORED } else { MISS };
                    cached(respond(status, media, sent), how)
                }
            };
            marked(response, only_reads)
        }
    }
}

/// What only read may be asked for again, and so refused where there is no memory for it.
fn marked(mut response: Response, only_reads: bool) -> Response {
    if only_reads {
        response.extensions_mut().insert(OnlyRead);
    }
    response
}

/// Says where an answer came from, as RFC 9211 has it.
fn cached(mut response: Response, status: &'static str) -> Response {
    response.headers_mut().insert(CACHE_STATUS, HeaderValue::from_static(status));
    response
}

/// Whether a request is for the query page: without a token, that is all there is.
pub(crate) fn wants_page<B>(request: &Request<B>) -> bool {
    is_get(request.method()) && !asks(request.uri().query()) && media::wants_page(request.headers())
}

fn is_get(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Whether a url asks for a document: by its text, or by its hash.
fn asks(query: Option<&str>) -> bool {
    let names = ["query=", "extensions="];
    query.is_some_and(|query| query.split('&').any(|pair| names.iter().any(|name| pair.starts_with(name))))
}

fn method_not_allowed(allow: &'static str, what: &str) -> Response {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", what);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

/// What is no request at all is a 400 in either media type; what is not for GraphQL to say is a problem.
fn refuse(problem: Problem, media: Media) -> Response {
    if problem.status != StatusCode::BAD_REQUEST {
        return problem.into_response();
    }
    let status = if problem.code == "malformed" { StatusCode::BAD_REQUEST } else { media.status(true) };
    let code = ProblemCode(problem.code);
    let mut response = respond(status, media, GraphqlResponse::refusal(problem).to_bytes());
    response.extensions_mut().insert(code);
    response
}

fn respond(status: StatusCode, media: Media, body: impl IntoResponse) -> Response {
    let content_type = HeaderValue::from_static(media.content_type());
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

fn by_url(uri: &axum::http::Uri) -> Result<GraphqlRequest> {
    let UrlQuery(pairs) = UrlQuery::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|refusal| Problem::malformed(format!("the url's query cannot be read: {refusal}")))?;
    let mut fields = Map::new();
    for (name, text) in pairs {
        let value = match name.as_str() {
            "variables" | "extensions" | "operationName" if text.is_empty() => Value::Null,
            "variables" | "extensions" => json::parse_line(text.as_bytes()).map_err(|refusal| {
                let reason = refusal.to_string().replacen("the line", &name, 1);
                Problem::malformed(reason).with("field", name.clone())
            })?,
            _ => Value::String(text),
        };
        if fields.insert(name.clone(), value).is_some() {
            let detail = format!("the url's query gives {name:?} twice; give it once");
            return Err(Problem::malformed(detail).with("field", name));
        }
    }
    asked(fields)
}

/// What a body asks for.
enum Posted {
    One(GraphqlRequest),
    Batch(Vec<Result<GraphqlRequest>>),
}

/// What is asked, with the memory that its values take. Only JSON is taken: what a form can send from another site is
/// not.
async fn by_body(head: &Parts, body: Body, batch_max: usize) -> Result<(Posted, Option<MemoryPermit>)> {
    let headers = &head.headers;
    body::require_media_type(headers, &[JSON])?;
    if body::content_encoding(headers).is_some() {
        return Err(body::unsupported("this body must not be encoded; leave Content-Encoding out"));
    }
    let work = body::work(head)?;
    let text = body::read(work, headers, body, BODY_MAX).await?;
    let read = || -> Result<_> {
        let bytes = variables::check_body(&text)? * JSON_VALUE_BYTES;
        let memory = (bytes >= LARGE_ANSWER_BYTES).then(|| work.memory(bytes)).transpose();
        Ok((json::parse(&text)?, memory.map_err(body::busy)?))
    };
    let is_large = text.len() > LARGE_BODY_FROM;
    let (value, memory) = if is_large { blocking(read) } else { read() }?;
    let posted = match value {
        Value::Object(fields) => Posted::One(asked(fields)?),
        Value::Array(requests) => Posted::Batch(batch::asked(requests, batch_max)?),
        _ => return Err(Problem::malformed("the body must be a JSON object with a query")),
    };
    Ok((posted, memory))
}
