//! Store against graph against rules.

use std::sync::Arc;

use crate::error::Error;
use crate::graph::{Graph, View};
use crate::model::entity::Revision;
use crate::store::Store;

/// What was examined, and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The revision that was examined.
    pub revision: Revision,
    /// How many facts the log holds.
    pub changes: u64,
    /// How many entities the store holds, ended ones too.
    pub entities: u64,
    /// How many mappings the store holds, ended ones too.
    pub mappings: u64,
    /// How many tokens the store holds, revoked ones too.
    pub tokens: u64,
    /// What is wrong, each a sentence; nothing when all is well.
    pub findings: Vec<String>,
}

pub(super) fn check(store: &mut Store, view: &View) -> Result<Checked, Error> {
    let file = store.check()?;
    let mut findings: Vec<String> = file.findings.into_iter().map(|finding| finding.what).collect();
    let loaded = store.load()?;
    let stored =
        Graph::load(loaded.revision, loaded.next_entity, &loaded.entities, &loaded.mappings, loaded.tokens);
    findings.extend(view.differences(&View::of(Arc::new(stored))));
    findings.extend(view.broken_rules());
    Ok(Checked {
        revision: file.revision,
        changes: file.changes,
        entities: file.entities,
        mappings: file.mappings,
        tokens: file.tokens,
        findings,
    })
}
