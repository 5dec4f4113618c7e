//! `__typename` as validation would have it, since async-graphql's passes over it.
//!
//! Its directives move to an inline fragment around it, which means the same and is validated.

use async_graphql::parser::types::{ExecutableDocument, Field, InlineFragment, Selection, SelectionSet};
use async_graphql::{Pos, Positioned};

use crate::server::response::problem::{Problem, Result};

/// Refuses arguments and fields of `__typename`, and puts its directives where they are seen.
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
            Selection::FragmentSpread(_) => Ok(()),
        }
    })
}

fn bare(field: &Field, pos: Pos) -> Result<()> {
    if field.arguments.is_empty() && field.selection_set.node.items.is_empty() {
        return Ok(());
    }
    let status = axum::http::StatusCode::BAD_REQUEST;
    Err(Problem::new(status, "invalid-query", "__typename takes no arguments and has no fields")
        .with("line", pos.line)
        .with("column", pos.column))
}

fn enclosed(mut field: Field, pos: Pos) -> Selection {
    let directives = std::mem::take(&mut field.directives);
    let field = Selection::Field(Positioned::new(field, pos));
    let selection_set = SelectionSet { items: vec![Positioned::new(field, pos)] };
    let selection_set = Positioned::new(selection_set, pos);
    Selection::InlineFragment(Positioned::new(
        InlineFragment { type_condition: None, directives, selection_set },
        pos,
    ))
}
