//! The entries of one page, gathered from the newest down, with what is still to be found of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::StoreError;
use crate::model::change::{Change, RecordId};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::store::{Head, History, Logged};
use crate::timeline::audit::before::{ChangeIndex, EarlierRecord};
use crate::timeline::audit::entry::{AuditAction, AuditChange, AuditEntry, AuditRecord, AuditSet};

/// A page shows no more changes once their records have so many bytes in the store.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// A page shows at most so many changes.
const PAGE_CHANGES_MAX: usize = 10_000;
/// A page that looks for changes of one record passes over at most so many entries without any.
const PASSED_OVER_MAX: usize = 100_000;

/// A page that is being gathered.
pub(super) struct AuditPage<'h> {
    history: &'h History,
    /// Of each change set, at most so many changes.
    per_set: usize,
    /// Only changes of these.
    only: Option<HashSet<RecordId>>,
    entries: Vec<AuditEntry>,
    wanted: EarlierRecord,
    bytes: usize,
    changes: usize,
    passed_over: usize,
}

/// One entry that is being gathered.
struct Gathering<'p, 'h> {
    page: &'p mut AuditPage<'h>,
    revision: Revision,
    /// When it was committed.
    at: Timestamp,
    sets: Vec<AuditSet>,
    /// How many facts were looked at.
    facts: usize,
    /// Each record as it was last seen in this entry.
    seen: HashMap<RecordId, AuditRecord>,
    /// Whether every fact so far is in `seen`.
    saw_all: bool,
}

impl<'h> AuditPage<'h> {
    pub(super) fn new(history: &'h History, per_set: usize, only: Option<HashSet<RecordId>>) -> Self {
        let (entries, wanted) = (Vec::new(), EarlierRecord::default());
        Self { history, per_set, only, entries, wanted, bytes: 0, changes: 0, passed_over: 0 }
    }

    /// Whether there is room for one more entry.
    pub(super) fn takes_more(&self, entries_max: usize) -> bool {
        self.entries.len() < entries_max && self.has_room() && self.passed_over < PASSED_OVER_MAX
    }

    fn has_room(&self) -> bool {
        self.bytes < PAGE_BYTES_MAX && self.changes < PAGE_CHANGES_MAX
    }

    /// Gathers the entry of `revision`.
    pub(super) fn take(&mut self, revision: Revision) -> Result<(), StoreError> {
        let history = self.history;
        let Head { id, at } = history.head(revision)?;
        let mut gathering = Gathering {
            page: self,
            revision,
            at,
            sets: Vec::new(),
            facts: 0,
            seen: HashMap::new(),
            saw_all: true,
        };
        history.entry(revision, &mut |fact| gathering.take(&fact))?;
        let mut sets = gathering.sets;
        if self.only.is_some() {
            // The places of what is wanted are those among the sets that stay.
            sets.retain(|set| !set.changes.is_empty());
        }
        if self.only.is_none() || !sets.is_empty() {
            self.entries.push(AuditEntry { revision, id, at, sets });
        } else {
            self.passed_over += 1;
        }
        Ok(())
    }

    /// The entries, and what is to be found of them.
    pub(super) fn finish(self) -> (Vec<AuditEntry>, EarlierRecord) {
        (self.entries, self.wanted)
    }
}

impl Gathering<'_, '_> {
    fn take(&mut self, fact: &Logged<'_>) -> Result<(), StoreError> {
        if let Some(actor) = fact.begins()? {
            // A set of which nothing is shown gives way to the next, where only one record is looked for.
            if self.page.only.is_some() && self.sets.last().is_some_and(|set| set.changes.is_empty()) {
                self.sets.pop();
            }
            self.sets.push(AuditSet { actor, count: 0, changes: Vec::new() });
            return Ok(());
        }
        let position = self.facts;
        self.facts += 1;
        let in_set = self.sets.len().saturating_sub(1);
        let (Some(set), Some(id)) = (self.sets.last_mut(), fact.about()?) else { return Ok(()) };
        set.count += 1;
        if self.page.only.as_ref().is_some_and(|only| !only.contains(&id)) {
            return Ok(());
        }
        if set.changes.len() >= self.page.per_set || !self.page.has_room() {
            self.saw_all = false;
            return Ok(());
        }
        let place = ChangeIndex { entry: self.page.entries.len(), set: in_set, change: set.changes.len() };
        if let Some((change, size_bytes)) = self.read(fact, id, position, place)? {
            self.page.changes += 1;
            self.page.bytes += size_bytes;
            self.sets[place.set].changes.push(change);
        }
        Ok(())
    }

    /// The change that a fact is, and how many bytes it has in the store.
    fn read(
        &mut self,
        fact: &Logged<'_>,
        id: RecordId,
        position: usize,
        place: ChangeIndex,
    ) -> Result<Option<(AuditChange, usize)>, StoreError> {
        let Some(change) = fact.change()? else { return Ok(None) };
        let (after, created_at, is_revoked) = match change {
            // What has ended never changes again, so it still stands as it was.
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
            let created_now = (created_at == self.at).then_some(created_at);
            // Where all facts before it were seen, none of them can be the one that is looked for.
            let position = if self.saw_all { 0 } else { position };
            self.page.wanted.want(id, (self.revision, position), created_now, place);
        }
        let what = match (is_revoked, &before) {
            (true, _) => AuditAction::Ended,
            (false, Some(_)) => AuditAction::Updated,
            // Unless what it was is found.
            (false, None) => AuditAction::Created,
        };
        let after = Some(after).filter(|_| !is_revoked);
        Ok(Some((AuditChange { what, before, after }, fact.size_bytes())))
    }
}

fn ended(was: AuditRecord) -> AuditChange {
    AuditChange { what: AuditAction::Ended, before: Some(was), after: None }
}
