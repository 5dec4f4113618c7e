//! The outermost middleware of every route: request id, access log, trace span, metrics, security headers, CORS, and a
//! 500 problem in place of a broken connection when a handler panics.
//!
//! One middleware function does all of it: each tower layer costs every request some allocations, and several layers
//! cost more than a small response.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::Instrument;

use crate::error::panic::message;
use crate::server::app::cors;
use crate::server::connection::config::Exposure;
use crate::server::connection::peer::ClientAddress;
use crate::server::metrics::Metrics;
use crate::server::response::problem::Problem;
use crate::server::response::request_id::{self, X_REQUEST_ID};
use crate::server::response::trace;

/// The default policy: a response that is not a page may load nothing and may not be framed.
const NO_CONTENT_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Keeps pages of other origins from embedding a response as an image or a script.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// One year, in seconds: the minimum that browsers' preload lists accept.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The state of the middleware.
#[derive(Debug, Clone)]
struct Outer {
    metrics: Arc<Metrics>,
    /// Whether the server accepts TLS connections only.
    is_tls: bool,
}

/// Wraps a router in the outermost middleware.
pub(super) fn wrap(router: Router, metrics: Arc<Metrics>, exposure: &Exposure) -> Router {
    let outer = Outer { metrics, is_tls: exposure.tls.is_some() };
    let router = router.layer(from_fn_with_state(outer.clone(), handle));
    if exposure.cors_origins.is_empty() {
        return router;
    }
    // CORS lies outside of authentication: a browser sends its preflight request without a token. The CORS layer
    // answers it alone, so the security headers have to be added outside of that layer.
    let cors = from_fn_with_state(cors::layer(&exposure.cors_origins), cors::respond);
    router.layer((from_fn_with_state(outer, add_headers_to_preflight), cors))
}

/// Adds the headers of every response to the CORS layer's own responses to preflight requests.
async fn add_headers_to_preflight(State(outer): State<Outer>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let mut response = next.run(request).await;
    // A response with an id went through `handle`; a second id would differ from that in the log.
    if !response.headers().contains_key(X_REQUEST_ID) {
        outer.add_headers(response.headers_mut(), id);
    }
    response
}

/// Handles a request from its id to its access-log line.
async fn handle(State(outer): State<Outer>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let began = Instant::now();
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    // Only the path is logged, never the query: people put tokens and other secrets in queries. The copy is made only
    // when the line will be written.
    let path = tracing::enabled!(tracing::Level::INFO).then(|| request.uri().path().to_owned());
    let client = request.extensions().get::<ClientAddress>().copied();
    let scheme = if outer.is_tls { "https" } else { "http" };
    let span = trace::request(&request, scheme, route.as_ref(), &id);
    // Unwind safe: of what the handler used, only locks outlive the panic, and the code ignores their poisoning.
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone());
    let mut response = handled.await.unwrap_or_else(|cause| panicked(&*cause, &id));
    trace::record_response(&span, &response);
    // The route's pattern, not the path, labels the metric: paths contain keys and would make a series each.
    outer.metrics.answered(route.as_ref(), &method, &response, began.elapsed());
    if let Some(path) = path {
        tracing::info!(
            %method,
            path,
            status = response.status().as_u16(),
            // Until the response begins: a body that is streamed is written after this line.
            latency_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id = id.to_str().ok(),
            // Absent for requests of an embedding process.
            client = client.map(|ClientAddress(address)| tracing::field::display(address)),
            "answered"
        );
    }
    outer.add_headers(response.headers_mut(), id);
    response
}

impl Outer {
    fn add_headers(&self, headers: &mut HeaderMap, id: HeaderValue) {
        headers.insert(X_REQUEST_ID, id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
        // Pages set a policy of their own, which must not be overwritten.
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NO_CONTENT_POLICY);
        // Over plain HTTP browsers ignore the header, and behind a proxy it is for the proxy to decide.
        if self.is_tls {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
    }
}

fn panicked(cause: &(dyn Any + Send), id: &HeaderValue) -> Response {
    tracing::error!(panic = message(cause), request_id = id.to_str().ok(), "a handler panicked");
    // The panic's text may contain data, so it goes to the log only.
    Problem::internal().into_response()
}
