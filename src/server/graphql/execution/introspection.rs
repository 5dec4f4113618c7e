//! Introspection: detects whether a document requests the schema, and the refusal when it is disabled.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use axum::http::StatusCode;

use crate::server::response::problem::Problem;

/// Replaces validation messages when introspection is disabled, since they name types and fields. It must not contain
/// any name of the schema itself.
pub(in crate::server) const REDACTED_MESSAGE: &str = "the document does not match the schema; introspection is disabled, see schema.graphql of this server's release";

/// Whether any operation or fragment selects `__schema` or `__type`.
pub(in crate::server) fn is_requested(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    operations.chain(fragments).any(|set| in_set(&set.node))
}

fn in_set(set: &SelectionSet) -> bool {
    set.items.iter().any(|item| match &item.node {
        Selection::Field(field) => {
            matches!(field.node.name.node.as_str(), "__schema" | "__type")
                || in_set(&field.node.selection_set.node)
        }
        Selection::InlineFragment(inline) => in_set(&inline.node.selection_set.node),
        // Not followed: every fragment is searched by itself, and a fragment may spread itself.
        Selection::FragmentSpread(_) => false,
    })
}

/// The refusal of introspection when it is disabled.
pub(in crate::server) fn refused() -> Problem {
    let detail = "introspection is disabled on this server; see schema.graphql of its release";
    Problem::new(StatusCode::BAD_REQUEST, "introspection-off", detail)
}
