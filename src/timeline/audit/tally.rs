//! Counts the changes of a change set by kind and action, without decoding the records.
//!
//! Invariant: what is counted as created was not in the log before, also if commits share a time.

use std::collections::{BTreeMap, HashMap, HashSet};

use roaring::RoaringBitmap;

use crate::error::StoreError;
use crate::model::change::{Change, RecordId};
use crate::model::entity::Revision;
use crate::model::mapping::MappingId;
use crate::model::time::Timestamp;
use crate::model::token::TokenId;
use crate::store::{History, LoggedItem};
use crate::timeline::audit::entry::{AuditAction, AuditCount, AuditKind};

/// The records of a log entry so far, and those of earlier entries of the same moment.
#[derive(Default)]
pub(super) struct CreatedNow {
    revision: Revision,
    at: Timestamp,
    entities: RoaringBitmap,
    mappings: HashSet<MappingId>,
    tokens: HashSet<TokenId>,
    /// The first entry of this moment that has each record; `None` until it is needed.
    // Kept from entry to entry: after a clock was set back, very many have the same moment.
    first: Option<HashMap<RecordId, Revision>>,
}

/// The number of changes by kind and action.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<(AuditKind, AuditAction), u64>);

impl CreatedNow {
    /// Begins the entry of `revision`, which must lie below those before it.
    pub(super) fn begin(&mut self, revision: Revision, at: Timestamp) {
        let first = self.first.take().filter(|_| self.at == at);
        *self = Self { revision, at, first, ..Self::default() };
    }

    /// Notes a record of the entry. Whether it is the first time.
    pub(super) fn note(&mut self, id: RecordId) -> bool {
        match id {
            RecordId::Entity(id) => self.entities.insert(id.0),
            RecordId::Mapping(id) => self.mappings.insert(id),
            RecordId::Token(id) => self.tokens.insert(id),
        }
    }

    /// Notes a record of the entry, which was created at its moment. Whether this change created it.
    fn is_new(&mut self, history: &History, id: &RecordId) -> Result<bool, StoreError> {
        if !self.note(id.clone()) {
            return Ok(false);
        }
        let first = match &mut self.first {
            Some(first) => first,
            none => none.insert(first_of_moment(history, self.revision, self.at)?),
        };
        Ok(first.get(id).is_none_or(|first| *first >= self.revision))
    }
}

/// The records of the entries of the moment `at` before `end`, each with the first of these entries that has it.
fn first_of_moment(
    history: &History,
    end: Revision,
    at: Timestamp,
) -> Result<HashMap<RecordId, Revision>, StoreError> {
    let mut first = HashMap::new();
    let mut earlier = Revision(end.0.saturating_sub(1));
    while earlier > Revision(0) && history.head(earlier)?.at == at {
        history.entry(earlier, &mut |item| {
            if let Some(id) = item.about()? {
                first.insert(id, earlier);
            }
            Ok(())
        })?;
        earlier = Revision(earlier.0 - 1);
    }
    Ok(first)
}

impl Tally {
    /// Counts the change of the record `id`, which was committed at `at`.
    pub(super) fn count(
        &mut self,
        history: &History,
        created: &mut CreatedNow,
        item: &LoggedItem<'_>,
        id: &RecordId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut put = |created_at: Timestamp| -> Result<AuditAction, StoreError> {
            let is_new = created_at == at && created.is_new(history, id)?;
            Ok(if is_new { AuditAction::Created } else { AuditAction::Updated })
        };
        let counted = match item.outline()? {
            Some((kind, created_at)) => (kind.map_or(AuditKind::Mapping, AuditKind::from), put(created_at)?),
            None => match item.change()? {
                Some(Change::EndEntity { id, .. }) => {
                    let Some((entity, _)) = history.entity(id)? else { return Ok(()) };
                    (entity.kind().into(), AuditAction::Ended)
                }
                Some(Change::EndMapping { .. }) => (AuditKind::Mapping, AuditAction::Ended),
                Some(Change::PutToken(token)) if token.revoked_at == Some(at) => {
                    (AuditKind::Token, AuditAction::Ended)
                }
                Some(Change::PutToken(token)) => (AuditKind::Token, put(token.created_at)?),
                _ => return Ok(()),
            },
        };
        *self.0.entry(counted).or_default() += 1;
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<AuditCount> {
        self.0.into_iter().map(|((kind, what), count)| AuditCount { kind, what, count }).collect()
    }
}
