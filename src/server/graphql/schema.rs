//! The GraphQL schema and its SDL text (`schema.graphql`).

use std::sync::LazyLock;

use async_graphql::{SDLExportOptions, Schema, SchemaBuilder};

use crate::server::graphql::execution::limits::NESTING_MAX;
use crate::server::graphql::types::mutation::Mutation;
use crate::server::graphql::types::query::Query;
use crate::server::graphql::types::subscription::Subscription;

/// The schema with its three root types.
pub(super) type Api = Schema<Query, Mutation, Subscription>;

pub(super) fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    // async-graphql's own limit is on by default, at 32. Ours is checked earlier and has a clearer message, so
    // the library's must not be lower.
    let nesting = usize::try_from(NESTING_MAX).unwrap_or(usize::MAX);
    Schema::build(Query, Mutation, Subscription).limit_recursive_depth(nesting)
}

/// The schema in SDL, identical to the file `schema.graphql`.
#[must_use]
pub fn schema_sdl() -> &'static str {
    // Made once: building the schema registers every type, and the server sends this text on request.
    static SDL: LazyLock<String> =
        LazyLock::new(|| builder().finish().sdl_with_options(SDLExportOptions::new().include_specified_by()));
    &SDL
}
