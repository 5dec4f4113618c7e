//! Everything that holds now, read from the tables.
//!
//! What must stay true: what has ended is passed over, but its number is never given again.

use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable};
use uuid::Uuid;

use crate::error::StoreError;
use crate::model::change::BatchHash;
use crate::model::entity::{Entity, EntityId, Revision};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::token::{Token, TokenId};
use crate::store::failure::{damaged, failed};
use crate::store::record::{self, Unfit};
use crate::store::tables::{ENTITIES, MAPPINGS, Meta, TOKENS};

/// What a store held at its last revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The last revision.
    pub revision: Revision,
    /// One more than the highest number that an entity ever had.
    pub next_entity: u32,
    /// The hash of the last entry of the log.
    pub head: BatchHash,
    /// The entities that hold, by number.
    pub entities: Vec<Arc<Entity>>,
    /// The mappings that hold, by id.
    pub mappings: Vec<Arc<Mapping>>,
    /// All tokens, revoked and expired ones too, by id.
    pub tokens: Vec<Arc<Token>>,
}

/// Reads what holds at the revision that `transaction` sees.
pub(super) fn load(transaction: &ReadTransaction) -> Result<Loaded, StoreError> {
    let meta = Meta::read(transaction)?.ok_or_else(|| damaged("the store does not say its revision"))?;
    // The two large tables are read side by side.
    let (entities, mappings) = std::thread::scope(|scope| {
        let mappings = scope.spawn(|| mappings(transaction));
        (entities(transaction), mappings.join().expect("what cannot be read is an error, not a panic"))
    });
    let ((entities, next_entity), mappings) = (entities?, mappings?);
    let (revision, head) = (meta.revision, meta.head);
    let mut loaded = Loaded { revision, next_entity, head, entities, mappings, tokens: Vec::new() };

    let table = transaction.open_table(TOKENS).map_err(failed)?;
    for row in table.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let key = key.value();
        let token = TokenId::parse(key)
            .map_err(Unfit::from)
            .and_then(|id| record::token(id, value.value()))
            .map_err(|why| unreadable("token", key, &why))?;
        loaded.tokens.push(Arc::new(token));
    }
    Ok(loaded)
}

/// The entities that hold, and the number that the next new one gets.
fn entities(transaction: &ReadTransaction) -> Result<(Vec<Arc<Entity>>, u32), StoreError> {
    let table = transaction.open_table(ENTITIES).map_err(failed)?;
    let mut entities = Vec::new();
    let mut next = 0;
    for row in table.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let (id, bytes) = (EntityId(key.value()), value.value());
        next = id.0.checked_add(1).ok_or_else(|| damaged("there are no numbers left for entities"))?;
        if holds(bytes).map_err(|why| unreadable("entity", id.0, &why))? {
            let entity = record::entity(id, bytes).map_err(|why| unreadable("entity", id.0, &why))?;
            entities.push(Arc::new(entity));
        }
    }
    Ok((entities, next))
}

fn mappings(transaction: &ReadTransaction) -> Result<Vec<Arc<Mapping>>, StoreError> {
    let table = transaction.open_table(MAPPINGS).map_err(failed)?;
    let mut mappings = Vec::new();
    for row in table.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let (id, bytes) = (MappingId(Uuid::from_u128(key.value())), value.value());
        if holds(bytes).map_err(|why| unreadable("mapping", id, &why))? {
            let mapping = record::mapping(id, bytes).map_err(|why| unreadable("mapping", id, &why))?;
            mappings.push(Arc::new(mapping));
        }
    }
    Ok(mappings)
}

/// Whether the record has not ended. No ends lie in the future yet: such a date is refused on its way in.
fn holds(bytes: &[u8]) -> Result<bool, Unfit> {
    Ok(record::split_stamps(bytes)?.0.valid_to.is_none())
}

fn unreadable(kind: &str, key: impl std::fmt::Display, why: &Unfit) -> StoreError {
    damaged(format!("the {kind} {key} cannot be read: {why}; restore a backup"))
}
