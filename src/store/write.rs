//! One batch into log and tables.
//!
//! What must stay true: every fact is written to both, as the same bytes, or the transaction is dropped.

use redb::{ReadableTable, Table, WriteTransaction};

use crate::error::{StoreError, StoreTrouble};
use crate::model::change::{Batch, BatchHash, Change};
use crate::model::entity::Stamps;
use crate::store::failure::{damaged, failed};
use crate::store::log::{Entry, Fact, Raw};
use crate::store::record::{self, Unfit};
use crate::store::tables::{ENTITIES, LOG, MAPPINGS, Meta, TOKENS};

/// Writes `batch` behind what `meta` says is the end, and makes it durable.
pub(super) fn write(transaction: WriteTransaction, batch: &Batch, meta: &Meta) -> Result<Meta, StoreError> {
    let head = fill(&transaction, batch, meta.head)?;
    let meta = Meta { store: meta.store, revision: batch.revision, head };
    meta.advance(&transaction)?;
    transaction.commit().map_err(failed)?;
    Ok(meta)
}

fn fill(transaction: &WriteTransaction, batch: &Batch, before: BatchHash) -> Result<BatchHash, StoreError> {
    let mut entities = transaction.open_table(ENTITIES).map_err(failed)?;
    let mut mappings = transaction.open_table(MAPPINGS).map_err(failed)?;
    let mut tokens = transaction.open_table(TOKENS).map_err(failed)?;
    let mut log = transaction.open_table(LOG).map_err(failed)?;

    let mut entry = Entry::begin(&mut log, batch, before);
    let mut bytes = Vec::new();
    for set in &batch.sets {
        entry.begin_set(&set.actor)?;
        for change in &set.changes {
            bytes.clear();
            match change {
                Change::PutEntity(entity) => {
                    record::put_entity(entity, &mut bytes)
                        .map_err(|why| unwritable("entity", entity.label(), &why))?;
                    entities.insert(entity.id.0, bytes.as_slice()).map_err(failed)?;
                    entry.append(&Fact::PutEntity(entity.id.0, Raw(&bytes)))?;
                }
                Change::EndEntity { id, stamps } => {
                    end(&mut entities, id.0, stamps, &mut bytes)?;
                    entry.append(&Fact::EndEntity(id.0, Raw(&bytes)))?;
                }
                Change::PutMapping(mapping) => {
                    let id = mapping.id.0;
                    record::put_mapping(mapping, &mut bytes)
                        .map_err(|why| unwritable("mapping", &id.to_string(), &why))?;
                    mappings.insert(id.as_u128(), bytes.as_slice()).map_err(failed)?;
                    entry.append(&Fact::PutMapping(id.into_bytes(), Raw(&bytes)))?;
                }
                Change::EndMapping { id, stamps } => {
                    end(&mut mappings, id.0.as_u128(), stamps, &mut bytes)?;
                    entry.append(&Fact::EndMapping(id.0.into_bytes(), Raw(&bytes)))?;
                }
                Change::PutToken(token) => {
                    record::put_token(token, &mut bytes);
                    tokens.insert(token.id.as_str(), bytes.as_slice()).map_err(failed)?;
                    entry.append(&Fact::PutToken(token.id.as_str(), Raw(&bytes)))?;
                }
            }
        }
    }
    entry.finish()
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
