//! The writer: one thread that gathers what waits, plans it, commits it, publishes it and answers.
//!
//! What must stay true: an answer goes out only after the batch that it is about is on disk and published,
//! and a batch that failed leaves no trace in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use crate::directory::Applied;
use crate::directory::plan::{self, Moment};
use crate::directory::published::Published;
use crate::error::Error;
use crate::graph::{Graph, View};
use crate::model::change::{Batch, ChangeSet};
use crate::model::command::{Command, Outcome};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::Actor;
use crate::store::Store;

/// At most so many requests wait for the writer; further ones are refused.
const WAITING_MAX: usize = 4096;
/// At most so many requests are committed together.
const BATCH_MAX: usize = 1024;

/// How long after a failed commit the disk is tried again, where no request does so.
const TRY_DISK_EVERY: Duration = Duration::from_secs(2);

/// A caller's commands, all to be carried out or none, and where the answer goes.
pub(super) struct Request {
    pub(super) actor: Actor,
    pub(super) commands: Vec<Command>,
    pub(super) answer: Box<dyn FnOnce(Result<Applied, Error>) + Send>,
}

/// What the writer shares with the readers.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) published: Published,
    pub(super) revisions: watch::Sender<Revision>,
    pub(super) store: Mutex<Store>,
    /// Whether the writer is alive and the last commit reached the disk.
    pub(super) ready: AtomicBool,
}

/// The way to the writer's thread. Dropping it waits for the thread to finish what it has.
#[derive(Debug)]
pub(super) struct Writer {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Hands over a request, or refuses it when too many wait.
    pub(super) fn send(&self, request: Request) -> Result<(), Error> {
        let requests = self.requests.as_ref().ok_or(Error::Closed)?;
        requests.try_send(request).map_err(|refusal| match refusal {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Closed,
        })
    }

    /// Hands over a request, and waits while too many others do.
    pub(super) fn send_and_wait(&self, request: Request) -> Result<(), Error> {
        let requests = self.requests.as_ref().ok_or(Error::Closed)?;
        requests.send(request).map_err(|_| Error::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer had panicked");
        }
    }
}

/// Starts the writer of a store, whose content is `graph`.
pub(super) fn start(store: Store, graph: Graph) -> (Arc<Shared>, Writer) {
    let graph = Arc::new(graph);
    let shared = Arc::new(Shared {
        revisions: watch::Sender::new(graph.revision()),
        published: Published::new(Arc::clone(&graph)),
        store: Mutex::new(store),
        ready: AtomicBool::new(true),
    });
    let (requests, waiting) = sync_channel(WAITING_MAX);
    let for_writer = Arc::clone(&shared);
    let thread = std::thread::Builder::new()
        .name("clade-writer".to_owned())
        .spawn(move || Loop { draft: Arc::new(Graph::clone(&graph)), shared: for_writer }.run(&waiting))
        .expect("a thread can be started while the process does");
    (shared, Writer { requests: Some(requests), thread: Some(thread) })
}

/// A new `UUIDv7`, greater than each before it.
pub(super) fn mint() -> Uuid {
    Uuid::now_v7()
}

/// Plans `commands` one after the other and makes each one's facts true in `draft`. One that is refused is left
/// out, so that the next can be told as well; `draft` is then of no further use.
pub(super) fn plan_all(
    draft: &mut Arc<Graph>,
    commands: &[Command],
    moment: &Moment<'_>,
    actor: &Actor,
) -> Result<(ChangeSet, Vec<Outcome>), Error> {
    let mut all = ChangeSet { actor: actor.clone(), changes: Vec::new() };
    let mut outcomes = Vec::with_capacity(commands.len());
    let mut refused = Vec::new();
    for (at, command) in commands.iter().enumerate() {
        let planned = plan::plan(&View::of(Arc::clone(draft)), command, moment);
        match planned {
            Ok(planned) => {
                let set = ChangeSet { actor: actor.clone(), changes: planned.changes };
                // Nobody else holds the draft but for a view that has just gone, so this copies nothing.
                Arc::make_mut(draft).apply(&set);
                all.changes.extend(set.changes);
                outcomes.push(planned.outcome);
            }
            Err(refusal) => refused.push((at, refusal)),
        }
    }
    match (refused.len(), commands.len()) {
        (0, _) => Ok((all, outcomes)),
        (_, 1) => Err(refused.swap_remove(0).1),
        (_, total) => Err(Error::Refused { refused, total }),
    }
}

/// What the writer's thread keeps to itself.
struct Loop {
    shared: Arc<Shared>,
    /// Equal to the published graph while nothing is being planned.
    draft: Arc<Graph>,
}

impl Drop for Loop {
    /// Also when the writer panics.
    fn drop(&mut self) {
        self.shared.ready.store(false, Ordering::Relaxed);
    }
}

type Answers = Vec<(Box<dyn FnOnce(Result<Applied, Error>) + Send>, Result<Vec<Outcome>, Error>)>;

impl Loop {
    fn run(&mut self, waiting: &Receiver<Request>) {
        while let Some(first) = self.next(waiting) {
            let mut gathered = vec![first];
            gathered.extend(waiting.try_iter().take(BATCH_MAX - 1));
            self.commit(gathered);
        }
    }

    /// The next request, or none when there will be no more. Whoever balances loads sends nothing to a server that
    /// is not ready, so this does not wait for a request to find the disk well again.
    fn next(&self, waiting: &Receiver<Request>) -> Option<Request> {
        while !self.shared.ready.load(Ordering::Relaxed) {
            match waiting.recv_timeout(TRY_DISK_EVERY) {
                Ok(request) => return Some(request),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    let tried = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).try_write();
                    self.shared.ready.store(tried.is_ok(), Ordering::Relaxed);
                }
            }
        }
        waiting.recv().ok()
    }

    /// One transaction for everyone who waits. A refusal is one request's own. A failed transaction is
    /// everyone's, also of the refused: a neighbour that never came to be may have been the reason.
    fn commit(&mut self, gathered: Vec<Request>) {
        if let Some(draft) = Arc::get_mut(&mut self.draft) {
            draft.adopt_indexes(&self.shared.published.load());
        }
        let mut batch = Batch {
            revision: self.draft.revision().next(),
            id: mint(),
            at: Timestamp::now(),
            sets: Vec::new(),
        };
        let mut answers: Answers = Vec::with_capacity(gathered.len());
        for Request { actor, commands, answer } in gathered {
            let outcome = self.plan(&mut batch, &actor, &commands);
            answers.push((answer, outcome));
        }
        if batch.sets.is_empty() {
            return self.answer(answers);
        }
        let committed = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).commit(&batch);
        self.shared.ready.store(committed.is_ok(), Ordering::Relaxed);
        match committed {
            Ok(()) => {
                self.publish(&batch);
                self.answer(answers);
            }
            Err(failure) => {
                tracing::error!(error = ?failure, revision = %batch.revision, "a commit failed; nothing was changed");
                self.draft = self.copy_of_published();
                for (answer, _) in answers {
                    answer(Err(failure.clone().into()));
                }
            }
        }
    }

    fn plan(
        &mut self,
        batch: &mut Batch,
        actor: &Actor,
        commands: &[Command],
    ) -> Result<Vec<Outcome>, Error> {
        let moment = Moment::new(batch.at, batch.revision, &mint);
        match plan_all(&mut self.draft, commands, &moment, actor) {
            Ok((set, outcomes)) => {
                if !set.changes.is_empty() {
                    batch.sets.push(set);
                }
                Ok(outcomes)
            }
            Err(refusal) => {
                // A single command that is refused has changed nothing; of several, some may have.
                if commands.len() > 1 {
                    self.draft = self.copy_of_published();
                    let draft = Arc::make_mut(&mut self.draft);
                    batch.sets.iter().for_each(|set| draft.apply(set));
                }
                Err(refusal)
            }
        }
    }

    fn copy_of_published(&self) -> Arc<Graph> {
        Arc::new(Graph::clone(&self.shared.published.load()))
    }

    /// Readers and subscribers first.
    fn publish(&mut self, batch: &Batch) {
        Arc::make_mut(&mut self.draft).stand_at(batch.revision);
        self.draft = self.shared.published.exchange(&self.draft, batch);
        self.shared.revisions.send_replace(batch.revision);
    }

    fn answer(&self, answers: Answers) {
        let view = View::of(self.shared.published.load());
        for (answer, outcome) in answers {
            answer(outcome.map(|outcomes| Applied { view: view.clone(), outcomes }));
        }
    }
}
