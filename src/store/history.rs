//! The log and all records, as one reader sees them: any entry by itself, and what has ended too.

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};

use crate::error::StoreError;
use crate::model::entity::{Entity, EntityId, Revision};
use crate::model::mapping::{Mapping, MappingId};
use crate::store::fact::Logged;
use crate::store::failure::{damaged, failed, reading};
use crate::store::log::{self, Head, Parts};
use crate::store::record::{self, Unfit};
use crate::store::tables::{ENTITIES, LOG, MAPPINGS, Meta};

/// A store as it was at one moment, to look back from. Writes go on meanwhile.
pub struct History {
    revision: Revision,
    log: ReadOnlyTable<(u64, u32), &'static [u8]>,
    entities: ReadOnlyTable<u32, &'static [u8]>,
    mappings: ReadOnlyTable<u128, &'static [u8]>,
}

impl History {
    pub(super) fn of(transaction: &ReadTransaction) -> Result<Self, StoreError> {
        let meta = Meta::read(transaction)?.ok_or_else(|| damaged("the store does not say its revision"))?;
        Ok(Self {
            revision: meta.revision,
            log: transaction.open_table(LOG).map_err(failed)?,
            entities: transaction.open_table(ENTITIES).map_err(failed)?,
            mappings: transaction.open_table(MAPPINGS).map_err(failed)?,
        })
    }

    /// The revision of the last entry.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What the entry of `revision` says of itself.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn head(&self, revision: Revision) -> Result<Head, StoreError> {
        reading(|| log::read_head(&mut self.parts(revision)?, revision))
    }

    /// Shows the facts of the entry of `revision`, in order, to `each`. The entry is not compared with the one before
    /// it, which takes no longer reading it than it is long.
    ///
    /// # Errors
    /// When there is none, or it cannot be read; and what `each` refuses.
    pub fn entry(
        &self,
        revision: Revision,
        each: &mut dyn FnMut(Logged<'_>) -> Result<(), StoreError>,
    ) -> Result<Head, StoreError> {
        reading(|| Ok(log::read_entry(&mut self.parts(revision)?, revision, None, each)?.0))
    }

    fn parts(&self, revision: Revision) -> Result<Parts, StoreError> {
        self.log.range_owned((revision.0, 0)..).map_err(failed)
    }

    /// An entity as it is, or was when it ended, with how many bytes it has in the store.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn entity(&self, id: EntityId) -> Result<Option<(Entity, usize)>, StoreError> {
        let Some(found) = reading(|| self.entities.get_owned(id.0).map_err(failed))? else { return Ok(None) };
        let bytes = found.value();
        let entity = record::entity(id, bytes).map_err(unreadable("entity"))?;
        Ok(Some((entity, bytes.len())))
    }

    /// Shows every entity to `each`, ended ones too.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn each_entity(&self, each: &mut dyn FnMut(&Entity)) -> Result<(), StoreError> {
        reading(|| {
            for row in self.entities.iter().map_err(failed)? {
                let (id, bytes) = row.map_err(failed)?;
                each(&record::entity(EntityId(id.value()), bytes.value()).map_err(unreadable("entity"))?);
            }
            Ok(())
        })
    }

    /// A mapping as it is, or was when it ended, with how many bytes it has in the store.
    ///
    /// # Errors
    /// When it cannot be read.
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
