//! The JSON of an integrity check of a store.

use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::CheckReport;

/// The result of an integrity check: what was checked, and the problems found.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckAnswer {
    /// The revision that was checked.
    revision: u64,
    /// The number of changes in the log.
    changes: u64,
    /// The number of entities in the store, including ended ones.
    entities: u64,
    /// The number of mappings in the store, including ended ones.
    mappings: u64,
    /// The number of tokens in the store, including revoked ones.
    tokens: u64,
    /// The integrity problems, one sentence each; empty if the store is intact.
    findings: Vec<String>,
}

impl From<CheckReport> for CheckAnswer {
    fn from(checked: CheckReport) -> Self {
        // Destructured, so that a new field of the report does not compile until it is added here.
        let CheckReport { revision, changes, entities, mappings, tokens, findings } = checked;
        Self { revision: revision.0, changes, entities, mappings, tokens, findings }
    }
}
