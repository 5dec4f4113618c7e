//! Copies of a whole store: as a store, and as text.

use std::fs::File;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::PoisonError;

use crate::directory::Directory;
use crate::error::Error;
use crate::model::entity::Revision;
use crate::store::Store;

impl Directory {
    /// Writes a consistent copy of the store to `path`, where nothing may be yet. Writes go on meanwhile; but a
    /// change of thousands of records that has begun is waited for.
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
    /// [`Error::Store`] when there is something at `path`, or the copy cannot be written.
    pub fn backup(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let snapshot = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).snapshot()?;
        Ok(snapshot.copy_to(path.as_ref())?)
    }

    /// As [`Directory::backup`], in a file without a name, which is gone once it is closed. It lies beside the store, or
    /// among the system's temporary files where the store is no file itself.
    ///
    /// This clone is let go before the copy is made, so that it keeps nobody from closing the store.
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
    /// [`Error::Store`] when the copy cannot be written.
    pub fn into_backup(self) -> Result<File, Error> {
        let store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = store.snapshot()?;
        let folder = store.folder().map_or_else(std::env::temp_dir, Path::to_owned);
        drop(store);
        drop(self);
        Ok(snapshot.copy_in(&folder)?)
    }

    /// Writes the whole store as text, its history and all ids included, for [`Directory::restore_archive`] of this Clade
    /// or a later one. Writes go on meanwhile, as with [`Directory::backup`].
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
    /// [`Error::Store`] when the store cannot be read, or `out` not be written.
    pub fn archive(&self, out: &mut impl Write) -> Result<Revision, Error> {
        let snapshot = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).snapshot()?;
        Ok(snapshot.archive_to(out)?)
    }

    /// As [`Directory::archive`], of the store at `path`, which must exist. It reads the log and no record, and the log's
    /// hashes vouch for it, so that it works where the file is damaged elsewhere.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be opened, or its log cannot be read.
    pub fn archive_of(path: impl AsRef<Path>, out: &mut impl Write) -> Result<Revision, Error> {
        Ok(Store::archive_of(path.as_ref(), out)?)
    }

    /// Makes the store at `path`, where nothing may be yet, from what [`Directory::archive`] wrote; gives back its last
    /// revision. It is examined before it gets its name.
    ///
    /// # Errors
    /// [`Error::Store`] when there is something at `path`, or the archive is none, one of a newer Clade, cut short or
    /// changed; nothing is left then.
    pub fn restore_archive(path: impl AsRef<Path>, archive: impl BufRead) -> Result<Revision, Error> {
        Ok(Store::restore_archive(path.as_ref(), archive)?.revision)
    }
}
