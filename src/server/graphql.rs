//! The GraphQL endpoint over HTTP and WebSocket.

#![expect(clippy::unused_async, reason = "async-graphql takes no other resolvers")]

mod changes;
mod execution;
mod filter;
mod input;
mod plan;
mod schema;
mod settings;
mod transport;
pub(super) mod types;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};

use crate::directory::Directory;
use crate::server::admission::work::RequestWork;
use crate::server::auth::authenticator::Authenticator;
use crate::server::auth::caller::Caller;
use crate::server::graphql::execution::endpoint::Endpoint;
use crate::server::graphql::transport::sockets::Sockets;
use crate::server::graphql::transport::{http, ws};
use crate::server::metrics::Metrics;
use crate::server::response_cache::ResponseCache;

pub use crate::server::graphql::execution::document::{DocumentSource, GraphqlRequest};
pub use crate::server::graphql::execution::response::GraphqlResponse;
pub use crate::server::graphql::schema::schema_sdl;
pub use crate::server::graphql::settings::GraphqlSettings;

pub(super) use crate::server::graphql::execution::endpoint::GraphqlState;
pub(super) use crate::server::graphql::transport::http::wants_page;

/// The routes `/graphql` and `/graphql/ws`.
// Two routers, because their access differs: a request has a token before its handler runs, and a socket authenticates
// in its first message.
pub(super) struct Routes {
    pub(super) over_http: Router,
    pub(super) over_sockets: Router,
}

/// Builds all GraphQL routes.
pub(super) fn routes(shared: GraphqlState) -> Routes {
    // One endpoint for both, so that they share the document and response caches and the quotas.
    let endpoint = Arc::new(Endpoint::new(shared));
    let sockets = Arc::new(Sockets::new(Arc::clone(&endpoint)));
    Routes {
        // `any`, since the handler refuses other methods itself, with `Allow` and in GraphQL's error format.
        over_http: Router::new().route("/graphql", any(http::endpoint)).with_state(endpoint),
        over_sockets: Router::new().route("/graphql/ws", get(ws::endpoint)).with_state(sockets),
    }
}

/// Executes a query or mutation in process, without HTTP, as the unlimited local caller.
pub async fn execute(directory: Directory, request: GraphqlRequest) -> GraphqlResponse {
    let work = RequestWork::local(directory.clone());
    let shared = GraphqlState {
        authenticator: Arc::new(Authenticator::new(directory.clone()).without_authentication()),
        admission: Arc::clone(work.admission()),
        metrics: Arc::new(Metrics::new(directory.clone())),
        settings: Arc::default(),
        // The endpoint lives for one request: a cached response could never be used again.
        cache: ResponseCache::new(0),
    };
    Endpoint::new(shared).execute(Caller::local(directory), request).await
}
