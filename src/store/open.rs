//! Opening, creating and reopening stores.
//!
//! Invariant: a file that is not a store, or has a newer format, is read and never written, unless it was not closed
//! cleanly and redb must repair it before anything can be read. No data is served from a file with damaged pages.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase, StorageBackend};
use uuid::Uuid;

use crate::error::{StoreError, StoreErrorKind};
use crate::store::disk::{Disk, Watch};
use crate::store::failure::{at, failed, io_at, not_a_store, not_opened, not_there};
use crate::store::log;
use crate::store::migrate::{self, MIGRATIONS, Migration};
use crate::store::new_file::{NewFile, make_private, sync_folder_of};
use crate::store::tables::{Meta, new_lineage};

/// The size of redb's page cache.
// Small, because the graph is in memory already: the cache only serves writes, and more makes them no faster.
const CACHE_BYTES: usize = 24 << 20;

/// The first bytes of every redb file.
const REDB_MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// An open database that is a store.
pub(super) struct OpenedStore {
    pub database: Database,
    pub meta: Meta,
}

/// Opens the store at `path`; creates it if the file is missing or empty.
pub(super) fn open(path: &Path, watch: &Watch) -> Result<OpenedStore, StoreError> {
    match fs::metadata(path) {
        // The name exists already, so there is nothing to rename to: create in place, under redb's file lock. A crash
        // in between leaves a file that is empty or blank, which the next start accepts.
        Ok(found) if found.is_file() && found.len() == 0 => {
            make_private(path)?;
            let made = create_at(path, watch)?;
            sync_folder_of(path)?;
            Ok(made)
        }
        Ok(_) => open_existing(path, watch),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            match NewFile::private(path)?.persist_new(|part| create_at(part, watch).map(drop)) {
                // `Exists`: another process created the store first. Opening it shows whether it is still in use.
                Err(failure) if failure.kind() != StoreErrorKind::Exists => Err(failure),
                _ => open_existing(path, watch),
            }
        }
        Err(cause) => Err(io_at(path, cause)),
    }
}

/// Opens the store at `path`, which must exist, and checks every page of it.
pub(super) fn open_existing(path: &Path, watch: &Watch) -> Result<OpenedStore, StoreError> {
    open_over(path, watch, &MIGRATIONS)
}

/// Reopens the store at `path` after a failed write.
pub(super) fn reopen(path: &Path, watch: &Watch) -> Result<OpenedStore, StoreError> {
    drop(open_read_only(path)?);
    // The pages were checked on first opening; checking again would make writers wait for a read of the whole file.
    as_store(database_at(path, watch, PageExamination::Trusted)?).map_err(|failure| at(path, &failure))
}

/// Whether opening a file verifies the checksum of every page, which reads the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageExamination {
    Trusted,
    Examined,
}

/// As [`open_existing`]; migrates a store of an older format with these steps.
fn open_over(path: &Path, watch: &Watch, steps: &[Migration]) -> Result<OpenedStore, StoreError> {
    drop(open_read_only(path)?);
    let mut database = database_at(path, watch, PageExamination::Examined)?;
    let older = |database: &Database| migrate::older(database, steps).map_err(|failure| at(path, &failure));
    if let Some(before) = older(&database)? {
        // Only a closed file can be copied: while redb has it open, parts of it may exist in memory alone.
        drop(database);
        let copy = migrate::save_copy(path, before)?;
        tracing::warn!(store = %path.display(), ?before, copy = %copy.display(), "migrating a store of an older format");
        database = database_at(path, watch, PageExamination::Trusted)?;
        // The lock was released for the copy, so another process may have migrated the store or written to it.
        match older(&database)? {
            None => {}
            Some(now) if now == before => {
                migrate::migrate(&database, now.format, steps).map_err(|failure| at(path, &failure))?;
            }
            Some(_) => {
                let what = format!(
                    "{} was changed by another process while it was copied for migration; try again",
                    path.display()
                );
                return Err(StoreError::new(StoreErrorKind::InUse, what));
            }
        }
    }
    as_store(database).map_err(|failure| at(path, &failure))
}

/// Creates the store with this id in the empty file at `path`.
pub(super) fn create_with_id(path: &Path, store: Uuid, watch: &Watch) -> Result<OpenedStore, StoreError> {
    initialized(database_at(path, watch, PageExamination::Trusted)?, store)
        .map_err(|failure| at(path, &failure))
}

/// Creates a store in the empty file at `path`.
fn create_at(path: &Path, watch: &Watch) -> Result<OpenedStore, StoreError> {
    as_store(database_at(path, watch, PageExamination::Trusted)?).map_err(|failure| at(path, &failure))
}

fn database_at(path: &Path, watch: &Watch, pages: PageExamination) -> Result<Database, StoreError> {
    // Without `create`: a path that vanished since it was checked must be an error, not a new empty store.
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|cause| io_at(path, cause))?;
    let bytes = FileBackend::new(file).map_err(|failure| not_opened(path, failure))?;
    let mut builder = builder();
    builder.set_check_integrity_on_open(pages == PageExamination::Examined);
    builder.create_with_backend(Disk::new(bytes, watch)).map_err(|failure| not_opened(path, failure))
}

/// Opens or creates the store on `backend`. The caller must keep a copy of a store of an older format.
pub(super) fn with_backend(backend: impl StorageBackend, watch: &Watch) -> Result<OpenedStore, StoreError> {
    let database = builder().create_with_backend(Disk::new(backend, watch)).map_err(failed)?;
    if let Some(older) = migrate::older(&database, &MIGRATIONS)? {
        migrate::migrate(&database, older.format, &MIGRATIONS)?;
    }
    as_store(database)
}

/// Refuses a reopened store unless it is the same store, at revision `known` or at a later one that extends it.
pub(super) fn check_continues(known: &Meta, opened: &OpenedStore) -> Result<(), StoreError> {
    if opened.meta == *known {
        return Ok(());
    }
    let transaction = opened.database.begin_read().map_err(failed)?;
    // A later revision is normal: the commit that failed may have been made. The hash at the known revision proves
    // that the file was not replaced by, say, an older backup that was written to since.
    let is_same = (opened.meta.store, opened.meta.lineage) == (known.store, known.lineage);
    let is_further = is_same && opened.meta.revision > known.revision;
    if is_further && log::hash_at(&transaction, known.revision)? == known.head {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::Damaged,
        format!(
            "the store on disk does not continue from revision {}: the file was replaced, or the disk lost data that \
             it had confirmed; run `clade check`, and restart",
            known.revision
        ),
    ))
}

/// Opens the file read-only, and refuses one that is not a store of a known format. `None` if it was not closed
/// cleanly: only opening it for writing can repair and read it then.
pub(super) fn open_read_only(path: &Path) -> Result<Option<ReadOnlyDatabase>, StoreError> {
    // Before it is opened, because opening a named pipe blocks until a writer appears.
    let found = fs::metadata(path).map_err(|cause| not_there(path, cause))?;
    if !found.is_file() {
        return Err(not_a_store(path));
    }
    let mut start = Vec::with_capacity(REDB_MAGIC.len());
    let file = File::open(path).map_err(|cause| io_at(path, cause))?;
    file.take(REDB_MAGIC.len() as u64).read_to_end(&mut start).map_err(|cause| io_at(path, cause))?;
    // Also refuses an empty file, which `create_with_backend` would turn into a new database.
    if start != REDB_MAGIC {
        return Err(not_a_store(path));
    }
    match ReadOnlyDatabase::open(path) {
        Ok(database) => {
            let transaction = database.begin_read().map_err(failed)?;
            Meta::read(&transaction).map_err(|failure| at(path, &failure))?;
            Ok(Some(database))
        }
        // redb's answer to a read-only open of a file that needs repair.
        Err(DatabaseError::RepairAborted) => Ok(None),
        Err(failure) => Err(not_opened(path, failure)),
    }
}

/// The database as a store; initializes a blank one, and gives one without lineage a lineage.
fn as_store(database: Database) -> Result<OpenedStore, StoreError> {
    let found = Meta::read(&database.begin_read().map_err(failed)?)?;
    match found {
        Some(meta @ Meta { lineage: Some(_), .. }) => Ok(OpenedStore { database, meta }),
        Some(meta) => {
            let lineage = new_lineage();
            let transaction = database.begin_write().map_err(failed)?;
            Meta::put_lineage(&transaction, lineage)?;
            transaction.commit().map_err(failed)?;
            Ok(OpenedStore { database, meta: Meta { lineage: Some(lineage), ..meta } })
        }
        None => initialized(database, Uuid::now_v7()),
    }
}

/// Initializes a blank database as a store.
fn initialized(database: Database, store: Uuid) -> Result<OpenedStore, StoreError> {
    let meta = Meta::new(store);
    let transaction = database.begin_write().map_err(failed)?;
    meta.initialize(&transaction)?;
    transaction.commit().map_err(failed)?;
    Ok(OpenedStore { database, meta })
}

pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::TableDefinition;

    const ADDED: TableDefinition<&str, u32> = TableDefinition::new("added");

    fn add(transaction: &redb::WriteTransaction) -> Result<(), StoreError> {
        transaction.open_table(ADDED).map_err(failed)?.insert("steps", 1).map_err(failed)?;
        Ok(())
    }

    fn add_again(transaction: &redb::WriteTransaction) -> Result<(), StoreError> {
        transaction.open_table(ADDED).map_err(failed)?.insert("steps", 2).map_err(failed)?;
        Ok(())
    }

    fn fail(_: &redb::WriteTransaction) -> Result<(), StoreError> {
        Err(StoreError::new(StoreErrorKind::NoSpace, "the disk is full"))
    }

    #[test]
    fn a_copy_of_another_store_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corp.redb");
        open(&path, &Watch::default()).unwrap();
        let copy = folder.path().join("corp.format-1.revision-0.redb");
        open(&copy, &Watch::default()).unwrap();
        let refused = open_over(&path, &Watch::default(), &[add]).err().unwrap();
        assert_eq!(refused.kind(), StoreErrorKind::Exists, "{refused}");
        assert!(refused.to_string().contains("revision-0.redb, which exists and is not a copy"), "{refused}");
        std::fs::remove_file(&copy).unwrap();
        assert!(open_over(&path, &Watch::default(), &[add]).is_err(), "a format that is not known yet");
        assert!(copy.exists());
    }

    #[test]
    fn an_older_store_is_copied_and_migrated_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corp.redb");
        let made = open(&path, &Watch::default()).unwrap().meta;
        let copy = folder.path().join("corp.format-1.revision-0.redb");

        let refused = open_over(&path, &Watch::default(), &[add, fail]).err().unwrap();
        assert_eq!(refused.kind(), StoreErrorKind::NoSpace);
        assert_eq!(open_existing(&path, &Watch::default()).unwrap().meta, made, "nothing of it was changed");
        assert_eq!(open_existing(&copy, &Watch::default()).unwrap().meta, made);

        // Here, two steps on is a format that is not known yet.
        let refused = open_over(&path, &Watch::default(), &[add, add_again]).err().unwrap();
        assert_eq!(refused.kind(), StoreErrorKind::NewerFormat, "{refused}");
        let database = database_at(&path, &Watch::default(), PageExamination::Trusted).unwrap();
        let transaction = database.begin_read().unwrap();
        assert_eq!(Meta::format(&transaction).unwrap(), Some(3));
        assert_eq!(transaction.open_table(ADDED).unwrap().get("steps").unwrap().unwrap().value(), 2);
        assert!(migrate::older(&database, &[add, add_again]).unwrap().is_none(), "not again");
        assert_eq!(open_existing(&copy, &Watch::default()).unwrap().meta, made, "the copy is as it was");
    }
}
