//! The published graph, and its exchange for the writer's draft.
//!
//! Two equal graphs: one published, one the writer's own. What must stay true: whoever holds a published
//! graph may keep it for as long as they like, and it never changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::graph::Graph;
use crate::model::change::Batch;

/// How long the writer waits for the last reader of the graph that it wants back, before it makes a copy.
const READER_PATIENCE: Duration = Duration::from_millis(2);

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

    /// Publishes `draft` and gives back an equal graph to draft the next changes in. `batch` is what the draft
    /// has and the published graph had not.
    pub(super) fn exchange(&self, draft: &Arc<Graph>, batch: &Batch) -> Arc<Graph> {
        let mut retired = self.0.swap(Arc::clone(draft));
        if draft.is_bulk(batch.sets.iter().map(|set| set.changes.len()).sum()) {
            // A copy is made sooner than so many changes.
            return Arc::new(Graph::clone(draft));
        }
        match unshared(&mut retired) {
            Some(graph) => {
                graph.apply_batch(batch);
                retired
            }
            None => Arc::new(Graph::clone(draft)),
        }
    }
}

/// The graph itself, once nobody else holds it; nothing when that takes too long.
fn unshared(graph: &mut Arc<Graph>) -> Option<&mut Graph> {
    let deadline = Instant::now() + READER_PATIENCE;
    while Arc::get_mut(graph).is_none() {
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::yield_now();
    }
    Arc::get_mut(graph)
}
