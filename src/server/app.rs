//! The whole HTTP server: routes, middleware, pages, health probes, and `serve`.
//!
//! Invariant: only this layer uses REST, GraphQL and the pages together.

mod cors;
mod health;
mod layers;
mod pages;
mod router;
mod state;
mod swagger_ui;

use std::future::Future;

use tokio::net::TcpListener;

use crate::server::connection;

pub use crate::server::auth::identity_provider::IdentityProvider;
pub use crate::server::connection::config::{ConnectionTimeouts, Exposure, Origin};
pub use crate::server::connection::tls::Tls;
pub use crate::server::graphql::{
    DocumentSource, GraphqlRequest, GraphqlResponse, GraphqlSettings, execute, schema_sdl,
};
pub use crate::server::limits::RESPONSE_CACHE_BYTES;
pub use crate::server::rest::openapi;
pub use ipnet::IpNet;

pub use self::router::router;
pub use self::state::AppState;

/// Serves `state` on `listener` with the default [`Exposure`] until `shutdown` completes, then drains: open requests
/// have a limited time to finish.
pub async fn serve(state: AppState, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    serve_exposed(state, Exposure::default(), listener, shutdown).await;
}

/// Serves like [`serve`], with the TLS, CORS, connection limits and timeouts of `exposure`.
pub async fn serve_exposed(
    state: AppState,
    exposure: Exposure,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    // Cloned before the router takes `state`: the accept loop counts open connections, `/metrics` reports them.
    let open = state.metrics().connections().clone();
    connection::serve(router(state, &exposure), &exposure, open, listener, shutdown).await;
}
