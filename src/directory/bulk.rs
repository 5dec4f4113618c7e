//! Bulk writes, such as imports of thousands of records: written by a second thread while they are being planned.
//!
//! Invariant: nothing is committed before everything is planned, and nothing if any command is refused.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::Span;

use crate::directory::WriteTimings;
use crate::directory::draft::{DraftedSet, plan_all};
use crate::directory::plan::PlanContext;
use crate::directory::spans::Requests;
use crate::directory::writer::{Lap, Request, WriterThread};
use crate::error::panic::caught;
use crate::error::{Error, StoreError};
use crate::model::change::{Batch, Change};
use crate::model::command::Command;
use crate::model::token::Author;
use crate::store::{Piece, Store};

/// How many changes are sent to the writing thread at a time.
const PIECE_CHANGES: usize = 4096;
/// The maximum number of queued pieces. Planning waits while the queue is full.
// Bounds the memory: planning is faster than a slow disk, and would otherwise queue the whole import.
const PIECES_MAX: usize = 64;

impl WriterThread {
    /// Plans one request as a batch of its own, and writes it meanwhile.
    pub(super) fn commit_bulk(&mut self, Request { author, commands, reply, span, waiting }: Request) {
        if let Err(refusal) = self.catch_up() {
            return reply(Err(refusal));
        }
        self.adopt_indexes();
        let batch = self.new_batch();
        let total = commands.len();
        let mut lap = Lap::begin();
        // Locked until the graph is published, because `Directory::check` compares store and graph under this lock.
        let shared = Arc::clone(&self.shared);
        let mut store = shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = Requests::of(span.clone());
        let commit = requests.commit(batch.revision);
        let planned =
            span.in_scope(|| self.plan_and_write(&mut store, &batch, &author, commands, &commit, &mut lap));
        // Before the reply: a span lasts until its last handle is gone, and the caller's must end with its request.
        drop((span, commit, waiting));
        match planned {
            Ok((drafted, planned, true)) => {
                let committed = lap.time();
                let retired = requests.publish(batch.revision).in_scope(|| self.publish(batch.revision));
                drop(store);
                drop(requests);
                let took = WriteTimings { planned, committed, published: lap.time() };
                shared.tally.committed(total, took);
                self.reply(vec![(reply, Ok(drafted))], took);
                // Always a copy: applying so many changes a second time to the retired graph would take longer.
                shared.tally.track_replaced(&retired);
                drop(retired);
                self.draft = self.copy_of_published();
            }
            Ok((drafted, planned, false)) => {
                drop(store);
                self.reply(vec![(reply, Ok(drafted))], WriteTimings { planned, ..WriteTimings::default() });
            }
            Err(refusal) => {
                drop(store);
                reply(Err(refusal));
                self.draft = self.copy_of_published();
            }
        }
    }

    /// Plans and writes the commands. Returns their outcomes, how long planning took, and whether there was a commit.
    fn plan_and_write(
        &mut self,
        store: &mut Store,
        batch: &Batch,
        author: &Author,
        commands: Vec<Command>,
        span: &Span,
        lap: &mut Lap,
    ) -> Result<(DraftedSet, Duration, bool), Error> {
        let (draft, new_uuid, at) = (&mut self.draft, self.new_uuid, batch.at);
        let new_uuid = || new_uuid(at);
        let (planned, took, written) = thread::scope(|scope| {
            let (pieces, coming) = sync_channel(PIECES_MAX);
            let write = || span.in_scope(|| store.commit_pieces(batch, &author.actor, coming.into_iter()));
            let writing =
                thread::Builder::new().spawn_scoped(scope, write).map_err(|_no_thread| Error::Busy)?;
            let context = PlanContext::new(at, batch.revision, &new_uuid);
            let mut pieces = BulkCommit { gathered: Vec::with_capacity(PIECE_CHANGES), pieces };
            // A panic skips `end`, and pieces without an end are not committed.
            let planned =
                caught(|| plan_all(draft, author, commands, &context, |changes| pieces.take(changes)))
                    .unwrap_or(Err(Error::Internal));
            if planned.is_ok() {
                pieces.end();
            }
            // Closes the channel: without this, the writing thread would wait for more, and `join` for ever.
            drop(pieces);
            let written = writing.join().expect("the store catches panics and returns errors");
            Ok::<_, Error>((planned, lap.time(), written))
        })?;
        // Even for a refused request: a failed write says something about the disk. `Ok(false)` says nothing, because
        // nothing was written.
        if !matches!(written, Ok(false)) {
            self.shared.ready.store(written.is_ok(), Ordering::Relaxed);
        }
        // A refusal is returned even if the write failed too: the request is wrong whatever the disk does.
        let drafted = planned?;
        let is_written = written.map_err(|failure: StoreError| {
            self.shared.tally.failed();
            tracing::error!(error = ?failure, revision = batch.revision.0, "a commit failed");
            failure
        })?;
        Ok((drafted, took, is_written))
    }
}

/// Collects changes into pieces, and sends them to the writing thread.
struct BulkCommit {
    gathered: Vec<Change>,
    pieces: SyncSender<Piece>,
}

impl BulkCommit {
    fn take(&mut self, changes: Vec<Change>) {
        self.gathered.extend(changes);
        if self.gathered.len() >= PIECE_CHANGES {
            self.send();
        }
    }

    fn end(&mut self) {
        self.send();
        // A closed channel is no error here: the writing thread has failed, and returns its own error.
        let _gone = self.pieces.send(Piece::Last);
    }

    fn send(&mut self) {
        let gathered = std::mem::replace(&mut self.gathered, Vec::with_capacity(PIECE_CHANGES));
        let _gone = self.pieces.send(Piece::Changes(gathered));
    }
}
