//! Workaround: arguments whose variable is absent, which async-graphql refuses instead of leaving them out.
//!
//! Invariant: a document is changed only by removing what the specification says is as if it was not written (6.4.1).

use std::collections::HashSet;

use async_graphql::Name;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql_value::Value;

/// The document with this operation alone, without the arguments and input fields whose value is an absent variable.
/// `None` if the operation has all its variables.
pub(super) fn without_absent(
    document: &ExecutableDocument,
    name: Option<&str>,
    is_present: impl Fn(&Name) -> bool,
) -> Option<ExecutableDocument> {
    let only = match (&document.operations, name) {
        (DocumentOperations::Single(only), _) => only,
        (DocumentOperations::Multiple(all), Some(name)) => all.get(name)?,
        (DocumentOperations::Multiple(all), None) => all.values().next()?,
    };
    let declared = only.node.variable_definitions.iter().map(|variable| variable.node.name.node.clone());
    let absent: HashSet<Name> = declared.filter(|name| !is_present(name)).collect();
    if absent.is_empty() {
        return None;
    }
    let mut document = document.clone();
    // Other operations may declare the variables that are removed from fragments here, and would be invalid.
    if let DocumentOperations::Multiple(all) = &mut document.operations {
        all.retain(|known, _| name.is_none_or(|name| known.as_str() == name));
    }
    match &mut document.operations {
        DocumentOperations::Single(only) => remove_from(&mut only.node, &absent),
        DocumentOperations::Multiple(all) => {
            for operation in all.values_mut() {
                remove_from(&mut operation.node, &absent);
            }
        }
    }
    for fragment in document.fragments.values_mut() {
        in_set(&mut fragment.node.selection_set.node, &absent);
    }
    let mut used = HashSet::new();
    for (_, operation) in document.operations.iter() {
        spread_in(&document, &operation.node.selection_set.node, &mut used);
    }
    document.fragments.retain(|name, _| used.contains(name));
    Some(document)
}

fn remove_from(operation: &mut OperationDefinition, absent: &HashSet<Name>) {
    operation.variable_definitions.retain(|variable| !absent.contains(&variable.node.name.node));
    in_set(&mut operation.selection_set.node, absent);
}

fn in_set(set: &mut SelectionSet, absent: &HashSet<Name>) {
    for item in &mut set.items {
        match &mut item.node {
            Selection::Field(field) => {
                let field = &mut field.node;
                field.arguments.retain(|(_, value)| !is_absent(&value.node, absent));
                field.arguments.iter_mut().for_each(|(_, value)| in_value(&mut value.node, absent));
                in_set(&mut field.selection_set.node, absent);
            }
            Selection::InlineFragment(inline) => in_set(&mut inline.node.selection_set.node, absent),
            // Fragments are visited once each.
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn is_absent(value: &Value, absent: &HashSet<Name>) -> bool {
    matches!(value, Value::Variable(name) if absent.contains(name))
}

fn in_value(value: &mut Value, absent: &HashSet<Name>) {
    match value {
        Value::List(items) => {
            for item in items {
                // In a list, an absent variable is null (3.11).
                if is_absent(item, absent) {
                    *item = Value::Null;
                } else {
                    in_value(item, absent);
                }
            }
        }
        Value::Object(fields) => {
            fields.retain(|_, value| !is_absent(value, absent));
            fields.values_mut().for_each(|value| in_value(value, absent));
        }
        _ => {}
    }
}

/// Collects the names of the fragments that a selection set spreads, also through others.
// Bounded: each fragment is followed once, and the limits of nesting were checked before.
fn spread_in(document: &ExecutableDocument, set: &SelectionSet, used: &mut HashSet<Name>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => spread_in(document, &field.node.selection_set.node, used),
            Selection::InlineFragment(inline) => {
                spread_in(document, &inline.node.selection_set.node, used);
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if used.insert(name.clone())
                    && let Some(fragment) = document.fragments.get(name)
                {
                    spread_in(document, &fragment.node.selection_set.node, used);
                }
            }
        }
    }
}
