//! The server as a whole: the only place that names REST, GraphQL and the pages together.

mod cors;
mod health;
mod layers;
mod pages;
mod router;
mod state;

use std::future::Future;

use tokio::net::TcpListener;

use crate::server::connection;

pub use crate::server::auth::caller::Caller;
pub use crate::server::auth::identity_provider::IdentityProvider;
pub use crate::server::connection::config::{ConnectionTimeouts, Exposure, Origin};
pub use crate::server::connection::tls::Tls;
pub use crate::server::graphql::{
    DocumentSource, GraphqlRequest, GraphqlResponse, GraphqlSettings, execute, schema_sdl,
};
pub use crate::server::limits::ANSWERS_KEPT_BYTES;
pub use crate::server::rest::openapi;

pub use self::router::router;
pub use self::state::AppState;

/// Serves `state` on `listener` until `shutdown` completes, then lets open requests finish.
pub async fn serve(state: AppState, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    serve_exposed(state, Exposure::default(), listener, shutdown).await;
}

/// The same, as far in the open as `exposure` says.
pub async fn serve_exposed(
    state: AppState,
    exposure: Exposure,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let open = state.metrics().connections().clone();
    connection::serve(router(state, &exposure), &exposure, open, listener, shutdown).await;
}
