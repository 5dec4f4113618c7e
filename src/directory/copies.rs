//! Backup of a whole store as a store file, and export and import as a text archive.

use std::fs::File;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::PoisonError;

use crate::directory::Directory;
use crate::error::Error;
use crate::model::entity::Revision;
use crate::store::Store;

impl Directory {
    /// Writes a consistent copy of the store to `path`, which must not exist. Writes continue meanwhile. Waits for a
    /// bulk write that has begun.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let directory = clade::Directory::in_memory()?;
    /// directory.apply(clade::model::CreateOrgUnit::new("Corp", "organization"))?;
    /// let path = folder.path().join("backup.redb");
    /// directory.backup(&path)?;
    /// assert!(clade::Directory::open_existing(&path)?.view().org_unit("Corp").is_ok());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] if `path` exists, or the copy cannot be written.
    pub fn backup(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        // The lock is released before copying, which can take minutes; the snapshot stays consistent by itself.
        let snapshot = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).snapshot()?;
        Ok(snapshot.copy_to(path.as_ref())?)
    }

    /// Begins a new lineage of the store, from its next opening on. For a backup that takes the place of a store: a
    /// condition that was read from the replaced store ([`ExpectedRevision`](crate::model::ExpectedRevision)) then fails,
    /// instead of holding for another change of the same revision. `clade restore` and [`Directory::restore_archive`] do so.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be written.
    pub fn begin_lineage(&self) -> Result<(), Error> {
        Ok(self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).begin_lineage()?)
    }

    /// As [`Directory::backup`], but to an unnamed temporary file, which is deleted when it is closed. It is in the
    /// store's folder, or in the system's temporary folder if the store is not a file.
    ///
    /// Drops this clone before copying, so that it does not delay the closing of the store.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let directory = clade::Directory::in_memory()?;
    /// let mut copy = directory.clone().into_backup()?;
    /// assert!(std::io::copy(&mut copy, &mut std::io::sink())? > 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] if the copy cannot be written.
    pub fn into_backup(self) -> Result<File, Error> {
        let store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = store.snapshot()?;
        // The store's own disk: the system's temporary folder is often small, or in memory.
        let folder = store.folder().map_or_else(std::env::temp_dir, Path::to_owned);
        drop(store);
        drop(self);
        Ok(snapshot.copy_in(&folder)?)
    }

    /// Writes the whole store as text, with its history and all ids, for [`Directory::restore_archive`] of this or a
    /// later version. Writes continue meanwhile, as with [`Directory::backup`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("again.redb");
    /// let directory = clade::Directory::in_memory()?;
    /// directory.apply(clade::model::CreateOrgUnit::new("Corp", "organization"))?;
    /// let mut archive = Vec::new();
    /// directory.archive(&mut archive)?;
    /// let revision = clade::Directory::restore_archive(&path, &archive[..])?;
    /// assert_eq!(revision, directory.view().revision());
    /// assert_eq!(clade::Directory::open(&path)?.log(revision)?.count(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read, or `out` cannot be written.
    pub fn archive(&self, out: &mut impl Write) -> Result<Revision, Error> {
        let snapshot = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).snapshot()?;
        Ok(snapshot.archive_to(out)?)
    }

    /// As [`Directory::archive`], of the store at `path`, which must exist. Reads only the log and verifies its hash
    /// chain, so it works even if other parts of the file are damaged.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be opened, or its log cannot be read.
    pub fn archive_of(path: impl AsRef<Path>, out: &mut impl Write) -> Result<Revision, Error> {
        Ok(Store::archive_of(path.as_ref(), out)?)
    }

    /// Creates the store at `path`, which must not exist, from the output of [`Directory::archive`]; returns its last
    /// revision. The new store is checked before it gets its name.
    ///
    /// # Errors
    /// [`Error::Store`] if `path` exists, or the archive is not one, has a newer version, is truncated or was changed;
    /// no file is left then.
    pub fn restore_archive(path: impl AsRef<Path>, archive: impl BufRead) -> Result<Revision, Error> {
        Ok(Store::restore_archive(path.as_ref(), archive)?.revision)
    }
}
