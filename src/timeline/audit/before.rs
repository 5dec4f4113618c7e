//! The search for earlier records: what the records of an audit page were before each change. Reads the log from the
//! page down, until every search has ended.
//!
//! Invariant: an entry is read only if a search may end in it.

use std::collections::HashMap;

use crate::error::{Error, StoreError};
use crate::model::change::{Change, RecordId};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::store::{History, LoggedItem};
use crate::timeline::audit::entry::{AuditAction, AuditEntry, AuditRecord};

/// Maximum stored size of the earlier records of one page, in bytes. More is an [`Error::TooLarge`].
const BEFORE_BYTES_MAX: usize = 32 << 20;

/// The position of a change on a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangeIndex {
    pub(super) entry: usize,
    pub(super) set: usize,
    pub(super) change: usize,
}

/// All searches of a page, by record.
// Several changes of one record on a page are several searches.
#[derive(Default)]
pub(super) struct EarlierRecord(HashMap<RecordId, Vec<Search>>);

/// One search for the earlier state of a record.
struct Search {
    /// The earlier state is before this item of this entry.
    until: (Revision, usize),
    /// The creation time of the record, if this change may have created it.
    // Equal times are no proof: two commits may have the same one.
    created_at: Option<Timestamp>,
    index: ChangeIndex,
    found: Option<AuditRecord>,
}

impl EarlierRecord {
    /// Adds a search.
    pub(super) fn want(
        &mut self,
        id: RecordId,
        until: (Revision, usize),
        created_at: Option<Timestamp>,
        index: ChangeIndex,
    ) {
        let search = Search { until, created_at, index, found: None };
        self.0.entry(id).or_default().push(search);
    }

    /// The last entry, from `at` down, in which a search may end.
    fn last(&self, at: Revision) -> Revision {
        let untils = self.0.values().flatten().map(|search| match search.until {
            // Nothing of that entry lies before its first item.
            (revision, 0) => Revision(revision.0 - 1),
            (revision, _) => revision,
        });
        untils.max().unwrap_or_default().min(at)
    }
}

/// Sets [`before`](crate::timeline::audit::AuditChange::before) of each change of `entries` that `wanted` searches for.
///
/// # Errors
/// The log cannot be read, or the earlier records are larger than the maximum.
pub(super) fn find_before(
    history: &History,
    entries: &mut [AuditEntry],
    mut wanted: EarlierRecord,
) -> Result<(), Error> {
    let mut at = wanted.last(history.revision());
    let mut bytes = 0;
    while at > Revision(0) && !wanted.0.is_empty() {
        let committed_at = history.head(at)?.at;
        // A record that its change created has no earlier state. Entries may share a time, so the search goes on
        // through all entries of the creation time, and ends at the first older one.
        wanted.retain(|search| {
            let is_reached = search.until.0 > at;
            !is_reached || search.created_at.is_none_or(|created_at| created_at == committed_at)
        });
        if wanted.0.is_empty() {
            break;
        }
        let mut position = 0;
        history.entry(at, &mut |item| {
            if let Some(id) = item.about()? {
                wanted.visit(&id, (at, position), &item, &mut bytes)?;
                position += 1;
            }
            Ok(())
        })?;
        if bytes > BEFORE_BYTES_MAX {
            let what = "the earlier records of one page, in bytes (request fewer entries or changes),";
            return Err(Error::TooLarge { what, limit: BEFORE_BYTES_MAX });
        }
        // After the whole entry: of several earlier items of a record in it, the last one counts.
        wanted.retain(|search| match search.found.take() {
            Some(found) => {
                let ChangeIndex { entry, set, change } = search.index;
                let change = &mut entries[entry].sets[set].changes[change];
                change.before = Some(found);
                // Not a revoked token: that stays `Ended`.
                if change.what == AuditAction::Created {
                    change.what = AuditAction::Updated;
                }
                false
            }
            None => true,
        });
        at = wanted.last(Revision(at.0 - 1));
    }
    Ok(())
}

impl EarlierRecord {
    /// Keeps only the searches for which `goes_on` is true.
    fn retain(&mut self, mut goes_on: impl FnMut(&mut Search) -> bool) {
        self.0.retain(|_, searches| {
            searches.retain_mut(&mut goes_on);
            !searches.is_empty()
        });
    }

    /// Notes an item of the record `id` as found by all searches that it lies before.
    fn visit(
        &mut self,
        id: &RecordId,
        at: (Revision, usize),
        item: &LoggedItem<'_>,
        bytes: &mut usize,
    ) -> Result<(), StoreError> {
        let Some(searches) = self.0.get_mut(id) else { return Ok(()) };
        for search in searches.iter_mut().filter(|search| at < search.until) {
            // Stop reading at once: one entry may have any number of items. The caller reports the error.
            if *bytes > BEFORE_BYTES_MAX {
                break;
            }
            let record = match item.change()? {
                Some(Change::PutEntity(entity)) => AuditRecord::Entity(entity),
                Some(Change::PutMapping(mapping)) => AuditRecord::Mapping(mapping),
                Some(Change::PutToken(token)) => AuditRecord::Token(token),
                _ => continue,
            };
            *bytes += item.size_bytes();
            search.found = Some(record);
        }
        Ok(())
    }
}
