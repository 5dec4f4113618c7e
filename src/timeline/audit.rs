//! The audit trail: who changed what and when, with each record before and after. Read from the end of the change log.
//!
//! Invariant: memory is bounded by the size of a page, however large the log and its entries are. The earlier state of
//! a record is searched for no further back than necessary.

mod before;
mod entry;
mod page;

use std::collections::{HashMap, HashSet};

use crate::error::{Error, StoreError};
use crate::model::change::RecordId;
use crate::model::entity::{EntityId, Revision};
use crate::model::text::fold;
use crate::store::History;

use self::before::find_before;
use self::page::AuditPage;

pub use self::entry::{
    Audit, AuditAction, AuditChange, AuditEntry, AuditRecord, AuditRequest, AuditSet, RecordName,
};

/// Reads one page, from the newest entry down.
///
/// # Errors
/// The log cannot be read, or the earlier states of the page's records are too large.
pub(crate) fn read(history: &History, request: &AuditRequest) -> Result<Audit, Error> {
    let only = request.record.as_ref().map(|record| named(history, record)).transpose()?;
    let mut page = AuditPage::new(history, request.changes, only);
    let newest = history.revision();
    // Revisions start at 1. Clients may send any `before`, also 0 or one that does not exist yet.
    let mut at = request.before.map_or(newest, |before| newest.min(Revision(before.0.saturating_sub(1))));
    while at > Revision(0) && page.takes_more(request.entries) {
        page.take(at)?;
        at = Revision(at.0 - 1);
    }
    // In a second pass, down from the oldest search: one reading of an entry serves all searches of the page.
    let (mut entries, wanted) = page.finish();
    find_before(history, &mut entries, wanted)?;
    let keys = keys(history, &entries)?;
    // `before` is exclusive, so the next page begins at `at` itself.
    Ok(Audit { entries, next: (at > Revision(0)).then_some(at.next()), keys })
}

/// The ids of the records with this name, deleted ones included.
fn named(history: &History, record: &RecordName) -> Result<HashSet<RecordId>, StoreError> {
    match record {
        RecordName::Mapping(id) => Ok(HashSet::from([RecordId::Mapping(*id)])),
        RecordName::Token(id) => Ok(HashSet::from([RecordId::Token(id.clone())])),
        RecordName::Entity(kind, key) => {
            // A scan of all entities ever stored: the indexes only have those that exist now, under their current keys.
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

/// The last key of every entity that a record refers to by its id.
fn keys(history: &History, entries: &[AuditEntry]) -> Result<HashMap<EntityId, String>, StoreError> {
    let mut keys = HashMap::new();
    let changes = entries.iter().flat_map(|entry| &entry.sets).flat_map(|set| &set.changes);
    for record in changes.flat_map(|change| [&change.before, &change.after]).flatten() {
        for id in record.references() {
            if !keys.contains_key(&id)
                && let Some((entity, _)) = history.entity(id)?
            {
                keys.insert(id, entity.label().to_owned());
            }
        }
    }
    Ok(keys)
}
