//! Workaround: checks of `__typename`, which async-graphql's validation skips.
//!
//! Invariant: arguments and subfields of `__typename` are refused. Its directives are moved to an inline fragment
//! around it, which has the same meaning and is validated.

use async_graphql::parser::types::{ExecutableDocument, Field, InlineFragment, Selection, SelectionSet};
use async_graphql::{Pos, Positioned};

use crate::server::response::problem::{Problem, Result};

/// Checks every `__typename` of a document and moves its directives.
///
/// # Errors
/// A `__typename` has arguments or subfields.
pub(crate) fn expose(document: &mut ExecutableDocument) -> Result<()> {
    use async_graphql::parser::types::DocumentOperations::{Multiple, Single};
    match &mut document.operations {
        Single(only) => in_set(&mut only.node.selection_set.node)?,
        Multiple(all) => {
            all.values_mut().try_for_each(|operation| in_set(&mut operation.node.selection_set.node))?;
        }
    }
    let mut fragments = document.fragments.values_mut();
    fragments.try_for_each(|fragment| in_set(&mut fragment.node.selection_set.node))
}

fn in_set(set: &mut SelectionSet) -> Result<()> {
    // The recursion is bounded: `Extent` has limited the nesting of brackets before the document was parsed.
    set.items.iter_mut().try_for_each(|item| {
        let pos = item.pos;
        match &mut item.node {
            Selection::Field(field) if field.node.name.node == "__typename" => {
                bare(&field.node, pos)?;
                if !field.node.directives.is_empty() {
                    item.node = enclosed(field.node.clone(), pos);
                }
                Ok(())
            }
            Selection::Field(field) => in_set(&mut field.node.selection_set.node),
            Selection::InlineFragment(inline) => in_set(&mut inline.node.selection_set.node),
            // Fragments are visited once each by `expose`.
            Selection::FragmentSpread(_) => Ok(()),
        }
    })
}

fn bare(field: &Field, pos: Pos) -> Result<()> {
    if field.arguments.is_empty() && field.selection_set.node.items.is_empty() {
        return Ok(());
    }
    let status = axum::http::StatusCode::BAD_REQUEST;
    Err(Problem::new(status, "invalid-query", "__typename has no arguments and no subfields")
        .with("line", pos.line)
        .with("column", pos.column))
}

fn enclosed(mut field: Field, pos: Pos) -> Selection {
    let directives = std::mem::take(&mut field.directives);
    let field = Selection::Field(Positioned::new(field, pos));
    let selection_set = SelectionSet { items: vec![Positioned::new(field, pos)] };
    let selection_set = Positioned::new(selection_set, pos);
    Selection::InlineFragment(Positioned::new(
        // Without a type condition it applies to every type, like the field itself.
        InlineFragment { type_condition: None, directives, selection_set },
        pos,
    ))
}
