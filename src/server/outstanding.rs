//! Answers that are on their way: how much memory all of them hold, and how long each may take.
//!
//! What must stay true: who asks for much and takes nothing holds no more than a share of the room, for no longer than
//! the slowest reader is borne. A stream of records holds a revision of the directory until then. An HTTP/2 connection
//! never asks for more of a stream that is not taken, so the time is looked at from outside.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{StatusCode, Version};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::directory::View;
use crate::server::admission::Asker;
use crate::server::limits::{
    ANSWER_COUNTS_BYTES, ANSWER_GRACE, ANSWER_MIN_BYTES_A_SECOND, ANSWER_PART_MAX_BYTES, ANSWER_TAKEN_WITHIN,
    ANSWERS_A_SHARE_BYTES, ANSWERS_ROOM_BYTES, LARGE_ANSWER_BYTES, SMALL_ANSWERS_A_SHARE_BYTES,
    SMALL_ANSWERS_ROOM_BYTES, STREAM_COUNTS_BYTES, STREAM_COUNTS_MAX_BYTES,
};
use crate::server::parts::Parts;
use crate::server::problem::{Problem, Result};
use crate::server::sent::AsItIs;
use crate::server::shares::{Share, Shares};

/// The room for all answers, in bytes: one for large ones, and one of which large ones take nothing.
#[derive(Debug, Clone)]
pub(super) struct Outstanding {
    large: Shares<Asker>,
    small: Shares<Asker>,
}

/// On an answer to what may be asked again: where there is no room for it, it may be refused. What was changed is told
/// whatever room there is, since who hears that it is to try again changes it twice.
#[derive(Debug, Clone, Copy)]
pub(super) struct MayBeRefused;

/// On an answer: what it counts as where it is made while it is sent, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamCounts(usize);

/// On an answer as large as the store, which took long to make: it is sent in any case, for as long as it is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct TakesLong;

impl StreamCounts {
    /// Of an answer that holds `view` until it was taken.
    pub(super) fn of(view: &View) -> Self {
        let held = usize::try_from(view.held_bytes()).unwrap_or(usize::MAX);
        Self(held.clamp(STREAM_COUNTS_BYTES, STREAM_COUNTS_MAX_BYTES))
    }
}

impl Outstanding {
    pub(super) fn new() -> Self {
        Self {
            large: Shares::new(ANSWERS_ROOM_BYTES, ANSWERS_A_SHARE_BYTES),
            small: Shares::new(SMALL_ANSWERS_ROOM_BYTES, SMALL_ANSWERS_A_SHARE_BYTES),
        }
    }

    /// The answer, with the room that it takes until it is gone; or why there is none. Small ones take none over HTTP/1,
    /// where a connection has but one of them.
    pub(super) fn hold(&self, asker: &Asker, version: Version, response: Response) -> Response {
        let size =
            response.body().size_hint().exact().map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        let least = if version == Version::HTTP_2 { 1 } else { LARGE_ANSWER_BYTES };
        if size.is_some_and(|size| size < least) {
            return response;
        }
        // The bytes of a page are there once, whoever asks for it.
        let is_page = response.extensions().get::<AsItIs>().is_some();
        let streams = response.extensions().get::<StreamCounts>();
        let stream_counts = streams.map_or(STREAM_COUNTS_BYTES, |counts| counts.0);
        let counts = if is_page { ANSWER_COUNTS_BYTES } else { size.unwrap_or(stream_counts) };
        let share = self.take(asker, counts);
        match share {
            Err(refusal) if response.extensions().get::<MayBeRefused>().is_some() => refusal.into_response(),
            share => {
                let takes_long = response.extensions().get::<TakesLong>().is_some();
                let within = if takes_long { Duration::MAX } else { ANSWER_TAKEN_WITHIN };
                response.map(|body| Body::new(Held::new(body, share.ok(), within)))
            }
        }
    }

    /// Room for the first so many bytes of an answer that is being made, and may grow.
    pub(super) fn begin(&self, asker: &Asker, bytes: usize) -> Result<Share<Asker>> {
        self.large.take(asker, bytes).map_err(|_| busy())
    }

    /// Room for an answer of so many bytes.
    pub(super) fn take(&self, asker: &Asker, bytes: usize) -> Result<Share<Asker>> {
        if bytes > ANSWERS_A_SHARE_BYTES {
            return Err(too_large());
        }
        let room = if bytes < LARGE_ANSWER_BYTES { &self.small } else { &self.large };
        room.take(asker, bytes.max(ANSWER_COUNTS_BYTES)).map_err(|_| busy())
    }
}

fn too_large() -> Problem {
    let detail =
        format!("this answer has more than {ANSWERS_A_SHARE_BYTES} bytes; ask for less at a time, by pages");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-large", detail).with("limit", ANSWERS_A_SHARE_BYTES)
}

/// The one answer where there is no room for an answer.
pub(super) fn busy() -> Problem {
    let detail =
        "answers that were asked for before are not taken yet; take them, or ask for less, and try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
}

/// The body of an answer that holds much, in parts. It is dropped, and the answer broken off, once its reader is late.
struct Held {
    held: Arc<Mutex<Left>>,
    watch: AbortHandle,
}

/// What is left of an answer.
struct Left {
    /// None once its reader was late.
    parts: Option<Parts>,
    share: Option<Share<Asker>>,
    began: Instant,
    /// How long it may take in all.
    within: Duration,
    taken: usize,
    /// Who waits for more.
    waker: Option<Waker>,
}

impl Held {
    fn new(body: Body, share: Option<Share<Asker>>, within: Duration) -> Self {
        let left = Left {
            parts: Some(Parts::of(body)),
            share,
            began: Instant::now(),
            within,
            taken: 0,
            waker: None,
        };
        let held = Arc::new(Mutex::new(left));
        let watch = tokio::spawn(watch(Arc::clone(&held))).abort_handle();
        Self { held, watch }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.watch.abort();
        // Now, and not once the task comes to its end.
        let mut left = lock(&self.held);
        let gone = (left.parts.take(), left.share.take());
        drop(left);
        drop(gone);
    }
}

impl Left {
    /// When so much should have been taken.
    fn due(&self) -> Instant {
        let millis = self.taken as u64 * 1_000 / ANSWER_MIN_BYTES_A_SECOND;
        self.began + self.within.min(ANSWER_GRACE + Duration::from_millis(millis))
    }
}

/// Lets go of an answer whose reader is late.
async fn watch(held: Arc<Mutex<Left>>) {
    loop {
        let due = lock(&held).due();
        sleep_until(due).await;
        let mut left = lock(&held);
        if left.due() <= Instant::now() {
            let (parts, waker) = (left.parts.take(), left.waker.take());
            // The connection may keep the part that it was handed last.
            if let Some(share) = &mut left.share {
                share.shrink_to(ANSWER_PART_MAX_BYTES);
            }
            drop(left);
            drop(parts);
            if let Some(waker) = waker {
                waker.wake();
            }
            tracing::debug!("an answer was broken off: its reader was too slow");
            return;
        }
    }
}

fn lock(held: &Mutex<Left>) -> MutexGuard<'_, Left> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut left = lock(&self.held);
        let Some(parts) = &mut left.parts else {
            return Poll::Ready(Some(Err(axum::Error::new("the answer was taken too slowly"))));
        };
        let polled = Pin::new(parts).poll_frame(cx);
        match &polled {
            Poll::Pending => left.waker = Some(cx.waker().clone()),
            Poll::Ready(Some(Ok(frame))) => left.taken += frame.data_ref().map_or(0, Bytes::len),
            Poll::Ready(_) => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.held).parts.as_ref().is_some_and(Parts::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.held).parts.as_ref().map_or_else(SizeHint::default, Parts::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::model::token::Actor;
    use http_body_util::BodyExt;
    use tokio::time::sleep;

    const ASKER: Asker = Asker::Known(Actor::Local);

    fn whole(size: usize) -> Response {
        let mut whole = Response::new(Body::from(vec![7; size]));
        whole.extensions_mut().insert(MayBeRefused);
        whole
    }

    #[tokio::test]
    async fn one_has_a_share_of_the_room_until_its_answers_are_gone() {
        let room = Outstanding::new();
        let first = room.hold(&ASKER, Version::HTTP_11, whole(ANSWERS_A_SHARE_BYTES - 1));
        assert_eq!(
            room.hold(&ASKER, Version::HTTP_11, whole(LARGE_ANSWER_BYTES)).status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(
            room.hold(&ASKER, Version::HTTP_11, whole(LARGE_ANSWER_BYTES - 1)).status(),
            StatusCode::OK,
            "it is small"
        );
        assert_eq!(
            room.hold(&ASKER, Version::HTTP_2, whole(10)).status(),
            StatusCode::OK,
            "it has room of its own"
        );
        let changed =
            room.hold(&ASKER, Version::HTTP_11, Response::new(Body::from(vec![7; LARGE_ANSWER_BYTES])));
        assert_eq!(changed.status(), StatusCode::OK, "what was changed is told");
        let other = Asker::Stranger(None);
        let second = room.hold(&other, Version::HTTP_11, whole(LARGE_ANSWER_BYTES));
        let taken = second.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(taken, vec![7; LARGE_ANSWER_BYTES]);
        let too_large = room.hold(&other, Version::HTTP_11, whole(ANSWERS_A_SHARE_BYTES + 1));
        assert_eq!(too_large.status(), StatusCode::UNPROCESSABLE_ENTITY);
        drop(first);
        assert_eq!(
            room.hold(&ASKER, Version::HTTP_11, whole(ANSWERS_A_SHARE_BYTES)).status(),
            StatusCode::OK
        );
    }

    #[tokio::test]
    async fn small_answers_have_a_share_too_where_a_connection_has_many() {
        let room = Outstanding::new();
        let ask = || room.hold(&ASKER, Version::HTTP_2, whole(LARGE_ANSWER_BYTES - 1));
        let held: Vec<_> =
            (0..1_000).map(|_| ask()).take_while(|answer| answer.status() == StatusCode::OK).collect();
        assert_eq!(held.len(), SMALL_ANSWERS_A_SHARE_BYTES / (LARGE_ANSWER_BYTES - 1));
        let large = room.hold(&ASKER, Version::HTTP_2, whole(LARGE_ANSWER_BYTES));
        assert_eq!(large.status(), StatusCode::OK, "large ones have a room of their own");
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_let_go() {
        let room = Outstanding::new();
        let mut answer = room.hold(&ASKER, Version::HTTP_11, whole(ANSWERS_A_SHARE_BYTES)).into_body();
        let first = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), ANSWER_PART_MAX_BYTES);
        sleep(ANSWER_GRACE).await;
        assert_eq!(
            room.hold(&ASKER, Version::HTTP_11, whole(LARGE_ANSWER_BYTES)).status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
        sleep(ANSWER_GRACE).await;
        assert_eq!(
            room.hold(&ASKER, Version::HTTP_11, whole(ANSWERS_A_SHARE_BYTES - ANSWER_PART_MAX_BYTES))
                .status(),
            StatusCode::OK
        );
        assert!(answer.frame().await.unwrap().is_err(), "it must not look whole");
    }

    fn stream(marks: impl FnOnce(&mut axum::http::Extensions)) -> Response {
        let mut stream = Response::new(Body::from_stream(futures_util::stream::repeat_with(|| {
            Ok::<_, std::convert::Infallible>(Bytes::from(vec![7; ANSWER_PART_MAX_BYTES]))
        })));
        marks(stream.extensions_mut());
        stream
    }

    #[tokio::test]
    async fn a_stream_counts_as_the_revision_that_it_holds() {
        let small = Directory::in_memory().unwrap().view();
        assert_eq!(StreamCounts::of(&small).0, STREAM_COUNTS_BYTES);
        for (counts, fit) in [(STREAM_COUNTS_BYTES, 8), (STREAM_COUNTS_MAX_BYTES, 4)] {
            let room = Outstanding::new();
            let ask = || {
                let marked = stream(|marks| {
                    marks.insert(StreamCounts(counts));
                    marks.insert(MayBeRefused);
                });
                room.hold(&ASKER, Version::HTTP_11, marked)
            };
            let held: Vec<_> = (0..20).map(|_| ask()).take_while(|answer| answer.status() == 200).collect();
            assert_eq!(held.len(), fit);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_copy_of_the_store_may_take_as_long_as_it_moves() {
        for (takes_long, is_whole) in [(true, true), (false, false)] {
            let answer = stream(|marks| {
                if takes_long {
                    marks.insert(TakesLong);
                }
            });
            let mut answer = Outstanding::new().hold(&ASKER, Version::HTTP_11, answer).into_body();
            let mut parts = Vec::new();
            for _ in 0..=ANSWER_TAKEN_WITHIN.as_secs() {
                sleep(Duration::from_secs(1)).await;
                parts.push(answer.frame().await.unwrap().is_ok());
            }
            assert_eq!(parts.into_iter().all(|part| part), is_whole);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_borne() {
        let size = 40 * ANSWER_PART_MAX_BYTES;
        let mut answer = Outstanding::new().hold(&ASKER, Version::HTTP_11, whole(size)).into_body();
        let mut taken = 0;
        while !answer.is_end_stream() {
            sleep(Duration::from_secs(3)).await;
            taken += answer.frame().await.unwrap().unwrap().into_data().unwrap().len();
            assert_eq!(answer.size_hint().exact(), Some((size - taken) as u64));
        }
        assert_eq!(taken, size);
    }
}
