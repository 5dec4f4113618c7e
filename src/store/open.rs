//! Opening and making stores.
//!
//! What must stay true: a file that is no store, or one of a newer Clade, is looked at and never written, unless it was
//! not closed and so must be repaired before anything can be read. And nothing is served of a file whose pages are not
//! those that were written.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase, StorageBackend};
use uuid::Uuid;

use crate::error::{StoreError, StoreTrouble};
use crate::store::disk::{Disk, Watch};
use crate::store::failure::{at, failed, io_at, not_a_store, not_opened, not_there};
use crate::store::log;
use crate::store::migrate::{self, MIGRATIONS, Migration};
use crate::store::new_file::{NewFile, sync_folder_of};
use crate::store::tables::Meta;

/// What redb may keep of the file in memory. The graph is in memory already, so this serves writes alone, and more
/// makes them no faster.
const CACHE_BYTES: usize = 24 << 20;

/// The first bytes of every redb file.
const REDB_MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// An open database that is a store.
pub(super) struct OpenedStore {
    pub database: Database,
    pub meta: Meta,
}

/// Opens the store at `path`; makes one where there is no file, or an empty one.
pub(super) fn open(path: &Path, watch: &Watch) -> Result<OpenedStore, StoreError> {
    match fs::metadata(path) {
        // It has its name already, so it is made in place, where redb holds it meanwhile.
        Ok(found) if found.is_file() && found.len() == 0 => {
            let made = at_path(path, watch)?;
            sync_folder_of(path)?;
            Ok(made)
        }
        Ok(_) => open_existing(path, watch),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            match NewFile::private(path)?.named_once(|part| at_path(part, watch).map(drop)) {
                // Another process was faster; whether it holds the store is seen when that is opened.
                Err(failure) if failure.trouble() != StoreTrouble::Exists => Err(failure),
                _ => open_existing(path, watch),
            }
        }
        Err(cause) => Err(io_at(path, cause)),
    }
}

/// Opens the store at `path`, which must be there, and examines every page of it.
pub(super) fn open_existing(path: &Path, watch: &Watch) -> Result<OpenedStore, StoreError> {
    open_over(path, watch, &MIGRATIONS)
}

/// Opens the store at `path` once more, after a write that failed. Its pages were examined before.
pub(super) fn open_again(path: &Path, watch: &Watch) -> Result<OpenedStore, StoreError> {
    drop(look_at(path)?);
    settled(database_at(path, watch, PageExamination::Trusted)?).map_err(|failure| at(path, &failure))
}

/// Whether every page of a file is examined, which reads the whole file, or taken for the one that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageExamination {
    Trusted,
    Examined,
}

/// As [`open_existing`]; where the store's format is older, over these steps.
fn open_over(path: &Path, watch: &Watch, steps: &[Migration]) -> Result<OpenedStore, StoreError> {
    drop(look_at(path)?);
    let mut database = database_at(path, watch, PageExamination::Examined)?;
    let older = |database: &Database| migrate::older(database, steps).map_err(|failure| at(path, &failure));
    if let Some(before) = older(&database)? {
        // What is copied is a file that was closed.
        drop(database);
        let copy = migrate::save_copy(path, before)?;
        tracing::warn!(store = %path.display(), ?before, copy = %copy.display(), "a store of an older format is migrated");
        database = database_at(path, watch, PageExamination::Trusted)?;
        // Another process may have been faster, to migrate it or to write to it.
        match older(&database)? {
            None => {}
            Some(now) if now == before => {
                migrate::migrate(&database, now.format, steps).map_err(|failure| at(path, &failure))?;
            }
            Some(_) => {
                let what = format!("{} was written to while it was copied; try again", path.display());
                return Err(StoreError::new(StoreTrouble::Held, what));
            }
        }
    }
    settled(database).map_err(|failure| at(path, &failure))
}

/// Makes the store with this id in the file at `path`, which is empty.
pub(super) fn make_as(path: &Path, store: Uuid, watch: &Watch) -> Result<OpenedStore, StoreError> {
    founded(database_at(path, watch, PageExamination::Trusted)?, store).map_err(|failure| at(path, &failure))
}

/// Makes the empty file at `path` a store.
fn at_path(path: &Path, watch: &Watch) -> Result<OpenedStore, StoreError> {
    settled(database_at(path, watch, PageExamination::Trusted)?).map_err(|failure| at(path, &failure))
}

fn database_at(path: &Path, watch: &Watch, pages: PageExamination) -> Result<Database, StoreError> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|cause| io_at(path, cause))?;
    let bytes = FileBackend::new(file).map_err(|failure| not_opened(path, failure))?;
    let mut builder = builder();
    builder.set_check_integrity_on_open(pages == PageExamination::Examined);
    builder.create_with_backend(Disk::new(bytes, watch)).map_err(|failure| not_opened(path, failure))
}

/// Opens or makes the store on `backend`. Of one of an older format, whoever has the backend keeps the copy.
pub(super) fn with_backend(backend: impl StorageBackend, watch: &Watch) -> Result<OpenedStore, StoreError> {
    let database = builder().create_with_backend(Disk::new(backend, watch)).map_err(failed)?;
    if let Some(older) = migrate::older(&database, &MIGRATIONS)? {
        migrate::migrate(&database, older.format, &MIGRATIONS)?;
    }
    settled(database)
}

/// Refuses what was opened again, unless it is the store that stood at `known`, there or further on.
pub(super) fn must_go_on_from(known: &Meta, opened: &OpenedStore) -> Result<(), StoreError> {
    if opened.meta == *known {
        return Ok(());
    }
    let transaction = opened.database.begin_read().map_err(failed)?;
    let is_further = opened.meta.store == known.store && opened.meta.revision > known.revision;
    if is_further && log::hash_at(&transaction, known.revision)? == known.head {
        return Ok(());
    }
    Err(StoreError::new(
        StoreTrouble::Damaged,
        format!(
            "the store is no longer what it was at revision {}: it was exchanged, or its disk lost what it had \
             taken; see what `clade check` says, and restart",
            known.revision
        ),
    ))
}

/// Refuses a file that is no store of a format known here, without opening it for writing. Gives it to be read so; none
/// where it was not closed: only opening it for writing can tell more then, and repairs it.
pub(super) fn look_at(path: &Path) -> Result<Option<ReadOnlyDatabase>, StoreError> {
    // Before it is opened: opening a pipe would wait for someone to write into it.
    let found = fs::metadata(path).map_err(|cause| not_there(path, cause))?;
    if !found.is_file() {
        return Err(not_a_store(path));
    }
    let mut start = Vec::with_capacity(REDB_MAGIC.len());
    let file = File::open(path).map_err(|cause| io_at(path, cause))?;
    file.take(REDB_MAGIC.len() as u64).read_to_end(&mut start).map_err(|cause| io_at(path, cause))?;
    if start != REDB_MAGIC {
        return Err(not_a_store(path));
    }
    match ReadOnlyDatabase::open(path) {
        Ok(database) => {
            let transaction = database.begin_read().map_err(failed)?;
            Meta::read(&transaction).map_err(|failure| at(path, &failure))?;
            Ok(Some(database))
        }
        Err(DatabaseError::RepairAborted) => Ok(None),
        Err(failure) => Err(not_opened(path, failure)),
    }
}

/// The database as a store; a blank one is made one.
fn settled(database: Database) -> Result<OpenedStore, StoreError> {
    let found = Meta::read(&database.begin_read().map_err(failed)?)?;
    match found {
        Some(meta) => Ok(OpenedStore { database, meta }),
        None => founded(database, Uuid::now_v7()),
    }
}

/// A blank database, made a store.
fn founded(database: Database, store: Uuid) -> Result<OpenedStore, StoreError> {
    let meta = Meta::new(store);
    let transaction = database.begin_write().map_err(failed)?;
    meta.found(&transaction)?;
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
        Err(StoreError::new(StoreTrouble::NoSpace, "the disk is full"))
    }

    #[test]
    fn a_copy_of_another_past_is_no_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corp.redb");
        open(&path, &Watch::default()).unwrap();
        let copy = folder.path().join("corp.format-1.revision-0.redb");
        open(&copy, &Watch::default()).unwrap();
        let refused = open_over(&path, &Watch::default(), &[add]).err().unwrap();
        assert_eq!(refused.trouble(), StoreTrouble::Exists, "{refused}");
        assert!(refused.to_string().contains("revision-0.redb is no copy"), "{refused}");
        std::fs::remove_file(&copy).unwrap();
        assert!(open_over(&path, &Watch::default(), &[add]).is_err(), "a format that is not known yet");
        assert!(copy.exists());
    }

    #[test]
    fn an_older_store_is_migrated_once_and_a_copy_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corp.redb");
        let made = open(&path, &Watch::default()).unwrap().meta;
        let copy = folder.path().join("corp.format-1.revision-0.redb");

        let refused = open_over(&path, &Watch::default(), &[add, fail]).err().unwrap();
        assert_eq!(refused.trouble(), StoreTrouble::NoSpace);
        assert_eq!(open_existing(&path, &Watch::default()).unwrap().meta, made, "nothing of it was changed");
        assert_eq!(open_existing(&copy, &Watch::default()).unwrap().meta, made);

        // Here, two steps on is a format that is not known yet.
        let refused = open_over(&path, &Watch::default(), &[add, add_again]).err().unwrap();
        assert_eq!(refused.trouble(), StoreTrouble::NewerFormat, "{refused}");
        let database = database_at(&path, &Watch::default(), PageExamination::Trusted).unwrap();
        let transaction = database.begin_read().unwrap();
        assert_eq!(Meta::format(&transaction).unwrap(), Some(3));
        assert_eq!(transaction.open_table(ADDED).unwrap().get("steps").unwrap().unwrap().value(), 2);
        assert!(migrate::older(&database, &[add, add_again]).unwrap().is_none(), "not again");
        assert_eq!(open_existing(&copy, &Watch::default()).unwrap().meta, made, "the copy is as it was");
    }
}
