//! Whether anything moves on a connection: a request is worked on, a new one came, or a part of an answer was taken.
//!
//! HTTP/2 needs this: a client that opens its window no further stalls an answer for ever, and answers every ping.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::server::parts::Parts;

/// What moves on one connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    moved: AtomicU64,
    working: AtomicUsize,
}

/// A request that is worked on, until this is dropped.
pub(super) struct Working(Arc<Activity>);

impl Activity {
    /// A request came.
    pub(super) fn begin(self: &Arc<Self>) -> Working {
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(Arc::clone(self))
    }

    /// Whether nothing moved since this was asked with the same `seen`.
    pub(super) fn is_still(&self, seen: &mut u64) -> bool {
        let moved = self.moved.load(Ordering::Relaxed);
        let is_still = moved == std::mem::replace(seen, moved);
        is_still && self.working.load(Ordering::Relaxed) == 0
    }

    fn tell(&self) {
        self.moved.fetch_add(1, Ordering::Relaxed);
    }
}

impl Working {
    /// The answer, whose every part tells when it is taken.
    pub(super) fn answers(self, body: Body) -> Answered {
        Answered { parts: Parts::of(body), activity: Arc::clone(&self.0) }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.tell();
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer, in parts.
pub(super) struct Answered {
    parts: Parts,
    activity: Arc<Activity>,
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.activity.tell();
        Pin::new(&mut self.parts).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.parts.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::limits::ANSWER_PART_MAX_BYTES;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn every_part_of_an_answer_moves_the_connection() {
        let activity = Arc::new(Activity::default());
        let mut seen = u64::MAX;
        let working = activity.begin();
        assert!(!activity.is_still(&mut seen) && !activity.is_still(&mut seen), "it is worked on");
        let whole = vec![7; 2 * ANSWER_PART_MAX_BYTES + 1];
        let mut answer = working.answers(Body::from(whole.clone()));
        assert!(!activity.is_still(&mut seen) && activity.is_still(&mut seen), "nothing is taken");
        let mut taken = Vec::new();
        while !answer.is_end_stream() {
            assert_eq!(answer.size_hint().exact(), Some((whole.len() - taken.len()) as u64));
            let part = answer.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(part.len() <= ANSWER_PART_MAX_BYTES);
            taken.extend_from_slice(&part);
            assert!(!activity.is_still(&mut seen) && activity.is_still(&mut seen), "a part was taken");
        }
        assert_eq!(taken, whole);
    }
}
