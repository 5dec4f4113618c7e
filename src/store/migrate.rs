//! Migration of stores of an older format when they are opened.
//!
//! Invariant: before anything in such a store is changed, an unchanged copy of it is on disk under its own name.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use redb::{Database, ReadOnlyDatabase, ReadableDatabase, WriteTransaction};

use crate::error::{StoreError, StoreErrorKind};
use crate::model::entity::Revision;
use crate::store::failure::{failed, io_at};
use crate::store::new_file::NewFile;
use crate::store::tables::{FORMAT, Meta};

/// Migrates a store from one format to the next.
pub(super) type Migration = fn(&WriteTransaction) -> Result<(), StoreError>;

/// One step per format, from format 1 on.
// A new shape of a record needs no step: each record begins with its own version.
pub(super) const MIGRATIONS: [Migration; FORMAT as usize - 1] = [];

/// A store of an older format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Older {
    pub format: u32,
    pub revision: Revision,
}

/// Format and revision of a store that needs migration by `steps`; `None` if it needs none.
pub(super) fn older(database: &Database, steps: &[Migration]) -> Result<Option<Older>, StoreError> {
    let transaction = database.begin_read().map_err(failed)?;
    let Some(format) = Meta::format(&transaction)? else { return Ok(None) };
    if !(1..=steps.len()).contains(&(format as usize)) {
        return Ok(None);
    }
    let revision = Meta::read(&transaction)?.map(|meta| meta.revision).unwrap_or_default();
    Ok(Some(Older { format, revision }))
}

/// Copies the store at `path`, which must not be open, to a name with its format and revision. A file that has that
/// name already is accepted if it is such a copy, left by an earlier attempt that was interrupted.
pub(super) fn save_copy(path: &Path, older: Older) -> Result<PathBuf, StoreError> {
    let Older { format, revision } = older;
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".format-{format}.revision-{revision}.redb"));
    let copy = path.with_file_name(name);
    let copied = NewFile::private(&copy).and_then(|file| {
        file.persist_new(|part| {
            // The sync comes before the rename, so that no file with that name can lose bytes in a power cut.
            fs::copy(path, part)
                .and_then(|_| File::open(part)?.sync_all())
                .map_err(|cause| io_at(part, cause))
        })
    });
    match copied {
        Ok(()) => Ok(copy),
        Err(failure) if failure.kind() != StoreErrorKind::Exists => Err(failure),
        Err(_) if are_at_same_revision(path, &copy) => Ok(copy),
        Err(_) => Err(StoreError::new(
            StoreErrorKind::Exists,
            format!(
                "{} cannot be migrated: the copy to keep would be {}, which exists and is not a copy of it; move that \
                 file away",
                path.display(),
                copy.display()
            ),
        )),
    }
}

/// Whether two files, neither of them open, have the same store at the same revision.
fn are_at_same_revision(one: &Path, other: &Path) -> bool {
    // `Meta` includes the hash of the last log entry, and so the whole history.
    let position = |path: &Path| {
        let database = ReadOnlyDatabase::open(path).ok()?;
        let transaction = database.begin_read().ok()?;
        Some((Meta::format(&transaction).ok()??, Meta::read(&transaction).ok()??))
    };
    position(one).is_some_and(|first| position(other) == Some(first))
}

/// Runs the steps from `format` on in one transaction: all or none.
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
