//! All routes, each group with the access that it needs.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::server::admission::Admission;
use crate::server::admission::middleware::{Access, Admitting};
use crate::server::app::state::AppState;
use crate::server::app::{health, layers, pages};
use crate::server::auth::extract::Unlimited;
use crate::server::connection::config::Exposure;
use crate::server::graphql;
use crate::server::limits::OPERATION_WITHIN;
use crate::server::metrics::{self, Metrics};
use crate::server::response::problem::Problem;
use crate::server::rest;

/// Everything that is served. Each group of routes says which access it needs.
#[expect(clippy::needless_pass_by_value, reason = "what is served belongs to the router")]
pub fn router(state: AppState, exposure: &Exposure) -> Router {
    let authenticator = Arc::new(state.authenticator().clone());
    let admission = Arc::new(Admission::new(&authenticator, exposure));
    let gate = Admitting::new(Arc::clone(&authenticator), Arc::clone(&admission), &exposure.cors_origins);
    let graphql = graphql::routes(graphql::GraphqlState {
        authenticator,
        admission,
        metrics: Arc::clone(state.metrics()),
        settings: Arc::clone(state.graphql()),
        cache_bytes: state.answers_kept_bytes(),
    });
    let data = Router::new()
        .route("/metrics", get(show_metrics))
        .with_state(Arc::clone(state.metrics()))
        .merge(rest::router());
    let routes = guarded(&gate.with(Access::Token), data)
        .merge(guarded(&gate.with(Access::Token).within(OPERATION_WITHIN), rest::operations_router()))
        .merge(guarded(&gate.with(Access::TokenOrPage(graphql::wants_page)), graphql.over_http))
        .merge(guarded(&gate.with(Access::Socket), graphql.over_sockets))
        .merge(guarded(&gate.with(Access::Anyone), pages::routes()))
        .merge(guarded(&gate.with(Access::TokenOrPage(is_outside)), Router::new().fallback(not_found)))
        .merge(guarded(&gate.with(Access::Probe), health::routes(state.directory().clone())));
    layers::around(routes, Arc::clone(state.metrics()), exposure)
}

/// Whether a path is outside the roots of data. Beneath those, a client without a token does not learn which paths exist.
fn is_outside(request: &Request) -> bool {
    let is_beneath = |root: &str| {
        request.uri().path().strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    !["/api", "/graphql"].into_iter().any(is_beneath)
}

fn guarded(gate: &Admitting, routes: Router) -> Router {
    gate.clone().guard(routes.method_not_allowed_fallback(not_allowed))
}

/// `/metrics`, for callers who see everything: how much there is anywhere is not for a narrow token to know.
async fn show_metrics(_: Unlimited, State(metrics): State<Arc<Metrics>>) -> Response {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics.to_text()).into_response()
}

async fn not_found(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {:?}; /openapi.json lists what there is", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}

/// axum puts the exact `Allow` on it.
async fn not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{method} is not taken at {:?}; Allow lists what is", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}
