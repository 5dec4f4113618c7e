//! Stores of an older format, brought to the present one when they are opened.
//!
//! What must stay true: before anything in such a store is changed, a copy of it as it was has its name on disk.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, WriteTransaction};

use crate::error::{StoreError, StoreTrouble};
use crate::store::failure::{failed, io_at};
use crate::store::new_file::NewFile;
use crate::store::tables::{FORMAT, Meta};

/// Makes a store of one format one of the next.
pub(super) type Step = fn(&WriteTransaction) -> Result<(), StoreError>;

/// From format 1 on, a step for each. What can be told from a record's own version needs none.
pub(super) const STEPS: [Step; FORMAT as usize - 1] = [];

/// The format of a store that `steps` lead on from; none of one that needs no step.
pub(super) fn older(database: &Database, steps: &[Step]) -> Result<Option<u32>, StoreError> {
    let format = Meta::format(&database.begin_read().map_err(failed)?)?;
    Ok(format.filter(|format| (1..=steps.len()).contains(&(*format as usize))))
}

/// Copies the store at `path`, which nobody holds, to a name of its own. A copy that is there was made before an
/// attempt that did not come to its end.
pub(super) fn keep_copy(path: &Path, format: u32) -> Result<PathBuf, StoreError> {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".format-{format}.redb"));
    let copy = path.with_file_name(name);
    let kept = NewFile::beside(&copy).and_then(|file| {
        file.named_once(|part| {
            fs::copy(path, part)
                .and_then(|_| fs::File::open(part)?.sync_all())
                .map_err(|cause| io_at(part, cause))
        })
    });
    match kept {
        Err(failure) if failure.trouble() != StoreTrouble::Exists => Err(failure),
        _ => Ok(copy),
    }
}

/// Takes the steps from `format` on, all or none.
pub(super) fn migrate(database: &Database, format: u32, steps: &[Step]) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(failed)?;
    let mut now = format;
    for step in &steps[format as usize - 1..] {
        step(&transaction)?;
        now += 1;
    }
    Meta::put_format(&transaction, now)?;
    transaction.commit().map_err(failed)
}
