//! A request so large that planning it and writing it each take seconds: it is written while it is planned.
//!
//! What must stay true: nothing of it is committed before all of it is planned, and nothing where any is refused.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::Span;

use crate::directory::WriteTimings;
use crate::directory::draft::plan_all;
use crate::directory::plan::PlanContext;
use crate::directory::spans::Requests;
use crate::directory::writer::{Lap, Loop, Request};
use crate::error::panic::caught;
use crate::error::{Error, StoreError};
use crate::model::change::{Batch, Change};
use crate::model::command::{Command, Outcome};
use crate::model::token::Author;
use crate::store::{Piece, Store};

/// So many changes are handed over at once.
const PIECE: usize = 4096;
/// So many pieces wait to be written; then planning waits.
const PIECES_MAX: usize = 64;

impl Loop {
    /// Plans one request in a batch of its own, and writes it meanwhile.
    pub(super) fn commit_bulk(&mut self, Request { author, commands, answer, span, waiting }: Request) {
        if let Err(refusal) = self.catch_up() {
            return answer(Err(refusal));
        }
        self.adopt_indexes();
        let batch = self.new_batch();
        let total = commands.len();
        let mut lap = Lap::begin();
        // Held until the graph is published too: whoever compares the two must not come between.
        let shared = Arc::clone(&self.shared);
        let mut store = shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = Requests::of(span.clone());
        let commit = requests.commit(batch.revision);
        let planned =
            span.in_scope(|| self.plan_and_write(&mut store, &batch, &author, commands, &commit, &mut lap));
        drop((span, commit, waiting));
        match planned {
            Ok((outcomes, planned, true)) => {
                let committed = lap.time();
                let retired = requests.publish(batch.revision).in_scope(|| self.publish(batch.revision));
                drop(store);
                drop(requests);
                let took = WriteTimings { planned, committed, published: lap.time() };
                shared.tally.committed(total, took);
                self.answer(vec![(answer, Ok(outcomes))], took);
                shared.tally.leave(&retired);
                drop(retired);
                self.draft = self.copy_of_published();
            }
            Ok((outcomes, planned, false)) => {
                drop(store);
                self.answer(
                    vec![(answer, Ok(outcomes))],
                    WriteTimings { planned, ..WriteTimings::default() },
                );
            }
            Err(refusal) => {
                drop(store);
                answer(Err(refusal));
                self.draft = self.copy_of_published();
            }
        }
    }

    /// What each command did, how long planning took, and whether anything was committed.
    fn plan_and_write(
        &mut self,
        store: &mut Store,
        batch: &Batch,
        author: &Author,
        commands: Vec<Command>,
        span: &Span,
        lap: &mut Lap,
    ) -> Result<(Vec<Outcome>, Duration, bool), Error> {
        let (draft, new_uuid) = (&mut self.draft, &self.new_uuid);
        let (planned, took, written) = thread::scope(|scope| {
            let (pieces, coming) = sync_channel(PIECES_MAX);
            let write = || span.in_scope(|| store.commit_pieces(batch, &author.actor, coming.into_iter()));
            let writing =
                thread::Builder::new().spawn_scoped(scope, write).map_err(|_no_thread| Error::Busy)?;
            let context = PlanContext::new(batch.at, batch.revision, new_uuid);
            let mut pieces = BulkCommit { gathered: Vec::with_capacity(PIECE), pieces };
            // What was handed over is not committed before its end is.
            let planned =
                caught(|| plan_all(draft, author, commands, &context, |changes| pieces.take(changes)))
                    .unwrap_or(Err(Error::Internal));
            if planned.is_ok() {
                pieces.end();
            }
            drop(pieces);
            let written = writing.join().expect("what cannot be written is an error, not a panic");
            Ok::<_, Error>((planned, lap.time(), written))
        })?;
        // Also where the request is refused. Where there was nothing to write, the disk was not tried.
        if !matches!(written, Ok(false)) {
            self.shared.ready.store(written.is_ok(), Ordering::Relaxed);
        }
        let outcomes = planned?;
        let is_written = written.map_err(|failure: StoreError| {
            self.shared.tally.failed();
            tracing::error!(error = ?failure, revision = batch.revision.0, "a commit failed");
            failure
        })?;
        Ok((outcomes, took, is_written))
    }
}

/// Hands changes over, many at once.
struct BulkCommit {
    gathered: Vec<Change>,
    pieces: SyncSender<Piece>,
}

impl BulkCommit {
    fn take(&mut self, changes: Vec<Change>) {
        self.gathered.extend(changes);
        if self.gathered.len() >= PIECE {
            self.hand_over();
        }
    }

    fn end(&mut self) {
        self.hand_over();
        // Whoever writes may have failed already, and says so then.
        let _gone = self.pieces.send(Piece::Last);
    }

    fn hand_over(&mut self) {
        let gathered = std::mem::replace(&mut self.gathered, Vec::with_capacity(PIECE));
        let _gone = self.pieces.send(Piece::Changes(gathered));
    }
}
