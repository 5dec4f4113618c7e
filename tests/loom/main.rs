//! `src/directory/published.rs` itself, over loom's threads and loom's `Arc`: every order in which readers may take and
//! drop graphs while the writer publishes and takes back. A graph here is one number, and loom fails the model where
//! anyone reads it while it is written.
//!
//! A binary of its own, since `published.rs` is compiled anew here: its `crate::graph` must be the one below, and its
//! threads loom's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// What stands in for the graph.
mod graph {
    use loom::cell::Cell;

    #[derive(Debug)]
    pub(crate) struct Graph(Cell<u64>);

    impl Graph {
        pub(crate) fn at(revision: u64) -> Self {
            Self(Cell::new(revision))
        }

        pub(crate) fn revision(&self) -> u64 {
            self.0.get()
        }

        pub(crate) fn set_revision(&mut self, revision: u64) {
            self.0.set(revision);
        }
    }
}

mod directory;
