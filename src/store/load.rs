//! Loading of all current records from the tables, on two threads.
//!
//! Invariant: ended records are skipped, but the id of an ended entity is never used again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use redb::{ReadTransaction, ReadableTable};
use uuid::Uuid;

use crate::error::StoreError;
use crate::model::change::BatchHash;
use crate::model::entity::{Entity, EntityId, Revision, Stamps};
use crate::model::key::Name;
use crate::model::mapping::{Mapping, MappingId};
use crate::model::token::{Token, TokenId};
use crate::store::failure::{damaged, failed};
use crate::store::record::{self, Unfit};
use crate::store::tables::{ENTITIES, MAPPINGS, Meta, TOKENS};

/// All current records of a store, at its last revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The last revision.
    pub revision: Revision,
    /// The id of the next new entity: one more than the highest ever used.
    pub next_entity: u32,
    /// The hash of the last entry of the log.
    pub head: BatchHash,
    /// The current entities, by ascending id.
    pub entities: Vec<Arc<Entity>>,
    /// The current mappings, by ascending id.
    pub mappings: Vec<Arc<Mapping>>,
    /// All tokens, including revoked and expired ones, by ascending id.
    pub tokens: Vec<Arc<Token>>,
}

/// Reads all current records at the revision of `transaction`.
pub(super) fn load(transaction: &ReadTransaction) -> Result<Loaded, StoreError> {
    let meta = Meta::read(transaction)?.ok_or_else(|| damaged("the store has no revision"))?;
    let next_entity = next_entity(transaction)?;
    let next_partition = AtomicU32::new(0);
    // Two threads: one starts with the mappings, and helps with the entities when it is done. Splitting by table alone
    // would leave one core idle whenever there is much more of one kind.
    let (here, there) = std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            let mappings = mappings(transaction)?;
            Ok((mappings, entities(transaction, next_entity, &next_partition)?))
        });
        let here = entities(transaction, next_entity, &next_partition);
        (here, there.join().expect("a panic of the loading thread is passed on"))
    });
    let mut partitions = here?;
    let (mappings, others) = there?;
    partitions.extend(others);
    // The threads take partitions in any order; sorting them restores the order by id.
    partitions.sort_unstable_by_key(|partition| partition.number);
    let mut entities = Vec::with_capacity(partitions.iter().map(|partition| partition.entities.len()).sum());
    entities.extend(partitions.into_iter().flat_map(|partition| partition.entities));

    check_references(&entities, &mappings, next_entity)?;

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

/// Refuses records that name an entity id that was never used.
// The graph indexes its nodes by entity id. An ended entity still has an empty node, but an unused id has none, and
// using it would panic.
fn check_references(
    entities: &[Arc<Entity>],
    mappings: &[Arc<Mapping>],
    next_entity: u32,
) -> Result<(), StoreError> {
    let is_unknown = |id: &EntityId| id.0 >= next_entity;
    for mapping in mappings {
        if let Some(id) = [mapping.from, mapping.to].iter().find(|end| is_unknown(end)) {
            return Err(damaged(format!(
                "the mapping {} names #{}, which never was; restore a backup",
                mapping.id, id.0
            )));
        }
    }
    for entity in entities {
        if let Some(id) = entity.owning_project().filter(is_unknown) {
            let what = format!(
                "the {} #{} is of #{}, which never was; restore a backup",
                entity.kind(),
                entity.id.0,
                id.0
            );
            return Err(damaged(what));
        }
    }
    Ok(())
}

/// The id of the next new entity.
fn next_entity(transaction: &ReadTransaction) -> Result<u32, StoreError> {
    // Ended entities stay in the table, so its last key is the highest id ever used.
    let table = transaction.open_table(ENTITIES).map_err(failed)?;
    let Some((last, _)) = table.last().map_err(failed)? else { return Ok(0) };
    last.value().checked_add(1).ok_or_else(|| damaged("all entity ids are used up; restore a backup"))
}

/// How many entity ids a partition covers.
// Small enough that both threads end at about the same time, large enough that opening a range hardly counts.
const PARTITION_IDS: u32 = 1 << 15;

/// The current entities with ids from `number * PARTITION_IDS` on.
struct LoadPartition {
    number: u32,
    entities: Vec<Arc<Entity>>,
}

/// Reads partitions, taking the number of the next one from `next_partition`, until none is left.
fn entities(
    transaction: &ReadTransaction,
    next: u32,
    next_partition: &AtomicU32,
) -> Result<Vec<LoadPartition>, StoreError> {
    let table = transaction.open_table(ENTITIES).map_err(failed)?;
    let mut partitions = Vec::new();
    let mut shared = Shared::default();
    loop {
        // Relaxed is enough: the counter only hands out numbers, and `join` orders everything else.
        let number = next_partition.fetch_add(1, Ordering::Relaxed);
        if number > next / PARTITION_IDS {
            return Ok(partitions);
        }
        // Cannot overflow: `number` is at most `next / PARTITION_IDS`. `first + (PARTITION_IDS - 1)` fits even for the
        // last partition of all, where an exclusive end would not.
        let first = number * PARTITION_IDS;
        let mut entities = Vec::new();
        for row in table.range(first..=first + (PARTITION_IDS - 1)).map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            let id = EntityId(key.value());
            let entity = entity(id, value.value(), &mut shared);
            entities.extend(entity.map_err(|why| unreadable("entity", id.0, &why))?);
        }
        partitions.push(LoadPartition { number, entities });
    }
}

fn mappings(transaction: &ReadTransaction) -> Result<Vec<Arc<Mapping>>, StoreError> {
    let table = transaction.open_table(MAPPINGS).map_err(failed)?;
    let mut mappings = Vec::new();
    let mut shared = Shared::default();
    for row in table.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let id = MappingId(Uuid::from_u128(key.value()));
        let mapping = mapping(id, value.value(), &mut shared);
        mappings.extend(mapping.map_err(|why| unreadable("mapping", id, &why))?);
    }
    Ok(mappings)
}

/// The entity; `None` if it has ended.
fn entity(id: EntityId, bytes: &[u8], shared: &mut Shared) -> Result<Option<Arc<Entity>>, Unfit> {
    let (stamps, rest) = record::split_stamps(bytes)?;
    if has_ended(&stamps) {
        return Ok(None);
    }
    let entity = record::entity_after(id, shared.stamps(stamps), rest)?;
    Ok(Some(Arc::new(entity)))
}

/// The mapping; `None` if it has ended.
fn mapping(id: MappingId, bytes: &[u8], shared: &mut Shared) -> Result<Option<Arc<Mapping>>, Unfit> {
    let (stamps, rest) = record::split_stamps(bytes)?;
    if has_ended(&stamps) {
        return Ok(None);
    }
    let mut mapping = record::mapping_after(id, shared.stamps(stamps), rest)?;
    mapping.source = mapping.source.map(|source| shared.source(source));
    Ok(Some(Arc::new(mapping)))
}

fn has_ended(stamps: &Stamps) -> bool {
    // No comparison with the clock: an end date in the future is refused as input, so any end has passed.

    stamps.valid_to.is_some()
}

/// The last values that were read, so that neighbouring records share one allocation of equal values.
// Records of one import have the same stamps and source. Comparing with the last one alone finds nearly all of that,
// without a hash table.
#[derive(Default)]
struct Shared {
    stamps: Option<Arc<Stamps>>,
    source: Option<Arc<Name>>,
}

impl Shared {
    fn stamps(&mut self, stamps: Stamps) -> Arc<Stamps> {
        match &self.stamps {
            Some(last) if **last == stamps => Arc::clone(last),
            _ => Arc::clone(self.stamps.insert(stamps.into())),
        }
    }

    fn source(&mut self, source: Arc<Name>) -> Arc<Name> {
        match &self.source {
            Some(last) if *last == source => Arc::clone(last),
            _ => Arc::clone(self.source.insert(source)),
        }
    }
}

fn unreadable(kind: &str, key: impl std::fmt::Display, why: &Unfit) -> StoreError {
    damaged(format!("the {kind} {key} cannot be read: {why}; restore a backup"))
}
