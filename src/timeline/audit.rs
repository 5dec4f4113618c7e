//! The audit trail: who changed what and when, with each record before and after. Read from the end of the change log.
//!
//! Invariant: memory is bounded by the size of a page, however large the log is, and by some bytes for each record that an
//! entry created. The earlier state of a record is searched for no further back than necessary.

mod before;
mod departures;
mod entry;
mod matching;
mod moves;
mod page;
mod tally;

use std::collections::HashMap;

use crate::error::{Error, StoreError};
use crate::graph::View;
use crate::model::entity::{Body, Revision};
use crate::model::time::Timestamp;
use crate::store::History;

use self::before::find_before;
use self::matching::Matching;
use self::moves::find_moves;
use self::page::AuditPage;

pub use self::entry::{
    Audit, AuditAction, AuditChange, AuditCount, AuditEntry, AuditKind, AuditMove, AuditRecord, AuditRequest,
    AuditSet, RecordName,
};

/// Reads one page, from the newest entry down.
///
/// # Errors
/// The log cannot be read, the earlier states of the page's records are too large, or the unit or record of the request
/// is not found or ambiguous.
pub(crate) fn read(history: &History, view: &View, request: &AuditRequest) -> Result<Audit, Error> {
    let matching = Matching::of(history, view, request)?;
    let mut page = AuditPage::new(history, request.changes, &request.by, matching);
    let newest = history.revision();
    // Revisions start at 1. Clients may send any `before`, also 0 or one that does not exist yet.
    let mut at = request.before.map_or(newest, |before| newest.min(Revision(before.0.saturating_sub(1))));
    if let Some(until) = request.until {
        at = at.min(last_before(history, until)?);
    }
    // Moments in the log never go back, so everything below the first entry that is too old is too old.
    let first = match request.since {
        Some(since) => last_before(history, since)?.next(),
        None => Revision(1),
    };
    while at >= first && page.takes_more(request.entries) {
        page.take(at)?;
        at = Revision(at.0 - 1);
    }
    // In a second pass, down from the oldest search: one reading of an entry serves all searches of the page.
    let (mut entries, wanted) = page.finish();
    find_before(history, &mut entries, wanted)?;
    find_moves(history, &mut entries)?;
    let mut audit = Audit { entries, next: None, keys: HashMap::new(), names: HashMap::new() };
    // `before` is exclusive, so the next page begins at `at` itself.
    audit.next = (at >= first).then_some(at.next());
    name_references(history, &mut audit)?;
    Ok(audit)
}

/// The last revision that was committed before `moment`; 0 if there is none.
fn last_before(history: &History, moment: Timestamp) -> Result<Revision, StoreError> {
    let (mut low, mut high) = (0, history.revision().0);
    while low < high {
        let middle = high - (high - low) / 2;
        if history.head(Revision(middle))?.at < moment {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(Revision(low))
}

/// Adds the last key and name of every entity that a record refers to by its id.
fn name_references(history: &History, audit: &mut Audit) -> Result<(), StoreError> {
    let Audit { entries, keys, names, .. } = audit;
    for change in entries.iter().flat_map(|entry| &entry.sets).flat_map(|set| &set.changes) {
        let records = [&change.before, &change.after].into_iter().flatten();
        let parents = change.moved.iter().flat_map(|moved| [moved.from, moved.to]);
        for id in records.flat_map(AuditRecord::references).chain(parents) {
            if !keys.contains_key(&id)
                && let Some((entity, _)) = history.entity(id)?
            {
                keys.insert(id, entity.label().to_owned());
                match &entity.body {
                    Body::OrgUnit(unit) => _ = names.insert(id, unit.name.as_str().to_owned()),
                    Body::Project(project) => _ = names.insert(id, project.name.as_str().to_owned()),
                    _ => {}
                }
            }
        }
    }
    Ok(())
}
