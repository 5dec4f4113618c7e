//! Online backup: a consistent copy of a store, made while writes continue.
//!
//! Invariant: a copy is of one revision, complete, and gets its name only once it is on disk.

use std::borrow::Borrow;
use std::fs::File;
use std::io::Seek;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Database, Key, ReadTransaction, ReadableTable, TableDefinition, Value, WriteTransaction};

use crate::error::StoreError;
use crate::store::failure::{damaged, failed, io_at, not_opened, reading};
use crate::store::new_file::NewFile;
use crate::store::open::builder;
use crate::store::tables::{ENTITIES, LOG, MAPPINGS, META, Meta, TOKENS};
use crate::store::uses::USES;

/// A read snapshot of the store; later commits are not seen.
pub struct Snapshot(pub(super) ReadTransaction);

impl Snapshot {
    /// Writes a copy to `path`, which must not exist.
    ///
    /// # Errors
    /// If `path` exists, or the copy cannot be written; no file is left then.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        NewFile::private(path)?.persist_new(|part| {
            let database = builder().create(part);
            let database = database.map_err(|failure| not_opened(part, failure))?;
            reading(|| self.write(&database))
        })
    }

    /// Writes a copy to an unnamed temporary file, which is deleted when it is closed. It is positioned at its start.
    ///
    /// # Errors
    /// If the copy cannot be written to `folder`.
    pub fn copy_in(&self, folder: &Path) -> Result<File, StoreError> {
        let mut file = tempfile::tempfile_in(folder).map_err(|cause| io_at(folder, cause))?;
        // A second handle, because redb takes its file and closes it; the caller reads from the first.
        let written = file.try_clone().map_err(|cause| io_at(folder, cause))?;
        let bytes = FileBackend::new(written).map_err(|failure| not_opened(folder, failure))?;
        let database = builder().create_with_backend(bytes);
        let database = database.map_err(|failure| not_opened(folder, failure))?;
        reading(|| self.write(&database))?;
        file.rewind().map_err(|cause| io_at(folder, cause))?;
        Ok(file)
    }

    /// The position of the store: id, revision and last hash.
    pub(super) fn meta(&self) -> Result<Meta, StoreError> {
        Meta::read(&self.0)?.ok_or_else(|| damaged("the store has no revision"))
    }

    fn write(&self, database: &Database) -> Result<(), StoreError> {
        // Table by table instead of the file's bytes: those change under the copy while writes continue, and free pages
        // are left out this way.
        let into = database.begin_write().map_err(failed)?;
        self.copy(&into, META)?;
        self.copy(&into, ENTITIES)?;
        self.copy(&into, MAPPINGS)?;
        self.copy(&into, TOKENS)?;
        self.copy(&into, LOG)?;
        // This table is created with the first use of a token.
        if self.0.open_table(USES).is_ok() {
            self.copy(&into, USES)?;
        }
        into.commit().map_err(failed)
    }

    fn copy<K: Key + 'static, V: Value + 'static>(
        &self,
        into: &WriteTransaction,
        table: TableDefinition<K, V>,
    ) -> Result<(), StoreError>
    where
        for<'a> K::SelfType<'a>: Borrow<K::SelfType<'a>>,
    {
        let from = self.0.open_table(table).map_err(failed)?;
        let mut into = into.open_table(table).map_err(failed)?;
        for row in from.iter().map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            into.insert(key.value(), value.value()).map_err(failed)?;
        }
        Ok(())
    }
}
