//! redb, and nothing else that touches a disk: tables of what holds and held, and the log of every change.
//!
//! What must stay true: log, tables and revision change together in one durable transaction, so that
//! the tables always equal what the log replays to.

mod archive;
mod backup;
mod check;
mod disk;
mod disk_space;
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
use std::path::{Path, PathBuf};

use redb::{Database, Durability, ReadableDatabase, WriteTransaction};
use uuid::Uuid;

use crate::error::panic::caught;
use crate::error::{StoreError, StoreTrouble};
use crate::model::change::Batch;
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, TokenId};

pub use self::backup::Snapshot;
pub use self::check::{Damage, FileCheck};
pub use self::fact::Logged;
pub use self::history::History;
pub use self::load::Loaded;
pub use self::log::Head;
pub use self::write::Piece;

pub(crate) use self::disk::Watch;
#[cfg(feature = "server")]
pub(crate) use self::new_file::NewFile;

use self::failure::{damaged, failed, reading, reading_at};
use self::open::OpenedStore;
use self::tables::Meta;

/// A directory on disk, or on any other [`redb::StorageBackend`]. One process holds it at a time.
#[derive(Debug)]
pub struct Store {
    /// None after a failed write, when the file could not be opened again yet.
    database: Option<Database>,
    reopen: Reopen,
    watch: Watch,
    meta: Meta,
    /// Whether the disk was full, and it was not seen yet that there is room again.
    was_full: bool,
    /// Where its file is, if it has one.
    folder: Option<PathBuf>,
}

/// Reads bytes as a record of a store, of the kind that the first byte says; what can be read can be written and read
/// again. For fuzzing, which knows nothing of records.
#[doc(hidden)]
pub fn read_record(bytes: &[u8]) {
    record::try_out(bytes);
}

/// How to open the database again after a write that failed; none where only the caller can.
struct Reopen(Option<Box<Opens>>);

type Opens = dyn Fn(&Watch) -> Result<OpenedStore, StoreError> + Send;

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
        Self::of_file(path, open::open)
    }

    /// Opens the store at `path`, which must exist.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is no file or an empty one.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::of_file(path, open::open_existing)
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
        let watch = Watch::default();
        Ok(Self::of(open::with_backend(backend, &watch)?, Reopen(None), watch))
    }

    /// As [`Store::with_backend`], but after a write that failed it is opened again, on another backend over
    /// the same bytes.
    ///
    /// # Errors
    /// As [`Store::open`], and what `give` refuses.
    pub fn with_backends<B: redb::StorageBackend>(
        give: impl Fn() -> io::Result<B> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let watch = Watch::default();
        let reopen = move |watch: &Watch| {
            open::with_backend(give().map_err(redb::StorageError::Io).map_err(failed)?, watch)
        };
        Ok(Self::of(reopen(&watch)?, Reopen(Some(Box::new(reopen))), watch))
    }

    /// A new store with this id, in a file that is empty.
    fn make_as(path: &Path, store: Uuid) -> Result<Self, StoreError> {
        Self::of_file(path, |path, watch| open::make_as(path, store, watch))
    }

    fn of_file(
        path: &Path,
        open: impl FnOnce(&Path, &Watch) -> Result<OpenedStore, StoreError>,
    ) -> Result<Self, StoreError> {
        let watch = Watch::default();
        let opened = reading_at(path, || open(path, &watch))?;
        // A file that is named alone has no folder in its path.
        let folder = Path::new(".").join(path).parent().map(Path::to_owned);
        let path = path.to_owned();
        let reopen =
            Reopen(Some(Box::new(move |watch| reading_at(&path, || open::open_again(&path, watch)))));
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

    /// Reads everything that holds now.
    ///
    /// # Errors
    /// When the file cannot be read, or what it says cannot be.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        reading(|| load::load(&self.database()?.begin_read().map_err(failed)?))
    }

    /// Writes `batch` to log and tables, durably and wholly or not at all. Where the disk fails as the batch is to
    /// become durable, the store is opened again to see whether it is.
    ///
    /// # Errors
    /// [`StoreTrouble::Damaged`] when `batch.revision` is not the one after the store's, or a record that
    /// it ends is not there; [`StoreTrouble::Unsure`] when the disk failed at the end of it, and the store cannot be
    /// opened again yet; otherwise when the file cannot be written. But for the second, the store is then as it was
    /// before. It takes the next batch if the disk does, and [`Store::revision`] says where it stands.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let written =
            self.write(batch.revision, |transaction, meta| write::write(transaction, batch, meta).map(Some));
        let committed = written.and_then(|written| self.make_durable(written).map(drop));
        self.noted(committed)
    }

    /// As [`Store::commit`], but it may be lost until something is written durably.
    fn commit_later(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let written =
            self.write(batch.revision, |transaction, meta| write::write(transaction, batch, meta).map(Some))?;
        let Some((mut transaction, after)) = written else { return Ok(()) };
        transaction.set_durability(Durability::None).map_err(|failure| damaged(failure.to_string()))?;
        transaction.commit().map_err(failed)?;
        self.meta = after;
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
        let written = self.write(batch.revision, |transaction, meta| {
            write::write_pieces(transaction, batch, meta, actor, pieces)
        });
        let committed = written.and_then(|written| self.make_durable(written));
        self.noted(committed)
    }

    /// The same, once it is known whether the disk is full.
    fn noted<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        self.was_full |= outcome.as_ref().is_err_and(|failure| failure.trouble() == StoreTrouble::NoSpace);
        outcome
    }

    /// Lets `fill` write the batch of `revision` into a transaction; gives that back with where the store stands once
    /// it is committed, or nothing where there is nothing to commit.
    fn write(
        &mut self,
        revision: Revision,
        fill: impl FnOnce(&WriteTransaction, &Meta) -> Result<Option<Meta>, StoreError>,
    ) -> Result<Option<(WriteTransaction, Meta)>, StoreError> {
        let transaction = self.begin_write()?;
        let before = &self.meta;
        must_follow(revision, before.revision)?;
        let filled =
            caught(move || fill(&transaction, before).map(|after| after.map(|after| (transaction, after))));
        filled.unwrap_or_else(|| Err(self.distrust()))
    }

    /// Commits, and says whether there was anything to commit.
    fn make_durable(&mut self, written: Option<(WriteTransaction, Meta)>) -> Result<bool, StoreError> {
        let Some((transaction, after)) = written else { return Ok(false) };
        let committed = caught(move || transaction.commit().map_err(failed));
        match committed.unwrap_or_else(|| Err(self.distrust())) {
            Ok(()) => self.meta = after,
            Err(failure) => self.ask_whether_committed(failure, &after)?,
        }
        Ok(true)
    }

    /// A commit failed; the store itself, opened again, says whether it was made nevertheless. If so, it is on disk once
    /// the store has synced again. Nobody else can tell: not even a page that is written in part need be missed, since
    /// its end may be unused.
    fn ask_whether_committed(&mut self, failure: StoreError, after: &Meta) -> Result<(), StoreError> {
        match self.open_again().and_then(|()| self.try_write()) {
            Ok(()) if self.meta == *after => {
                tracing::warn!(cause = ?failure, revision = after.revision.0, "a commit that failed stands all the same");
                Ok(())
            }
            Ok(()) => Err(failure),
            Err(refusal) => {
                self.was_full |= failure.trouble() == StoreTrouble::NoSpace;
                tracing::warn!(cause = ?refusal, "the store could not be opened again");
                Err(failure::unsure(failure))
            }
        }
    }

    /// After a panic no lock inside the database can be relied on.
    fn distrust(&mut self) -> StoreError {
        let_go(&mut self.database);
        failure::panicked()
    }

    /// Where the store stands. After a commit whose outcome was unknown, that may be further than whoever asked for it
    /// knows.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.meta.revision
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
        reading(|| log::read(&self.database()?.begin_read().map_err(failed)?, from))
    }

    /// When each token was last used, as far as that was written.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn token_uses(&self) -> Result<Vec<(TokenId, Timestamp)>, StoreError> {
        reading(|| uses::read(&self.database()?.begin_read().map_err(failed)?))
    }

    /// Keeps when tokens were last used.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_token_uses(&mut self, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
        let written = self.commit_of(|transaction| uses::write(transaction, uses));
        self.noted(written)
    }

    /// Commits what `fill` writes, which is no change of the directory.
    fn commit_of(
        &mut self,
        fill: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let transaction = self.begin_write()?;
        let written = caught(move || {
            fill(&transaction)?;
            transaction.commit().map_err(failed)
        });
        written.unwrap_or_else(|| Err(self.distrust()))
    }

    /// The log and all records as they are now, to look back while writes go on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn history(&self) -> Result<History, StoreError> {
        reading(|| History::of(&self.database()?.begin_read().map_err(failed)?))
    }

    /// Examines the whole file: its pages, its log, and that the tables are what the log replays to.
    ///
    /// What redb can repair it repairs, and that is a finding too.
    ///
    /// # Errors
    /// When the file cannot be read at all. What is wrong with it is told in [`FileCheck::findings`].
    pub fn check(&mut self) -> Result<FileCheck, StoreError> {
        let database = self.database.as_mut().ok_or_else(failure::closed)?;
        let checked = reading(|| check::check(database, self.meta.revision))?;
        if checked.revision != self.meta.revision {
            // What stands there now is not to be written on.
            let_go(&mut self.database);
        }
        Ok(checked)
    }

    /// What is left of the file at `path`, which is too damaged to be opened, as `failure` says: its log, if that.
    ///
    /// # Errors
    /// `failure`, where the log cannot be looked at either.
    pub(crate) fn check_log(path: &Path, failure: StoreError) -> Result<FileCheck, StoreError> {
        match reading_at(path, || open::look_at(path)) {
            Ok(Some(database)) => reading(|| check::check_log(&database, &failure)),
            Ok(None) | Err(_) => Err(failure),
        }
    }

    /// The store as it is now, to copy while writes go on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot(self.database()?.begin_read().map_err(failed)?))
    }

    /// What is known of the disk under this store, to ask while someone else has the store.
    pub(crate) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// The folder that the store's file is in; none where it is kept elsewhere.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The id that this store was given when it was made.
    #[must_use]
    pub fn store_id(&self) -> Uuid {
        self.meta.store
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or_else(failure::closed)
    }

    /// Shows that the disk takes writes again, after one that it refused; where it was full, that a mebibyte fits.
    ///
    /// # Errors
    /// When it does not.
    pub fn try_write(&mut self) -> Result<(), StoreError> {
        if self.was_full {
            self.commit_of(disk_space::take)?;
            self.commit_of(disk_space::give_back)?;
            self.was_full = false;
        }
        let tried = self.commit_of(|_| Ok(()));
        self.noted(tried)
    }

    /// redb takes no writes after one that failed until the database is opened again.
    fn begin_write(&mut self) -> Result<WriteTransaction, StoreError> {
        let refusal = match self.database().and_then(|open| open.begin_write().map_err(failed)) {
            Ok(transaction) => return Ok(transaction),
            Err(refusal) => refusal,
        };
        if self.reopen.0.is_none() {
            return Err(refusal);
        }
        tracing::warn!(cause = ?refusal, "opening the store again after a failed write");
        self.open_again()?;
        self.database()?.begin_write().map_err(failed)
    }

    /// Opens the store again, and stands where it does: there or further on, never behind.
    fn open_again(&mut self) -> Result<(), StoreError> {
        let Some(reopen) = &self.reopen.0 else { return Err(failure::closed()) };
        // Closed first: it is held until then.
        let_go(&mut self.database);
        let opened = reopen(&self.watch)?;
        open::must_go_on_from(&self.meta, &opened)?;
        self.meta = opened.meta;
        self.database = Some(opened.database);
        Ok(())
    }
}

fn let_go(database: &mut Option<Database>) {
    let database = database.take();
    caught(move || drop(database));
}

fn must_follow(revision: Revision, last: Revision) -> Result<(), StoreError> {
    if revision == last.next() {
        return Ok(());
    }
    Err(StoreError::new(
        StoreTrouble::Damaged,
        format!(
            "revision {revision} does not follow revision {last}, which the store is at; nothing was changed"
        ),
    ))
}
