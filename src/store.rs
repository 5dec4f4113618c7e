//! The durable store: a redb database with the record tables and the append-only change log.
//!
//! Invariant: log, tables and revision change together in one durable transaction, so the tables always equal a
//! replay of the log.

mod archive;
mod backup;
mod check;
mod disk;
mod disk_space;
mod failure;
mod history;
mod load;
mod log;
mod log_item;
mod migrate;
mod new_file;
mod open;
mod record;
mod tables;
mod uses;
mod write;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, Durability, ReadableDatabase, WriteTransaction};
use uuid::Uuid;

use crate::error::panic::caught;
use crate::error::{StoreError, StoreErrorKind};
use crate::model::change::Batch;
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, TokenId};
use crate::model::version::Lineage;

pub use self::backup::Snapshot;
pub use self::check::{Damage, FileCheck};
pub use self::history::History;
pub use self::load::Loaded;
pub use self::log::Head;
pub use self::log_item::LoggedItem;
pub use self::write::Piece;

pub(crate) use self::disk::Watch;
#[cfg(feature = "server")]
pub(crate) use self::new_file::NewFile;

use self::failure::{damaged, failed, reading, reading_at};
use self::open::OpenedStore;
use self::tables::Meta;

/// A directory in a file, or on any other [`redb::StorageBackend`]. One process at a time can have it open.
#[derive(Debug)]
pub struct Store {
    /// `None` after a failed write or a panic, until the file has been reopened.
    database: Option<Database>,
    reopen: Reopen,
    watch: Watch,
    meta: Meta,
    /// Whether a write failed because the disk was full, and no test write has succeeded since.
    was_full: bool,
    /// The folder of the file; `None` without a file.
    folder: Option<PathBuf>,
}

/// Decodes bytes as a record of the kind given by the first byte, and asserts that it survives a round trip. For
/// fuzzing.
#[doc(hidden)]
pub fn read_record(bytes: &[u8]) {
    record::try_out(bytes);
}

/// Reopens the database after a failed write; `None` if only the caller can.
struct Reopen(Option<Box<Opens>>);

type Opens = dyn Fn(&Watch) -> Result<OpenedStore, StoreError> + Send;

impl fmt::Debug for Reopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "reopenable" } else { "not reopenable" })
    }
}

impl Store {
    /// Opens the store at `path`; creates it if the file is missing or empty.
    ///
    /// # Errors
    /// If another process has the file open, or it is not a store, has a newer format, is damaged, or cannot be read
    /// and written. A file that is not a store is left unchanged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::of_file(path, open::open)
    }

    /// Opens the store at `path`, which must exist.
    ///
    /// # Errors
    /// As [`Store::open`], and if the file is missing or empty.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::of_file(path, open::open_existing)
    }

    /// Creates a store in memory. Dropping it deletes it.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::with_backend(redb::backends::InMemoryBackend::new())
    }

    /// Opens the store on `backend`; creates it if that is empty.
    ///
    /// After a failed write, such a store refuses all further writes, because only the caller can reopen it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn with_backend(backend: impl redb::StorageBackend) -> Result<Self, StoreError> {
        let watch = Watch::default();
        Ok(Self::of(open::with_backend(backend, &watch)?, Reopen(None), watch))
    }

    /// As [`Store::with_backend`], but it is reopened after a failed write, on another backend over the same bytes.
    ///
    /// # Errors
    /// As [`Store::open`], and any error of `new_backend`.
    pub fn with_backends<B: redb::StorageBackend>(
        new_backend: impl Fn() -> io::Result<B> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let watch = Watch::default();
        let reopen = move |watch: &Watch| {
            open::with_backend(new_backend().map_err(redb::StorageError::Io).map_err(failed)?, watch)
        };
        Ok(Self::of(reopen(&watch)?, Reopen(Some(Box::new(reopen))), watch))
    }

    /// Creates a store with this id, in an empty file.
    fn create_with_id(path: &Path, store: Uuid) -> Result<Self, StoreError> {
        Self::of_file(path, |path, watch| open::create_with_id(path, store, watch))
    }

    fn of_file(
        path: &Path,
        open: impl FnOnce(&Path, &Watch) -> Result<OpenedStore, StoreError>,
    ) -> Result<Self, StoreError> {
        let watch = Watch::default();
        let opened = reading_at(path, || open(path, &watch))?;
        new_file::remove_leftovers(path);
        // `parent()` of a bare file name is the empty path, so "." is put before it.
        let folder = Path::new(".").join(path).parent().map(Path::to_owned);
        let path = path.to_owned();
        let reopen = Reopen(Some(Box::new(move |watch| reading_at(&path, || open::reopen(&path, watch)))));
        Ok(Self { folder, ..Self::of(opened, reopen, watch) })
    }

    fn of(opened: OpenedStore, reopen: Reopen, watch: Watch) -> Self {
        Self {
            database: Some(opened.database),
            reopen,
            watch,
            meta: opened.meta,
            was_full: false,
            folder: None,
        }
    }

    /// Reads all current records.
    ///
    /// # Errors
    /// If the file cannot be read, or a record is damaged.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        reading(|| load::load(&self.database()?.begin_read().map_err(failed)?))
    }

    /// Writes `batch` to log and tables, durably and atomically. If the commit itself fails, the store is reopened to
    /// find out whether the batch was committed.
    ///
    /// # Errors
    /// [`StoreErrorKind::Damaged`] if `batch.revision` does not follow the store's, or a record to be ended does not
    /// exist; [`StoreErrorKind::OutcomeUnknown`] if the commit failed and the store cannot be reopened yet; otherwise if the file
    /// cannot be written. Except after `OutcomeUnknown`, nothing was changed; [`Store::revision`] is the current one.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let written =
            self.write(batch.revision, |transaction, meta| write::write(transaction, batch, meta).map(Some));
        let committed = written.and_then(|written| self.commit_durably(written).map(drop));
        self.note_disk_full(committed)
    }

    /// As [`Store::commit`], but without a sync: a crash loses the batch unless a durable commit followed.
    fn commit_without_sync(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let written =
            self.write(batch.revision, |transaction, meta| write::write(transaction, batch, meta).map(Some))?;
        let Some((mut transaction, after)) = written else { return Ok(()) };
        transaction.set_durability(Durability::None).map_err(|failure| damaged(failure.to_string()))?;
        transaction.commit().map_err(failed)?;
        self.meta = after;
        Ok(())
    }

    /// As [`Store::commit`], but of one change set of `actor` that arrives in pieces while it is being planned; the
    /// sets of `batch` are ignored. `false` if [`Piece::Last`] never arrived or there were no changes.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn commit_pieces(
        &mut self,
        batch: &Batch,
        actor: &Actor,
        pieces: impl Iterator<Item = Piece>,
    ) -> Result<bool, StoreError> {
        let written = self.write(batch.revision, |transaction, meta| {
            write::write_pieces(transaction, batch, meta, actor, pieces)
        });
        let committed = written.and_then(|written| self.commit_durably(written));
        self.note_disk_full(committed)
    }

    /// Returns `outcome`, and remembers whether it failed because the disk was full.
    fn note_disk_full<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        self.was_full |= outcome.as_ref().is_err_and(|failure| failure.kind() == StoreErrorKind::NoSpace);
        outcome
    }

    /// Lets `fill` write the batch of `revision` into a transaction; returns that with the [`Meta`] after the
    /// commit, or `None` if there is nothing to commit.
    fn write(
        &mut self,
        revision: Revision,
        fill: impl FnOnce(&WriteTransaction, &Meta) -> Result<Option<Meta>, StoreError>,
    ) -> Result<Option<(WriteTransaction, Meta)>, StoreError> {
        let transaction = self.begin_write()?;
        let before = &self.meta;
        check_follows(revision, before.revision)?;
        // The transaction moves in, so that a panic drops, and so aborts, it inside `caught`.
        let filled =
            caught(move || fill(&transaction, before).map(|after| after.map(|after| (transaction, after))));
        filled.unwrap_or_else(|| Err(self.close_after_panic()))
    }

    /// Commits with a sync; `false` if there was nothing to commit.
    fn commit_durably(&mut self, written: Option<(WriteTransaction, Meta)>) -> Result<bool, StoreError> {
        let Some((transaction, after)) = written else { return Ok(false) };
        let committed = caught(move || transaction.commit().map_err(failed));
        match committed.unwrap_or_else(|| Err(self.close_after_panic())) {
            Ok(()) => self.meta = after,
            Err(failure) => self.resolve_failed_commit(failure, &after)?,
        }
        Ok(true)
    }

    /// Finds out whether a commit that failed was made all the same, by reopening the store.
    fn resolve_failed_commit(&mut self, failure: StoreError, after: &Meta) -> Result<(), StoreError> {
        // The error alone proves nothing: all pages may have been written before a failed sync, and a page that is cut
        // short is still whole if its end is unused. `try_write` syncs, so what is found is durable then.
        match self.reopen().and_then(|()| self.try_write()) {
            Ok(()) if self.meta == *after => {
                tracing::warn!(cause = ?failure, revision = after.revision.0, "a failed commit was made");
                Ok(())
            }
            Ok(()) => Err(failure),
            Err(refusal) => {
                self.was_full |= failure.kind() == StoreErrorKind::NoSpace;
                tracing::warn!(cause = ?refusal, "the store could not be reopened");
                Err(failure::unsure(failure))
            }
        }
    }

    fn close_after_panic(&mut self) -> StoreError {
        // Locks inside redb may be poisoned or its caches half updated, so the handle must not be used again.
        close(&mut self.database);
        failure::panicked()
    }

    /// The last committed revision. After [`StoreErrorKind::OutcomeUnknown`], it may include the commit that was reported so.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.meta.revision
    }

    /// The batches from revision `from` on, each checked against the hash of the one before it.
    ///
    /// Reads lazily from a snapshot of the store; later commits are not seen. An error ends the iteration.
    ///
    /// # Errors
    /// If the file cannot be read, or the log is damaged; the iterator's items likewise.
    pub fn log(
        &self,
        from: Revision,
    ) -> Result<impl Iterator<Item = Result<Batch, StoreError>> + use<>, StoreError> {
        reading(|| log::read(&self.database()?.begin_read().map_err(failed)?, from))
    }

    /// When each token was last used, as far as that was written.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn token_uses(&self) -> Result<Vec<(TokenId, Timestamp)>, StoreError> {
        reading(|| uses::read(&self.database()?.begin_read().map_err(failed)?))
    }

    /// Stores when tokens were last used.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep_token_uses(&mut self, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
        let written = self.commit_with(|transaction| uses::write(transaction, uses));
        self.note_disk_full(written)
    }

    /// Commits what `fill` writes, which must not touch records, log or revision.
    fn commit_with(
        &mut self,
        fill: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let transaction = self.begin_write()?;
        let written = caught(move || {
            fill(&transaction)?;
            transaction.commit().map_err(failed)
        });
        written.unwrap_or_else(|| Err(self.close_after_panic()))
    }

    /// A snapshot of the log and all records, including ended ones. Writes continue meanwhile.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn history(&self) -> Result<History, StoreError> {
        reading(|| History::of(&self.database()?.begin_read().map_err(failed)?))
    }

    /// Checks the whole file: its pages, its log, and that the tables equal a replay of the log.
    ///
    /// Lets redb repair what it can, and reports that as a finding.
    ///
    /// # Errors
    /// If the file cannot be read at all. Damage is reported in [`FileCheck::findings`].
    pub fn check(&mut self) -> Result<FileCheck, StoreError> {
        let database = self.database.as_mut().ok_or_else(failure::closed)?;
        let checked = reading(|| check::check(database, self.meta.revision))?;
        if checked.revision != self.meta.revision {
            // redb fell back to an earlier commit; writing on from there would drop acknowledged changes for good.
            close(&mut self.database);
        }
        Ok(checked)
    }

    /// Checks the log of the file at `path`, which failed to open with `failure`. Opens it read-only.
    ///
    /// # Errors
    /// `failure`, if the log cannot be read either.
    pub(crate) fn check_log(path: &Path, failure: StoreError) -> Result<FileCheck, StoreError> {
        match reading_at(path, || open::open_read_only(path)) {
            Ok(Some(database)) => reading(|| check::check_log(&database, &failure)),
            Ok(None) | Err(_) => Err(failure),
        }
    }

    /// A snapshot of the store, to copy while writes continue.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot(self.database()?.begin_read().map_err(failed)?))
    }

    /// The state of the disk under this store, readable without the lock on the store.
    pub(crate) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// The folder that contains the store's file; `None` without a file.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The id that this store got when it was created.
    #[must_use]
    pub fn store_id(&self) -> Uuid {
        self.meta.store
    }

    /// The lineage of this store.
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        // Only stores that are read, and never opened for writing, have none.
        self.meta.lineage.unwrap_or_default()
    }

    /// Gives the store a new lineage.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn begin_lineage(&mut self) -> Result<(), StoreError> {
        let lineage = tables::new_lineage();
        self.commit_with(|transaction| Meta::put_lineage(transaction, lineage))?;
        self.meta.lineage = Some(lineage);
        Ok(())
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or_else(failure::closed)
    }

    /// Tests that the disk accepts writes. After a full disk, this needs one free mebibyte.
    ///
    /// # Errors
    /// If the write fails.
    pub fn try_write(&mut self) -> Result<(), StoreError> {
        if self.was_full {
            // Two commits: within one, the pages would be freed again before they were ever written.
            self.commit_with(disk_space::fill)?;
            self.commit_with(disk_space::free)?;
            self.was_full = false;
        }
        let tried = self.commit_with(|_| Ok(()));
        self.note_disk_full(tried)
    }

    /// Begins a transaction. redb refuses all writes after a failed one, so this reopens the database then.
    fn begin_write(&mut self) -> Result<WriteTransaction, StoreError> {
        let refusal = match self.database().and_then(|open| open.begin_write().map_err(failed)) {
            Ok(transaction) => return Ok(transaction),
            Err(refusal) => refusal,
        };
        if self.reopen.0.is_none() {
            return Err(refusal);
        }
        tracing::warn!(cause = ?refusal, "reopening the store after a failed write");
        self.reopen()?;
        self.database()?.begin_write().map_err(failed)
    }

    /// Reopens the database, and takes over its revision: the known one or a later one, never an earlier one.
    fn reopen(&mut self) -> Result<(), StoreError> {
        let Some(reopen) = &self.reopen.0 else { return Err(failure::closed()) };
        // Close first, because the old handle still has the file lock.
        close(&mut self.database);
        let opened = reopen(&self.watch)?;
        open::check_continues(&self.meta, &opened)?;
        self.meta = opened.meta;
        self.database = Some(opened.database);
        Ok(())
    }
}

fn close(database: &mut Option<Database>) {
    let database = database.take();
    // redb closes the file in `drop`, where a lock that a panic poisoned can panic again.
    caught(move || drop(database));
}

fn check_follows(revision: Revision, last: Revision) -> Result<(), StoreError> {
    if revision == last.next() {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::Damaged,
        format!(
            "revision {revision} does not follow revision {last}, the last one of the store; nothing was changed"
        ),
    ))
}
