//! The writer thread: it takes queued write requests, and plans, commits, publishes and answers them (group commit).
//!
//! Invariant: a reply is sent only after its batch is on disk and published; a failed batch leaves no trace in memory;
//! and requests are planned only on a graph that equals the store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::Span;
use uuid::{ContextV7, Uuid};

use crate::directory::applied::{Applied, WriteTimings};
use crate::directory::draft::{DraftedSet, is_bulk, plan_all};
use crate::directory::plan::PlanContext;
use crate::directory::published::{Published, unshared};
use crate::directory::reader_wait::wait_for;
use crate::directory::spans::Requests;
use crate::directory::statistics::{QueuedWrite, WriterTally};
use crate::directory::uses::Uses;
use crate::error::Error;
use crate::error::panic::caught;
use crate::graph::{Graph, View};
use crate::model::change::{Batch, ChangeSet};
use crate::model::command::Command;
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::{Author, TokenId};
use crate::store::{Store, Watch};

#[cfg(test)]
mod tests;

/// The capacity of the request queue.
const QUEUE_MAX: usize = 4096;
/// The maximum number of requests in one commit.
const BATCH_MAX: usize = 1024;

/// The interval of periodic work while no request arrives: storing token uses, and a test write.
const IDLE_CHECK_EVERY: Duration = Duration::from_mins(1);
/// The same after a failed commit.
const RETRY_DISK_EVERY: Duration = Duration::from_secs(2);

/// A disk call that takes longer makes the store count as not writable.
const DISK_TIMEOUT: Duration = Duration::from_secs(10);

/// A caller's commands, to be applied atomically, and where the reply goes.
pub(super) struct Request {
    pub(super) author: Author,
    pub(super) commands: Vec<Command>,
    pub(super) reply: ReplyFn,
    /// The tracing span of the caller.
    pub(super) span: Span,
    /// Counts the request as waiting until it has been planned.
    pub(super) waiting: QueuedWrite,
}

pub(super) type ReplyFn = Box<dyn FnOnce(Result<Applied, Error>) + Send>;

impl Request {
    pub(super) fn new(
        shared: &Arc<DirectoryState>,
        author: Author,
        commands: Vec<Command>,
        reply: ReplyFn,
    ) -> Self {
        Self { author, commands, reply, span: Span::current(), waiting: QueuedWrite::new(&shared.tally) }
    }
}

/// The state shared by the writer thread and all callers.
#[derive(Debug)]
pub(super) struct DirectoryState {
    pub(super) published: Published,
    pub(super) revisions: watch::Sender<Revision>,
    pub(super) store: Mutex<Store>,
    pub(super) watch: Watch,
    pub(super) uses: Uses,
    pub(super) tally: WriterTally,
    /// Whether the writer is alive and the last commit succeeded.
    // Relaxed everywhere: it is a status flag, and graph and store are synchronized by their own means.
    pub(super) ready: AtomicBool,
}

impl DirectoryState {
    /// Whether the last commit succeeded, and no disk call takes too long at `now`.
    pub(super) fn is_writable(&self, now: Instant) -> bool {
        self.ready.load(Ordering::Relaxed) && self.watch.oldest_pending_call(now) < DISK_TIMEOUT
    }
}

/// A handle to the writer thread. Dropping it waits until all queued requests are done.
#[derive(Debug)]
pub(super) struct Writer {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Queues a request; [`Error::Busy`] if the queue is full. Never blocks.
    pub(super) fn send(&self, request: Request) -> Result<(), Error> {
        let requests = self.requests.as_ref().ok_or(Error::Closed)?;
        requests.try_send(request).map_err(|refusal| match refusal {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Closed,
        })
    }

    /// Whether the thread still runs.
    pub(super) fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Queues a request; blocks while the queue is full.
    pub(super) fn send_and_wait(&self, request: Request) -> Result<(), Error> {
        let requests = self.requests.as_ref().ok_or(Error::Closed)?;
        requests.send(request).map_err(|_| Error::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The sender first: the thread ends once its receiver is disconnected, so joining before would wait for ever.
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer thread panicked");
        }
    }
}

/// Starts the writer thread of a store with the content `graph`. `clock` gives the time of commits, and `new_uuid` generates
/// ids of new records.
pub(super) fn start(
    store: Store,
    graph: Graph,
    uses: Uses,
    clock: Clock,
    new_uuid: IdGenerator,
) -> (Arc<DirectoryState>, Writer) {
    let shared = Arc::new(DirectoryState {
        revisions: watch::Sender::new(graph.revision()),
        published: Published::new(Arc::new(graph)),
        watch: store.watch(),
        store: Mutex::new(store),
        uses,
        tally: WriterTally::default(),
        ready: AtomicBool::new(true),
    });
    let (requests, waiting) = sync_channel(QUEUE_MAX);
    let for_writer = Arc::clone(&shared);
    let thread = std::thread::Builder::new()
        .name("clade-writer".to_owned())
        .spawn(move || WriterThread::new(for_writer, clock, new_uuid).run(&waiting))
        .expect("a thread can be started while the process does");
    (shared, Writer { requests: Some(requests), thread: Some(thread) })
}

/// Gives the current time.
pub(super) type Clock = fn() -> Timestamp;

/// Generates `UUIDv7`s of a moment.
pub(super) type IdGenerator = fn(Timestamp) -> Uuid;

/// A new `UUIDv7` of this moment. Of moments that never go back, each is greater than those before.
pub(super) fn new_uuid(at: Timestamp) -> Uuid {
    static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());
    let millis = u64::try_from(at.as_millis()).unwrap_or_default();
    let nanos = u32::try_from(millis % 1_000 * 1_000_000).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(&CONTEXT, millis / 1_000, nanos))
}

/// The state of the writer thread.
pub(super) struct WriterThread {
    pub(super) shared: Arc<DirectoryState>,
    /// The graph that is planned on; equal to the published one between batches.
    pub(super) draft: Arc<Graph>,
    /// How long the last copy of the graph took. Waiting for a reader is worth at most that long.
    copy_took: Duration,
    clock: Clock,
    pub(super) new_uuid: IdGenerator,
    /// The moment of the last commit, also of an earlier process.
    last_commit: Timestamp,
}

/// The moment of the last commit in the store; `None` if there is none, or it cannot be read.
fn last_commit(shared: &DirectoryState) -> Option<Timestamp> {
    let store = shared.store.lock().unwrap_or_else(PoisonError::into_inner);
    let revision = shared.published.load().revision();
    Some(store.history().ok()?.head(revision).ok()?.at)
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        // Runs when the thread panics too, so `ready` never stays true without a writer.
        self.shared.ready.store(false, Ordering::Relaxed);
    }
}

type Replies = Vec<(ReplyFn, Result<DraftedSet, Error>)>;

impl WriterThread {
    fn new(shared: Arc<DirectoryState>, clock: Clock, new_uuid: IdGenerator) -> Self {
        let last_commit = last_commit(&shared).unwrap_or_default();
        let (draft, copy_took) = (Arc::default(), Duration::ZERO);
        let mut new = Self { shared, draft, copy_took, clock, new_uuid, last_commit };
        new.draft = new.copy_of_published();
        new
    }

    fn run(&mut self, waiting: &Receiver<Request>) {
        while let Some(first) = self.next(waiting) {
            let mut gathered = vec![first];
            gathered.extend(waiting.try_iter().take(BATCH_MAX - 1));
            // A bulk request is a batch of its own. The order of requests is kept: those before it are committed first.
            while !gathered.is_empty() {
                let is_bulk = |request: &Request| is_bulk(&self.draft, &request.author, &request.commands);
                let before = gathered.iter().position(is_bulk).unwrap_or(gathered.len());
                let mut rest = gathered.split_off(before);
                if !gathered.is_empty() {
                    self.catch_panic(|this| this.commit(gathered));
                }
                if !rest.is_empty() {
                    let bulk = rest.remove(0);
                    self.catch_panic(|this| this.commit_bulk(bulk));
                }
                gathered = rest;
            }
        }
    }

    /// Runs `work`, and survives a panic in it. Its requests get no reply then.
    fn catch_panic(&mut self, work: impl FnOnce(&mut Self)) {
        if caught(|| work(self)).is_none() {
            // The panic may have come before or after the commit. Not being ready makes `catch_up` compare with the
            // store before anything else is planned.
            self.shared.ready.store(false, Ordering::Relaxed);
            self.draft = self.copy_of_published();
        }
    }

    /// After a failed commit: tests the disk, and applies batches that the store has and the graph does not, which are
    /// those reported as [`StoreErrorKind::OutcomeUnknown`](crate::error::StoreErrorKind::OutcomeUnknown), or cut off by a panic.
    pub(super) fn catch_up(&mut self) -> Result<(), Error> {
        if self.shared.ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let mut store = shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.try_write()?;
        let revision = self.draft.revision();
        if store.revision() != revision {
            let missed: Vec<Batch> = store.log(revision.next())?.collect::<Result<_, _>>()?;
            tracing::warn!(
                from = revision.0,
                to = store.revision().0,
                "applying batches whose commit was reported as failed or unknown"
            );
            let draft = Arc::make_mut(&mut self.draft);
            for batch in &missed {
                draft.apply_batch(batch);
            }
            drop(self.publish(store.revision()));
            self.draft = self.copy_of_published();
        }
        shared.ready.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The next request; `None` once all senders are gone. Does periodic work while it waits.
    fn next(&mut self, waiting: &Receiver<Request>) -> Option<Request> {
        loop {
            if self.shared.ready.load(Ordering::Relaxed) {
                self.catch_panic(|this| this.store_uses(&this.shared.uses.due(Instant::now())));
            }
            let is_ready = self.shared.ready.load(Ordering::Relaxed);
            // A load balancer sends nothing to a server that is not ready, so no request would ever retry the disk.
            match waiting.recv_timeout(if is_ready { IDLE_CHECK_EVERY } else { RETRY_DISK_EVERY }) {
                Ok(request) => return Some(request),
                Err(RecvTimeoutError::Disconnected) => {
                    self.catch_panic(|this| this.store_uses(&this.shared.uses.rest()));
                    return None;
                }
                Err(RecvTimeoutError::Timeout) => self.catch_panic(|this| this.try_disk(is_ready)),
            }
        }
    }

    /// Makes a test write: a failed disk may have recovered, and an idle one may have failed.
    fn try_disk(&mut self, was_ready: bool) {
        if !was_ready {
            // The first failure was logged; logging it again every two seconds would only fill the log.
            let _still_failing = self.catch_up();
            return;
        }
        let tried = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).try_write();
        if let Err(failure) = tried {
            tracing::error!(error = ?failure, "the store can no longer be written");
            self.shared.ready.store(false, Ordering::Relaxed);
        }
    }

    /// Stores last-used times of tokens.
    fn store_uses(&self, uses: &[(TokenId, Timestamp)]) {
        if uses.is_empty() {
            return;
        }
        let mut store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(failure) = store.keep_token_uses(uses) {
            tracing::warn!(error = ?failure, "the last-used times of tokens could not be written");
            // If an empty commit works, these values are the cause, and are dropped: they would fail again each time.
            if store.try_write().is_err() {
                self.shared.uses.take_back(uses);
                self.shared.ready.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Commits all gathered requests in one transaction. A refusal concerns one request, a failed commit all of them.
    fn commit(&mut self, gathered: Vec<Request>) {
        if let Err(refusal) = self.catch_up() {
            return gathered.into_iter().for_each(|request| (request.reply)(Err(refusal.clone())));
        }
        // Indexes that readers use are built here, before publishing; otherwise each new graph would make readers wait.
        self.adopt_indexes();
        self.draft.build_used_indexes();
        let mut lap = Lap::begin();
        let mut batch = self.new_batch();
        let mut replies: Replies = Vec::with_capacity(gathered.len());
        let total = gathered.iter().map(|request| request.commands.len()).sum();
        let mut requests = Requests::default();
        for Request { author, commands, reply, span, .. } in gathered {
            let outcome = span.in_scope(|| self.plan(&mut batch, author, commands));
            replies.push((reply, outcome));
            requests.push(span);
        }
        if batch.sets.is_empty() {
            drop(requests);
            return self.reply(replies, WriteTimings { planned: lap.time(), ..WriteTimings::default() });
        }
        let planned = lap.time();
        // Locked until the graph is published, because `Directory::check` compares store and graph under this lock.
        let shared = Arc::clone(&self.shared);
        let mut store = shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        let committed = requests.commit(batch.revision).in_scope(|| store.commit(&batch));
        shared.ready.store(committed.is_ok(), Ordering::Relaxed);
        match committed {
            Ok(()) => {
                let committed = lap.time();
                let retired = requests.publish(batch.revision).in_scope(|| self.publish(batch.revision));
                drop(store);
                drop(requests);
                let took = WriteTimings { planned, committed, published: lap.time() };
                shared.tally.committed(total, took);
                self.reply(replies, took);
                self.draft = self.next_draft(retired, &batch);
            }
            Err(failure) => {
                drop((store, requests));
                shared.tally.failed();
                tracing::error!(error = ?failure, revision = batch.revision.0, "a commit failed");
                self.draft = self.copy_of_published();
                // Refused requests get this error too: the cause of a refusal may be a change that was not committed.
                for (reply, _) in replies {
                    reply(Err(failure.clone().into()));
                }
            }
        }
    }

    fn plan(
        &mut self,
        batch: &mut Batch,
        author: Author,
        commands: Vec<Command>,
    ) -> Result<DraftedSet, Error> {
        let (at, new_uuid) = (batch.at, self.new_uuid);
        let new_uuid = || new_uuid(at);
        let context = PlanContext::new(at, batch.revision, &new_uuid);
        let total = commands.len();
        let mut changes = Vec::new();
        let draft = &mut self.draft;
        let planned = caught(|| plan_all(draft, &author, commands, &context, |more| changes.extend(more)));
        match planned.unwrap_or(Err(Error::Internal)) {
            Ok(drafted) => {
                if !changes.is_empty() {
                    batch.sets.push(ChangeSet { actor: author.actor, changes });
                }
                Ok(drafted)
            }
            Err(refusal) => {
                // A single refused command changes nothing; several may have, and a panic can leave anything.
                if total > 1 || matches!(refusal, Error::Internal) {
                    self.draft = self.copy_of_published();
                    let draft = Arc::make_mut(&mut self.draft);
                    batch.sets.iter().for_each(|set| draft.apply(set));
                }
                Err(refusal)
            }
        }
    }

    pub(super) fn new_batch(&mut self) -> Batch {
        let revision = self.draft.revision().next();
        // A clock may step back. The moments of a store do not, nor the ids that are made of them: records are listed in
        // the order of their ids, and the earliest mapping decides a person's team.
        let at = (self.clock)().max(self.last_commit);
        self.last_commit = at;
        Batch { revision, id: new_uuid(at), at, sets: Vec::new() }
    }

    /// Takes over indexes that readers have built in the published graph.
    pub(super) fn adopt_indexes(&mut self) {
        if let Some(draft) = Arc::get_mut(&mut self.draft) {
            draft.adopt_indexes(&self.shared.published.load());
        }
    }

    pub(super) fn copy_of_published(&mut self) -> Arc<Graph> {
        let began = Instant::now();
        let copy = Arc::new(Graph::clone(&self.shared.published.load()));
        self.copy_took = began.elapsed();
        self.shared.tally.copied();
        copy
    }

    /// Publishes the draft to readers and subscribers; returns the graph that was published before.
    pub(super) fn publish(&mut self, revision: Revision) -> Arc<Graph> {
        Arc::make_mut(&mut self.draft).set_revision(revision);
        // Before the subscribers are notified: they load the graph at once, and must find this revision.
        let retired = self.shared.published.exchange(&self.draft);
        self.shared.revisions.send_replace(revision);
        retired
    }

    /// The next draft, equal to the published graph: the one that was published before with `batch` applied, or a copy.
    fn next_draft(&mut self, mut retired: Arc<Graph>, batch: &Batch) -> Arc<Graph> {
        // For very many changes, a copy is faster than applying them again.
        if !retired.is_bulk(batch.sets.iter().map(|set| set.changes.len()).sum())
            && let Some(graph) = unshared(&mut retired, wait_for(self.copy_took))
        {
            graph.apply_batch(batch);
            return retired;
        }
        self.shared.tally.track_replaced(&retired);
        drop(retired);
        self.copy_of_published()
    }

    pub(super) fn reply(&self, replies: Replies, took: WriteTimings) {
        let view = View::of(self.shared.published.load());
        for (reply, outcome) in replies {
            reply(outcome.map(|DraftedSet { outcomes, summary }| Applied {
                view: view.clone(),
                outcomes,
                summary,
                took,
            }));
        }
    }
}

/// A stopwatch for consecutive steps.
pub(super) struct Lap(Instant);

impl Lap {
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// The time since the last call, or since the start.
    pub(super) fn time(&mut self) -> Duration {
        let before = std::mem::replace(&mut self.0, Instant::now());
        self.0.duration_since(before)
    }
}
