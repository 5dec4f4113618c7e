//! Snapshot reads of the change log and of all records, including ended ones, for the audit trail.

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};
use uuid::Uuid;

use crate::error::StoreError;
use crate::model::entity::{Entity, EntityId, Revision};
use crate::model::mapping::{Mapping, MappingId};
use crate::store::failure::{damaged, failed, reading};
use crate::store::log::{self, Head, Parts};
use crate::store::log_item::LoggedItem;
use crate::store::record::{self, Unfit};
use crate::store::tables::{ENTITIES, LOG, MAPPINGS, Meta};

/// A read snapshot of the log and the record tables. Writes continue meanwhile.
// Owned tables, without a lifetime: each keeps the read transaction alive, so this outlives the lock on the store.
pub struct History {
    revision: Revision,
    log: ReadOnlyTable<(u64, u32), &'static [u8]>,
    entities: ReadOnlyTable<u32, &'static [u8]>,
    mappings: ReadOnlyTable<u128, &'static [u8]>,
}

impl History {
    pub(super) fn of(transaction: &ReadTransaction) -> Result<Self, StoreError> {
        let meta = Meta::read(transaction)?.ok_or_else(|| damaged("the store has no revision"))?;
        Ok(Self {
            revision: meta.revision,
            log: transaction.open_table(LOG).map_err(failed)?,
            entities: transaction.open_table(ENTITIES).map_err(failed)?,
            mappings: transaction.open_table(MAPPINGS).map_err(failed)?,
        })
    }

    /// The revision of the last log entry.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Id and time of the log entry of `revision`.
    ///
    /// # Errors
    /// If the entry is missing or cannot be read.
    pub fn head(&self, revision: Revision) -> Result<Head, StoreError> {
        reading(|| log::read_head(&mut self.parts(revision)?, revision))
    }

    /// Passes the items of the log entry of `revision`, in order, to `each`.
    ///
    /// # Errors
    /// If the entry is missing or cannot be read; and any error of `each`.
    pub fn entry(
        &self,
        revision: Revision,
        each: &mut dyn FnMut(LoggedItem<'_>) -> Result<(), StoreError>,
    ) -> Result<Head, StoreError> {
        // The hash of the entry before is not checked here: that would mean reading that whole entry too, per call.
        reading(|| Ok(log::read_entry(&mut self.parts(revision)?, revision, None, each)?.0))
    }

    fn parts(&self, revision: Revision) -> Result<Parts, StoreError> {
        self.log.range_owned((revision.0, 0)..).map_err(failed)
    }

    /// The current or last state of an entity, with its size in the store in bytes. `None` if the id was never used.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn entity(&self, id: EntityId) -> Result<Option<(Entity, usize)>, StoreError> {
        let Some(found) = reading(|| self.entities.get_owned(id.0).map_err(failed))? else { return Ok(None) };
        let bytes = found.value();
        let entity = record::entity(id, bytes).map_err(unreadable("entity"))?;
        Ok(Some((entity, bytes.len())))
    }

    /// Passes every entity to `each`, including ended ones.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn each_entity(&self, each: &mut dyn FnMut(&Entity)) -> Result<(), StoreError> {
        reading(|| {
            for row in self.entities.iter().map_err(failed)? {
                let (id, bytes) = row.map_err(failed)?;
                each(&record::entity(EntityId(id.value()), bytes.value()).map_err(unreadable("entity"))?);
            }
            Ok(())
        })
    }

    /// Passes every mapping to `each`, including ended ones.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn each_mapping(&self, each: &mut dyn FnMut(&Mapping)) -> Result<(), StoreError> {
        reading(|| {
            for row in self.mappings.iter().map_err(failed)? {
                let (id, bytes) = row.map_err(failed)?;
                let id = MappingId(Uuid::from_u128(id.value()));
                each(&record::mapping(id, bytes.value()).map_err(unreadable("mapping"))?);
            }
            Ok(())
        })
    }

    /// The current or last state of a mapping, with its size in the store in bytes. `None` if there never was one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn mapping(&self, id: MappingId) -> Result<Option<(Mapping, usize)>, StoreError> {
        let Some(found) = reading(|| self.mappings.get_owned(id.0.as_u128()).map_err(failed))? else {
            return Ok(None);
        };
        let bytes = found.value();
        let mapping = record::mapping(id, bytes).map_err(unreadable("mapping"))?;
        Ok(Some((mapping, bytes.len())))
    }
}

fn unreadable(kind: &str) -> impl Fn(Unfit) -> StoreError {
    move |why| damaged(format!("an {kind} cannot be read: {why}; restore a backup"))
}
