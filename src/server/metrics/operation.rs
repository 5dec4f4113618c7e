//! Names of GraphQL operations. Clients choose them, so only the first so many are told apart.

use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashSet;

use crate::server::limits::{OPERATION_NAME_MAX_BYTES, OPERATION_NAMES_MAX};

/// What all names are counted under that are not told apart.
const OTHER: &str = "other";
/// What operations are counted under that have no name.
const ANONYMOUS: &str = "anonymous";

/// What an operation is counted under.
#[derive(Debug, Clone)]
pub(crate) struct OperationLabel {
    pub(super) name: Arc<str>,
    pub(super) kind: &'static str,
}

impl OperationLabel {
    /// The span of carrying it out.
    pub(crate) fn span(&self) -> tracing::Span {
        tracing::info_span!("graphql", otel.name = %format_args!("{} {}", self.kind, self.name))
    }
}

#[cfg(test)]
impl OperationLabel {
    pub(crate) fn of(name: &str, kind: &'static str) -> Self {
        Self { name: name.into(), kind }
    }
}

/// The names that are told apart.
#[derive(Debug, Default)]
pub(super) struct OperationNames(RwLock<FxHashSet<Arc<str>>>);

impl OperationNames {
    /// What an operation of this name is counted under.
    pub(super) fn counted(&self, name: Option<&str>) -> Arc<str> {
        let name = name.unwrap_or(ANONYMOUS);
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(name) = known.get(name) {
                return Arc::clone(name);
            }
            if known.len() >= OPERATION_NAMES_MAX || !is_taken(name) {
                return OTHER.into();
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Others may have come between.
        if known.len() < OPERATION_NAMES_MAX {
            known.insert(name.into());
        }
        known.get(name).map_or_else(|| OTHER.into(), Arc::clone)
    }
}

/// Whether it looks like a name of GraphQL, and is not too long to be shown.
fn is_taken(name: &str) -> bool {
    name.len() <= OPERATION_NAME_MAX_BYTES
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_names_are_told_apart_and_those_stay() {
        let names = OperationNames::default();
        let long = "x".repeat(OPERATION_NAME_MAX_BYTES + 1);
        for (name, counted) in [
            (None, ANONYMOUS),
            (Some("People"), "People"),
            (Some("two words"), OTHER),
            (Some("a\"b"), OTHER),
            (Some(long.as_str()), OTHER),
        ] {
            assert_eq!(&*names.counted(name), counted);
        }
        let told: FxHashSet<_> = (0..10_000).map(|at| names.counted(Some(&format!("O{at}")))).collect();
        // Two were there before, and one more is what the rest is counted under.
        assert_eq!(told.len(), OPERATION_NAMES_MAX - 2 + 1);
        assert_eq!(&*names.counted(Some("People")), "People");
    }
}
