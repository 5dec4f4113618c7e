//! Tracing spans of a commit for several requests: children of the first request's span, with links to the others.

use tracing::Span;

use crate::model::entity::Revision;

/// The spans of the requests of a batch. Drop them before the replies: a span lasts until its last handle is gone.
#[derive(Default)]
pub(super) struct Requests(Vec<Span>);

impl Requests {
    pub(super) fn of(only: Span) -> Self {
        Self(vec![only])
    }

    pub(super) fn push(&mut self, request: Span) {
        // Disabled spans are left out, so that the first one is a usable parent.
        if !request.is_none() {
            self.0.push(request);
        }
    }

    /// A span for writing a revision to disk.
    pub(super) fn commit(&self, revision: Revision) -> Span {
        let span = tracing::debug_span!(parent: self.first(), "commit", %revision);
        // A span has one parent only, so the other requests are links, which OpenTelemetry shows as related.
        self.0.iter().skip(1).for_each(|other| _ = span.follows_from(other));
        span
    }

    /// A span for publishing a revision.
    pub(super) fn publish(&self, revision: Revision) -> Span {
        tracing::debug_span!(parent: self.first(), "publish", %revision)
    }

    fn first(&self) -> Option<tracing::Id> {
        self.0.first().and_then(Span::id)
    }
}
