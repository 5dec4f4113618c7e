//! Operator settings of the GraphQL endpoint: introspection, suggestions, batching, timeout, sockets and origins.

use std::time::Duration;

use axum::http::HeaderValue;

use crate::server::graphql::execution::limits::{RESPONSE_TIMEOUT, SOCKETS_MAX};
use crate::server::limits::SOCKETS_UNAUTHENTICATED_PER_PEER;

/// Settings of the GraphQL endpoint. The defaults suit a server that only token holders can reach.
///
/// ```
/// use clade::server::AppState;
/// use clade::server::app::GraphqlSettings;
///
/// let defaults = GraphqlSettings::default();
/// assert!(defaults.introspection && defaults.batch_max == 0, "the schema can be read; there are no batches");
/// let settings = GraphqlSettings { batch_max: 10, ..defaults };
/// let state = AppState::new(clade::Directory::in_memory()?).with_graphql(settings);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct GraphqlSettings {
    /// Whether introspection is enabled. If not, error messages name no part of the schema either. Default: true.
    pub introspection: bool,
    /// Whether errors suggest similar names. Has no effect without introspection. Default: false.
    pub suggestions: bool,
    /// Maximum number of requests in a batch. 0, the default, disables batching.
    pub batch_max: usize,
    /// Timeout of a request's execution. Default: 30 s.
    pub timeout: Duration,
    /// Maximum number of open WebSockets. One token may use half of them. Default: 1,000.
    pub sockets_max: usize,
    /// Maximum number of WebSockets of one address that have not authenticated yet. Default: 32.
    pub sockets_per_peer: usize,
    /// Foreign origins whose pages may open a WebSocket, as in the `Origin` header: `https://dash.corp.example`.
    /// Default: none.
    pub origins: Vec<HeaderValue>,
}

impl Default for GraphqlSettings {
    fn default() -> Self {
        Self {
            introspection: true,
            // A suggestion shows names that the client did not know, and comparing with all of them takes time.
            suggestions: false,
            // The rate limit counts a batch as one request, whatever is in it.
            batch_max: 0,
            timeout: RESPONSE_TIMEOUT,
            sockets_max: SOCKETS_MAX,
            sockets_per_peer: SOCKETS_UNAUTHENTICATED_PER_PEER,
            origins: Vec::new(),
        }
    }
}
