//! Whether a document asks for the schema.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use axum::http::StatusCode;

use crate::server::response::problem::Problem;

/// What an error says that would else name parts of the schema.
pub(in crate::server) const UNNAMED: &str = "this does not fit the schema, which this server does not tell; compare with the schema.graphql of its release";

/// Whether any part of it asks for the schema, or for a type of it.
pub(in crate::server) fn is_asked_for(document: &ExecutableDocument) -> bool {
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
        Selection::FragmentSpread(_) => false,
    })
}

/// The one answer to who asks for the schema where it is not told.
pub(in crate::server) fn refused() -> Problem {
    let detail = "this server does not tell its schema; read the schema.graphql of its release";
    Problem::new(StatusCode::BAD_REQUEST, "introspection-off", detail)
}
