//! The schema that is served, and its text.

use std::sync::LazyLock;

use async_graphql::{SDLExportOptions, Schema, SchemaBuilder};

use crate::server::graphql::execution::limits::NESTING_MAX;
use crate::server::graphql::types::mutation::Mutation;
use crate::server::graphql::types::query::Query;
use crate::server::graphql::types::subscription::Subscription;

/// The schema that is served.
pub(super) type Api = Schema<Query, Mutation, Subscription>;

pub(super) fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    // The limits of our own have clearer messages; this one, on by default, must not be narrower.
    let nesting = usize::try_from(NESTING_MAX).unwrap_or(usize::MAX);
    Schema::build(Query, Mutation, Subscription).limit_recursive_depth(nesting)
}

/// The schema as text, as it is kept in `schema.graphql`.
#[must_use]
pub fn schema_sdl() -> &'static str {
    static SDL: LazyLock<String> =
        LazyLock::new(|| builder().finish().sdl_with_options(SDLExportOptions::new().include_specified_by()));
    &SDL
}
