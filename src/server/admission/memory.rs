//! One memory budget for what requests make: bodies while they are read and made sense of, answers while they are made,
//! and answers in flight. At most half of it is one caller's.
//!
//! What must stay true: capacity counts, not length, and it counts until the bytes are gone: the permit travels with
//! them.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::directory::View;
use crate::model::entity::Revision;
use crate::server::auth::caller::Principal;
use crate::server::limits::{
    RESPONSE_MAX_BYTES, RESPONSE_CHARGE_MIN_BYTES, LARGE_ANSWER_BYTES, MEMORY_MAX_BYTES, REVISION_MAX_BYTES,
    REVISION_MIN_BYTES, STREAM_BYTES,
};
use crate::server::quota::{Exhausted, Permit, Quota};
use crate::server::response::compress::AsItIs;
use crate::server::response::problem::{Problem, Result};

/// The memory of all callers.
#[derive(Debug, Clone)]
pub(in crate::server) struct Memory {
    quota: Quota<Principal>,
    /// The revisions that streams keep, each counted once for each caller.
    revisions: Arc<Mutex<KeptRevisions>>,
}

type KeptRevisions = HashMap<(Principal, Revision), Weak<MemoryPermit>>;

/// Some of it, given back on drop.
pub(in crate::server) type MemoryPermit = Permit<Principal>;

/// The memory of a streamed answer: its own, and that of the revision that it keeps.
#[derive(Debug)]
pub(in crate::server) struct Streaming {
    _own: MemoryPermit,
    _revision: Arc<MemoryPermit>,
}

/// On an answer to what only read: where there is no memory for it, it may be refused. What was changed is reported
/// in any case, since a client that hears that it is to try again changes it twice.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct OnlyRead;

impl Memory {
    /// `share` says how much of all one caller may have.
    pub(super) fn new(share: impl Fn(usize) -> usize) -> Self {
        Self { quota: Quota::new(MEMORY_MAX_BYTES, share(MEMORY_MAX_BYTES)), revisions: Arc::default() }
    }

    /// Memory for so many bytes that may grow.
    pub(in crate::server) fn take(
        &self,
        principal: &Principal,
        bytes: usize,
    ) -> Result<MemoryPermit, Exhausted> {
        self.quota.take(principal, bytes)
    }

    /// Memory for an answer of so many bytes.
    pub(in crate::server) fn answer(&self, principal: &Principal, bytes: usize) -> Result<MemoryPermit> {
        if bytes > RESPONSE_MAX_BYTES {
            return Err(too_large());
        }
        self.take(principal, bytes.max(RESPONSE_CHARGE_MIN_BYTES)).map_err(|_| busy())
    }

    /// Memory for a streamed answer, which keeps the revision of `view` until it was taken.
    pub(in crate::server) fn stream(&self, principal: &Principal, view: &View) -> Result<Streaming> {
        let own = self.take(principal, STREAM_BYTES).map_err(|_| busy())?;
        let mut revisions = self.revisions.lock().unwrap_or_else(PoisonError::into_inner);
        revisions.retain(|_, held| held.strong_count() > 0);
        let key = (principal.clone(), view.revision());
        if let Some(revision) = revisions.get(&key).and_then(Weak::upgrade) {
            return Ok(Streaming { _own: own, _revision: revision });
        }
        let bytes = usize::try_from(view.retained_bytes()).unwrap_or(usize::MAX);
        let held = self.take(principal, bytes.clamp(REVISION_MIN_BYTES, REVISION_MAX_BYTES));
        let revision = Arc::new(held.map_err(|_| busy())?);
        revisions.insert(key, Arc::downgrade(&revision));
        Ok(Streaming { _own: own, _revision: revision })
    }
}

/// Bytes with the memory that they take.
struct ReservedBytes<H> {
    bytes: Bytes,
    _held: Arc<H>,
}

impl<H> AsRef<[u8]> for ReservedBytes<H> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body whose bytes hold memory for as long as anyone holds them. It is as long as the body inside.
struct Holding<H> {
    body: Body,
    held: Arc<H>,
}

impl<H: Send + Sync + 'static> HttpBody for Holding<H> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let counted = |bytes| Bytes::from_owner(ReservedBytes { bytes, _held: Arc::clone(&self.held) });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(counted))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The same body; its bytes hold `held`.
pub(in crate::server) fn holding<H: Send + Sync + 'static>(body: Body, held: H) -> Body {
    Body::new(Holding { body, held: Arc::new(held) })
}

/// Counts an answer in flight. A streamed one has taken its memory when it was begun.
pub(super) async fn in_flight(State(memory): State<Memory>, request: Request, next: Next) -> Response {
    let (principal, version) = (Principal::of(&request), request.version());
    let is_read = request.method().is_safe();
    let response = next.run(request).await;
    let only_read = is_read || response.extensions().get::<OnlyRead>().is_some();
    memory.in_flight(&principal, version, only_read, response)
}

impl Memory {
    fn in_flight(
        &self,
        principal: &Principal,
        version: Version,
        only_read: bool,
        response: Response,
    ) -> Response {
        let Some(size) = response.body().size_hint().exact() else { return response };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let least = if version == Version::HTTP_2 { 1 } else { LARGE_ANSWER_BYTES };
        if size < least {
            return response;
        }
        // The bytes of a page and of a cached answer are there once, however many ask for them.
        let is_shared = response.extensions().get::<AsItIs>().is_some();
        match self.answer(principal, if is_shared { 0 } else { size }) {
            Ok(held) => response.map(|body| holding(body, held)),
            Err(refusal) if only_read => refusal.into_response(),
            Err(_) => response,
        }
    }
}

fn too_large() -> Problem {
    let detail =
        format!("this answer has more than {RESPONSE_MAX_BYTES} bytes; ask for less at a time, by pages");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-large", detail).with("limit", RESPONSE_MAX_BYTES)
}

/// The one answer where there is no memory for an answer.
pub(in crate::server) fn busy() -> Problem {
    let detail =
        "answers being made or not taken yet have all the memory; take them, or ask for less, and try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::model::token::Actor;

    const ADA: Principal = Principal::Known(Actor::Local);
    const OTHER: Principal = Principal::Unauthenticated(None);

    fn whole(size: usize) -> Response {
        Response::new(Body::from(vec![7; size]))
    }

    #[tokio::test]
    async fn one_caller_has_a_share_until_its_answers_are_gone() {
        let memory = Memory::new(|all| all / 2);
        let ask = |who, version, size| memory.in_flight(who, version, true, whole(size));
        let first = ask(&ADA, Version::HTTP_11, RESPONSE_MAX_BYTES);
        let second = ask(&ADA, Version::HTTP_11, MEMORY_MAX_BYTES / 2 - RESPONSE_MAX_BYTES);
        assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::OK));
        let third = ask(&ADA, Version::HTTP_11, LARGE_ANSWER_BYTES);
        assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
        let small = ask(&ADA, Version::HTTP_11, LARGE_ANSWER_BYTES - 1);
        assert_eq!(small.status(), StatusCode::OK, "a connection has but one");
        assert_eq!(ask(&ADA, Version::HTTP_2, 10).status(), StatusCode::SERVICE_UNAVAILABLE);
        let changed = memory.in_flight(&ADA, Version::HTTP_11, false, whole(LARGE_ANSWER_BYTES));
        assert_eq!(changed.status(), StatusCode::OK, "what was changed is reported");
        let others = ask(&OTHER, Version::HTTP_11, LARGE_ANSWER_BYTES);
        let taken = others.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(taken, vec![7; LARGE_ANSWER_BYTES]);
        drop(first);
        assert_eq!(ask(&ADA, Version::HTTP_11, LARGE_ANSWER_BYTES).status(), StatusCode::OK);
        let too_large = ask(&OTHER, Version::HTTP_11, RESPONSE_MAX_BYTES + 1);
        assert_eq!(too_large.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[tokio::test]
    async fn what_was_handed_over_counts_until_it_is_gone() {
        let memory = Memory::new(|all| all / 2);
        let answer = memory.in_flight(&ADA, Version::HTTP_11, true, whole(RESPONSE_MAX_BYTES));
        let part = answer.into_body().collect().await.unwrap().to_bytes().split_to(1);
        assert!(memory.take(&ADA, RESPONSE_MAX_BYTES).is_err(), "a part keeps the whole");
        drop(part);
        assert!(memory.take(&ADA, RESPONSE_MAX_BYTES).is_ok());
    }
}
