//! GraphQL settings of `clade serve`: flags, variables, and the table `[graphql]` of the settings file.

use std::fmt::{self, Display, Formatter};
use std::num::NonZeroU64;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cli::expose::at_least_one;
use crate::server::app::GraphqlSettings;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "GraphQL")]
pub(super) struct Graphql {
    /// Whether clients may query the GraphQL schema (introspection)
    // `Switch` and not `bool`: a flag without a value could not turn off what the settings file turns on.
    #[arg(
        long,
        env = "CLADE_INTROSPECTION",
        value_name = "ON|OFF",
        hide_possible_values = true,
        default_value_t = Switch::of(GraphqlSettings::default().introspection)
    )]
    introspection: Switch,
    /// Whether GraphQL errors suggest similar names ("did you mean …")
    #[arg(
        long,
        env = "CLADE_SUGGESTIONS",
        value_name = "ON|OFF",
        hide_possible_values = true,
        default_value_t = Switch::of(GraphqlSettings::default().suggestions)
    )]
    suggestions: Switch,
    /// Maximum number of GraphQL requests in a batch (JSON array); 0 disables batching
    #[arg(
        long = "graphql-batch",
        env = "CLADE_GRAPHQL_BATCH",
        value_name = "COUNT",
        default_value_t = GraphqlSettings::default().batch_max
    )]
    batch: usize,
    /// Timeout of a GraphQL request in seconds
    #[arg(
        long = "graphql-timeout",
        env = "CLADE_GRAPHQL_TIMEOUT",
        value_name = "SECONDS",
        default_value = "30"
    )]
    timeout: NonZeroU64,
    /// Maximum number of open GraphQL WebSockets, at most half of them with the same token
    #[arg(
        long = "sockets-max",
        env = "CLADE_SOCKETS_MAX",
        value_name = "SOCKETS",
        value_parser = at_least_one,
        default_value_t = GraphqlSettings::default().sockets_max
    )]
    sockets_max: usize,
    /// Maximum number of GraphQL WebSockets per client address that have not authenticated yet
    #[arg(
        long = "sockets-per-peer",
        env = "CLADE_SOCKETS_PER_PEER",
        value_name = "SOCKETS",
        value_parser = at_least_one,
        default_value_t = GraphqlSettings::default().sockets_per_peer
    )]
    sockets_per_peer: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Switch {
    On,
    Off,
}

impl Switch {
    const fn of(is_on: bool) -> Self {
        if is_on { Self::On } else { Self::Off }
    }
}

impl Display for Switch {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(if *self == Self::On { "on" } else { "off" })
    }
}

impl Graphql {
    /// The settings in the form that the server takes.
    pub(super) fn settings(&self) -> GraphqlSettings {
        GraphqlSettings {
            introspection: self.introspection == Switch::On,
            suggestions: self.suggestions == Switch::On,
            batch_max: self.batch,
            timeout: Duration::from_secs(self.timeout.get()),
            sockets_max: self.sockets_max,
            sockets_per_peer: self.sockets_per_peer,
            // `origins` is set by `serve` from --cors-origin: sockets are not covered by CORS and check it themselves.
            ..GraphqlSettings::default()
        }
    }
}
