//! Heavy work: slots for what takes long, as many as there are processors, at least two, and at most half of them for
//! one caller.
//!
//! What must stay true: what is estimated at more than about a millisecond holds a slot while it computes and runs where
//! no connection is served, so that any number of heavy requests leaves the async workers to those that take no time. A
//! slot is never held while a client, the writer or another slot is waited for.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::task::spawn_blocking;
use tracing::Span;

use crate::model::token::Actor;

/// Work that costs no more is done at once: about a millisecond, in texts looked at (see `query::cost`).
const LIGHT_MAX: u64 = 10_000;

/// The slots of all callers.
#[derive(Debug, Clone)]
pub(in crate::server) struct HeavySlots {
    all: Arc<Semaphore>,
    /// The most of one caller.
    each: usize,
    callers: Arc<Mutex<HashMap<Actor, Arc<Semaphore>>>>,
}

/// A slot, or several, given back on drop.
#[derive(Debug)]
pub(in crate::server) struct Slot {
    heavy: HeavySlots,
    actor: Actor,
    // Dropped in this order: one that waits for this caller's own slot waits for one of all next.
    all: Option<OwnedSemaphorePermit>,
    own: Option<OwnedSemaphorePermit>,
}

/// How many slots some work takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) enum Weight {
    /// One.
    One,
    /// All that one caller may have: what takes as much memory as the graph.
    Share,
}

impl HeavySlots {
    /// `share` says how much of all one caller may have.
    pub(super) fn new(share: impl Fn(usize) -> usize) -> Self {
        let slots = available_parallelism().map_or(2, |count| count.get().max(2));
        Self { all: Arc::new(Semaphore::new(slots)), each: share(slots), callers: Arc::default() }
    }

    /// Whether work of this cost is done at once.
    pub(in crate::server) fn is_light(cost: u64) -> bool {
        cost <= LIGHT_MAX
    }

    /// Waits for a slot. A caller that has its share waits for its own, and keeps nobody else from going on.
    pub(in crate::server) async fn slot(&self, actor: &Actor, weight: Weight) -> Slot {
        let count = self.count(weight);
        let own = self.own(actor);
        let mut slot = Slot { heavy: self.clone(), actor: actor.clone(), all: None, own: None };
        let never = "the semaphores are never closed";
        slot.own = Some(own.acquire_many_owned(count).await.expect(never));
        slot.all = Some(Arc::clone(&self.all).acquire_many_owned(count).await.expect(never));
        slot
    }

    /// A slot, if one is free.
    pub(in crate::server) fn try_slot(&self, actor: &Actor) -> Option<Slot> {
        let own = self.own(actor);
        let mut slot = Slot { heavy: self.clone(), actor: actor.clone(), all: None, own: None };
        let free = |permit: Result<_, TryAcquireError>| permit.ok();
        slot.own = Some(free(own.try_acquire_owned())?);
        slot.all = Some(free(Arc::clone(&self.all).try_acquire_owned())?);
        Some(slot)
    }

    /// Does `work` with a slot on the blocking pool. Once it has begun it is done, also where nobody waits for it any
    /// more, and holds its slot until then. Where it panics, so does this.
    pub(in crate::server) async fn run_heavy<T: Send + 'static>(
        &self,
        actor: &Actor,
        weight: Weight,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let slot = self.slot(actor, weight).await;
        let span = Span::current();
        let working = spawn_blocking(move || {
            let _until_done = slot;
            span.in_scope(work)
        });
        working.await.unwrap_or_else(|fault| match fault.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(fault) => panic!("the runtime ended before the work: {fault}"),
        })
    }

    fn count(&self, weight: Weight) -> u32 {
        match weight {
            Weight::One => 1,
            Weight::Share => u32::try_from(self.each).unwrap_or(u32::MAX),
        }
    }

    fn own(&self, actor: &Actor) -> Arc<Semaphore> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let own = callers.entry(actor.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.each)));
        Arc::clone(own)
    }

    /// Forgets a caller of whom nothing is worked on or waits.
    fn forget(&self, actor: &Actor) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.get(actor).is_some_and(|own| Arc::strong_count(own) == 1) {
            callers.remove(actor);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop((self.all.take(), self.own.take()));
        self.heavy.forget(&self.actor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(name: &str) -> Actor {
        Actor::Jwt(crate::model::token::JwtSubject::parse(name).unwrap())
    }

    #[tokio::test]
    async fn one_caller_waits_for_its_own_and_others_go_on() {
        let heavy = HeavySlots { all: Arc::new(Semaphore::new(4)), each: 2, callers: Arc::default() };
        let (ada, bob) = (actor("ada"), actor("bob"));
        let first = heavy.slot(&ada, Weight::Share).await;
        assert!(heavy.try_slot(&ada).is_none(), "ada has her share");
        let one = heavy.try_slot(&bob).unwrap();
        assert!(heavy.try_slot(&bob).is_some() && heavy.try_slot(&actor("cy")).is_some());
        drop(first);
        assert!(heavy.try_slot(&ada).is_some());
        drop(one);
        assert!(heavy.callers.lock().unwrap().is_empty() && heavy.all.available_permits() == 4);
    }

    #[tokio::test]
    async fn a_panic_is_the_callers() {
        let task = tokio::spawn(async {
            let heavy = HeavySlots::new(|all| all);
            heavy.run_heavy(&Actor::Local, Weight::One, || panic!("over there")).await
        });
        assert!(task.await.unwrap_err().is_panic());
    }
}
