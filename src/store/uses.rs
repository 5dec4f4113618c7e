//! When tokens were last used. No fact of the directory: it is not in the log, makes no revision, and the last minutes
//! of it may be lost.

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};

use crate::error::StoreError;
use crate::model::time::Timestamp;
use crate::model::token::TokenId;
use crate::store::failure::failed;

/// Milliseconds since the epoch by the id of a token. Made when it is first written.
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
        // What is no id was not written here, and is nobody's.
        uses.extend(TokenId::parse(id.value()).ok().map(|id| (id, Timestamp::from_millis(at.value()))));
    }
    Ok(uses)
}

/// Keeps when each of these tokens was last used.
pub(super) fn write(transaction: &WriteTransaction, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
    let mut table = transaction.open_table(USES).map_err(failed)?;
    for (id, at) in uses {
        table.insert(id.as_str(), at.as_millis()).map_err(failed)?;
    }
    Ok(())
}
