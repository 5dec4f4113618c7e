//! The last-used times of tokens. They are not changes of the directory: they are not in the log, create no revision,
//! and the last minutes of them may be lost.

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};

use crate::error::StoreError;
use crate::model::time::Timestamp;
use crate::model::token::TokenId;
use crate::store::failure::failed;

/// Token id to milliseconds since the Unix epoch. Created with the first write.
pub(super) const USES: TableDefinition<&str, i64> = TableDefinition::new("token-uses");

/// When each token was last used, as far as that was written.
pub(super) fn read(transaction: &ReadTransaction) -> Result<Vec<(TokenId, Timestamp)>, StoreError> {
    let table = match transaction.open_table(USES) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(other) => return Err(failed(other)),
    };
    let mut uses = Vec::new();
    for row in table.iter().map_err(failed)? {
        let (id, at) = row.map_err(failed)?;
        // A key that is no token id is skipped instead of refused: losing a last-used time must not keep a store from
        // being opened.
        uses.extend(TokenId::parse(id.value()).ok().map(|id| (id, Timestamp::from_millis(at.value()))));
    }
    Ok(uses)
}

/// Stores when each of these tokens was last used.
pub(super) fn write(transaction: &WriteTransaction, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
    let mut table = transaction.open_table(USES).map_err(failed)?;
    for (id, at) in uses {
        table.insert(id.as_str(), at.as_millis()).map_err(failed)?;
    }
    Ok(())
}
