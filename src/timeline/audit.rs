//! Who changed what, when, before and after: the log, read from its end.
//!
//! What must stay true: however large the log and its entries are, only so much of them is held at once as a page may
//! show; and what a record was is looked for no further back than it must be.

mod before;
mod entry;
mod page;

use std::collections::{HashMap, HashSet};

use crate::error::{Error, StoreError};
use crate::model::change::RecordId;
use crate::model::entity::{EntityId, Revision};
use crate::model::key::fold;
use crate::store::History;

use self::before::find_before;
use self::page::AuditPage;

pub use self::entry::{
    Audit, AuditAction, AuditChange, AuditEntry, AuditRecord, AuditRequest, AuditSet, RecordName,
};

/// Reads one page.
pub(crate) fn read(history: &History, asked: &AuditRequest) -> Result<Audit, Error> {
    let only = asked.record.as_ref().map(|record| named(history, record)).transpose()?;
    let mut page = AuditPage::new(history, asked.changes, only);
    let newest = history.revision();
    let mut at = asked.before.map_or(newest, |before| newest.min(Revision(before.0.saturating_sub(1))));
    while at > Revision(0) && page.takes_more(asked.entries) {
        page.take(at)?;
        at = Revision(at.0 - 1);
    }
    let (mut entries, wanted) = page.finish();
    find_before(history, &mut entries, wanted)?;
    let keys = keys(history, &entries)?;
    Ok(Audit { entries, next: (at > Revision(0)).then_some(at.next()), keys })
}

/// The records that are called so, ended ones too.
fn named(history: &History, record: &RecordName) -> Result<HashSet<RecordId>, StoreError> {
    match record {
        RecordName::Mapping(id) => Ok(HashSet::from([RecordId::Mapping(*id)])),
        RecordName::Token(id) => Ok(HashSet::from([RecordId::Token(id.clone())])),
        RecordName::Entity(kind, key) => {
            let key = fold(key.trim());
            let mut found = HashSet::new();
            history.each_entity(&mut |entity| {
                if entity.kind() == *kind && fold(entity.label()) == key {
                    found.insert(RecordId::Entity(entity.id));
                }
            })?;
            Ok(found)
        }
    }
}

/// The last key of every entity that a record names by its number.
fn keys(history: &History, entries: &[AuditEntry]) -> Result<HashMap<EntityId, String>, StoreError> {
    let mut keys = HashMap::new();
    let changes = entries.iter().flat_map(|entry| &entry.sets).flat_map(|set| &set.changes);
    for record in changes.flat_map(|change| [&change.before, &change.after]).flatten() {
        for id in record.names() {
            if !keys.contains_key(&id)
                && let Some((entity, _)) = history.entity(id)?
            {
                keys.insert(id, entity.label().to_owned());
            }
        }
    }
    Ok(keys)
}
