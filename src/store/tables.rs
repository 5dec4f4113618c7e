//! The table definitions of a store, the format version, and the metadata: store id, revision and last hash.
//!
//! Invariant: the table `clade` and its `format` keep their types for ever, so that every Clade can recognize a store
//! that is too new for it.

use redb::{ReadOnlyTable, ReadTransaction, Table, TableDefinition, TableError, WriteTransaction};
use uuid::Uuid;

use crate::error::{StoreError, StoreErrorKind};
use crate::model::change::BatchHash;
use crate::model::entity::Revision;
use crate::model::version::Lineage;
use crate::store::failure::{damaged, failed};

/// The format version that this Clade writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;

/// The metadata of the store, by name.
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("clade");
/// Entities by id, including ended ones.
pub(super) const ENTITIES: TableDefinition<u32, &[u8]> = TableDefinition::new("entities");
/// Mappings by UUID, including ended ones.
pub(super) const MAPPINGS: TableDefinition<u128, &[u8]> = TableDefinition::new("mappings");
/// Tokens by id, including revoked ones.
pub(super) const TOKENS: TableDefinition<&str, &[u8]> = TableDefinition::new("tokens");
/// The change log: parts of entries by revision and part number.
pub(super) const LOG: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("log");

pub(super) const FORMAT_KEY: &str = "format";
const STORE_KEY: &str = "store";
const REVISION_KEY: &str = "revision";
const HEAD_KEY: &str = "head";
const LINEAGE_KEY: &str = "lineage";

/// The metadata of a store without its format: its identity and its position in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    /// The id of the store, generated when it was created.
    pub store: Uuid,
    /// The revision of the last entry of the log.
    pub revision: Revision,
    /// The hash of that entry; all zeros before the first.
    pub head: BatchHash,
    /// The lineage; `None` in a store that was last written by a Clade without lineages.
    pub lineage: Option<Lineage>,
}

/// A lineage for a store that is created or restored.
pub(super) fn new_lineage() -> Lineage {
    Lineage(rand::random())
}

impl Meta {
    /// The metadata of a new, empty store.
    pub(super) fn new(store: Uuid) -> Self {
        Self {
            store,
            revision: Revision::default(),
            head: BatchHash::default(),
            lineage: Some(new_lineage()),
        }
    }

    /// The format version alone, even an unknown one; `None` for a blank database.
    pub(super) fn format(transaction: &ReadTransaction) -> Result<Option<u32>, StoreError> {
        open(transaction)?.map(|table| format_of(&table)).transpose()
    }

    /// Reads the metadata; `None` for a blank database.
    pub(super) fn read(transaction: &ReadTransaction) -> Result<Option<Self>, StoreError> {
        let Some(table) = open(transaction)? else { return Ok(None) };
        // First of all: nothing else of a newer format can be relied on.
        let format = format_of(&table)?;
        if format > FORMAT {
            return Err(StoreError::new(
                StoreErrorKind::NewerFormat,
                format!(
                    "the store has format {format}, and this Clade reads formats up to {FORMAT}; use a newer Clade"
                ),
            ));
        }
        let missing = |what| move || damaged(format!("the store has no {what}"));
        let store = value(&table, STORE_KEY)?.ok_or_else(missing("id"))?;
        let revision = value(&table, REVISION_KEY)?.ok_or_else(missing("revision"))?;
        let head = value(&table, HEAD_KEY)?.ok_or_else(missing("last hash"))?;
        Ok(Some(Self {
            store: Uuid::from_bytes(store),
            revision: Revision(u64::from_le_bytes(revision)),
            head: BatchHash(head),
            lineage: value(&table, LINEAGE_KEY)?.map(u32::from_le_bytes).map(Lineage),
        }))
    }

    /// Writes the format and metadata of a new store, and creates its tables.
    pub(super) fn initialize(&self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        let mut table = transaction.open_table(META).map_err(failed)?;
        put(&mut table, FORMAT_KEY, &FORMAT.to_le_bytes())?;
        put(&mut table, STORE_KEY, self.store.as_bytes())?;
        self.put_position(&mut table)?;
        if let Some(Lineage(number)) = self.lineage {
            put(&mut table, LINEAGE_KEY, &number.to_le_bytes())?;
        }
        // Opening a table for writing creates it. Readers need all of them to exist, even empty.
        transaction.open_table(ENTITIES).map_err(failed)?;
        transaction.open_table(MAPPINGS).map_err(failed)?;
        transaction.open_table(TOKENS).map_err(failed)?;
        transaction.open_table(LOG).map_err(failed)?;
        Ok(())
    }

    /// Writes the format version.
    pub(super) fn put_format(transaction: &WriteTransaction, format: u32) -> Result<(), StoreError> {
        put(&mut transaction.open_table(META).map_err(failed)?, FORMAT_KEY, &format.to_le_bytes())
    }

    /// Writes the lineage.
    pub(super) fn put_lineage(
        transaction: &WriteTransaction,
        Lineage(number): Lineage,
    ) -> Result<(), StoreError> {
        put(&mut transaction.open_table(META).map_err(failed)?, LINEAGE_KEY, &number.to_le_bytes())
    }

    /// Writes revision and hash of the last log entry.
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
        // A blank database is what a crash leaves between creating the file and the first commit.
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
        StoreErrorKind::NotAStore,
        "the file is a redb database, but not a store written by Clade; choose another path",
    )
}

fn value<const N: usize>(table: &MetaTable, key: &str) -> Result<Option<[u8; N]>, StoreError> {
    let Some(guard) = table.get_owned(key).map_err(failed)? else { return Ok(None) };
    let bytes = guard.value();
    bytes.try_into().map(Some).map_err(|_| {
        damaged(format!(
            "the store is damaged ({key} is {} bytes long, not {N}); restore a backup",
            bytes.len()
        ))
    })
}

fn put(table: &mut Table<'_, &str, &[u8]>, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
    table.insert(key, bytes).map_err(failed)?;
    Ok(())
}
