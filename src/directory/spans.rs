//! The spans of what the writer does for several requests at once: beneath the first of them, with links to the others.

use tracing::Span;

use crate::model::entity::Revision;

/// The spans of the requests of a batch. To be dropped before they are answered: a request lasts as long as its span.
#[derive(Default)]
pub(super) struct Requests(Vec<Span>);

impl Requests {
    pub(super) fn of(only: Span) -> Self {
        Self(vec![only])
    }

    pub(super) fn push(&mut self, request: Span) {
        if !request.is_none() {
            self.0.push(request);
        }
    }

    /// The span of writing a revision to the disk.
    pub(super) fn commit(&self, revision: Revision) -> Span {
        let span = tracing::debug_span!(parent: self.first(), "commit", %revision);
        self.0.iter().skip(1).for_each(|other| _ = span.follows_from(other));
        span
    }

    /// The span of publishing it.
    pub(super) fn publish(&self, revision: Revision) -> Span {
        tracing::debug_span!(parent: self.first(), "publish", %revision)
    }

    fn first(&self) -> Option<tracing::Id> {
        self.0.first().and_then(Span::id)
    }
}
