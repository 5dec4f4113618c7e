//! Output files of commands.
//!
//! Invariant: a file is written completely or not at all, and never replaces an existing one.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::cli::Result;
use crate::directory::NewFile;
use crate::error::StoreError;

/// Writes to a new file with `write`, or to standard output if `file` is `None`.
pub(super) fn write_to(
    file: Option<Result<NewFile, StoreError>>,
    write: impl FnOnce(&mut dyn Write) -> Result,
) -> Result {
    let Some(file) = file else {
        let mut out = BufWriter::new(io::stdout().lock());
        write(&mut out)?;
        // Explicitly, because dropping a `BufWriter` ignores errors.
        return Ok(out.flush()?);
    };
    file?.persist_new(|part| fill(part, write))
}

/// Writes the file at `part` with `write`, and syncs it to disk.
pub(super) fn fill(part: &Path, write: impl FnOnce(&mut dyn Write) -> Result) -> Result {
    let file: File = OpenOptions::new().write(true).open(part)?;
    let mut out = BufWriter::new(&file);
    write(&mut out)?;
    out.flush()?;
    drop(out);
    // Before the caller renames it: after a crash the final name must not belong to a file without its data.
    Ok(file.sync_all()?)
}
