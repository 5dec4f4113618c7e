//! Writing of one batch of changes to the log and the record tables, in one transaction.
//!
//! Invariant: every change is written to both, as the same bytes, or the transaction is dropped.

use redb::{ReadableTable, Table, WriteTransaction};

use crate::error::{StoreError, StoreErrorKind};
use crate::model::change::{Batch, Change};
use crate::model::entity::Stamps;
use crate::model::token::Actor;
use crate::store::failure::{damaged, failed};
use crate::store::log::Entry;
use crate::store::log_item::{LogItem, Raw};
use crate::store::record::{self, Unfit};
use crate::store::tables::{ENTITIES, LOG, MAPPINGS, Meta, TOKENS};

/// A part of a change set that is written while it is being planned.
#[derive(Debug)]
pub enum Piece {
    /// The next changes.
    Changes(Vec<Change>),
    /// The end. Without it, the change set was refused, and nothing must be committed.
    Last,
}

/// Writes `batch` after the position `meta`; returns the position that applies once that is committed.
pub(super) fn write(transaction: &WriteTransaction, batch: &Batch, meta: &Meta) -> Result<Meta, StoreError> {
    let mut writer = BatchWriter::begin(transaction, batch, meta)?;
    for set in &batch.sets {
        writer.begin_set(&set.actor)?;
        set.changes.iter().try_for_each(|change| writer.put(change))?;
    }
    store_position(transaction, writer.finish()?)
}

/// As [`write`], of one change set that arrives in pieces; the sets of `batch` are ignored. `None` if [`Piece::Last`]
/// never arrives or there are no changes: nothing must be committed then.
pub(super) fn write_pieces(
    transaction: &WriteTransaction,
    batch: &Batch,
    meta: &Meta,
    actor: &Actor,
    pieces: impl Iterator<Item = Piece>,
) -> Result<Option<Meta>, StoreError> {
    let mut writer = BatchWriter::begin(transaction, batch, meta)?;
    let mut is_complete = false;
    let mut is_empty = true;
    for piece in pieces {
        let Piece::Changes(changes) = piece else {
            is_complete = true;
            break;
        };
        // The header of the set waits for the first change, since a set without changes must not be logged.
        if is_empty && !changes.is_empty() {
            writer.begin_set(actor)?;
            is_empty = false;
        }
        changes.iter().try_for_each(|change| writer.put(change))?;
    }
    // A sender that was dropped without `Last` looks like the end of the iterator, and means refusal or panic.
    if is_empty || !is_complete {
        return Ok(None);
    }
    store_position(transaction, writer.finish()?).map(Some)
}

fn store_position(transaction: &WriteTransaction, meta: Meta) -> Result<Meta, StoreError> {
    meta.advance(transaction)?;
    Ok(meta)
}

/// Writes the changes of one batch to the tables and the log entry.
struct BatchWriter<'t> {
    entities: Table<'t, u32, &'static [u8]>,
    mappings: Table<'t, u128, &'static [u8]>,
    tokens: Table<'t, &'static str, &'static [u8]>,
    entry: Entry<'t>,
    /// The position after the batch, still with the hash of the entry before.
    after: Meta,
    /// The bytes of the current record, in a buffer that is reused.
    bytes: Vec<u8>,
}

impl<'t> BatchWriter<'t> {
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
                entry.append(&LogItem::PutEntity(entity.id.0, Raw(bytes)))
            }
            Change::EndEntity { id, stamps } => {
                end(entities, id.0, stamps, bytes)?;
                entry.append(&LogItem::EndEntity(id.0, Raw(bytes)))
            }
            Change::PutMapping(mapping) => {
                let id = mapping.id.0;
                record::put_mapping(mapping, bytes)
                    .map_err(|why| unwritable("mapping", &id.to_string(), &why))?;
                mappings.insert(id.as_u128(), bytes.as_slice()).map_err(failed)?;
                entry.append(&LogItem::PutMapping(id.into_bytes(), Raw(bytes)))
            }
            Change::EndMapping { id, stamps } => {
                end(mappings, id.0.as_u128(), stamps, bytes)?;
                entry.append(&LogItem::EndMapping(id.0.into_bytes(), Raw(bytes)))
            }
            Change::PutToken(token) => {
                record::put_token(token, bytes);
                tokens.insert(token.id.as_str(), bytes.as_slice()).map_err(failed)?;
                entry.append(&LogItem::PutToken(token.id.as_str(), Raw(bytes)))
            }
        }
    }

    /// Completes the log entry; returns the position after it.
    fn finish(self) -> Result<Meta, StoreError> {
        Ok(Meta { head: self.entry.finish()?, ..self.after })
    }
}

/// Writes the final stamps to the record in its table, and leaves them in `bytes` for the log.
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
    let found =
        found.ok_or_else(|| damaged(format!("record {key} was to be deleted, but does not exist")))?;
    record::put_restamped(found.value(), stamps, bytes)
        .map_err(|why| damaged(format!("record {key} cannot be read: {why}")))?;
    // The guard borrows the table, which the insert below needs.
    drop(found);
    table.insert(key, bytes.as_slice()).map_err(failed)?;
    // The log gets the stamps alone: a replay has the fields from the entry that put the record.
    bytes.clear();
    record::put_stamps(stamps, bytes);
    Ok(())
}

fn unwritable(kind: &str, name: &str, why: &Unfit) -> StoreError {
    StoreError::new(StoreErrorKind::Io, format!("the {kind} {name:?} could not be written: {why}"))
}
