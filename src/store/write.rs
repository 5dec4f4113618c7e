//! One batch into log and tables.
//!
//! What must stay true: every fact is written to both, as the same bytes, or the transaction is dropped.

use redb::{ReadableTable, Table, WriteTransaction};

use crate::error::{StoreError, StoreTrouble};
use crate::model::change::{Batch, Change};
use crate::model::entity::Stamps;
use crate::model::token::Actor;
use crate::store::fact::{Fact, Raw};
use crate::store::failure::{damaged, failed};
use crate::store::log::Entry;
use crate::store::record::{self, Unfit};
use crate::store::tables::{ENTITIES, LOG, MAPPINGS, Meta, TOKENS};

/// What comes of a change set while it is being planned.
#[derive(Debug)]
pub enum Piece {
    /// Its next changes.
    Changes(Vec<Change>),
    /// It has no more. Until this comes, it may yet be refused.
    Last,
}

/// Writes `batch` behind what `meta` says is the end; gives back where the store stands once that is committed.
pub(super) fn write(transaction: &WriteTransaction, batch: &Batch, meta: &Meta) -> Result<Meta, StoreError> {
    let mut filling = Filling::begin(transaction, batch, meta)?;
    for set in &batch.sets {
        filling.begin_set(&set.actor)?;
        set.changes.iter().try_for_each(|change| filling.put(change))?;
    }
    end_with(transaction, filling.finish()?)
}

/// As [`write`], of one change set that comes piece by piece, in place of those that `batch` has. Nothing is to be
/// committed where the pieces are not whole, or hold nothing.
pub(super) fn write_pieces(
    transaction: &WriteTransaction,
    batch: &Batch,
    meta: &Meta,
    actor: &Actor,
    pieces: impl Iterator<Item = Piece>,
) -> Result<Option<Meta>, StoreError> {
    let mut filling = Filling::begin(transaction, batch, meta)?;
    let mut is_whole = false;
    let mut is_empty = true;
    for piece in pieces {
        let Piece::Changes(changes) = piece else {
            is_whole = true;
            break;
        };
        if is_empty && !changes.is_empty() {
            filling.begin_set(actor)?;
            is_empty = false;
        }
        changes.iter().try_for_each(|change| filling.put(change))?;
    }
    if is_empty || !is_whole {
        return Ok(None);
    }
    end_with(transaction, filling.finish()?).map(Some)
}

fn end_with(transaction: &WriteTransaction, meta: Meta) -> Result<Meta, StoreError> {
    meta.advance(transaction)?;
    Ok(meta)
}

/// A transaction that takes the facts of one batch.
struct Filling<'t> {
    entities: Table<'t, u32, &'static [u8]>,
    mappings: Table<'t, u128, &'static [u8]>,
    tokens: Table<'t, &'static str, &'static [u8]>,
    entry: Entry<'t>,
    /// Where the store stands once the batch is written, but for its hash.
    after: Meta,
    bytes: Vec<u8>,
}

impl<'t> Filling<'t> {
    fn begin(transaction: &'t WriteTransaction, batch: &Batch, before: &Meta) -> Result<Self, StoreError> {
        let log = transaction.open_table(LOG).map_err(failed)?;
        Ok(Self {
            entities: transaction.open_table(ENTITIES).map_err(failed)?,
            mappings: transaction.open_table(MAPPINGS).map_err(failed)?,
            tokens: transaction.open_table(TOKENS).map_err(failed)?,
            entry: Entry::begin(log, batch, before.head),
            after: Meta { revision: batch.revision, ..before.clone() },
            bytes: Vec::new(),
        })
    }

    fn begin_set(&mut self, actor: &Actor) -> Result<(), StoreError> {
        self.entry.begin_set(actor)
    }

    fn put(&mut self, change: &Change) -> Result<(), StoreError> {
        let Self { entities, mappings, tokens, entry, bytes, .. } = self;
        bytes.clear();
        match change {
            Change::PutEntity(entity) => {
                record::put_entity(entity, bytes)
                    .map_err(|why| unwritable("entity", entity.label(), &why))?;
                entities.insert(entity.id.0, bytes.as_slice()).map_err(failed)?;
                entry.append(&Fact::PutEntity(entity.id.0, Raw(bytes)))
            }
            Change::EndEntity { id, stamps } => {
                end(entities, id.0, stamps, bytes)?;
                entry.append(&Fact::EndEntity(id.0, Raw(bytes)))
            }
            Change::PutMapping(mapping) => {
                let id = mapping.id.0;
                record::put_mapping(mapping, bytes)
                    .map_err(|why| unwritable("mapping", &id.to_string(), &why))?;
                mappings.insert(id.as_u128(), bytes.as_slice()).map_err(failed)?;
                entry.append(&Fact::PutMapping(id.into_bytes(), Raw(bytes)))
            }
            Change::EndMapping { id, stamps } => {
                end(mappings, id.0.as_u128(), stamps, bytes)?;
                entry.append(&Fact::EndMapping(id.0.into_bytes(), Raw(bytes)))
            }
            Change::PutToken(token) => {
                record::put_token(token, bytes);
                tokens.insert(token.id.as_str(), bytes.as_slice()).map_err(failed)?;
                entry.append(&Fact::PutToken(token.id.as_str(), Raw(bytes)))
            }
        }
    }

    /// Ends the entry; gives back where the store stands with it.
    fn finish(self) -> Result<Meta, StoreError> {
        Ok(Meta { head: self.entry.finish()?, ..self.after })
    }
}

/// Gives the record its last stamps, and leaves those in `bytes` for the log.
fn end<K>(
    table: &mut Table<'_, K, &'static [u8]>,
    key: K,
    stamps: &Stamps,
    bytes: &mut Vec<u8>,
) -> Result<(), StoreError>
where
    K: redb::Key + Copy + std::fmt::Display + for<'k> redb::Value<SelfType<'k> = K> + 'static,
{
    let found = table.get(key).map_err(failed)?;
    let found = found.ok_or_else(|| damaged(format!("record {key} was to be ended, but is not there")))?;
    record::put_restamped(found.value(), stamps, bytes)
        .map_err(|why| damaged(format!("record {key} cannot be read: {why}")))?;
    drop(found);
    table.insert(key, bytes.as_slice()).map_err(failed)?;
    bytes.clear();
    record::put_stamps(stamps, bytes);
    Ok(())
}

fn unwritable(kind: &str, name: &str, why: &Unfit) -> StoreError {
    StoreError::new(StoreTrouble::Io, format!("the {kind} {name:?} could not be written: {why}"))
}
