//! Scheduling of a request: its timeout, its slot of heavy work, and when it yields its worker thread to others.
//!
//! Invariant: fields of a response are in document order. async-graphql orders them by the completion of their
//! resolvers, so a resolver must never be suspended: where it has to wait, it blocks its thread, and `block_in_place`
//! hands the connections of that thread over to another. Otherwise
//! `fields_come_in_the_order_in_which_they_are_asked_for_however_long_they_take` in `tests/graphql/budget.rs` fails.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

use crate::server::admission::slots::{Slot, Weight};
use crate::server::admission::work::RequestWork;
use crate::server::response::problem::{Problem, Result};

/// How long a request without a slot computes before it yields to other tasks.
const PAUSE_EVERY: Duration = Duration::from_millis(2);
/// Maximum number of requests that block a thread while they wait.
// Tokio replaces each blocked worker by a thread of its blocking pool, which has a maximum. With all of them blocked,
// the whole runtime would stop.
const WAITING_MAX: usize = 32;

/// The scheduling state of one request, or of all requests of a batch.
#[derive(Debug)]
pub(in crate::server) struct Turn {
    began: Instant,
    within: Duration,
    work: RequestWork,
    waiting: WaitPermit,
    slot: Mutex<Option<Slot>>,
    /// Whether the client has disconnected.
    is_abandoned: AtomicBool,
    /// When it last yielded, in microseconds since it began.
    paused_us: AtomicU64,
}

/// The permits of requests that block a thread while they wait.
#[derive(Debug, Clone)]
pub(in crate::server) struct WaitPermit(Arc<Semaphore>);

impl Default for WaitPermit {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(WAITING_MAX)))
    }
}

impl Turn {
    pub(in crate::server) fn new(work: RequestWork, within: Duration, waiting: WaitPermit) -> Self {
        Self {
            began: Instant::now(),
            within,
            work,
            waiting,
            slot: Mutex::default(),
            is_abandoned: AtomicBool::new(false),
            paused_us: AtomicU64::new(0),
        }
    }

    pub(in crate::server) fn work(&self) -> &RequestWork {
        &self.work
    }

    /// Waits for a slot, outside of resolvers: the future is suspended.
    ///
    /// # Errors
    /// The timeout has passed.
    pub(in crate::server) async fn take_slot(&self) -> Result<()> {
        if self.has_slot() {
            return Ok(());
        }
        let actor = self.work.caller().actor();
        let slot = self.work.admission().heavy.slot(actor, Weight::One);
        let slot = tokio::time::timeout(self.left(), slot).await.map_err(|_| self.too_late())?;
        // Another field of the request may have got one meanwhile. The assignment drops that one, and so returns it.
        *self.slot() = Some(slot);
        Ok(())
    }

    /// Takes a slot if one is free. Returns whether the request has a slot now.
    pub(in crate::server) fn try_slot(&self) -> bool {
        if self.has_slot() {
            return true;
        }
        let free = self.work.admission().heavy.try_slot(self.work.caller().actor());
        let is_free = free.is_some();
        if is_free {
            *self.slot() = free;
        }
        is_free
    }

    /// Returns the slot before the request waits for anything but a processor: for the writer, or for all slots of its
    /// caller, which would be a deadlock.
    pub(in crate::server) fn release_slot(&self) {
        // Two statements: dropping a slot takes other locks, and the guard of this one must be gone by then.
        let released = self.slot().take();
        drop(released);
    }

    /// As [`Turn::take_slot`], for resolvers: blocks the thread instead of being suspended.
    ///
    /// # Errors
    /// The timeout has passed, or too many requests are waiting.
    pub(in crate::server) async fn take_slot_in_order(&self) -> Result<()> {
        if self.try_slot() { Ok(()) } else { self.in_order(self.take_slot()).await? }
    }

    /// Waits for a future without suspending the resolver that calls this.
    ///
    /// # Errors
    /// Too many requests are waiting.
    pub(in crate::server) async fn in_order<F: Future>(&self, wait: F) -> Result<F::Output> {
        let Ok(_waiting) = self.waiting.0.try_acquire() else {
            let detail = "too many requests are waiting for heavy work to finish; try again later";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail));
        };
        Ok(match multi_threaded() {
            // `block_on` alone panics inside a runtime's worker; `block_in_place` makes this thread an ordinary one.
            Some(here) => tokio::task::block_in_place(|| here.block_on(wait)),
            // With one thread, blocking it would stop whatever this waits for. Field order may suffer.
            None => wait.await,
        })
    }

    /// Whether the request has a slot of its own.
    pub(in crate::server) fn has_slot(&self) -> bool {
        self.slot().is_some()
    }

    fn slot(&self) -> MutexGuard<'_, Option<Slot>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left(&self) -> Duration {
        self.within.saturating_sub(self.began.elapsed())
    }

    /// Marks the request as abandoned by its client. It ends at its next pause.
    pub(in crate::server) fn abandon(&self) {
        // `Relaxed`: nothing else is published with the flag, and seeing it one pause later does no harm.
        self.is_abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether the timeout has passed or the client has disconnected.
    pub(in crate::server) fn is_over(&self) -> bool {
        self.left().is_zero() || self.is_abandoned.load(Ordering::Relaxed)
    }

    /// Yields the thread if the request has computed for [`PAUSE_EVERY`].
    ///
    /// # Errors
    /// The timeout has passed, or the client has disconnected.
    pub(in crate::server) fn pause(&self) -> Result<()> {
        if self.is_over() {
            return Err(self.too_late());
        }
        // A slot is the right to compute without yielding: there are about as many as processors. A request that has
        // one from the start also runs in `Blocking`.
        if self.has_slot() {
            return Ok(());
        }
        let now_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let since_us = now_us.saturating_sub(self.paused_us.load(Ordering::Relaxed));
        if Duration::from_micros(since_us) >= PAUSE_EVERY {
            self.paused_us.store(now_us, Ordering::Relaxed);
            // Empty work: entering `block_in_place` hands the tasks queued on this worker over to another thread.
            blocking(|| ());
        }
        Ok(())
    }

    fn too_late(&self) -> Problem {
        let limit_ms = u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX);
        let detail = format!("the request took longer than {limit_ms} ms; request fewer records at a time");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail).with("limitMs", limit_ms)
    }
}

/// Runs blocking work on this thread while another one takes over its connections.
pub(in crate::server) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    // `block_in_place` panics in a runtime of one thread, which has no other thread to hand tasks over to.
    if multi_threaded().is_some() { tokio::task::block_in_place(work) } else { work() }
}

/// The current runtime, if it has several threads.
fn multi_threaded() -> Option<Handle> {
    Handle::try_current().ok().filter(|here| here.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// A future each of whose polls is blocking work.
// For requests with a slot: their polls are known to be long, so the handover happens before and not every 2 ms within.
pub(in crate::server) struct Blocking<F>(Pin<Box<F>>);

impl<F: Future> Blocking<F> {
    pub(in crate::server) fn new(work: F) -> Self {
        Self(Box::pin(work))
    }
}

impl<F: Future> Future for Blocking<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        blocking(|| self.0.as_mut().poll(context))
    }
}
