//! The directory over HTTP: REST and GraphQL, two dresses of the same directory and queries.

mod accept;
mod activity;
mod admission;
pub mod audit;
mod body;
mod cache;
mod closing;
mod cors;
pub mod exposure;
mod extract;
mod finding;
pub mod graphql;
mod guard;
mod health;
pub mod issuer;
mod json;
mod key;
mod layers;
pub mod limits;
mod listen;
mod loopback;
mod metrics;
mod outstanding;
mod pages;
mod params;
mod parts;
mod peer;
pub mod problem;
mod rate;
mod request_id;
pub mod rest;
mod sent;
mod shares;
pub mod state;
pub mod tls;
mod trace;
mod wire;

pub use exposure::Exposure;
pub use listen::{serve, serve_exposed};
pub use state::AppState;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::get;

use crate::server::admission::Admission;
use crate::server::guard::Gate;
use crate::server::problem::Problem;

/// Everything that is served, with what every answer wears.
pub fn router(state: AppState, exposure: &Exposure) -> Router {
    let admission = Arc::new(Admission::new(&state, exposure));
    let (rest, _) = rest::routes().split_for_parts();
    let routes = Router::new()
        .merge(rest)
        .merge(pages::routes())
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .with_state(state.clone());
    let routes = routes
        .merge(graphql::router(state.clone(), Arc::clone(&admission)))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed);
    layers::dressed(routes, Gate::new(state, admission, exposure), exposure)
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
