//! What every answer wears, whichever route gives it: an id, a line in the log, a time limit, gzip, what browsers need
//! to be told, and a problem instead of a broken connection when a handler panics.
//!
//! One function does most of it: each layer of a router costs every request some allocations, and many of them
//! cost more than a small answer.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tracing::Instrument;

use crate::error::panic::message;
use crate::server::admission::Asker;
use crate::server::cors;
use crate::server::exposure::Exposure;
use crate::server::guard::{self, Gate};
use crate::server::limits::{ANSWER_WITHIN, COMPRESSED_MIN_BYTES, OPERATION_WITHIN};
use crate::server::outstanding::{MayBeRefused, Outstanding, StreamCounts, TakesLong};
use crate::server::problem::Problem;
use crate::server::request_id::{self, X_REQUEST_ID};
use crate::server::rest;
use crate::server::sent::MayBePacked;
use crate::server::state::Caller;
use crate::server::trace;

/// What is no page does nothing in a browser, and stands in no frame.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Pages of other sites do not load it as an image or a script of theirs either.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// A year, as browsers ask for.
const TLS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The router with all of it around.
pub(super) fn dressed(router: Router, gate: Arc<Gate>, exposure: &Exposure) -> Router {
    let gzip = CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_MIN_BYTES).and(MayBePacked));
    // Before it is packed an answer says how large it is.
    let held = middleware::from_fn_with_state(gate.outstanding(), held);
    let router = router.layer((middleware::from_fn_with_state(Arc::clone(&gate), answered), gzip, held));
    if exposure.cors_origins.is_empty() {
        return router;
    }
    router.layer((middleware::from_fn_with_state(gate, also_preflights), cors::layer(&exposure.cors_origins)))
}

/// A browser asks what is allowed without a token, and is answered before the gate; dressed like all the others.
async fn also_preflights(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let mut response = next.run(request).await;
    if !response.headers().contains_key(X_REQUEST_ID) {
        dress(response.headers_mut(), id, gate.is_secure);
    }
    response
}

/// Large answers take room until they were taken.
async fn held(State(outstanding): State<Outstanding>, request: Request, next: Next) -> Response {
    if guard::is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let (asker, version) = (Asker::of(&request), request.version());
    let is_read = request.method().is_safe();
    let takes_long = takes_long(request.extensions().get());
    let stream_counts = request.extensions().get::<Caller>().map(|caller| StreamCounts::of(&caller.view));
    let mut response = next.run(request).await;
    let marks = response.extensions_mut();
    if takes_long {
        marks.insert(TakesLong);
    } else if is_read {
        marks.insert(MayBeRefused);
        if let Some(counts) = stream_counts {
            marks.insert(counts);
        }
    }
    outstanding.hold(&asker, version, response)
}

/// The life of a request, from its id to its line in the log. The query stays out of that: people put secrets there.
async fn answered(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let began = Instant::now();
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let path = tracing::enabled!(tracing::Level::INFO).then(|| request.uri().path().to_owned());
    let span = trace::request(&request, route.as_ref(), &id);
    let within = answer_within(route.as_ref());
    let answer = tokio::time::timeout(within, gate.pass(request, next)).instrument(span.clone());
    let mut response = match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => too_late(),
        Err(cause) => panicked(&*cause, &id),
    };
    trace::tell_answer(&span, &response);
    gate.metrics().answered(route.as_ref(), &method, &response, began.elapsed());
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
    dress(response.headers_mut(), id, gate.is_secure);
    response
}

fn answer_within(route: Option<&MatchedPath>) -> Duration {
    if takes_long(route) { OPERATION_WITHIN } else { ANSWER_WITHIN }
}

fn takes_long(route: Option<&MatchedPath>) -> bool {
    route.is_some_and(|route| rest::takes_long(route.as_str()))
}

fn dress(headers: &mut HeaderMap, id: HeaderValue, is_secure: bool) {
    headers.insert(X_REQUEST_ID, id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NO_PAGE);
    if is_secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ALONE);
    }
}

fn too_late() -> Response {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "timeout",
        "the answer took too long; a change may still have been made: read the record before trying again",
    )
    .into_response()
}

fn panicked(cause: &(dyn Any + Send), id: &HeaderValue) -> Response {
    tracing::error!(panic = message(cause), request_id = id.to_str().ok(), "a handler panicked");
    Problem::internal().into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::server::admission::Admission;
    use crate::server::state::AppState;
    use axum::body::Body;
    use axum::routing::any;
    use tokio::time::sleep;
    use tower::ServiceExt;

    /// How an answer of this route ends whose making takes so long.
    async fn status(path: &str, takes: Duration) -> StatusCode {
        let state = AppState::new(Directory::in_memory().unwrap()).without_tokens();
        let exposure = Exposure::default();
        let gate = Gate::new(state.clone(), Arc::new(Admission::new(&state, &exposure)), &exposure);
        let router = Router::new().route(path, any(move || sleep(takes)));
        let request = Request::builder().uri(path).header("host", "localhost").body(Body::empty()).unwrap();
        dressed(router, gate, &exposure).oneshot(request).await.unwrap().status()
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_on_the_whole_store_may_take_longer_than_an_answer() {
        for (path, within) in [
            ("/api/v2/data/people", ANSWER_WITHIN),
            ("/api/v2/data/check", OPERATION_WITHIN),
            ("/api/v2/data/backup", OPERATION_WITHIN),
        ] {
            assert!(rest::openapi().paths.paths.contains_key(path), "{path} is no route");
            assert_eq!(status(path, within / 2).await, StatusCode::OK, "{path}");
            assert_eq!(status(path, within * 2).await, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
    }
}
