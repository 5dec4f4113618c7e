//! GraphQL settings of `clade serve`: flags, variables, and the table `[graphql]` of the settings file.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::server::app::GraphqlSettings;

#[derive(Debug, Default, Clone, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Graphql {
    /// Whether clients may query the GraphQL schema (introspection) [default: on]
    // `Option<Switch>` and not `bool`: a flag without a value could not turn off what the settings file turns on.
    #[arg(long, env = "CLADE_INTROSPECTION", value_name = "ON|OFF", hide_possible_values = true)]
    introspection: Option<Switch>,
    /// Whether GraphQL errors suggest similar names ("did you mean …") [default: off]
    #[arg(long, env = "CLADE_SUGGESTIONS", value_name = "ON|OFF", hide_possible_values = true)]
    suggestions: Option<Switch>,
    /// Maximum number of GraphQL requests in a batch (JSON array); 0 disables batching [default: 0]
    #[arg(long = "graphql-batch", env = "CLADE_GRAPHQL_BATCH", value_name = "COUNT")]
    batch: Option<usize>,
    /// Timeout of a GraphQL request in seconds [default: 30]
    #[arg(long = "graphql-timeout", env = "CLADE_GRAPHQL_TIMEOUT", value_name = "SECONDS")]
    timeout: Option<NonZeroU64>,
    /// Maximum number of open GraphQL WebSockets, at most half of them with the same token [default: 1000]
    #[arg(long = "sockets-max", env = "CLADE_SOCKETS_MAX", value_name = "SOCKETS")]
    sockets_max: Option<NonZeroUsize>,
    /// Maximum number of GraphQL WebSockets per client address that have not authenticated yet [default: 32]
    #[arg(long = "sockets-per-peer", env = "CLADE_SOCKETS_PER_PEER", value_name = "SOCKETS")]
    sockets_per_peer: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Switch {
    On,
    Off,
}

impl Graphql {
    /// The effective settings: these flags, then those of `file`, then the defaults of the server.
    pub(super) fn over(&self, file: &Self) -> GraphqlSettings {
        let defaults = GraphqlSettings::default();
        let is_on = |flag: Option<Switch>, file: Option<Switch>, default| {
            flag.or(file).map_or(default, |switch| switch == Switch::On)
        };
        GraphqlSettings {
            introspection: is_on(self.introspection, file.introspection, defaults.introspection),
            suggestions: is_on(self.suggestions, file.suggestions, defaults.suggestions),
            batch_max: self.batch.or(file.batch).unwrap_or(defaults.batch_max),
            timeout: self
                .timeout
                .or(file.timeout)
                .map_or(defaults.timeout, |seconds| Duration::from_secs(seconds.get())),
            sockets_max: self
                .sockets_max
                .or(file.sockets_max)
                .map_or(defaults.sockets_max, NonZeroUsize::get),
            sockets_per_peer: self
                .sockets_per_peer
                .or(file.sockets_per_peer)
                .map_or(defaults.sockets_per_peer, NonZeroUsize::get),
            // `origins` is set by `serve` from --cors-origin: sockets are not covered by CORS and check it themselves.
            ..defaults
        }
    }
}
