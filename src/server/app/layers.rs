//! What surrounds every answer, whichever route gives it: an id, a line in the log, metrics, the headers that browsers
//! look for, and a problem instead of a broken connection where a handler panics.
//!
//! One function does it: each layer of a router costs every request some allocations, and many of them cost more than
//! a small answer.

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
use crate::server::metrics::Metrics;
use crate::server::response::problem::Problem;
use crate::server::response::request_id::{self, X_REQUEST_ID};
use crate::server::response::trace;

/// What is no page does nothing in a browser, and stands in no frame.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Pages of other sites do not load it as an image or a script of theirs either.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// A year, as browsers ask for.
const TLS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

#[derive(Debug, Clone)]
struct Around {
    metrics: Arc<Metrics>,
    /// Whether the server speaks TLS alone.
    is_secure: bool,
}

/// The router with all of it around.
pub(super) fn around(router: Router, metrics: Arc<Metrics>, exposure: &Exposure) -> Router {
    let around = Around { metrics, is_secure: exposure.tls.is_some() };
    let router = router.layer(from_fn_with_state(around.clone(), answered));
    if exposure.cors_origins.is_empty() {
        return router;
    }
    router.layer((from_fn_with_state(around, also_preflights), cors::layer(&exposure.cors_origins)))
}

/// A browser asks without a token what is allowed, and is answered before the gate, with the same headers.
async fn also_preflights(State(around): State<Around>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let mut response = next.run(request).await;
    if !response.headers().contains_key(X_REQUEST_ID) {
        around.add_headers(response.headers_mut(), id);
    }
    response
}

/// The life of a request, from its id to its line in the log. The query stays out of that: people put secrets there.
async fn answered(State(around): State<Around>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let began = Instant::now();
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let path = tracing::enabled!(tracing::Level::INFO).then(|| request.uri().path().to_owned());
    let span = trace::request(&request, route.as_ref(), &id);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone());
    let mut response = answer.await.unwrap_or_else(|cause| panicked(&*cause, &id));
    trace::record_answer(&span, &response);
    around.metrics.answered(route.as_ref(), &method, &response, began.elapsed());
    if let Some(path) = path {
        tracing::info!(
            %method,
            path,
            status = response.status().as_u16(),
            latency_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id = id.to_str().ok(),
            "answered"
        );
    }
    around.add_headers(response.headers_mut(), id);
    response
}

impl Around {
    fn add_headers(&self, headers: &mut HeaderMap, id: HeaderValue) {
        headers.insert(X_REQUEST_ID, id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NO_PAGE);
        if self.is_secure {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ALONE);
        }
    }
}

fn panicked(cause: &(dyn Any + Send), id: &HeaderValue) -> Response {
    tracing::error!(panic = message(cause), request_id = id.to_str().ok(), "a handler panicked");
    Problem::internal().into_response()
}
