//! Opening and making stores.
//!
//! What must stay true: a file that is no store, or one of a newer Clade, is looked at and never written.

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
use crate::store::new_file::NewFile;
use crate::store::tables::Meta;

/// What redb may keep of the file in memory. The graph is in memory already, so this serves writes alone, and more
/// makes them no faster.
const CACHE_BYTES: usize = 24 << 20;

/// The first bytes of every redb file.
const REDB_MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// An open database that is a store.
pub(super) struct Opened {
    pub database: Database,
    pub meta: Meta,
}

/// Opens the store at `path`; makes one where there is no file, or an empty one.
pub(super) fn open(path: &Path, watch: &Watch) -> Result<Opened, StoreError> {
    match fs::metadata(path) {
        // It has its name already, so it is made in place, where redb holds it meanwhile.
        Ok(found) if found.is_file() && found.len() == 0 => at_path(path, watch),
        Ok(_) => open_existing(path, watch),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            match NewFile::beside(path)?.named_once(|part| at_path(part, watch).map(drop)) {
                // Another process was faster; whether it holds the store is seen when that is opened.
                Err(failure) if failure.trouble() != StoreTrouble::Exists => Err(failure),
                _ => open_existing(path, watch),
            }
        }
        Err(cause) => Err(io_at(path, cause)),
    }
}

/// Opens the store at `path`, which must be there.
pub(super) fn open_existing(path: &Path, watch: &Watch) -> Result<Opened, StoreError> {
    look_at(path)?;
    at_path(path, watch)
}

/// Opens what is at `path`; makes an empty file a store.
fn at_path(path: &Path, watch: &Watch) -> Result<Opened, StoreError> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|cause| io_at(path, cause))?;
    let bytes = FileBackend::new(file).map_err(|failure| not_opened(path, failure))?;
    let database = builder().create_with_backend(Disk::new(bytes, watch));
    let database = database.map_err(|failure| not_opened(path, failure))?;
    settled(database).map_err(|failure| at(path, &failure))
}

/// Opens or makes the store on `backend`.
pub(super) fn with_backend(backend: impl StorageBackend, watch: &Watch) -> Result<Opened, StoreError> {
    settled(builder().create_with_backend(Disk::new(backend, watch)).map_err(failed)?)
}

/// Refuses what was opened again, unless it is the store that stood at `known`, there or further on.
pub(super) fn must_go_on_from(known: &Meta, opened: &Opened) -> Result<(), StoreError> {
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

/// Refuses a file that is no store of a format known here, without opening it for writing.
fn look_at(path: &Path) -> Result<(), StoreError> {
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
            Ok(())
        }
        // It was not closed. Only opening it for writing can tell more, and repairs it.
        Err(DatabaseError::RepairAborted) => Ok(()),
        Err(failure) => Err(not_opened(path, failure)),
    }
}

/// The database as a store; a blank one is made one.
fn settled(database: Database) -> Result<Opened, StoreError> {
    let found = Meta::read(&database.begin_read().map_err(failed)?)?;
    let meta = if let Some(meta) = found {
        meta
    } else {
        let meta = Meta::new(Uuid::now_v7());
        let transaction = database.begin_write().map_err(failed)?;
        meta.found(&transaction)?;
        transaction.commit().map_err(failed)?;
        meta
    };
    Ok(Opened { database, meta })
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}
