//! The published graph, and its exchange for the writer's draft.
//!
//! Two equal graphs: one published, one the writer's own. What must stay true: whoever holds a published
//! graph may keep it for as long as they like, and it never changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::graph::Graph;

/// So often the writer only lets others run before it sleeps between two looks at whether a reader has gone.
const LOOKS_AWAKE: u32 = 64;
const SLEEP: Duration = Duration::from_micros(50);

/// The graph that readers take.
#[derive(Debug)]
pub(super) struct Published(ArcSwap<Graph>);

impl Published {
    pub(super) fn new(graph: Arc<Graph>) -> Self {
        Self(ArcSwap::new(graph))
    }

    /// Taken without a lock.
    pub(super) fn load(&self) -> Arc<Graph> {
        self.0.load_full()
    }

    /// Publishes `draft`; gives back the graph that was published, which readers may still hold.
    pub(super) fn exchange(&self, draft: &Arc<Graph>) -> Arc<Graph> {
        self.0.swap(Arc::clone(draft))
    }
}

/// The graph itself, once nobody else holds it; nothing when that takes longer than `patience`.
pub(super) fn unshared(graph: &mut Arc<Graph>, patience: Duration) -> Option<&mut Graph> {
    let deadline = Instant::now() + patience;
    let mut looks = 0;
    while Arc::get_mut(graph).is_none() {
        if Instant::now() >= deadline {
            return None;
        }
        if looks < LOOKS_AWAKE {
            looks += 1;
            std::thread::yield_now();
        } else {
            std::thread::sleep(SLEEP);
        }
    }
    Arc::get_mut(graph)
}
