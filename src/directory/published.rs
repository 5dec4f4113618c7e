//! The published graph: lock-free loading by readers, and the atomic swap for the writer's draft.
//!
//! There are two equal graphs, one published and one owned by the writer.
//!
//! Invariant: a loaded graph never changes for as long as a reader keeps it. `tests/loom/` checks that in every
//! possible interleaving of threads.

use super::sync::{Arc, ArcSwap};
use crate::graph::Graph;

/// The graph that readers load.
#[derive(Debug)]
pub(super) struct Published(ArcSwap<Graph>);

impl Published {
    pub(super) fn new(graph: Arc<Graph>) -> Self {
        Self(ArcSwap::new(graph))
    }

    /// The published graph. Never blocks.
    pub(super) fn load(&self) -> Arc<Graph> {
        // A full `Arc`, not ArcSwap's guard: guards are few per thread, and readers keep the graph for a whole request.
        self.0.load_full()
    }

    /// Publishes `draft`; returns the graph that was published before, which readers may still use.
    pub(super) fn exchange(&self, draft: &Arc<Graph>) -> Arc<Graph> {
        self.0.swap(Arc::clone(draft))
    }
}

/// The graph for changing, once no reader uses it any more. Calls `wait` between two checks; `None` when that returns
/// `false`.
pub(super) fn unshared(graph: &mut Arc<Graph>, mut wait: impl FnMut() -> bool) -> Option<&mut Graph> {
    // `get_mut` fails while a `Weak` exists too, so a graph must not be in the statistics of replaced graphs here. The
    // graph is unpublished, so no new reader can appear between the last check and the return.
    while Arc::get_mut(graph).is_none() {
        if !wait() {
            return None;
        }
    }
    Arc::get_mut(graph)
}
