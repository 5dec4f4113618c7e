//! Everything that holds now, read from the tables.
//!
//! What must stay true: what has ended is passed over, but its number is never given again.

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
    let next_entity = next_entity(transaction)?;
    let shares = AtomicU32::new(0);
    // Two threads: whoever is done with the mappings helps with the entities.
    let (here, there) = std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            let mappings = mappings(transaction)?;
            Ok((mappings, entities(transaction, next_entity, &shares)?))
        });
        let here = entities(transaction, next_entity, &shares);
        (here, there.join().expect("what cannot be read is an error, not a panic"))
    });
    let mut shares = here?;
    let (mappings, others) = there?;
    shares.extend(others);
    shares.sort_unstable_by_key(|share| share.number);
    let mut entities = Vec::with_capacity(shares.iter().map(|share| share.entities.len()).sum());
    entities.extend(shares.into_iter().flat_map(|share| share.entities));

    all_known(&entities, &mappings, next_entity)?;

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

/// Refuses records that name an entity which never was: a graph has no place for it, not even an empty one.
fn all_known(
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

/// The number that the next new entity gets.
fn next_entity(transaction: &ReadTransaction) -> Result<u32, StoreError> {
    let table = transaction.open_table(ENTITIES).map_err(failed)?;
    let Some((last, _)) = table.last().map_err(failed)? else { return Ok(0) };
    last.value().checked_add(1).ok_or_else(|| damaged("there are no numbers left for entities"))
}

/// So many numbers of entities make a share.
const SHARE: u32 = 1 << 15;

/// The entities that hold, of those whose numbers come `number` shares after the first.
struct LoadPartition {
    number: u32,
    entities: Vec<Arc<Entity>>,
}

/// Takes one share after the other until there are no `more`.
fn entities(
    transaction: &ReadTransaction,
    next: u32,
    more: &AtomicU32,
) -> Result<Vec<LoadPartition>, StoreError> {
    let table = transaction.open_table(ENTITIES).map_err(failed)?;
    let mut shares = Vec::new();
    let mut common = Common::default();
    loop {
        let number = more.fetch_add(1, Ordering::Relaxed);
        if number > next / SHARE {
            return Ok(shares);
        }
        let first = number * SHARE;
        let mut entities = Vec::new();
        for row in table.range(first..=first + (SHARE - 1)).map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            let id = EntityId(key.value());
            let entity = entity(id, value.value(), &mut common);
            entities.extend(entity.map_err(|why| unreadable("entity", id.0, &why))?);
        }
        shares.push(LoadPartition { number, entities });
    }
}

fn mappings(transaction: &ReadTransaction) -> Result<Vec<Arc<Mapping>>, StoreError> {
    let table = transaction.open_table(MAPPINGS).map_err(failed)?;
    let mut mappings = Vec::new();
    let mut common = Common::default();
    for row in table.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let id = MappingId(Uuid::from_u128(key.value()));
        let mapping = mapping(id, value.value(), &mut common);
        mappings.extend(mapping.map_err(|why| unreadable("mapping", id, &why))?);
    }
    Ok(mappings)
}

/// The entity, unless it has ended.
fn entity(id: EntityId, bytes: &[u8], common: &mut Common) -> Result<Option<Arc<Entity>>, Unfit> {
    let (stamps, rest) = record::split_stamps(bytes)?;
    if has_ended(&stamps) {
        return Ok(None);
    }
    let entity = record::entity_after(id, common.stamps(stamps), rest)?;
    Ok(Some(Arc::new(entity)))
}

/// The mapping, unless it has ended.
fn mapping(id: MappingId, bytes: &[u8], common: &mut Common) -> Result<Option<Arc<Mapping>>, Unfit> {
    let (stamps, rest) = record::split_stamps(bytes)?;
    if has_ended(&stamps) {
        return Ok(None);
    }
    let mut mapping = record::mapping_after(id, common.stamps(stamps), rest)?;
    mapping.source = mapping.source.map(|source| common.source(source));
    Ok(Some(Arc::new(mapping)))
}

/// No ends lie in the future yet: such a date is refused on its way in.
fn has_ended(stamps: &Stamps) -> bool {
    stamps.valid_to.is_some()
}

/// What records that stand side by side mostly have in common, so that memory holds it once.
#[derive(Default)]
struct Common {
    stamps: Option<Arc<Stamps>>,
    source: Option<Arc<Name>>,
}

impl Common {
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
