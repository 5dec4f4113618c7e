//! The free-space test after a full disk: one mebibyte is written and deleted again. A commit without changes is no
//! such test, because it succeeds even on a full disk.

use redb::{TableDefinition, WriteTransaction};

use crate::error::StoreError;
use crate::store::failure::failed;

/// How many bytes must fit.
// Far more than a usual change and the pages that are rewritten for it, so the next writes do not fail at once.
const PROBE_BYTES: usize = 1 << 20;

/// A table that exists only during the test, or after a power cut within it.
// The name is part of the file format: a store that has the table from a power cut must find it again.
const PROBE: TableDefinition<u8, &[u8]> = TableDefinition::new("room");

/// Writes [`PROBE_BYTES`] bytes.
pub(super) fn fill(transaction: &WriteTransaction) -> Result<(), StoreError> {
    let mut table = transaction.open_table(PROBE).map_err(failed)?;
    table.insert(0, vec![0; PROBE_BYTES].as_slice()).map_err(failed)?;
    Ok(())
}

/// Deletes them again.
pub(super) fn free(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.delete_table(PROBE).map_err(failed)?;
    Ok(())
}
