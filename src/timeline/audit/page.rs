//! The builder of an audit page: collects entries from the newest down, and the searches for earlier records.
//!
//! Invariant: a page stops growing at fixed limits of bytes, changes and skipped entries, whatever the request says.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::StoreError;
use crate::model::change::{Change, RecordId};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::Actor;
use crate::store::{Head, History, LoggedItem};
use crate::timeline::audit::before::{ChangeIndex, EarlierRecord};
use crate::timeline::audit::entry::{AuditAction, AuditChange, AuditEntry, AuditRecord, AuditSet};
use crate::timeline::audit::matching::Matching;
use crate::timeline::audit::tally::{CreatedNow, Tally};

/// Once the stored records of a page have this many bytes, it gets no more changes.
// Checked before each change, so the last one may exceed it.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// Maximum number of changes of a page.
const PAGE_CHANGES_MAX: usize = 10_000;
/// Maximum number of entries without a match that a page with conditions skips.
// The page then ends with a `next`, possibly without entries, so that one request never scans the whole log.
const SKIPPED_MAX: usize = 100_000;

/// A page that is being collected.
pub(super) struct AuditPage<'h> {
    history: &'h History,
    /// Maximum number of changes of each change set.
    per_set: usize,
    /// Only change sets of these actors; empty for all.
    by: &'h [Actor],
    /// Only changes of these records.
    matching: Matching,
    entries: Vec<AuditEntry>,
    wanted: EarlierRecord,
    created: CreatedNow,
    bytes: usize,
    changes: usize,
    skipped: usize,
}

/// An entry that is being collected.
struct EntryBuilder<'p, 'h> {
    page: &'p mut AuditPage<'h>,
    revision: Revision,
    /// When it was committed.
    at: Timestamp,
    sets: Vec<AuditSet>,
    /// Whether the items are those of a change set of another actor.
    is_skipping: bool,
    /// The counts of the last of `sets`.
    tally: Tally,
    /// The number of items so far.
    items: usize,
    /// Each record after its last change so far in this entry: what it was before its next change.
    seen: HashMap<RecordId, AuditRecord>,
    /// Whether every item so far was read into `seen`. No longer, once one was left out for a limit.
    saw_all: bool,
}

impl<'h> AuditPage<'h> {
    pub(super) fn new(history: &'h History, per_set: usize, by: &'h [Actor], matching: Matching) -> Self {
        let (entries, wanted, created) = (Vec::new(), EarlierRecord::default(), CreatedNow::default());
        Self { history, per_set, by, matching, entries, wanted, created, bytes: 0, changes: 0, skipped: 0 }
    }

    /// Whether entries and change sets without a match are left out.
    fn is_filtered(&self) -> bool {
        !self.by.is_empty() || !self.matching.is_all()
    }

    /// Whether the page takes one more entry.
    pub(super) fn takes_more(&self, entries_max: usize) -> bool {
        self.entries.len() < entries_max && self.has_capacity() && self.skipped < SKIPPED_MAX
    }

    fn has_capacity(&self) -> bool {
        self.bytes < PAGE_BYTES_MAX && self.changes < PAGE_CHANGES_MAX
    }

    /// Collects the entry of `revision`.
    pub(super) fn take(&mut self, revision: Revision) -> Result<(), StoreError> {
        let history = self.history;
        let Head { id, at } = history.head(revision)?;
        self.created.begin(revision, at);
        let mut builder = EntryBuilder {
            page: self,
            revision,
            at,
            sets: Vec::new(),
            is_skipping: false,
            tally: Tally::default(),
            items: 0,
            seen: HashMap::new(),
            saw_all: true,
        };
        history.entry(revision, &mut |item| builder.take(&item))?;
        builder.close_set();
        let sets = builder.sets;
        if !self.is_filtered() || !sets.is_empty() {
            self.entries.push(AuditEntry { revision, id, at, sets });
        } else {
            self.skipped += 1;
        }
        Ok(())
    }

    /// The entries, and the searches for what their records were before.
    pub(super) fn finish(self) -> (Vec<AuditEntry>, EarlierRecord) {
        (self.entries, self.wanted)
    }
}

impl EntryBuilder<'_, '_> {
    fn take(&mut self, item: &LoggedItem<'_>) -> Result<(), StoreError> {
        if let Some(actor) = item.begins()? {
            self.close_set();
            self.is_skipping = !self.page.by.is_empty() && !self.page.by.contains(&actor);
            if !self.is_skipping {
                self.sets.push(AuditSet { actor, count: 0, summary: Vec::new(), changes: Vec::new() });
            }
            return Ok(());
        }
        let position = self.items;
        self.items += 1;
        // Every item counts for the position, also those that are not read: `EarlierRecord` counts the same way.
        let Some(id) = item.about()? else { return Ok(()) };
        let at = (self.revision, position);
        if self.is_skipping || !self.page.matching.holds(self.page.history, item, &id, at)? {
            // A later item of this entry may be of the same record: in another set, or of a mapping with other ends.
            self.page.created.note(id);
            self.saw_all = false;
            return Ok(());
        }
        let in_set = self.sets.len().saturating_sub(1);
        let Some(set) = self.sets.last_mut() else { return Ok(()) };
        set.count += 1;
        self.tally.count(self.page.history, &mut self.page.created, item, &id, self.at)?;
        if set.changes.len() >= self.page.per_set || !self.page.has_capacity() {
            self.saw_all = false;
            return Ok(());
        }
        let index = ChangeIndex { entry: self.page.entries.len(), set: in_set, change: set.changes.len() };
        if let Some((change, size_bytes)) = self.read(item, id, position, index)? {
            self.page.changes += 1;
            self.page.bytes += size_bytes;
            self.sets[index.set].changes.push(change);
        }
        Ok(())
    }

    /// Completes the last change set, or removes it if nothing in it matches.
    // Removed before the next one is added, so that the indexes in `wanted` stay valid.
    fn close_set(&mut self) {
        let summary = std::mem::take(&mut self.tally).finish();
        if self.is_skipping {
            return;
        }
        match self.sets.last_mut() {
            Some(set) if self.page.is_filtered() && set.count == 0 => _ = self.sets.pop(),
            Some(set) => set.summary = summary,
            None => {}
        }
    }

    /// The change that an item describes, and its stored size in bytes.
    fn read(
        &mut self,
        item: &LoggedItem<'_>,
        id: RecordId,
        position: usize,
        index: ChangeIndex,
    ) -> Result<Option<(AuditChange, usize)>, StoreError> {
        let Some(change) = item.change()? else { return Ok(None) };
        let (after, created_at, is_revoked) = match change {
            // A deleted record never changes again, so the stored one is what it was before.
            Change::EndEntity { id, .. } => {
                let found = self.page.history.entity(id)?;
                return Ok(found.map(|(was, size)| (ended(AuditRecord::Entity(Arc::new(was))), size)));
            }
            Change::EndMapping { id, .. } => {
                let found = self.page.history.mapping(id)?;
                return Ok(found.map(|(was, size)| (ended(AuditRecord::Mapping(Arc::new(was))), size)));
            }
            Change::PutEntity(entity) => {
                let created_at = entity.stamps.created_at;
                (AuditRecord::Entity(entity), created_at, false)
            }
            Change::PutMapping(mapping) => {
                let created_at = mapping.stamps.created_at;
                (AuditRecord::Mapping(mapping), created_at, false)
            }
            Change::PutToken(token) => {
                let (created_at, is_revoked) = (token.created_at, token.revoked_at == Some(self.at));
                (AuditRecord::Token(token), created_at, is_revoked)
            }
        };
        let before = self.seen.insert(id.clone(), after.clone());
        if before.is_none() {
            // Equal times make it likely that this change created the record. `before.rs` proves it.
            let created_now = (created_at == self.at).then_some(created_at);
            // If all items of the entry before this one were read, none of them is of this record. Position 0 then lets
            // the search begin in the entry before, without reading this one again.
            let position = if self.saw_all { 0 } else { position };
            self.page.wanted.want(id, (self.revision, position), created_now, index);
        }
        let what = match (is_revoked, &before) {
            (true, _) => AuditAction::Ended,
            (false, Some(_)) => AuditAction::Updated,
            // For now: it becomes `Updated` if an earlier state is found.
            (false, None) => AuditAction::Created,
        };
        let after = Some(after).filter(|_| !is_revoked);
        Ok(Some((AuditChange::new(what, before, after), item.size_bytes())))
    }
}

fn ended(was: AuditRecord) -> AuditChange {
    AuditChange::new(AuditAction::Ended, Some(was), None)
}
