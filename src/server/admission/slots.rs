//! Slots for heavy work on the blocking pool: one per processor, at least two, and at most half of them for one caller.
//!
//! Invariant: work that is estimated at more than about a millisecond has a slot and runs off the async worker threads,
//! so that heavy requests never delay light ones. No slot is kept while its owner waits for a client, the writer or
//! another slot.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::task::spawn_blocking;
use tracing::Span;

use crate::model::token::Actor;

/// Maximum cost of work that runs inline, in compared texts (see `query::cost`): about a millisecond.
// Short enough not to delay the other requests of the same worker thread.
const LIGHT_MAX: u64 = 10_000;

/// The slots of all callers.
#[derive(Debug, Clone)]
pub(in crate::server) struct HeavySlots {
    all: Arc<Semaphore>,
    /// Maximum of one caller.
    per_caller: usize,
    // Semaphores and not counts, so that the requests of a caller at its maximum wait, in their order.
    callers: Arc<Mutex<HashMap<Actor, Arc<Semaphore>>>>,
}

/// One slot or several, given back on drop.
#[derive(Debug)]
pub(in crate::server) struct Slot {
    heavy: HeavySlots,
    actor: Actor,
    // Dropped in this order: a request that waits for this caller's own permit takes one of all next, and then finds
    // it free.
    all: Option<OwnedSemaphorePermit>,
    own: Option<OwnedSemaphorePermit>,
}

/// How many slots a piece of work takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) enum Weight {
    /// One.
    One,
    /// All that one caller may have: for work that takes as much memory as the graph.
    PerCaller,
}

impl HeavySlots {
    /// `per_caller` gives the maximum of one caller, from the number of all slots.
    pub(super) fn new(per_caller: impl Fn(usize) -> usize) -> Self {
        // At least two, so that on one processor half of them is still one, and one caller cannot block all others.
        let slots = available_parallelism().map_or(2, |count| count.get().max(2));
        Self { all: Arc::new(Semaphore::new(slots)), per_caller: per_caller(slots), callers: Arc::default() }
    }

    /// Whether work of this cost runs inline, without a slot.
    pub(in crate::server) fn is_light(cost: u64) -> bool {
        cost <= LIGHT_MAX
    }

    /// Waits for slots, without a time limit of its own.
    pub(in crate::server) async fn slot(&self, actor: &Actor, weight: Weight) -> Slot {
        let count = self.count(weight);
        let own = self.own(actor);
        // Made before anything is awaited: if the request is dropped while it waits, this forgets the caller.
        let mut slot = Slot { heavy: self.clone(), actor: actor.clone(), all: None, own: None };
        let never = "the semaphores are never closed";
        // The own permit first. In the other order a caller at its maximum would wait while it keeps permits of all,
        // and so block every other caller.
        slot.own = Some(own.acquire_many_owned(count).await.expect(never));
        slot.all = Some(Arc::clone(&self.all).acquire_many_owned(count).await.expect(never));
        slot
    }

    /// A slot if one is free now; `None` otherwise.
    pub(in crate::server) fn try_slot(&self, actor: &Actor) -> Option<Slot> {
        let own = self.own(actor);
        let mut slot = Slot { heavy: self.clone(), actor: actor.clone(), all: None, own: None };
        let free = |permit: Result<_, TryAcquireError>| permit.ok();
        slot.own = Some(free(own.try_acquire_owned())?);
        slot.all = Some(free(Arc::clone(&self.all).try_acquire_owned())?);
        Some(slot)
    }

    /// Runs `work` on the blocking pool with a slot. Once started it runs to its end, even if the request is dropped,
    /// and keeps its slot until then.
    ///
    /// # Panics
    /// If `work` panics.
    pub(in crate::server) async fn run_heavy<T: Send + 'static>(
        &self,
        actor: &Actor,
        weight: Weight,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let slot = self.slot(actor, weight).await;
        let span = Span::current();
        let working = spawn_blocking(move || {
            // Moved in: a client that disconnects must not free the slot of work that still uses a processor.
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
            Weight::PerCaller => u32::try_from(self.per_caller).unwrap_or(u32::MAX),
        }
    }

    fn own(&self, actor: &Actor) -> Arc<Semaphore> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let own = callers.entry(actor.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.per_caller)));
        Arc::clone(own)
    }

    /// Removes a caller that has no slot and waits for none.
    fn forget(&self, actor: &Actor) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        // Permits and waiting requests each own a clone, and clones are only made under this lock: at a count of one,
        // the map has the last one.
        if callers.get(actor).is_some_and(|own| Arc::strong_count(own) == 1) {
            callers.remove(actor);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // Before `forget`: the permits own clones of the semaphore that it counts.
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
    async fn a_caller_at_its_maximum_does_not_block_others() {
        let heavy = HeavySlots { all: Arc::new(Semaphore::new(4)), per_caller: 2, callers: Arc::default() };
        let (ada, bob) = (actor("ada"), actor("bob"));
        let first = heavy.slot(&ada, Weight::PerCaller).await;
        assert!(heavy.try_slot(&ada).is_none(), "ada has her maximum");
        let one = heavy.try_slot(&bob).unwrap();
        assert!(heavy.try_slot(&bob).is_some() && heavy.try_slot(&actor("cy")).is_some());
        drop(first);
        assert!(heavy.try_slot(&ada).is_some());
        drop(one);
        assert!(heavy.callers.lock().unwrap().is_empty() && heavy.all.available_permits() == 4);
    }

    #[tokio::test]
    async fn a_panic_reaches_the_caller() {
        let task = tokio::spawn(async {
            let heavy = HeavySlots::new(|all| all);
            heavy.run_heavy(&Actor::Local, Weight::One, || panic!("on purpose")).await
        });
        assert!(task.await.unwrap_err().is_panic());
    }
}
