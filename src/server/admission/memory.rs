//! The memory budget of all requests: request bodies while they are read and parsed, responses while they are built,
//! and responses in flight. One caller may use at most half of it.
//!
//! Invariant: allocated capacity counts, not length, and it counts until the bytes are freed: the permit travels with
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
    LARGE_RESPONSE_BYTES, MEMORY_MAX_BYTES, RESPONSE_CHARGE_MIN_BYTES, RESPONSE_MAX_BYTES,
    REVISION_MAX_BYTES, REVISION_MIN_BYTES, STREAM_BYTES,
};
use crate::server::quota::{Exhausted, Permit, Quota};
use crate::server::response::compress::NoCompression;
use crate::server::response::problem::{Problem, Result};

/// The memory budget of all callers. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::server) struct Memory {
    quota: Quota<Principal>,
    /// The revisions that streams retain, each counted once for each caller.
    // Weak, so that the last stream of a revision gives its memory back. Dead entries go when the next stream begins.
    revisions: Arc<Mutex<RetainedRevisions>>,
}

type RetainedRevisions = HashMap<(Principal, Revision), Weak<MemoryPermit>>;

/// Memory taken from the budget, in bytes; given back on drop.
pub(in crate::server) type MemoryPermit = Permit<Principal>;

/// The memory of a streamed response: its own, and that of the revision that it retains.
#[derive(Debug)]
pub(in crate::server) struct Streaming {
    _own: MemoryPermit,
    _revision: Arc<MemoryPermit>,
}

/// Response extension: the request only read, so its response may be replaced by 503 if there is no memory for it.
// The response to a change is sent in any case: a client that gets 503 tries again, and would change things twice.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct ReadOnly;

impl Memory {
    /// `per_caller` gives the maximum of one caller, from the whole budget.
    pub(super) fn new(per_caller: impl Fn(usize) -> usize) -> Self {
        Self { quota: Quota::new(MEMORY_MAX_BYTES, per_caller(MEMORY_MAX_BYTES)), revisions: Arc::default() }
    }

    /// Takes `bytes` from the budget. The permit may grow.
    pub(in crate::server) fn take(
        &self,
        principal: &Principal,
        bytes: usize,
    ) -> Result<MemoryPermit, Exhausted> {
        self.quota.take(principal, bytes)
    }

    /// Takes memory for a response of `bytes`.
    ///
    /// # Errors
    /// 422 `too-large` or 503 `busy`.
    pub(in crate::server) fn answer(&self, principal: &Principal, bytes: usize) -> Result<MemoryPermit> {
        if bytes > RESPONSE_MAX_BYTES {
            return Err(too_large());
        }
        self.take(principal, bytes.max(RESPONSE_CHARGE_MIN_BYTES)).map_err(|_| busy())
    }

    /// Takes memory for a streamed response, which retains the revision of `view` until it was sent.
    ///
    /// # Errors
    /// 503 `busy`.
    pub(in crate::server) fn stream(&self, principal: &Principal, view: &View) -> Result<Streaming> {
        let own = self.take(principal, STREAM_BYTES).map_err(|_| busy())?;
        // Locked until the revision is registered, so that two streams that begin at once count it once. Taking a
        // permit never waits, so the lock is short.
        let mut revisions = self.revisions.lock().unwrap_or_else(PoisonError::into_inner);
        revisions.retain(|_, permit| permit.strong_count() > 0);
        let key = (principal.clone(), view.revision());
        if let Some(revision) = revisions.get(&key).and_then(Weak::upgrade) {
            return Ok(Streaming { _own: own, _revision: revision });
        }
        let bytes = usize::try_from(view.retained_bytes()).unwrap_or(usize::MAX);
        // The current revision counts too: while the stream is read, the writer may replace it.
        let permit = self.take(principal, bytes.clamp(REVISION_MIN_BYTES, REVISION_MAX_BYTES));
        let revision = Arc::new(permit.map_err(|_| busy())?);
        revisions.insert(key, Arc::downgrade(&revision));
        Ok(Streaming { _own: own, _revision: revision })
    }
}

/// Bytes with the permit for their memory.
struct ReservedBytes<P> {
    bytes: Bytes,
    _permit: Arc<P>,
}

impl<P> AsRef<[u8]> for ReservedBytes<P> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body whose bytes own a permit until the last of them is freed.
struct ReservedBody<P> {
    body: Body,
    permit: Arc<P>,
}

impl<P: Send + Sync + 'static> HttpBody for ReservedBody<P> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        // Each chunk owns the permit too: hyper drops the body once it has the last chunk, long before the client has
        // read what is buffered.
        let reserved = |bytes| Bytes::from_owner(ReservedBytes { bytes, _permit: Arc::clone(&self.permit) });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(reserved))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Passed on: without it the response has no `Content-Length`.
        self.body.size_hint()
    }
}

/// The same body, whose bytes own `permit` until they are freed.
pub(in crate::server) fn with_permit<P: Send + Sync + 'static>(body: Body, permit: P) -> Body {
    Body::new(ReservedBody { body, permit: Arc::new(permit) })
}

/// Middleware: takes memory for a response in flight. A streamed one has taken its own already.
pub(super) async fn in_flight(State(memory): State<Memory>, request: Request, next: Next) -> Response {
    let (principal, version) = (Principal::of(&request), request.version());
    let is_read = request.method().is_safe();
    let response = next.run(request).await;
    let only_read = is_read || response.extensions().get::<ReadOnly>().is_some();
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
        // No exact size: a stream, see `Memory::stream`.
        let Some(size) = response.body().size_hint().exact() else { return response };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let min_size = if version == Version::HTTP_2 { 1 } else { LARGE_RESPONSE_BYTES };
        if size < min_size {
            return response;
        }
        // The bytes of a static page or a cached response are in memory once, for any number of requests. Only the
        // minimum is charged.
        let is_shared = response.extensions().get::<NoCompression>().is_some();
        match self.answer(principal, if is_shared { 0 } else { size }) {
            Ok(permit) => response.map(|body| with_permit(body, permit)),
            Err(refusal) if only_read => refusal.into_response(),
            // The change is made, so its result is sent even beyond the budget.
            Err(_) => response,
        }
    }
}

fn too_large() -> Problem {
    let detail =
        format!("the response has more than {RESPONSE_MAX_BYTES} bytes, the maximum; request smaller pages");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-large", detail).with("limit", RESPONSE_MAX_BYTES)
}

/// The response if there is no memory for a response: 503 `busy`.
pub(in crate::server) fn busy() -> Problem {
    let detail =
        "responses in progress use all the memory; read the open ones, or request less, and try again";
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
    async fn a_caller_has_its_quota_until_its_responses_are_freed() {
        let memory = Memory::new(|all| all / 2);
        let ask = |who, version, size| memory.in_flight(who, version, true, whole(size));
        let first = ask(&ADA, Version::HTTP_11, RESPONSE_MAX_BYTES);
        let second = ask(&ADA, Version::HTTP_11, MEMORY_MAX_BYTES / 2 - RESPONSE_MAX_BYTES);
        assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::OK));
        let third = ask(&ADA, Version::HTTP_11, LARGE_RESPONSE_BYTES);
        assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
        let small = ask(&ADA, Version::HTTP_11, LARGE_RESPONSE_BYTES - 1);
        assert_eq!(small.status(), StatusCode::OK, "a connection has only one in flight");
        assert_eq!(ask(&ADA, Version::HTTP_2, 10).status(), StatusCode::SERVICE_UNAVAILABLE);
        let changed = memory.in_flight(&ADA, Version::HTTP_11, false, whole(LARGE_RESPONSE_BYTES));
        assert_eq!(changed.status(), StatusCode::OK, "the result of a change is always sent");
        let others = ask(&OTHER, Version::HTTP_11, LARGE_RESPONSE_BYTES);
        let taken = others.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(taken, vec![7; LARGE_RESPONSE_BYTES]);
        drop(first);
        assert_eq!(ask(&ADA, Version::HTTP_11, LARGE_RESPONSE_BYTES).status(), StatusCode::OK);
        let too_large = ask(&OTHER, Version::HTTP_11, RESPONSE_MAX_BYTES + 1);
        assert_eq!(too_large.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[tokio::test]
    async fn bytes_that_were_handed_over_count_until_they_are_freed() {
        let memory = Memory::new(|all| all / 2);
        let answer = memory.in_flight(&ADA, Version::HTTP_11, true, whole(RESPONSE_MAX_BYTES));
        let part = answer.into_body().collect().await.unwrap().to_bytes().split_to(1);
        assert!(memory.take(&ADA, RESPONSE_MAX_BYTES).is_err(), "a part keeps the whole permit");
        drop(part);
        assert!(memory.take(&ADA, RESPONSE_MAX_BYTES).is_ok());
    }
}
