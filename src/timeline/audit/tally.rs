//! Counts the changes of a change set by kind and action, without decoding the records.
//!
//! Invariant: what is counted as created was not in the log before, also if commits share a time.

use std::collections::{BTreeMap, HashSet};

use roaring::RoaringBitmap;

use crate::error::StoreError;
use crate::model::change::{Change, RecordId};
use crate::model::entity::Revision;
use crate::model::mapping::MappingId;
use crate::model::time::Timestamp;
use crate::model::token::TokenId;
use crate::store::{History, LoggedItem};
use crate::timeline::audit::entry::{AuditAction, AuditCount, AuditKind};

/// The records that were created at the moment of a log entry.
#[derive(Default)]
pub(super) struct CreatedNow {
    entities: RoaringBitmap,
    mappings: HashSet<MappingId>,
    tokens: HashSet<TokenId>,
}

/// The number of changes by kind and action.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<(AuditKind, AuditAction), u64>);

impl CreatedNow {
    /// The records of earlier entries of the same moment, `at`.
    pub(super) fn before(history: &History, revision: Revision, at: Timestamp) -> Result<Self, StoreError> {
        let mut created = Self::default();
        let mut earlier = Revision(revision.0.saturating_sub(1));
        while earlier > Revision(0) && history.head(earlier)?.at == at {
            history.entry(earlier, &mut |item| {
                if let Some(id) = item.about()? {
                    created.insert(id);
                }
                Ok(())
            })?;
            earlier = Revision(earlier.0 - 1);
        }
        Ok(created)
    }

    /// Adds a record. Whether it was not in the set before.
    pub(super) fn insert(&mut self, id: RecordId) -> bool {
        match id {
            RecordId::Entity(id) => self.entities.insert(id.0),
            RecordId::Mapping(id) => self.mappings.insert(id),
            RecordId::Token(id) => self.tokens.insert(id),
        }
    }
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
        let mut put = |created_at: Timestamp| {
            let is_new = created_at == at && created.insert(id.clone());
            if is_new { AuditAction::Created } else { AuditAction::Updated }
        };
        let counted = match item.outline()? {
            Some((kind, created_at)) => (kind.map_or(AuditKind::Mapping, AuditKind::from), put(created_at)),
            None => match item.change()? {
                Some(Change::EndEntity { id, .. }) => {
                    let Some((entity, _)) = history.entity(id)? else { return Ok(()) };
                    (entity.kind().into(), AuditAction::Ended)
                }
                Some(Change::EndMapping { .. }) => (AuditKind::Mapping, AuditAction::Ended),
                Some(Change::PutToken(token)) if token.revoked_at == Some(at) => {
                    (AuditKind::Token, AuditAction::Ended)
                }
                Some(Change::PutToken(token)) => (AuditKind::Token, put(token.created_at)),
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
