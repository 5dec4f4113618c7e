//! What every answer wears, whichever route gives it: an id, a line in the log, a time limit, gzip, and
//! a problem instead of a broken connection when a handler panics.
//!
//! One function does it all but gzip: each layer of a router costs every request some allocations, and many of them
//! cost more than a small answer.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::server::guard::guarded;
use crate::server::limits::{ANSWER_WITHIN, COMPRESSED_MIN_BYTES};
use crate::server::problem::Problem;
use crate::server::state::AppState;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The router with all of it around.
pub(super) fn dressed(router: Router, state: AppState) -> Router {
    let gzip = CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_MIN_BYTES));
    router.layer((middleware::from_fn_with_state(state, answered), gzip))
}

/// The life of a request, from its id to its line in the log. The query stays out of that: people put secrets there.
async fn answered(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = request.headers().get(X_REQUEST_ID).cloned().unwrap_or_else(new_id);
    let line = tracing::enabled!(tracing::Level::INFO)
        .then(|| (request.method().clone(), request.uri().path().to_owned(), Instant::now()));
    let answer = tokio::time::timeout(ANSWER_WITHIN, guarded(&state, request, next));
    let mut response = match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => too_late(),
        Err(cause) => panicked(&*cause),
    };
    if let Some((method, path, began)) = line {
        tracing::info!(
            %method,
            path,
            status = response.status().as_u16(),
            latency_ms = began.elapsed().as_millis(),
            request_id = id.to_str().ok(),
            "answered"
        );
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_REQUEST_ID, id);
    response
}

/// An id that no other request is likely to have: counted from where a process begins at random.
fn new_id() -> HeaderValue {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(rand::random()));
    HeaderValue::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn too_late() -> Response {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "timeout",
        "the answer took too long; a change may still have been made: read the record before trying again",
    )
    .into_response()
}

fn panicked(cause: &(dyn Any + Send)) -> Response {
    let text = cause
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| cause.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = text, "a handler panicked");
    Problem::internal().into_response()
}
