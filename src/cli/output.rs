//! Files that results are written to: whole or not at all, and never over another.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::cli::Result;
use crate::directory::NewFile;
use crate::error::StoreError;

/// Lets `write` fill a new file, or standard output where there is none.
pub(super) fn write_to(
    file: Option<Result<NewFile, StoreError>>,
    write: impl FnOnce(&mut dyn Write) -> Result,
) -> Result {
    let Some(file) = file else {
        let mut out = BufWriter::new(io::stdout().lock());
        write(&mut out)?;
        return Ok(out.flush()?);
    };
    file?.named_once(|part| fill(part, write))
}

/// Lets `write` fill the file at `part`, and waits until all of it is on disk.
pub(super) fn fill(part: &Path, write: impl FnOnce(&mut dyn Write) -> Result) -> Result {
    let file: File = OpenOptions::new().write(true).open(part)?;
    let mut out = BufWriter::new(&file);
    write(&mut out)?;
    out.flush()?;
    drop(out);
    Ok(file.sync_all()?)
}
