//! The published graph, and its exchange for the writer's draft.
//!
//! Two equal graphs: one published, one the writer's own. What must stay true: whoever holds a published
//! graph may keep it for as long as they like, and it never changes. `tests/loom/` tries that in every order of events.

use super::sync::{Arc, ArcSwap};
use crate::graph::Graph;

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

/// The graph itself, once nobody else holds it; nothing where `wait` says, between two looks, that it took too long.
pub(super) fn unshared(graph: &mut Arc<Graph>, mut wait: impl FnMut() -> bool) -> Option<&mut Graph> {
    while Arc::get_mut(graph).is_none() {
        if !wait() {
            return None;
        }
    }
    Arc::get_mut(graph)
}
