//! [`Directory`]: opens a store, applies commands to it and hands out read-only views of it.
//!
//! Invariant: every change goes through [`Directory`], and every read through a [`View`] of one published revision.

mod applied;
mod bulk;
mod check;
mod copies;
mod draft;
mod plan;
mod published;
mod reader_wait;
mod spans;
mod statistics;
mod summary;
mod sync;
mod uses;
mod writer;

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use crate::error::{Error, StoreError, StoreErrorKind};
use crate::graph::Graph;
use crate::model::builder::{Commands, IntoCommands};
use crate::model::change::Batch;
use crate::model::command::Command;
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::{Author, TokenId};
use crate::store::Store;
use crate::timeline::audit;

use self::draft::DraftedSet;
use self::plan::PlanContext;
use self::uses::Uses;
use self::writer::{DirectoryState, Request, Writer};

pub use self::applied::{Applied, WriteTimings};
pub use self::check::CheckReport;
pub use self::statistics::{Histogram, Statistics};
pub use self::summary::{RecordCounts, WriteSummary};
pub use crate::graph::{OrgUnitNode, PersonNode, ProjectNode, Totals, View};
#[cfg(feature = "server")]
pub(crate) use crate::store::NewFile;
pub use crate::timeline::audit::{
    Audit, AuditAction, AuditChange, AuditCount, AuditEntry, AuditKind, AuditMove, AuditRecord, AuditRequest,
    AuditSet, RecordName,
};

/// An organization directory, stored in one file. Cheap to clone; all clones are the same directory.
///
/// A reader sees one revision for as long as it keeps its [`View`], and never waits for the writer. A write returns
/// once it is on disk: all of its commands, in order, or none of them. Writes that are queued at the same time are
/// committed in one transaction with one sync (group commit); each succeeds or fails on its own.
///
/// ```
/// use clade::model::CreatePerson;
///
/// # fn main() -> Result<(), clade::Error> {
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
/// assert_eq!(directory.view().org_unit("Corp/Research")?.totals().people, 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Directory {
    shared: Arc<DirectoryState>,
    /// Dropping the last clone stops the writer thread and closes the store.
    // In an `Arc` of its own: the thread has an `Arc` of `shared`, so dropping that could never be what stops it.
    writer: Arc<Writer>,
}

/// Whether a directory can take writes, and if not, which part is the cause.
///
/// ```
/// # let directory = clade::Directory::in_memory()?;
/// let readiness = directory.readiness();
/// assert!(readiness.writer, "the writer thread has ended: reopen the directory");
/// assert!(readiness.disk, "the disk fails or hangs: the writer tries it again by itself");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The writer thread is running.
    pub writer: bool,
    /// The disk works as far as is known: the last commit and the last idle check succeeded, and no disk operation has
    /// been pending for ten seconds.
    pub disk: bool,
}

impl Directory {
    /// Opens the store at `path`, and creates it if the file does not exist.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("corp.redb");
    /// let directory = clade::Directory::open(&path)?;
    /// assert_eq!(directory.view().revision().0, 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] when another process has the file open, or when it is not a store, has a newer format or is
    /// damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::with_store(Store::open(path.as_ref()).map_err(check::with_check_hint)?)
    }

    /// Opens the existing store at `path`.
    ///
    /// # Errors
    /// As [`Directory::open`], and [`Error::Store`] when there is no such file.
    pub fn open_existing(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::with_store(Store::open_existing(path.as_ref()).map_err(check::with_check_hint)?)
    }

    /// A directory in memory, which is lost with its last clone.
    ///
    /// ```
    /// let directory = clade::Directory::in_memory()?;
    /// assert!(directory.view().roots().is_empty());
    /// # Ok::<(), clade::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be set up.
    pub fn in_memory() -> Result<Self, Error> {
        Self::with_store(Store::in_memory()?)
    }

    /// A directory in `store`: for tests with a simulated disk.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    #[doc(hidden)]
    pub fn with_store(store: Store) -> Result<Self, Error> {
        Self::with_store_and_clock(store, Timestamp::now)
    }

    /// As [`Directory::with_store`], with the time of commits from `clock`: for tests with a clock that steps.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    #[doc(hidden)]
    pub fn with_store_and_clock(store: Store, clock: fn() -> Timestamp) -> Result<Self, Error> {
        let loaded = store.load()?;
        let graph = Graph::load(
            loaded.revision,
            loaded.next_entity,
            &loaded.entities,
            &loaded.mappings,
            loaded.tokens,
        );
        let uses = Uses::new(store.token_uses()?);
        // Random per open: a restored backup reaches the same revision numbers again with other content, and must not
        // match the ETags and cache keys of the directory that it replaces.
        let graph = graph.with_origin(rand::random(), store.lineage());
        let (shared, writer) = writer::start(store, graph, uses, clock, writer::new_uuid);
        Ok(Self { shared, writer: Arc::new(writer) })
    }

    /// A snapshot of the current revision. Takes no lock.
    ///
    /// ```
    /// use clade::model::CreateOrgUnit;
    ///
    /// let directory = clade::Directory::in_memory()?;
    /// let before = directory.view();
    /// directory.apply(CreateOrgUnit::new("Corp", "organization"))?;
    /// assert!(before.org_unit("Corp").is_err(), "a view never changes");
    /// assert!(directory.view().org_unit("Corp").is_ok());
    /// # Ok::<(), clade::Error>(())
    /// ```
    #[must_use]
    pub fn view(&self) -> View {
        View::of(self.shared.published.load())
    }

    /// Applies one command, or a list of commands of which all are applied or none. Returns once the change is on disk:
    /// written and synced, with its entry in the change log, ordered after every write that has returned, and visible
    /// in every view taken from then on. Each command of a list sees the effects of those before it.
    ///
    /// Blocks while the queue of the writer is full.
    ///
    /// ```
    /// use clade::model::{CreateOrgUnit, CreateProject, RepoUrl};
    ///
    /// let directory = clade::Directory::in_memory()?;
    /// let shop = CreateProject::new("shop", "Web shop")
    ///     .repository("https://github.com/corp/shop.git")
    ///     .under("Corp/Retail");
    /// let view = directory.apply(shop)?.view;
    /// assert_eq!(view.repositories_at(&RepoUrl::parse("git@github.com:corp/shop")?).len(), 1);
    ///
    /// let again = directory.apply(CreateProject::new("shop", "Web shop")).unwrap_err();
    /// assert_eq!(again.code(), "duplicate");
    ///
    /// let refused = directory.apply([
    ///     CreateOrgUnit::new("Lab", "organization"),
    ///     CreateOrgUnit::new("Optics", "business").under("Labb"),
    /// ]);
    /// assert!(refused.unwrap_err().to_string().contains("Labb"));
    /// assert!(directory.view().org_unit("Lab").is_err(), "nothing was changed");
    /// # Ok::<(), clade::Error>(())
    /// ```
    ///
    /// # Errors
    /// For one command, the reason why it was refused; for a list, [`Error::Refused`] with the position and reason of
    /// each refused command. After an error nothing has changed, with one exception: [`Error::Store`] with
    /// [`StoreErrorKind::OutcomeUnknown`] means that the disk failed during the commit, so the change may or may not have been
    /// made. Read before you retry. [`Error::Closed`] after the writer has ended.
    pub fn apply(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        self.apply_as(&Author::local(), commands)
    }

    /// As [`Directory::apply`], recorded as a change by `author` and limited to the author's scope.
    ///
    /// # Errors
    /// As [`Directory::apply`], and [`Error::Unauthorized`] if the author's token has expired or was revoked.
    pub fn apply_as(&self, author: &Author, commands: impl IntoCommands) -> Result<Applied, Error> {
        let (commands, report) = built(commands)?;
        // A capacity of 1, not 0: with a rendezvous channel the writer would wait for this thread to be scheduled.
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let reply = Box::new(move |outcome| {
            let _receiver_dropped = sender.send(outcome);
        });
        // Blocks while the queue is full. `apply_as_async` must not block its runtime, and fails with `Busy` instead.
        self.writer.send_and_wait(Request::new(&self.shared, author.clone(), commands, reply))?;
        // The sender is dropped without a reply only when the writer panicked while it had the request.
        receiver.recv().unwrap_or_else(|_| Err(writer_panicked())).map_err(report)
    }

    /// As [`Directory::apply`], without blocking the thread. Works with any async runtime.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let directory = clade::Directory::in_memory()?;
    /// let applied = directory.apply_async(clade::CreatePerson::new("ada@corp.example")).await?;
    /// assert_eq!(applied.view.revision().0, 1);
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// As [`Directory::apply`], and [`Error::Busy`] when the queue of the writer is full.
    pub async fn apply_async(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        self.apply_as_async(&Author::local(), commands).await
    }

    /// As [`Directory::apply_as`], without blocking the thread. Dropping the future does not cancel a write that was
    /// queued.
    ///
    /// # Errors
    /// As [`Directory::apply_as`], and [`Error::Busy`] when the queue of the writer is full.
    pub async fn apply_as_async(
        &self,
        author: &Author,
        commands: impl IntoCommands,
    ) -> Result<Applied, Error> {
        let (commands, report) = built(commands)?;
        let (sender, receiver) = oneshot::channel();
        let reply = Box::new(move |outcome| {
            // Fails when the future was dropped: the write is committed all the same, and nobody needs its outcome.
            let _receiver_dropped = sender.send(outcome);
        });
        self.writer.send(Request::new(&self.shared, author.clone(), commands, reply))?;
        receiver.await.unwrap_or_else(|_| Err(writer_panicked())).map_err(report)
    }

    /// Plans what [`Directory::apply`] would do and returns the view after it, without writing. Copies the graph, which
    /// takes about 0.1 s for a million records.
    ///
    /// ```
    /// use clade::model::CreateOrgUnit;
    ///
    /// let directory = clade::Directory::in_memory()?;
    /// let planned = directory.dry_run([CreateOrgUnit::new("Corp", "organization")])?;
    /// assert!(planned.view.org_unit("Corp").is_ok());
    /// assert!(directory.view().org_unit("Corp").is_err());
    /// # Ok::<(), clade::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Directory::apply`].
    pub fn dry_run(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        self.dry_run_as(&Author::local(), commands)
    }

    /// Plans what [`Directory::apply_as`] would do, as [`Directory::dry_run`].
    ///
    /// # Errors
    /// As [`Directory::apply_as`].
    pub fn dry_run_as(&self, author: &Author, commands: impl IntoCommands) -> Result<Applied, Error> {
        let (commands, report) = built(commands)?;
        let began = Instant::now();
        // A deep copy here, on the caller's thread: planning changes the graph, and the writer must not wait for dry
        // runs.
        let mut draft = Arc::new(Graph::clone(&self.shared.published.load()));
        let now = Timestamp::now();
        let new_uuid = || writer::new_uuid(now);
        let context = PlanContext::new(now, draft.revision().next(), &new_uuid);
        let drafted = draft::plan_all(&mut draft, author, commands, &context, drop).map_err(report)?;
        let DraftedSet { outcomes, summary } = drafted;
        let took = WriteTimings { planned: began.elapsed(), ..WriteTimings::default() };
        Ok(Applied { view: View::of(draft), outcomes, summary, took })
    }

    /// A channel with the newest published revision, which is notified of each new one. Slow receivers skip revisions.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<Revision> {
        self.shared.revisions.subscribe()
    }

    /// The committed batches from revision `from` on, oldest first, read from disk lazily. Waits for a bulk write
    /// (thousands of records) that is in progress.
    ///
    /// ```
    /// use clade::model::{CreateOrgUnit, Revision};
    ///
    /// let directory = clade::Directory::in_memory()?;
    /// directory.apply(CreateOrgUnit::new("Corp", "organization"))?;
    /// let batch = directory.log(Revision(1))?.next().expect("one batch was committed")?;
    /// assert_eq!(batch.sets[0].actor.to_string(), "local");
    /// # Ok::<(), clade::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`], also as an item, when the log cannot be read or its hash chain is broken.
    pub fn log(&self, from: Revision) -> Result<impl Iterator<Item = Result<Batch, Error>> + use<>, Error> {
        // A poisoned lock is taken all the same, here and below: every store operation is one redb transaction, which a
        // panic rolls back, and the writer recovers from its own panics. The lock is released as soon as the read
        // transaction is open, so iterating does not block the writer.
        let store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(store.log(from)?.map(|batch| batch.map_err(Error::from)))
    }

    /// The audit trail: who changed what, newest log entry first, with each record before and after the change. Reads
    /// the disk as far back as it needs to.
    ///
    /// ```
    /// use clade::directory::{AuditAction, AuditRequest};
    /// use clade::model::CreateOrgUnit;
    ///
    /// let directory = clade::Directory::in_memory()?;
    /// directory.apply(CreateOrgUnit::new("Corp", "organization"))?;
    /// let audit = directory.audit(&AuditRequest::default())?;
    /// assert_eq!(audit.entries[0].sets[0].changes[0].what, AuditAction::Created);
    /// # Ok::<(), clade::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] when the log cannot be read, [`Error::TooLarge`] when the earlier versions of the page's
    /// records are too large for one response, and [`Error::NotFound`], [`Error::Ambiguous`] or [`Error::Invalid`] when
    /// the unit or record of the request is not found, or several are.
    pub fn audit(&self, request: &AuditRequest) -> Result<Audit, Error> {
        // The lock guard is a temporary of this statement: the history reads its own snapshot and needs no lock.
        let history = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).history()?;
        audit::read(&history, &self.view(), request)
    }

    /// Records that a token is used now. Kept to the minute, and written to disk about once a minute.
    pub fn note_use(&self, id: &TokenId, now: Timestamp) {
        self.shared.uses.note(id, now);
    }

    /// When a token was last used, to the minute. `None` if it never was.
    #[must_use]
    pub fn last_used(&self, id: &TokenId) -> Option<Timestamp> {
        self.shared.uses.last(id)
    }

    /// Whether the writer is running, the last commit reached the disk, and no commit has been pending for ten seconds.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.is_writable(Instant::now())
    }

    /// As [`Directory::is_ready`], for the writer and the disk separately.
    ///
    /// ```
    /// let readiness = clade::Directory::in_memory()?.readiness();
    /// assert!(readiness.writer && readiness.disk);
    /// # Ok::<(), clade::Error>(())
    /// ```
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        // `is_ready` is false after the writer has ended, whatever the disk does. Nobody checks the disk then, so only
        // the writer is reported.
        let writer = self.writer.is_alive();
        Readiness { writer, disk: !writer || self.is_ready() }
    }

    /// Record counts, and counters and latencies of the writer.
    ///
    /// ```
    /// let directory = clade::Directory::in_memory()?;
    /// directory.apply(clade::model::CreateOrgUnit::new("Corp", "organization"))?;
    /// let now = directory.statistics();
    /// assert_eq!((now.revision.0, now.commits_failed, now.committed.count()), (1, 0, 1));
    /// # Ok::<(), clade::Error>(())
    /// ```
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared.tally.statistics(&self.shared.published.load())
    }

    /// Checks the integrity of the file, then compares the store with the graph, then checks the graph's invariants.
    ///
    /// Writes wait until it is done.
    ///
    /// ```
    /// assert!(clade::Directory::in_memory()?.check()?.findings.is_empty());
    /// # Ok::<(), clade::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read. Damage that can be described is a finding of the report instead.
    pub fn check(&self) -> Result<CheckReport, Error> {
        // The lock comes before the view: the writer keeps it from commit to publish, so store and view are of one
        // revision.
        let mut store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        check::check(&mut store, &self.view())
    }
}

/// The error of a request that the writer had when it panicked.
fn writer_panicked() -> Error {
    // `OutcomeUnknown`, not `Internal`: the panic may have come after the commit.
    let message = "internal error, see the log; the change may have been made: read before you retry";
    StoreError::new(StoreErrorKind::OutcomeUnknown, message).into()
}

/// The commands of one call, and a function that reports their errors: unchanged for one command, by position for a
/// list.
fn built(commands: impl IntoCommands) -> Result<(Vec<Command>, impl FnOnce(Error) -> Error), Error> {
    let (commands, is_list) = match commands.into_commands()? {
        Commands::One(command) => (vec![*command], false),
        Commands::List(commands) => (commands, true),
    };
    let total = commands.len();
    Ok((commands, move |refusal| if is_list { refusal_of_list(refusal, total) } else { refusal }))
}

/// The error of a list. The planner returns the plain error of a single command, also of a list of one.
fn refusal_of_list(refusal: Error, total: usize) -> Error {
    match refusal {
        // These concern the whole request, not the command at position 0.
        many @ (Error::Refused { .. }
        | Error::Store(_)
        | Error::Unauthorized
        | Error::Busy
        | Error::Closed
        | Error::Internal) => many,
        one => Error::Refused { refused: vec![(0, one)], total },
    }
}
