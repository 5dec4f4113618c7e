//! The one door: commands in, change sets out.
//!
//! What must stay true: everyone who changes anything comes through [`Directory`], and everyone who reads
//! does so through a [`View`] of one published revision.

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
mod sync;
mod uses;
mod writer;

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use crate::error::{Error, StoreError, StoreTrouble};
use crate::graph::Graph;
use crate::model::builder::{Commands, IntoCommands};
use crate::model::change::Batch;
use crate::model::command::Command;
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::{Author, TokenId};
use crate::store::Store;
use crate::timeline::audit;

use self::plan::PlanContext;
use self::uses::Uses;
use self::writer::{DirectoryState, Request, Writer};

pub use self::applied::{Applied, WriteTimings};
pub use self::check::CheckReport;
pub use self::statistics::{Spread, Statistics};
pub use crate::graph::{OrgUnitNode, PersonNode, ProjectNode, Totals, View};
#[cfg(feature = "server")]
pub(crate) use crate::store::NewFile;
pub use crate::timeline::audit::{
    Audit, AuditAction, AuditChange, AuditEntry, AuditRecord, AuditRequest, AuditSet, RecordName,
};

/// An organization directory in one file. Cheap to clone; clones share the directory.
///
/// Reads see one revision for as long as they hold their [`View`] and never wait for a writer.
/// A write returns once it is on disk: all of it, in order, or none of it. Writers that wait at the same time share one
/// transaction and its sync; each is still answered after it, and is carried out or refused for itself.
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
    /// The last clone to go closes the store.
    writer: Arc<Writer>,
}

/// Whether a directory can take writes, and if not, what is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The writer is alive.
    pub writer: bool,
    /// Nothing is known against the disk: the last commit reached it, and so did the last trial while nobody wrote; and
    /// it owes no answer for ten seconds.
    pub disk: bool,
}

impl Directory {
    /// Opens the store at `path`, or makes it.
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
    /// [`Error::Store`] when another process holds the file, or it is no store, a newer one or a damaged one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::with_store(Store::open(path.as_ref()).map_err(check::with_check_hint)?)
    }

    /// Opens the store at `path`, which must exist.
    ///
    /// # Errors
    /// As [`Directory::open`], and when there is no such file.
    pub fn open_existing(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::with_store(Store::open_existing(path.as_ref()).map_err(check::with_check_hint)?)
    }

    /// A directory that ends with the process.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// let directory = clade::Directory::in_memory()?;
    /// assert!(directory.view().roots().is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn in_memory() -> Result<Self, Error> {
        Self::with_store(Store::in_memory()?)
    }

    /// A directory kept in `store`: for tests that bring a disk of their own.
    ///
    /// # Errors
    /// [`Error::Store`] when what the store says cannot be read.
    #[doc(hidden)]
    pub fn with_store(store: Store) -> Result<Self, Error> {
        let loaded = store.load()?;
        let graph = Graph::load(
            loaded.revision,
            loaded.next_entity,
            &loaded.entities,
            &loaded.mappings,
            loaded.tokens,
        );
        let uses = Uses::new(store.token_uses()?);
        let (shared, writer) =
            writer::start(store, graph.with_instance_id(rand::random()), uses, writer::new_uuid);
        Ok(Self { shared, writer: Arc::new(writer) })
    }

    /// The directory as it is now.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::model::CreateOrgUnit;
    ///
    /// let directory = clade::Directory::in_memory()?;
    /// let before = directory.view();
    /// directory.apply(CreateOrgUnit::new("Corp", "organization"))?;
    /// assert!(before.org_unit("Corp").is_err(), "a view never changes");
    /// assert!(directory.view().org_unit("Corp").is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn view(&self) -> View {
        View::of(self.shared.published.load())
    }

    /// Carries out one command, or all of a list or none. Returns once it is on disk: written and synced, with its entry
    /// in the change log, after every write that returned before, and visible in every view that is taken from then on.
    /// Each command of a list sees what those before it did.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
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
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The reason for which one command was refused; for a list [`Error::Refused`] with the position and reason of each
    /// command that was. Nothing changed then. The one exception is [`Error::Store`] with [`StoreTrouble::Unsure`]: the
    /// disk failed at the last moment, and the change may have been made, or not. Read before you try again.
    /// [`Error::Closed`] once the writer has ended.
    pub fn apply(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        self.apply_as(&Author::local(), commands)
    }

    /// As [`Directory::apply`], in the name of `author` and within what their scope may change.
    ///
    /// # Errors
    /// As [`Directory::apply`], and [`Error::Unauthorized`] if the author's token has expired or was revoked.
    pub fn apply_as(&self, author: &Author, commands: impl IntoCommands) -> Result<Applied, Error> {
        let (commands, in_set) = taken(commands)?;
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        let answer = Box::new(move |outcome| {
            let _gone = answer.send(outcome);
        });
        self.writer.send_and_wait(Request::new(&self.shared, author.clone(), commands, answer))?;
        answered.recv().unwrap_or_else(|_| Err(unanswered())).map_err(in_set)
    }

    /// As [`Directory::apply`], without blocking the thread. It needs no particular async runtime.
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
    /// As [`Directory::apply`], and [`Error::Busy`] when too many writes wait.
    pub async fn apply_async(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        self.apply_as_async(&Author::local(), commands).await
    }

    /// As [`Directory::apply_as`], without blocking the thread.
    ///
    /// # Errors
    /// As [`Directory::apply_as`], and [`Error::Busy`] when too many writes wait.
    pub async fn apply_as_async(
        &self,
        author: &Author,
        commands: impl IntoCommands,
    ) -> Result<Applied, Error> {
        let (commands, in_set) = taken(commands)?;
        let (answer, answered) = oneshot::channel();
        let answer = Box::new(move |outcome| {
            let _gone = answer.send(outcome);
        });
        self.writer.send(Request::new(&self.shared, author.clone(), commands, answer))?;
        answered.await.unwrap_or_else(|_| Err(unanswered())).map_err(in_set)
    }

    /// Plans what [`Directory::apply`] would do and returns the view after it; nothing is written. It copies the graph,
    /// which takes about 0.1 s at a million records.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::model::CreateOrgUnit;
    ///
    /// let directory = clade::Directory::in_memory()?;
    /// let planned = directory.dry_run([CreateOrgUnit::new("Corp", "organization")])?;
    /// assert!(planned.view.org_unit("Corp").is_ok());
    /// assert!(directory.view().org_unit("Corp").is_err());
    /// # Ok(()) }
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
        let (commands, in_set) = taken(commands)?;
        let began = Instant::now();
        let mut draft = Arc::new(Graph::clone(&self.shared.published.load()));
        let context = PlanContext::new(Timestamp::now(), draft.revision().next(), &writer::new_uuid);
        let outcomes = draft::plan_all(&mut draft, author, commands, &context, drop).map_err(in_set)?;
        let took = WriteTimings { planned: began.elapsed(), ..WriteTimings::default() };
        Ok(Applied { view: View::of(draft), outcomes, took })
    }

    /// Says the newest published revision, and each that follows.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<Revision> {
        self.shared.revisions.subscribe()
    }

    /// The committed batches from a revision on, oldest first, read as they are asked for. While a change of
    /// thousands of records is planned and written, this waits for it.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::model::{CreateOrgUnit, Revision};
    ///
    /// let directory = clade::Directory::in_memory()?;
    /// directory.apply(CreateOrgUnit::new("Corp", "organization"))?;
    /// let batch = directory.log(Revision(1))?.next().expect("one batch was committed")?;
    /// assert_eq!(batch.sets[0].actor.to_string(), "local");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`], also as an item, when the log cannot be read or its hashes do not fit.
    pub fn log(&self, from: Revision) -> Result<impl Iterator<Item = Result<Batch, Error>> + use<>, Error> {
        let store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(store.log(from)?.map(|batch| batch.map_err(Error::from)))
    }

    /// Who changed what, from the newest entry of the log down, with what each record was before. Reads the disk, and
    /// as far back as it must.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::directory::{AuditAction, AuditRequest};
    /// use clade::model::CreateOrgUnit;
    ///
    /// let directory = clade::Directory::in_memory()?;
    /// directory.apply(CreateOrgUnit::new("Corp", "organization"))?;
    /// let asked = AuditRequest { before: None, entries: 10, changes: 100, record: None };
    /// let audit = directory.audit(&asked)?;
    /// assert_eq!(audit.entries[0].sets[0].changes[0].what, AuditAction::Created);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] when the log cannot be read, and [`Error::TooLarge`] where what the records of the page were
    /// is too much for one answer.
    pub fn audit(&self, asked: &AuditRequest) -> Result<Audit, Error> {
        let history = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).history()?;
        audit::read(&history, asked)
    }

    /// Notes that a token is used. Told to the minute, and written now and then.
    pub fn note_use(&self, id: &TokenId, now: Timestamp) {
        self.shared.uses.note(id, now);
    }

    /// When a token was last used, to the minute.
    #[must_use]
    pub fn last_used(&self, id: &TokenId) -> Option<Timestamp> {
        self.shared.uses.last(id)
    }

    /// Whether the writer is alive, the last commit reached the disk, and none has been on its way there for long.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.is_writable(Instant::now())
    }

    /// The same, told apart.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// let readiness = clade::Directory::in_memory()?.readiness();
    /// assert!(readiness.writer && readiness.disk);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        // A writer that has ended tries no disk any more.
        let writer = self.writer.is_alive();
        Readiness { writer, disk: !writer || self.is_ready() }
    }

    /// How much there is, and how the writer's work goes.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// let directory = clade::Directory::in_memory()?;
    /// directory.apply(clade::model::CreateOrgUnit::new("Corp", "organization"))?;
    /// let told = directory.statistics();
    /// assert_eq!((told.revision.0, told.commits_failed, told.committed.count()), (1, 0, 1));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared.tally.statistics(&self.shared.published.load())
    }

    /// Examines the file, then the store against the graph, then the graph against the rules.
    ///
    /// Writes wait meanwhile.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// assert!(clade::Directory::in_memory()?.check()?.findings.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read at all.
    pub fn check(&self) -> Result<CheckReport, Error> {
        let mut store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        check::check(&mut store, &self.view())
    }
}

/// The writer had the request, and panicked.
fn unanswered() -> Error {
    let message =
        "something went wrong here, and is logged; the change may have been made: read before trying again";
    StoreError::new(StoreTrouble::Unsure, message).into()
}

/// The commands of one call, and how a refusal of them is reported: as it is for one command, by position for a list.
fn taken(commands: impl IntoCommands) -> Result<(Vec<Command>, impl FnOnce(Error) -> Error), Error> {
    let (commands, is_list) = match commands.into_commands()? {
        Commands::One(command) => (vec![*command], false),
        Commands::List(commands) => (commands, true),
    };
    let total = commands.len();
    Ok((commands, move |refusal| if is_list { in_a_list(refusal, total) } else { refusal }))
}

/// The refusal of a list, also of a list of one command.
fn in_a_list(refusal: Error, total: usize) -> Error {
    match refusal {
        many @ (Error::Refused { .. }
        | Error::Store(_)
        | Error::Unauthorized
        | Error::Busy
        | Error::Closed
        | Error::Internal) => many,
        one => Error::Refused { refused: vec![(0, one)], total },
    }
}
