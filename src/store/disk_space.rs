//! Whether there is room on a disk that was full. A commit that changes nothing finds a page even there, so what is tried
//! is written, and taken away again.

use redb::{TableDefinition, WriteTransaction};

use crate::error::StoreError;
use crate::store::failure::failed;

/// How much must fit, in bytes: the usual change by far, and what it takes to write it.
const ROOM_BYTES: usize = 1 << 20;

/// Stands in the store only while room is tried, or where the power went then.
const ROOM: TableDefinition<u8, &[u8]> = TableDefinition::new("room");

/// Takes so much room.
pub(super) fn take(transaction: &WriteTransaction) -> Result<(), StoreError> {
    let mut table = transaction.open_table(ROOM).map_err(failed)?;
    table.insert(0, vec![0; ROOM_BYTES].as_slice()).map_err(failed)?;
    Ok(())
}

/// Gives it back.
pub(super) fn give_back(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.delete_table(ROOM).map_err(failed)?;
    Ok(())
}
