//! The writer: one thread that gathers what waits, plans it, commits it, publishes it and answers.
//!
//! What must stay true: an answer goes out only after the batch that it is about is on disk and published; a batch that
//! failed leaves no trace in memory; and nothing is planned but on a graph that equals the store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::Span;
use uuid::Uuid;

use crate::directory::applied::{Applied, WriteTimings};
use crate::directory::draft::{is_bulk, plan_all};
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
use crate::model::command::{Command, Outcome};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::{Author, TokenId};
use crate::store::{Store, Watch};

#[cfg(test)]
mod tests;

/// At most so many requests wait for the writer; further ones are refused.
const WAITING_MAX: usize = 4096;
/// At most so many requests are committed together.
const BATCH_MAX: usize = 1024;

/// How long the writer waits for a request before it looks whether anything else is to be done, and tries the disk.
const LOOK_UP_EVERY: Duration = Duration::from_mins(1);
/// How long after a failed commit the disk is tried again, where no request does so.
const TRY_DISK_EVERY: Duration = Duration::from_secs(2);

/// A disk that has not answered for so long is taken for one that cannot be written.
const DISK_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// A caller's commands, all to be carried out or none, and where the answer goes.
pub(super) struct Request {
    pub(super) author: Author,
    pub(super) commands: Vec<Command>,
    pub(super) answer: ReplyFn,
    /// What it is a part of.
    pub(super) span: Span,
    /// Until it has been planned.
    pub(super) waiting: QueuedWrite,
}

pub(super) type ReplyFn = Box<dyn FnOnce(Result<Applied, Error>) + Send>;

impl Request {
    pub(super) fn new(
        shared: &Arc<DirectoryState>,
        author: Author,
        commands: Vec<Command>,
        answer: ReplyFn,
    ) -> Self {
        Self { author, commands, answer, span: Span::current(), waiting: QueuedWrite::new(&shared.tally) }
    }
}

/// What the writer shares with the readers.
#[derive(Debug)]
pub(super) struct DirectoryState {
    pub(super) published: Published,
    pub(super) revisions: watch::Sender<Revision>,
    pub(super) store: Mutex<Store>,
    pub(super) watch: Watch,
    pub(super) uses: Uses,
    pub(super) tally: WriterTally,
    /// Whether the writer is alive and the last commit reached the disk.
    pub(super) ready: AtomicBool,
}

impl DirectoryState {
    /// Whether the last commit reached the disk, and at `now` none has been on its way there for long.
    pub(super) fn takes_writes(&self, now: Instant) -> bool {
        self.ready.load(Ordering::Relaxed) && self.watch.waits_for(now) < DISK_ANSWERS_WITHIN
    }
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

    /// Whether the thread still runs.
    pub(super) fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
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

/// Starts the writer of a store, whose content is `graph`. The ids of new records come from `new_uuid`.
pub(super) fn start(
    store: Store,
    graph: Graph,
    uses: Uses,
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
    let (requests, waiting) = sync_channel(WAITING_MAX);
    let for_writer = Arc::clone(&shared);
    let thread = std::thread::Builder::new()
        .name("clade-writer".to_owned())
        .spawn(move || Loop::new(for_writer, new_uuid).run(&waiting))
        .expect("a thread can be started while the process does");
    (shared, Writer { requests: Some(requests), thread: Some(thread) })
}

/// Gives a new `UUIDv7` each time.
pub(super) type IdGenerator = fn() -> Uuid;

/// A new `UUIDv7`, greater than each before it.
pub(super) fn new_uuid() -> Uuid {
    Uuid::now_v7()
}

/// What the writer's thread keeps to itself.
pub(super) struct Loop {
    pub(super) shared: Arc<DirectoryState>,
    /// Equal to the published graph while nothing is being planned.
    pub(super) draft: Arc<Graph>,
    /// How long the last copy of the graph took, and so how long it is worth waiting for a reader rather than to
    /// make another.
    copy_takes: Duration,
    pub(super) new_uuid: IdGenerator,
}

impl Drop for Loop {
    /// Also when the writer panics.
    fn drop(&mut self) {
        self.shared.ready.store(false, Ordering::Relaxed);
    }
}

type Answers = Vec<(ReplyFn, Result<Vec<Outcome>, Error>)>;

impl Loop {
    fn new(shared: Arc<DirectoryState>, new_uuid: IdGenerator) -> Self {
        let mut new = Self { shared, draft: Arc::default(), copy_takes: Duration::ZERO, new_uuid };
        new.draft = new.copy_of_published();
        new
    }

    fn run(&mut self, waiting: &Receiver<Request>) {
        while let Some(first) = self.next(waiting) {
            let mut gathered = vec![first];
            gathered.extend(waiting.try_iter().take(BATCH_MAX - 1));
            // A large request is a batch of its own, in its turn.
            while !gathered.is_empty() {
                let is_bulk = |request: &Request| is_bulk(&self.draft, &request.author, &request.commands);
                let before = gathered.iter().position(is_bulk).unwrap_or(gathered.len());
                let mut rest = gathered.split_off(before);
                if !gathered.is_empty() {
                    self.survive(|own| own.commit(gathered));
                }
                if !rest.is_empty() {
                    let bulk = rest.remove(0);
                    self.survive(|own| own.commit_bulk(bulk));
                }
                gathered = rest;
            }
        }
    }

    /// Does `work`. Where that panics, nobody who waits for it is answered, and whatever it came to is looked up in the
    /// store before anything else is done: see [`Loop::catch_up`].
    fn survive(&mut self, work: impl FnOnce(&mut Self)) {
        if caught(|| work(self)).is_none() {
            self.shared.ready.store(false, Ordering::Relaxed);
            self.draft = self.copy_of_published();
        }
    }

    /// After a commit that failed: nothing is planned until the disk takes writes again, and the graph equals the store.
    /// A commit of which nobody could tell whether it was made stands in the store, or does not. Where it does, whoever
    /// asked for it has heard that it may, and from here on everyone sees it.
    pub(super) fn catch_up(&mut self) -> Result<(), Error> {
        if self.shared.ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let mut store = shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.try_write()?;
        let stands_at = self.draft.revision();
        if store.revision() != stands_at {
            let missed: Vec<Batch> = store.log(stands_at.next())?.collect::<Result<_, _>>()?;
            tracing::warn!(
                from = stands_at.0,
                to = store.revision().0,
                "taking over what was committed after all"
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

    /// The next request, or none when there will be no more. Whoever balances loads sends nothing to a server that
    /// is not ready, so this does not wait for a request to find the disk well again.
    fn next(&mut self, waiting: &Receiver<Request>) -> Option<Request> {
        loop {
            if self.shared.ready.load(Ordering::Relaxed) {
                self.survive(|own| own.keep_uses(&own.shared.uses.due(Instant::now())));
            }
            let is_ready = self.shared.ready.load(Ordering::Relaxed);
            match waiting.recv_timeout(if is_ready { LOOK_UP_EVERY } else { TRY_DISK_EVERY }) {
                Ok(request) => return Some(request),
                Err(RecvTimeoutError::Disconnected) => {
                    self.survive(|own| own.keep_uses(&own.shared.uses.rest()));
                    return None;
                }
                Err(RecvTimeoutError::Timeout) => self.survive(|own| own.try_disk(is_ready)),
            }
        }
    }

    /// Tries the disk: one that failed may be well again, and one that nobody wrote to may have failed.
    fn try_disk(&mut self, was_ready: bool) {
        if !was_ready {
            // Where it is no better, that was told already.
            let _still_ill = self.catch_up();
            return;
        }
        let tried = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).try_write();
        if let Err(failure) = tried {
            tracing::error!(error = ?failure, "the store can no longer be written");
            self.shared.ready.store(false, Ordering::Relaxed);
        }
    }

    /// What is lost of it is no loss; but a disk that does not take it takes no changes.
    fn keep_uses(&self, uses: &[(TokenId, Timestamp)]) {
        if uses.is_empty() {
            return;
        }
        let mut store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(failure) = store.keep_token_uses(uses) {
            tracing::warn!(error = ?failure, "when tokens were last used could not be written");
            // Where something else can be, they are the reason, and given up.
            if store.try_write().is_err() {
                self.shared.uses.take_back(uses);
                self.shared.ready.store(false, Ordering::Relaxed);
            }
        }
    }

    /// One transaction for everyone who waits. A refusal is one request's own. A failed transaction is
    /// everyone's, also of the refused: a neighbour that never came to be may have been the reason.
    fn commit(&mut self, gathered: Vec<Request>) {
        if let Err(refusal) = self.catch_up() {
            return gathered.into_iter().for_each(|request| (request.answer)(Err(refusal.clone())));
        }
        self.adopt_indexes();
        self.draft.build_wanted();
        let mut lap = Lap::begin();
        let mut batch = self.new_batch();
        let mut answers: Answers = Vec::with_capacity(gathered.len());
        let total = gathered.iter().map(|request| request.commands.len()).sum();
        let mut requests = Requests::default();
        for Request { author, commands, answer, span, .. } in gathered {
            let outcome = span.in_scope(|| self.plan(&mut batch, author, commands));
            answers.push((answer, outcome));
            requests.push(span);
        }
        if batch.sets.is_empty() {
            drop(requests);
            return self.answer(answers, WriteTimings { planned: lap.time(), ..WriteTimings::default() });
        }
        let planned = lap.time();
        // Held until the graph is published too: whoever compares the two must not come between.
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
                self.answer(answers, took);
                self.draft = self.next_draft(retired, &batch);
            }
            Err(failure) => {
                drop((store, requests));
                shared.tally.failed();
                tracing::error!(error = ?failure, revision = batch.revision.0, "a commit failed");
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
        author: Author,
        commands: Vec<Command>,
    ) -> Result<Vec<Outcome>, Error> {
        let context = PlanContext::new(batch.at, batch.revision, &self.new_uuid);
        let total = commands.len();
        let mut changes = Vec::new();
        let draft = &mut self.draft;
        let planned = caught(|| plan_all(draft, &author, commands, &context, |more| changes.extend(more)));
        match planned.unwrap_or(Err(Error::Internal)) {
            Ok(outcomes) => {
                if !changes.is_empty() {
                    batch.sets.push(ChangeSet { actor: author.actor, changes });
                }
                Ok(outcomes)
            }
            Err(refusal) => {
                // A single command that is refused has changed nothing; of several, some may have; and nobody knows
                // where a panic came.
                if total > 1 || matches!(refusal, Error::Internal) {
                    self.draft = self.copy_of_published();
                    let draft = Arc::make_mut(&mut self.draft);
                    batch.sets.iter().for_each(|set| draft.apply(set));
                }
                Err(refusal)
            }
        }
    }

    pub(super) fn new_batch(&self) -> Batch {
        let revision = self.draft.revision().next();
        Batch { revision, id: new_uuid(), at: Timestamp::now(), sets: Vec::new() }
    }

    /// What readers had built of the published graph.
    pub(super) fn adopt_indexes(&mut self) {
        if let Some(draft) = Arc::get_mut(&mut self.draft) {
            draft.adopt_indexes(&self.shared.published.load());
        }
    }

    pub(super) fn copy_of_published(&mut self) -> Arc<Graph> {
        let began = Instant::now();
        let copy = Arc::new(Graph::clone(&self.shared.published.load()));
        self.copy_takes = began.elapsed();
        self.shared.tally.copied();
        copy
    }

    /// Readers and subscribers first. Gives back the graph that was published before.
    pub(super) fn publish(&mut self, revision: Revision) -> Arc<Graph> {
        Arc::make_mut(&mut self.draft).stand_at(revision);
        let retired = self.shared.published.exchange(&self.draft);
        self.shared.revisions.send_replace(revision);
        retired
    }

    /// A graph equal to the published one, to draft the next changes in: the one that was published before, with
    /// `batch`, which it has not. Whoever asked has their answer, so nobody waits for this but the next to ask.
    fn next_draft(&mut self, mut retired: Arc<Graph>, batch: &Batch) -> Arc<Graph> {
        // Where so much changed, a copy is made sooner.
        if !retired.is_bulk(batch.sets.iter().map(|set| set.changes.len()).sum())
            && let Some(graph) = unshared(&mut retired, wait_for(self.copy_takes))
        {
            graph.apply_batch(batch);
            return retired;
        }
        self.shared.tally.leave(&retired);
        drop(retired);
        self.copy_of_published()
    }

    pub(super) fn answer(&self, answers: Answers, took: WriteTimings) {
        let view = View::of(self.shared.published.load());
        for (answer, outcome) in answers {
            answer(outcome.map(|outcomes| Applied { view: view.clone(), outcomes, took }));
        }
    }
}

/// Tells how long each of several steps took.
pub(super) struct Lap(Instant);

impl Lap {
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// How long it took since this was last asked.
    pub(super) fn time(&mut self) -> Duration {
        let before = std::mem::replace(&mut self.0, Instant::now());
        self.0.duration_since(before)
    }
}
