//! What a server's keeper may choose about GraphQL.

use std::time::Duration;

use axum::http::HeaderValue;

use crate::server::graphql::execution::limits::{ANSWER_WITHIN, SOCKETS_MAX};

/// The settings of GraphQL. The default ones suit a server whose callers all hold tokens.
#[derive(Debug, Clone)]
pub struct GraphqlSettings {
    /// Whether the schema can be asked for. Without it, errors name nothing of the schema either.
    pub introspection: bool,
    /// Whether an error proposes names that are like the wrong one.
    pub suggestions: bool,
    /// How many requests may come as one array; none may for 0.
    pub batch_max: usize,
    /// How long a request may be worked on.
    pub answer_within: Duration,
    /// How many sockets may be open, and half of them of one token.
    pub sockets_max: usize,
    /// The pages of other sites that may open a socket, as browsers name them: `https://dash.corp.example`.
    pub origins: Vec<HeaderValue>,
}

impl Default for GraphqlSettings {
    fn default() -> Self {
        Self {
            introspection: true,
            suggestions: false,
            batch_max: 0,
            answer_within: ANSWER_WITHIN,
            sockets_max: SOCKETS_MAX,
            origins: Vec::new(),
        }
    }
}
