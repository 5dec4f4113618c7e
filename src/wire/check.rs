//! What `check` says of a store.

use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::CheckReport;

/// What a check examined, and what is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckAnswer {
    /// The revision that was examined.
    revision: u64,
    /// How many facts the log holds.
    changes: u64,
    /// How many entities the store holds, ended ones too.
    entities: u64,
    /// How many mappings the store holds, ended ones too.
    mappings: u64,
    /// How many tokens the store holds, revoked ones too.
    tokens: u64,
    /// What is wrong, each a sentence; nothing when all is well.
    findings: Vec<String>,
}

impl From<CheckReport> for CheckAnswer {
    fn from(checked: CheckReport) -> Self {
        let CheckReport { revision, changes, entities, mappings, tokens, findings } = checked;
        Self { revision: revision.0, changes, entities, mappings, tokens, findings }
    }
}
