//! Labels for GraphQL operation names, with bounded cardinality.
//!
//! Invariant: clients choose the names, so at most `OPERATION_NAMES_MAX` have a label of their own: the first ones. A
//! name that has one keeps it.

use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashSet;

use crate::server::limits::{OPERATION_NAME_MAX_BYTES, OPERATION_NAMES_MAX};

/// The label of all names without a label of their own.
const OTHER: &str = "other";
/// The label of operations without a name.
const ANONYMOUS: &str = "anonymous";

/// The label of an operation.
#[derive(Debug, Clone)]
pub(crate) struct OperationLabel {
    pub(super) name: Arc<str>,
    pub(super) kind: &'static str,
}

impl OperationLabel {
    /// A tracing span for the operation.
    pub(crate) fn span(&self) -> tracing::Span {
        tracing::info_span!(
            "graphql",
            otel.name = %format_args!("{} {}", self.kind, self.name),
            graphql.operation.name = %self.name,
            "graphql.operation.type" = self.kind,
        )
    }
}

/// The names that have a label.
#[derive(Debug, Default)]
pub(super) struct OperationNames(RwLock<FxHashSet<Arc<str>>>);

impl OperationNames {
    /// The label of an operation of this name.
    pub(super) fn label(&self, name: Option<&str>) -> Arc<str> {
        let name = name.unwrap_or(ANONYMOUS);
        // Almost always a known name or a full table, so most requests only take the read lock.
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(name) = known.get(name) {
                return Arc::clone(name);
            }
            if known.len() >= OPERATION_NAMES_MAX || !is_valid(name) {
                return OTHER.into();
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Checked again: between the two locks, other threads may have filled the table.
        if known.len() < OPERATION_NAMES_MAX {
            known.insert(name.into());
        }
        known.get(name).map_or_else(|| OTHER.into(), Arc::clone)
    }
}

/// Whether it is a short GraphQL name.
// Clients choose it, and it ends up in metrics, traces and dashboards.
fn is_valid(name: &str) -> bool {
    name.len() <= OPERATION_NAME_MAX_BYTES
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_labels_is_bounded_and_labels_stay() {
        let names = OperationNames::default();
        let long = "x".repeat(OPERATION_NAME_MAX_BYTES + 1);
        for (name, label) in [
            (None, ANONYMOUS),
            (Some("People"), "People"),
            (Some("two words"), OTHER),
            (Some("a\"b"), OTHER),
            (Some(long.as_str()), OTHER),
        ] {
            assert_eq!(&*names.label(name), label);
        }
        let labels: FxHashSet<_> = (0..10_000).map(|at| names.label(Some(&format!("O{at}")))).collect();
        // Two were there before, and one more is the label of the rest.
        assert_eq!(labels.len(), OPERATION_NAMES_MAX - 2 + 1);
        assert_eq!(&*names.label(Some("People")), "People");
    }
}
