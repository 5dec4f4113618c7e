//! What the records of a page were before: looked for from the page down, until all of it is found.

use std::collections::HashMap;

use crate::error::{Error, StoreError};
use crate::model::change::{Change, RecordId};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::store::{History, Logged};
use crate::timeline::audit::entry::{AuditAction, AuditEntry, AuditRecord};

/// What the records of a page were may have so many bytes in the store.
const BEFORE_BYTES_MAX: usize = 32 << 20;

/// Where a change stands on a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangeIndex {
    pub(super) entry: usize,
    pub(super) set: usize,
    pub(super) change: usize,
}

/// What is looked for.
#[derive(Default)]
pub(super) struct EarlierRecord(HashMap<RecordId, Vec<Search>>);

/// One search for what a record was.
struct Search {
    /// Before this fact of this entry.
    until: (Revision, usize),
    /// When the record was created, where that may have been with this very change. A moment is no proof: two entries
    /// may have the same.
    created_at: Option<Timestamp>,
    place: ChangeIndex,
    found: Option<AuditRecord>,
}

impl EarlierRecord {
    pub(super) fn want(
        &mut self,
        id: RecordId,
        until: (Revision, usize),
        created_at: Option<Timestamp>,
        place: ChangeIndex,
    ) {
        let search = Search { until, created_at, place, found: None };
        self.0.entry(id).or_default().push(search);
    }

    /// The last entry that may hold something that is looked for, from `at` down.
    fn last(&self, at: Revision) -> Revision {
        let untils = self.0.values().flatten().map(|search| match search.until {
            (revision, 0) => Revision(revision.0 - 1),
            (revision, _) => revision,
        });
        untils.max().unwrap_or_default().min(at)
    }
}

/// Tells each change of `entries` that is wanted what its record was.
pub(super) fn find_before(
    history: &History,
    entries: &mut [AuditEntry],
    mut wanted: EarlierRecord,
) -> Result<(), Error> {
    let mut at = wanted.last(history.revision());
    let mut bytes = 0;
    while at > Revision(0) && !wanted.0.is_empty() {
        let committed_at = history.head(at)?.at;
        // What was created with its change has nothing before the entries of that moment.
        wanted.keep(|search| {
            let is_reached = search.until.0 > at;
            !is_reached || search.created_at.is_none_or(|created_at| created_at == committed_at)
        });
        if wanted.0.is_empty() {
            break;
        }
        let mut position = 0;
        history.entry(at, &mut |fact| {
            if let Some(id) = fact.about()? {
                wanted.look_at(&id, (at, position), &fact, &mut bytes)?;
                position += 1;
            }
            Ok(())
        })?;
        if bytes > BEFORE_BYTES_MAX {
            let what =
                "what the records of one page were before, in bytes (ask for fewer entries or changes)";
            return Err(Error::TooLarge { what, limit: BEFORE_BYTES_MAX });
        }
        wanted.keep(|search| match search.found.take() {
            Some(found) => {
                let ChangeIndex { entry, set, change } = search.place;
                let change = &mut entries[entry].sets[set].changes[change];
                change.before = Some(found);
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
    /// Goes on with these searches alone.
    fn keep(&mut self, mut goes_on: impl FnMut(&mut Search) -> bool) {
        self.0.retain(|_, searches| {
            searches.retain_mut(&mut goes_on);
            !searches.is_empty()
        });
    }

    fn look_at(
        &mut self,
        id: &RecordId,
        at: (Revision, usize),
        fact: &Logged<'_>,
        bytes: &mut usize,
    ) -> Result<(), StoreError> {
        let Some(searches) = self.0.get_mut(id) else { return Ok(()) };
        for search in searches.iter_mut().filter(|search| at < search.until) {
            if *bytes > BEFORE_BYTES_MAX {
                break;
            }
            let record = match fact.change()? {
                Some(Change::PutEntity(entity)) => AuditRecord::Entity(entity),
                Some(Change::PutMapping(mapping)) => AuditRecord::Mapping(mapping),
                Some(Change::PutToken(token)) => AuditRecord::Token(token),
                _ => continue,
            };
            *bytes += fact.size_bytes();
            search.found = Some(record);
        }
        Ok(())
    }
}
