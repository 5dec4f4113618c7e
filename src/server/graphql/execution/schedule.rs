//! When a request computes: its time limit, its slot of heavy work, and the moments in which it lets others go on.
//!
//! A resolver that computes keeps its thread, and async-graphql answers fields in the order in which they come to an end,
//! which should be that in which they are asked for. So a resolver never gives up its turn: where it must wait, it keeps
//! its thread while another takes over the connections. Without that,
//! `fields_come_in_the_order_in_which_they_are_asked_for_however_long_they_take` in `tests/graphql/turns.rs` fails.

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

/// After so long a request without a slot lets others go on.
const PAUSE_EVERY: Duration = Duration::from_millis(2);
/// The most requests that keep a thread while they wait. A runtime has some hundred threads, and stands still without
/// any.
const WAITING_MAX: usize = 32;

/// The turn of one request, or of all of a batch.
#[derive(Debug)]
pub(in crate::server) struct Turn {
    began: Instant,
    within: Duration,
    work: RequestWork,
    waiting: WaitPermit,
    slot: Mutex<Option<Slot>>,
    /// Whether the client is gone.
    is_abandoned: AtomicBool,
    /// When it last paused, in microseconds since it began.
    paused_us: AtomicU64,
}

/// A permit for each request that keeps a thread while it waits.
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

    /// Waits for a slot before anything is carried out.
    ///
    /// # Errors
    /// The time is up.
    pub(in crate::server) async fn take_slot(&self) -> Result<()> {
        if self.has_slot() {
            return Ok(());
        }
        let actor = self.work.caller().actor();
        let slot = self.work.admission().heavy.slot(actor, Weight::One);
        let slot = tokio::time::timeout(self.left(), slot).await.map_err(|_| self.too_late())?;
        // Where another field of the same request was quicker, its slot is given back.
        *self.slot() = Some(slot);
        Ok(())
    }

    /// A slot if one is free, and whether it is had.
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

    /// Gives the slot back before the request waits for something else than a processor: the writer, or all the slots of
    /// its caller.
    pub(in crate::server) fn release_slot(&self) {
        let given_back = self.slot().take();
        drop(given_back);
    }

    /// As [`Turn::take_slot`] in a resolver, which waits in its turn.
    ///
    /// # Errors
    /// The time is up, or too many others wait.
    pub(in crate::server) async fn take_slot_in_order(&self) -> Result<()> {
        if self.try_slot() { Ok(()) } else { self.in_order(self.take_slot()).await? }
    }

    /// Waits without letting anything else of the request go on meanwhile.
    ///
    /// # Errors
    /// Too many others wait.
    pub(in crate::server) async fn in_order<F: Future>(&self, wait: F) -> Result<F::Output> {
        let Ok(_waiting) = self.waiting.0.try_acquire() else {
            let detail = "too many requests wait for others that take long; try again";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail));
        };
        Ok(match shared() {
            Some(here) => tokio::task::block_in_place(|| here.block_on(wait)),
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

    /// Tells the request that its client is gone.
    pub(in crate::server) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether its time is up or its client gone.
    pub(in crate::server) fn is_over(&self) -> bool {
        self.left().is_zero() || self.is_abandoned.load(Ordering::Relaxed)
    }

    /// Lets others go on if it is time to.
    ///
    /// # Errors
    /// The time is up, or the client gone.
    pub(in crate::server) fn pause(&self) -> Result<()> {
        if self.is_over() {
            return Err(self.too_late());
        }
        if self.has_slot() {
            return Ok(());
        }
        let now_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let since_us = now_us.saturating_sub(self.paused_us.load(Ordering::Relaxed));
        if Duration::from_micros(since_us) >= PAUSE_EVERY {
            self.paused_us.store(now_us, Ordering::Relaxed);
            // Another thread takes over what waits for this one.
            blocking(|| ());
        }
        Ok(())
    }

    fn too_late(&self) -> Problem {
        let limit_ms = u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX);
        let detail = format!("this took longer than {limit_ms} ms; ask for less at a time");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail).with("limitMs", limit_ms)
    }
}

/// Does work that takes long, while another thread takes over the connections of this one.
pub(in crate::server) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    // A runtime of one thread has nobody to hold up but itself.
    if shared().is_some() { tokio::task::block_in_place(work) } else { work() }
}

/// The runtime, if it has several threads.
fn shared() -> Option<Handle> {
    Handle::try_current().ok().filter(|here| here.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// A future whose every step takes long.
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
