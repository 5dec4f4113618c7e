//! What `clade serve` takes about GraphQL, as flags and as the table `[graphql]` of the settings file.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::server::app::GraphqlSettings;

#[derive(Debug, Default, Clone, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Graphql {
    /// Whether GraphQL's schema can be asked for [default: on]
    #[arg(long, env = "CLADE_INTROSPECTION", value_name = "ON|OFF", hide_possible_values = true)]
    introspection: Option<Switch>,
    /// Whether GraphQL's errors propose names that are like the wrong one [default: off]
    #[arg(long, env = "CLADE_SUGGESTIONS", value_name = "ON|OFF", hide_possible_values = true)]
    suggestions: Option<Switch>,
    /// Take up to so many GraphQL requests as one array [default: 0, which takes none]
    #[arg(long = "graphql-batch", env = "CLADE_GRAPHQL_BATCH", value_name = "COUNT")]
    batch: Option<usize>,
    /// How long a GraphQL request may be worked on [default: 30]
    #[arg(long = "graphql-timeout", env = "CLADE_GRAPHQL_TIMEOUT", value_name = "SECONDS")]
    timeout: Option<NonZeroU64>,
    /// How many GraphQL sockets may be open, and half of them of one token [default: 1000]
    #[arg(long = "sockets-max", env = "CLADE_SOCKETS_MAX", value_name = "SOCKETS")]
    sockets_max: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Switch {
    On,
    Off,
}

impl Graphql {
    /// These flags, and where there is none what `file` says.
    pub(super) fn over(&self, file: &Self) -> GraphqlSettings {
        let standing = GraphqlSettings::default();
        let is_on = |flag: Option<Switch>, file: Option<Switch>, standing| {
            flag.or(file).map_or(standing, |switch| switch == Switch::On)
        };
        GraphqlSettings {
            introspection: is_on(self.introspection, file.introspection, standing.introspection),
            suggestions: is_on(self.suggestions, file.suggestions, standing.suggestions),
            batch_max: self.batch.or(file.batch).unwrap_or(standing.batch_max),
            answer_within: self
                .timeout
                .or(file.timeout)
                .map_or(standing.answer_within, |seconds| Duration::from_secs(seconds.get())),
            sockets_max: self
                .sockets_max
                .or(file.sockets_max)
                .map_or(standing.sockets_max, NonZeroUsize::get),
            ..standing
        }
    }
}
