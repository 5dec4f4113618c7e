//! redb, and nothing else that touches a disk: tables of what holds and held, and the log of every change.
//!
//! What must stay true: log, tables and revision change together in one durable transaction, so that
//! the tables always equal what the log replays to.

mod archive;
mod backup;
mod check;
mod fact;
mod failure;
mod history;
mod load;
mod log;
mod migrate;
mod new_file;
mod open;
mod record;
mod tables;
mod uses;
mod write;

use std::fmt;
use std::io;
use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, WriteTransaction};
use uuid::Uuid;

use crate::error::{StoreError, StoreTrouble};
use crate::model::change::Batch;
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, TokenId};

pub use self::backup::Snapshot;
pub use self::check::{Checked, Finding};
pub use self::fact::Logged;
pub use self::history::History;
pub use self::load::Loaded;
pub use self::log::Head;
pub use self::write::Piece;

use self::failure::{damaged, failed};
use self::open::Opened;
use self::tables::Meta;

/// A directory on disk, or on any other [`redb::StorageBackend`]. One process holds it at a time.
#[derive(Debug)]
pub struct Store {
    /// None after a failed write, when the file could not be opened again yet.
    database: Option<Database>,
    reopen: Reopen,
    meta: Meta,
}

/// Reads bytes as a record of a store, of the kind that the first byte says; what can be read can be written and read
/// again. For fuzzing, which knows nothing of records.
#[doc(hidden)]
pub fn read_record(bytes: &[u8]) {
    record::try_out(bytes);
}

/// How to open the database again after a write that failed; none where only the caller can.
struct Reopen(Option<Box<dyn Fn() -> Result<Opened, StoreError> + Send>>);

impl fmt::Debug for Reopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "can be opened again" } else { "cannot be opened again" })
    }
}

impl Store {
    /// Opens the store at `path`; makes one where there is no file, or an empty one.
    ///
    /// # Errors
    /// When another process holds the file, or it is no store, or a newer one, or damaged, or cannot be
    /// read and written. A file that is no store is left as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::of_file(open::open(path)?, path))
    }

    /// Opens the store at `path`, which must exist.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is no file or an empty one.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::of_file(open::open_existing(path)?, path))
    }

    /// A new store that is gone when it is dropped.
    ///
    /// # Errors
    /// When memory refuses.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::with_backend(redb::backends::InMemoryBackend::new())
    }

    /// Opens the store on `backend`; makes one where that is empty.
    ///
    /// After a write that failed, such a store takes no more writes: only the caller can open it again.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn with_backend(backend: impl redb::StorageBackend) -> Result<Self, StoreError> {
        Ok(Self::of(open::with_backend(backend)?, Reopen(None)))
    }

    /// As [`Store::with_backend`], but after a write that failed it is opened again, on another backend over
    /// the same bytes.
    ///
    /// # Errors
    /// As [`Store::open`], and what `give` refuses.
    pub fn with_backends<B: redb::StorageBackend>(
        give: impl Fn() -> io::Result<B> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let reopen = move || open::with_backend(give().map_err(redb::StorageError::Io).map_err(failed)?);
        Ok(Self::of(reopen()?, Reopen(Some(Box::new(reopen)))))
    }

    /// Makes the store at `path`, where nothing may be yet, from what [`Snapshot::archive_to`] wrote. It is examined
    /// before it gets its name.
    ///
    /// # Errors
    /// When there is something, or the archive is none, a newer one, cut short or changed; nothing is left then.
    pub fn restore_archive(path: &Path, archive: impl io::BufRead) -> Result<Checked, StoreError> {
        archive::restore(path, archive)
    }

    /// A new store with this id, in a file that is empty.
    fn make_as(path: &Path, store: Uuid) -> Result<Self, StoreError> {
        Ok(Self::of_file(open::make_as(path, store)?, path))
    }

    fn of_file(opened: Opened, path: &Path) -> Self {
        let path = path.to_owned();
        Self::of(opened, Reopen(Some(Box::new(move || open::open_existing(&path)))))
    }

    fn of(opened: Opened, reopen: Reopen) -> Self {
        Self { database: Some(opened.database), reopen, meta: opened.meta }
    }

    /// Reads everything that holds now.
    ///
    /// # Errors
    /// When the file cannot be read, or what it says cannot be.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        load::load(&self.database()?.begin_read().map_err(failed)?)
    }

    /// Writes `batch` to log and tables, durably and wholly or not at all.
    ///
    /// # Errors
    /// [`StoreTrouble::Damaged`] when `batch.revision` is not the one after the store's, or a record that
    /// it ends is not there; otherwise when the file cannot be written. The store is then as it was
    /// before, and takes the next batch if the disk does.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.must_be_next(batch.revision)?;
        let transaction = self.begin_write()?;
        self.meta = write::write(transaction, batch, &self.meta)?;
        Ok(())
    }

    /// As [`Store::commit`], but it may be lost until something is written durably.
    fn commit_later(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.must_be_next(batch.revision)?;
        let mut transaction = self.begin_write()?;
        transaction.set_durability(Durability::None).map_err(|failure| damaged(failure.to_string()))?;
        self.meta = write::write(transaction, batch, &self.meta)?;
        Ok(())
    }

    /// As [`Store::commit`], of one change set of `actor` that is written while it is being planned, in place of
    /// those that `batch` has. Whether it was: it is not where the last piece never comes, or nothing changes.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn commit_pieces(
        &mut self,
        batch: &Batch,
        actor: &Actor,
        pieces: impl Iterator<Item = Piece>,
    ) -> Result<bool, StoreError> {
        self.must_be_next(batch.revision)?;
        let transaction = self.begin_write()?;
        let written = write::write_pieces(transaction, batch, &self.meta, actor, pieces)?;
        let is_written = written.is_some();
        self.meta = written.unwrap_or_else(|| self.meta.clone());
        Ok(is_written)
    }

    fn must_be_next(&self, revision: Revision) -> Result<(), StoreError> {
        if revision == self.meta.revision.next() {
            return Ok(());
        }
        Err(StoreError::new(
            StoreTrouble::Damaged,
            format!(
                "revision {revision} does not follow revision {}, which the store is at; close the store and open it again",
                self.meta.revision
            ),
        ))
    }

    /// The batches from revision `from` on, each checked against the hash of the one before it.
    ///
    /// The log is read as it is asked for, from the store as it is now; later commits are not seen.
    /// After an error there is nothing more.
    ///
    /// # Errors
    /// When the file cannot be read, or the log is broken; the iterator's items likewise.
    pub fn log(
        &self,
        from: Revision,
    ) -> Result<impl Iterator<Item = Result<Batch, StoreError>> + use<>, StoreError> {
        log::read(&self.database()?.begin_read().map_err(failed)?, from)
    }

    /// When each token was last used, as far as that was written.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn token_uses(&self) -> Result<Vec<(TokenId, Timestamp)>, StoreError> {
        uses::read(&self.database()?.begin_read().map_err(failed)?)
    }

    /// Keeps when tokens were last used.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_token_uses(&mut self, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
        uses::write(self.begin_write()?, uses)
    }

    /// The log and all records as they are now, to look back while writes go on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn history(&self) -> Result<History, StoreError> {
        History::of(&self.database()?.begin_read().map_err(failed)?)
    }

    /// Examines the whole file: its pages, its log, and that the tables are what the log replays to.
    ///
    /// What redb can repair it repairs, and that is a finding too.
    ///
    /// # Errors
    /// When the file cannot be read at all. What is wrong with it is told in [`Checked::findings`].
    pub fn check(&mut self) -> Result<Checked, StoreError> {
        let database = self.database.as_mut().ok_or_else(failure::closed)?;
        check::check(database)
    }

    /// The store as it is now, to copy while writes go on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot(self.database()?.begin_read().map_err(failed)?))
    }

    /// The revision of what was written last.
    fn revision(&self) -> Revision {
        self.meta.revision
    }

    /// The id that this store was given when it was made.
    #[must_use]
    pub fn store_id(&self) -> Uuid {
        self.meta.store
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or_else(failure::closed)
    }

    /// Shows that the disk takes writes again, after one that it refused.
    ///
    /// # Errors
    /// When it does not.
    pub fn try_write(&mut self) -> Result<(), StoreError> {
        self.begin_write()?.commit().map_err(failed)
    }

    /// redb takes no writes after one that failed until the database is opened again.
    fn begin_write(&mut self) -> Result<WriteTransaction, StoreError> {
        let refusal = match self.database().and_then(|open| open.begin_write().map_err(failed)) {
            Ok(transaction) => return Ok(transaction),
            Err(refusal) => refusal,
        };
        let Some(reopen) = &self.reopen.0 else { return Err(refusal) };
        tracing::warn!(cause = ?refusal, "opening the store again after a failed write");
        // Closed first: it is held until then.
        self.database = None;
        let opened = reopen()?;
        if opened.meta != self.meta {
            return Err(StoreError::new(
                StoreTrouble::Io,
                format!(
                    "a change that failed before stands in the store after all (revision {}, not {}); restart to read it",
                    opened.meta.revision, self.meta.revision
                ),
            ));
        }
        self.database.insert(opened.database).begin_write().map_err(failed)
    }
}
