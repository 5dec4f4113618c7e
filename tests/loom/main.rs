//! Loom model check of `src/directory/published.rs`: every interleaving of readers that take and drop graphs while the
//! writer publishes and reclaims them. A graph here is one number, and loom fails the model if it is read while it is
//! written.
//!
//! A separate test binary, since it compiles `published.rs` with another `crate::graph`, and with loom's threads and
//! `Arc`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// Stands in for `crate::graph`.
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
