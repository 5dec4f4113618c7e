//! Work that takes long, kept from holding up what does not.
//!
//! A resolver that computes keeps its thread. What takes long is therefore done aside, while another thread takes over
//! the connections of this one; and only so much of it at once as there are processors.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::available_parallelism;

use axum::http::StatusCode;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::server::graphql::budget::{Budget, too_late};
use crate::server::problem::{Problem, Result};

/// Where work that takes long is done.
#[derive(Debug)]
pub(super) struct Places {
    places: Semaphore,
    /// One for each that may keep a thread while it waits.
    waiting: Semaphore,
}

/// So many requests keep a thread while they wait. A runtime has some hundred threads, and stands still without any.
const WAITING_MAX: usize = 32;

impl Places {
    pub(super) fn new() -> Self {
        let places = available_parallelism().map_or(2, |count| count.get().max(2));
        Self { places: Semaphore::new(places), waiting: Semaphore::new(WAITING_MAX) }
    }

    /// One of them, as soon as it is free and while there is time left.
    pub(super) async fn one(&self, budget: &Budget) -> Result<SemaphorePermit<'_>> {
        let place = tokio::time::timeout(budget.left(), self.places.acquire()).await;
        let place = place.map_err(|_| too_late(budget.within()))?;
        Ok(place.expect("the places are never closed"))
    }

    /// Waits without letting anything else of the request go on meanwhile, since fields are answered in the order in
    /// which they come to an end, and should come in that in which they are asked for.
    ///
    /// # Errors
    /// Too many others wait.
    pub(super) async fn in_order<F: Future>(&self, wait: F) -> Result<F::Output> {
        let Ok(_waiting) = self.waiting.try_acquire() else {
            let detail = "too many requests wait for others that take long; try again";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail));
        };
        Ok(match shared() {
            Some(here) => tokio::task::block_in_place(|| here.block_on(wait)),
            None => wait.await,
        })
    }
}

/// Does work that takes long.
pub(super) fn aside<T>(work: impl FnOnce() -> T) -> T {
    // A runtime of one thread has nobody to hold up but itself.
    if shared().is_some() { tokio::task::block_in_place(work) } else { work() }
}

/// The runtime, if it has several threads.
fn shared() -> Option<Handle> {
    Handle::try_current().ok().filter(|here| here.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// A future whose every step takes long.
pub(super) struct Aside<F>(Pin<Box<F>>);

impl<F: Future> Aside<F> {
    pub(super) fn new(work: F) -> Self {
        Self(Box::pin(work))
    }
}

impl<F: Future> Future for Aside<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        aside(|| self.0.as_mut().poll(context))
    }
}
