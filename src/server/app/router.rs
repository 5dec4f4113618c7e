//! The router: all routes of the server, each group behind the authentication and admission middleware it needs.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::server::admission::Admission;
use crate::server::admission::middleware::{Access, AdmissionMiddleware};
use crate::server::app::state::AppState;
use crate::server::app::{health, layers, pages};
use crate::server::auth::extract::Unlimited;
use crate::server::connection::config::Exposure;
use crate::server::graphql;
use crate::server::limits::STORE_OPERATION_TIMEOUT;
use crate::server::metrics::{self, Metrics};
use crate::server::response::problem::Problem;
use crate::server::response_cache::ResponseCache;
use crate::server::rest;

/// The router of the whole server.
///
/// Invariant: every group of routes passes through `guarded`, which decides whether a token is needed.
#[expect(clippy::needless_pass_by_value, reason = "a router owns the state that it serves")]
pub fn router(state: AppState, exposure: &Exposure) -> Router {
    let authenticator = Arc::new(state.authenticator().clone());
    let admission = Arc::new(Admission::new(&authenticator, exposure));
    let guard =
        AdmissionMiddleware::new(Arc::clone(&authenticator), Arc::clone(&admission), &exposure.cors_origins);
    let cache = ResponseCache::new(state.cache_bytes());
    let graphql = graphql::routes(graphql::GraphqlState {
        authenticator,
        admission,
        metrics: Arc::clone(state.metrics()),
        settings: Arc::clone(state.graphql()),
        cache: cache.clone(),
    });
    // The layers are put on each group, not on the merged router: the groups differ in access and time limit.
    let data = Router::new()
        .route("/metrics", get(show_metrics))
        .with_state(Arc::clone(state.metrics()))
        .merge(rest::router().layer(Extension(cache)));
    let routes = guarded(&guard.with(Access::Token), data)
        .merge(guarded(&guard.with(Access::Token).within(STORE_OPERATION_TIMEOUT), rest::operations_router()))
        .merge(guarded(&guard.with(Access::TokenOrPage(graphql::wants_page)), graphql.over_http))
        .merge(guarded(&guard.with(Access::Socket), graphql.over_sockets))
        .merge(guarded(&guard.with(Access::Anyone), pages::routes()))
        .merge(guarded(&guard.with(Access::TokenOrPage(is_outside)), Router::new().fallback(not_found)))
        .merge(guarded(&guard.with(Access::Probe), health::routes(state.directory().clone())));
    layers::wrap(routes, Arc::clone(state.metrics()), exposure)
}

/// Whether a path is outside `/api` and `/graphql`, so that its 404 needs no token.
// Below these roots the fallback demands a token first, so an unauthenticated client cannot probe which paths exist.
fn is_outside(request: &Request) -> bool {
    // Compared by segment: `/apiary` is not below `/api`.
    let is_below = |root: &str| {
        request.uri().path().strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    !["/api", "/graphql"].into_iter().any(is_below)
}

// The 405 fallback is set first, so that it lies behind the guard: a client without a token gets 401 for any method.
fn guarded(guard: &AdmissionMiddleware, routes: Router) -> Router {
    guard.clone().guard(routes.method_not_allowed_fallback(not_allowed))
}

/// `/metrics`, in the Prometheus text format. Needs a token that is not limited to units: the metrics count records of
/// the whole directory.
async fn show_metrics(_: Unlimited, State(metrics): State<Arc<Metrics>>) -> Response {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics.to_text()).into_response()
}

async fn not_found(headers: HeaderMap, uri: Uri) -> Response {
    pages::not_found(&headers, format!("no resource at path {:?}; /openapi.json lists all paths", uri.path()))
}

// No `Allow` header here: axum adds it, with exactly the methods of the matched route.
async fn not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!(
        "method {method} is not allowed at {:?}; the Allow header lists the methods that are",
        uri.path()
    );
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}
