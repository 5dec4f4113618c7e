//! What a server is made of: a directory, and the settings of each layer.

use std::sync::Arc;

use crate::directory::Directory;
use crate::server::auth::authenticator::Authenticator;
use crate::server::auth::identity_provider::IdentityProvider;
use crate::server::graphql;
use crate::server::limits::ANSWERS_KEPT_BYTES;
use crate::server::metrics::Metrics;

/// A directory to be served, with the settings of the server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    authenticator: Authenticator,
    answers_kept_bytes: u64,
    graphql: Arc<graphql::GraphqlSettings>,
    metrics: Arc<Metrics>,
}

impl AppState {
    /// Serves this directory.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        Self {
            metrics: Arc::new(Metrics::new(directory.clone())),
            authenticator: Authenticator::new(directory),
            answers_kept_bytes: ANSWERS_KEPT_BYTES,
            graphql: Arc::default(),
        }
    }

    /// With a response cache of so many bytes; without one for 0.
    #[must_use]
    pub fn keeping_answers(self, bytes: u64) -> Self {
        Self { answers_kept_bytes: bytes, ..self }
    }

    /// Asks for no token: every client may do everything. For loopback alone.
    #[must_use]
    pub fn without_tokens(self) -> Self {
        Self { authenticator: self.authenticator.without_tokens(), ..self }
    }

    /// Takes the tokens of an identity provider too.
    #[must_use]
    pub fn trusting(self, provider: IdentityProvider) -> Self {
        Self { authenticator: self.authenticator.trusting(provider), ..self }
    }

    /// Answers GraphQL with these settings.
    #[must_use]
    pub fn with_graphql(self, settings: graphql::GraphqlSettings) -> Self {
        Self { graphql: Arc::new(settings), ..self }
    }

    /// The directory that is served.
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

    pub(super) fn answers_kept_bytes(&self) -> u64 {
        self.answers_kept_bytes
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }
}
