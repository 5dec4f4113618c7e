//! `AppState`: the directory that a server serves, and the settings of each layer.

use std::sync::Arc;

use crate::directory::Directory;
use crate::server::auth::authenticator::Authenticator;
use crate::server::auth::identity_provider::IdentityProvider;
use crate::server::graphql;
use crate::server::limits::RESPONSE_CACHE_BYTES;
use crate::server::metrics::Metrics;

/// A directory to serve, with the settings of the server. Cheap to clone.
///
/// ```
/// use axum::body::Body;
/// use axum::http::Request;
/// use clade::server::{AppState, Exposure, router};
/// use tower::ServiceExt as _;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let router = router(AppState::new(clade::Directory::in_memory()?), &Exposure::default());
/// let request = Request::get("/api/v2/data/people").body(Body::empty())?;
/// assert_eq!(router.oneshot(request).await?.status(), 401, "a request needs a token");
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone)]
pub struct AppState {
    authenticator: Authenticator,
    cache_bytes: u64,
    graphql: Arc<graphql::GraphqlSettings>,
    metrics: Arc<Metrics>,
}

impl AppState {
    /// Serves this directory with default settings: tokens required, the default response cache.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        Self {
            // The authenticator owns the directory: what wants data has to come by it.
            metrics: Arc::new(Metrics::new(directory.clone())),
            authenticator: Authenticator::new(directory),
            cache_bytes: RESPONSE_CACHE_BYTES,
            graphql: Arc::default(),
        }
    }

    /// Sets the size of the response cache in bytes; 0 disables it. The default is [`RESPONSE_CACHE_BYTES`].
    #[must_use]
    pub fn with_response_cache(self, bytes: u64) -> Self {
        Self { cache_bytes: bytes, ..self }
    }

    /// Turns authentication off: every client may do everything. Use it on a loopback address only.
    #[must_use]
    pub fn without_authentication(self) -> Self {
        Self { authenticator: self.authenticator.without_authentication(), ..self }
    }

    /// Accepts JWTs of an identity provider, in addition to the directory's own tokens.
    #[must_use]
    pub fn with_identity_provider(self, provider: IdentityProvider) -> Self {
        Self { authenticator: self.authenticator.with_identity_provider(provider), ..self }
    }

    /// Sets the limits and options of GraphQL.
    #[must_use]
    pub fn with_graphql(self, settings: graphql::GraphqlSettings) -> Self {
        Self { graphql: Arc::new(settings), ..self }
    }

    /// The served directory.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        self.authenticator.directory()
    }

    pub(super) fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    pub(super) fn graphql(&self) -> &Arc<graphql::GraphqlSettings> {
        &self.graphql
    }

    pub(super) fn cache_bytes(&self) -> u64 {
        self.cache_bytes
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }
}
