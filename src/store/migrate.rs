//! Stores of an older format, brought to the present one when they are opened.
//!
//! What must stay true: before anything in such a store is changed, a copy of it as it was has its name on disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use redb::{Database, ReadOnlyDatabase, ReadableDatabase, WriteTransaction};

use crate::error::{StoreError, StoreTrouble};
use crate::model::entity::Revision;
use crate::store::failure::{failed, io_at};
use crate::store::new_file::NewFile;
use crate::store::tables::{FORMAT, Meta};

/// Makes a store of one format one of the next.
pub(super) type Migration = fn(&WriteTransaction) -> Result<(), StoreError>;

/// From format 1 on, a step for each. What can be told from a record's own version needs none.
pub(super) const MIGRATIONS: [Migration; FORMAT as usize - 1] = [];

/// A store of an older format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Older {
    pub format: u32,
    pub revision: Revision,
}

/// What a store is that `steps` lead on from; none of one that needs no step.
pub(super) fn older(database: &Database, steps: &[Migration]) -> Result<Option<Older>, StoreError> {
    let transaction = database.begin_read().map_err(failed)?;
    let Some(format) = Meta::format(&transaction)? else { return Ok(None) };
    if !(1..=steps.len()).contains(&(format as usize)) {
        return Ok(None);
    }
    let revision = Meta::read(&transaction)?.map(|meta| meta.revision).unwrap_or_default();
    Ok(Some(Older { format, revision }))
}

/// Copies the store at `path`, which nobody holds, to a name that says what it is. What has that name already must be
/// of the same past: then it was made before an attempt that did not come to its end.
pub(super) fn save_copy(path: &Path, older: Older) -> Result<PathBuf, StoreError> {
    let Older { format, revision } = older;
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".format-{format}.revision-{revision}.redb"));
    let copy = path.with_file_name(name);
    let kept = NewFile::private(&copy).and_then(|file| {
        file.named_once(|part| {
            fs::copy(path, part)
                .and_then(|_| File::open(part)?.sync_all())
                .map_err(|cause| io_at(part, cause))
        })
    });
    match kept {
        Ok(()) => Ok(copy),
        Err(failure) if failure.trouble() != StoreTrouble::Exists => Err(failure),
        Err(_) if are_of_one_past(path, &copy) => Ok(copy),
        Err(_) => Err(StoreError::new(
            StoreTrouble::Exists,
            format!(
                "{} is to be migrated, and a copy kept, but {} is no copy of it; move that away",
                path.display(),
                copy.display()
            ),
        )),
    }
}

/// Whether two files, which nobody holds, are of one store as it was at one revision.
fn are_of_one_past(one: &Path, other: &Path) -> bool {
    let told = |path: &Path| {
        let database = ReadOnlyDatabase::open(path).ok()?;
        let transaction = database.begin_read().ok()?;
        Some((Meta::format(&transaction).ok()??, Meta::read(&transaction).ok()??))
    };
    told(one).is_some_and(|told_here| told(other) == Some(told_here))
}

/// Takes the steps from `format` on, all or none.
pub(super) fn migrate(database: &Database, format: u32, steps: &[Migration]) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(failed)?;
    let mut now = format;
    for step in &steps[format as usize - 1..] {
        step(&transaction)?;
        now += 1;
    }
    Meta::put_format(&transaction, now)?;
    transaction.commit().map_err(failed)
}
