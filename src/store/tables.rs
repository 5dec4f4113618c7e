//! The tables of a store, the number of their format, and what a store says of itself.
//!
//! What must stay true: the table `clade` and its `format` keep their shape for ever, so that every
//! Clade can tell a store that is too new for it.

use redb::{ReadOnlyTable, ReadTransaction, Table, TableDefinition, TableError, WriteTransaction};
use uuid::Uuid;

use crate::error::{StoreError, StoreTrouble};
use crate::model::change::BatchHash;
use crate::model::entity::Revision;
use crate::store::failure::{damaged, failed};

/// The format that this Clade writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;

/// What the store says of itself.
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("clade");
/// Entities by number, ended ones too.
pub(super) const ENTITIES: TableDefinition<u32, &[u8]> = TableDefinition::new("entities");
/// Mappings by their UUID, ended ones too.
pub(super) const MAPPINGS: TableDefinition<u128, &[u8]> = TableDefinition::new("mappings");
/// Tokens by id, revoked ones too.
pub(super) const TOKENS: TableDefinition<&str, &[u8]> = TableDefinition::new("tokens");
/// The change log: parts of entries by revision and part.
pub(super) const LOG: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("log");

pub(super) const FORMAT_KEY: &str = "format";
const STORE_KEY: &str = "store";
const REVISION_KEY: &str = "revision";
const HEAD_KEY: &str = "head";

/// What a store says of itself, beside its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    /// Given once, when the store was made.
    pub store: Uuid,
    /// The revision of the last entry of the log.
    pub revision: Revision,
    /// Its hash; all zeros before the first.
    pub head: BatchHash,
}

impl Meta {
    /// Of a store that was just made.
    pub(super) fn new(store: Uuid) -> Self {
        Self { store, revision: Revision::default(), head: BatchHash::default() }
    }

    /// The format alone, whichever it is; none of a database in which nothing was ever put.
    pub(super) fn format(transaction: &ReadTransaction) -> Result<Option<u32>, StoreError> {
        open(transaction)?.map(|table| format_of(&table)).transpose()
    }

    /// Reads it; none from a database in which nothing was ever put.
    pub(super) fn read(transaction: &ReadTransaction) -> Result<Option<Self>, StoreError> {
        let Some(table) = open(transaction)? else { return Ok(None) };
        let format = format_of(&table)?;
        if format > FORMAT {
            return Err(StoreError::new(
                StoreTrouble::NewerFormat,
                format!(
                    "the store is of format {format}, and this Clade reads up to format {FORMAT}; use a newer Clade"
                ),
            ));
        }
        let missing = |what| move || damaged(format!("the store does not say its {what}"));
        let store = value(&table, STORE_KEY)?.ok_or_else(missing("id"))?;
        let revision = value(&table, REVISION_KEY)?.ok_or_else(missing("revision"))?;
        let head = value(&table, HEAD_KEY)?.ok_or_else(missing("last hash"))?;
        Ok(Some(Self {
            store: Uuid::from_bytes(store),
            revision: Revision(u64::from_le_bytes(revision)),
            head: BatchHash(head),
        }))
    }

    /// Writes a new store's format and id, and makes its tables.
    pub(super) fn found(&self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        let mut table = transaction.open_table(META).map_err(failed)?;
        put(&mut table, FORMAT_KEY, &FORMAT.to_le_bytes())?;
        put(&mut table, STORE_KEY, self.store.as_bytes())?;
        self.put_position(&mut table)?;
        transaction.open_table(ENTITIES).map_err(failed)?;
        transaction.open_table(MAPPINGS).map_err(failed)?;
        transaction.open_table(TOKENS).map_err(failed)?;
        transaction.open_table(LOG).map_err(failed)?;
        Ok(())
    }

    /// Writes another format.
    pub(super) fn put_format(transaction: &WriteTransaction, format: u32) -> Result<(), StoreError> {
        put(&mut transaction.open_table(META).map_err(failed)?, FORMAT_KEY, &format.to_le_bytes())
    }

    /// Writes where the log ends.
    pub(super) fn advance(&self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        self.put_position(&mut transaction.open_table(META).map_err(failed)?)
    }

    fn put_position(&self, table: &mut Table<'_, &str, &[u8]>) -> Result<(), StoreError> {
        put(table, REVISION_KEY, &self.revision.0.to_le_bytes())?;
        put(table, HEAD_KEY, &self.head.0)
    }
}

type MetaTable = ReadOnlyTable<&'static str, &'static [u8]>;

fn open(transaction: &ReadTransaction) -> Result<Option<MetaTable>, StoreError> {
    match transaction.open_table(META) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) if is_blank(transaction)? => Ok(None),
        Err(TableError::Storage(failure)) => Err(failed(failure)),
        Err(other) => Err(foreign().caused_by(other)),
    }
}

fn format_of(table: &MetaTable) -> Result<u32, StoreError> {
    Ok(u32::from_le_bytes(value(table, FORMAT_KEY)?.ok_or_else(foreign)?))
}

fn is_blank(transaction: &ReadTransaction) -> Result<bool, StoreError> {
    let no_tables = transaction.list_tables().map_err(failed)?.next().is_none();
    let no_multimaps = transaction.list_multimap_tables().map_err(failed)?.next().is_none();
    Ok(no_tables && no_multimaps)
}

fn foreign() -> StoreError {
    StoreError::new(
        StoreTrouble::NotAStore,
        "the file is a redb database, but not one of Clade's; choose another path",
    )
}

fn value<const N: usize>(table: &MetaTable, key: &str) -> Result<Option<[u8; N]>, StoreError> {
    let Some(guard) = table.get_owned(key).map_err(failed)? else { return Ok(None) };
    let bytes = guard.value();
    bytes.try_into().map(Some).map_err(|_| damaged(format!("{key} is {} bytes long, not {N}", bytes.len())))
}

fn put(table: &mut Table<'_, &str, &[u8]>, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
    table.insert(key, bytes).map_err(failed)?;
    Ok(())
}
