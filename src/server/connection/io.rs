//! One connection, watched: how much of its answers the client has taken since the last look.
//!
//! What must stay true: one periodic look is enough to tell every kind of slow client. A client that takes nothing of a
//! large answer, one that takes it too slowly, one that stops within the last bytes, and one that keeps an idle HTTP/2
//! connection open all write too little between two looks, while the server owes them nothing.

use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::server::connection::peer::Peer;
use crate::server::limits::{RESPONSE_MIN_BYTES_PER_SECOND, RESPONSE_CHUNK_MAX_BYTES, IDLE_MAX_BYTES};
use crate::server::quota::Permit;

/// What moves on one connection.
#[derive(Debug, Default)]
pub(super) struct Progress {
    written_bytes: AtomicU64,
    /// Requests that came.
    requests: AtomicU64,
    /// Requests whose answer has not begun.
    working: AtomicUsize,
    /// Answers that are being sent.
    answers: Mutex<Vec<Weak<Sending>>>,
}

/// One answer that is being sent.
#[derive(Debug, Default)]
struct Sending {
    taken_bytes: AtomicU64,
    /// Whether the next part is for the server to make.
    is_starved: AtomicBool,
    /// What was taken at the last look, and one more; 0 before the first look.
    seen: AtomicU64,
}

/// What the last look saw.
#[derive(Debug, Default)]
pub(super) struct ProgressSample {
    written_bytes: u64,
    requests: u64,
}

/// A request that is being worked on, until its answer begins.
pub(super) struct Working(Arc<Progress>);

impl Progress {
    /// A request came.
    pub(super) fn begin(self: &Arc<Self>) -> Working {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(Arc::clone(self))
    }

    /// Whether the client is too slow to be served on, `after` the last look with the same `seen`.
    pub(super) fn is_too_slow(&self, seen: &mut ProgressSample, after: Duration) -> bool {
        let written_bytes = self.written_bytes.load(Ordering::Relaxed);
        let requests = self.requests.load(Ordering::Relaxed);
        let before = mem::replace(seen, ProgressSample { written_bytes, requests });
        let (mut is_starved, mut is_slow) = (false, false);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|answer| {
            let Some(answer) = answer.upgrade() else { return false };
            is_starved |= answer.is_starved.load(Ordering::Relaxed);
            is_slow |= answer.is_too_slow(after);
            true
        });
        if is_slow {
            return true;
        }
        let is_owed = is_starved || self.working.load(Ordering::Relaxed) > 0;
        // Pings and the like are no progress.
        let is_idle = requests == before.requests && written_bytes - before.written_bytes < IDLE_MAX_BYTES;
        is_idle && !is_owed
    }
}

impl Sending {
    /// Whether too little was taken since the last look. An answer that has seen none yet has time until the next.
    fn is_too_slow(&self, after: Duration) -> bool {
        let taken = self.taken_bytes.load(Ordering::Relaxed);
        let seen = self.seen.swap(taken + 1, Ordering::Relaxed);
        let due = RESPONSE_MIN_BYTES_PER_SECOND * u64::try_from(after.as_millis()).unwrap_or(u64::MAX) / 1_000;
        seen > 0 && taken + 1 - seen < due && !self.is_starved.load(Ordering::Relaxed)
    }
}

impl Working {
    /// The answer, watched until it was handed over.
    pub(super) fn answer(self, body: Body) -> ResponseBody {
        let sending = Arc::new(Sending::default());
        if !body.is_end_stream() {
            let mut answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.retain(|answer| answer.strong_count() > 0);
            answers.push(Arc::downgrade(&sending));
        }
        ResponseBody { body, rest: Bytes::new(), sending }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer, in parts small enough that a slow reader is told from one who reads nothing.
pub(super) struct ResponseBody {
    body: Body,
    /// What is left of the frame before.
    rest: Bytes,
    sending: Arc<Sending>,
}

impl ResponseBody {
    fn part(&mut self) -> Frame<Bytes> {
        let part = self.rest.split_to(self.rest.len().min(RESPONSE_CHUNK_MAX_BYTES));
        self.sending.taken_bytes.fetch_add(part.len() as u64, Ordering::Relaxed);
        Frame::data(part)
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let polled = Pin::new(&mut self.body).poll_frame(cx);
            self.sending.is_starved.store(polled.is_pending(), Ordering::Relaxed);
            match ready!(polled).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(Ok(self.part())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.rest.len() as u64;
        let behind = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(behind.lower() + ahead);
        if let Some(upper) = behind.upper() {
            hint.set_upper(upper + ahead);
        }
        hint
    }
}

/// The bytes of one connection, counted as they are written. Its permit is held for as long as anything holds the
/// connection, a WebSocket too.
pub(super) struct Socket {
    stream: TcpStream,
    progress: Arc<Progress>,
    _permit: Permit<Peer>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, permit: Permit<Peer>) -> Self {
        Self { stream, progress: Arc::default(), _permit: permit }
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    fn counted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = written {
            self.progress.written_bytes.fetch_add(count as u64, Ordering::Relaxed);
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.counted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.counted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    const AFTER: Duration = Duration::from_secs(1);

    /// Begun after a look, so that the next one compares with it.
    fn answering(progress: &Arc<Progress>, body: Body) -> (ResponseBody, ProgressSample) {
        let mut seen = ProgressSample::default();
        let working = progress.begin();
        assert!(!progress.is_too_slow(&mut seen, AFTER), "a request came");
        assert!(!progress.is_too_slow(&mut seen, AFTER), "it is worked on");
        let answer = working.answer(body);
        progress.written_bytes.fetch_add(IDLE_MAX_BYTES, Ordering::Relaxed);
        assert!(!progress.is_too_slow(&mut seen, AFTER), "it has time until the next look");
        (answer, seen)
    }

    #[tokio::test]
    async fn a_part_taken_between_two_looks_is_enough_and_none_is_not() {
        let progress = Arc::new(Progress::default());
        let whole = vec![7; 2 * RESPONSE_CHUNK_MAX_BYTES + 1];
        let (mut answer, mut seen) = answering(&progress, Body::from(whole.clone()));
        let mut taken = Vec::new();
        while taken.len() < 2 * RESPONSE_CHUNK_MAX_BYTES {
            assert_eq!(answer.size_hint().exact(), Some((whole.len() - taken.len()) as u64));
            let part = answer.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(part.len() <= RESPONSE_CHUNK_MAX_BYTES);
            taken.extend_from_slice(&part);
            progress.written_bytes.fetch_add(IDLE_MAX_BYTES, Ordering::Relaxed);
            assert!(!progress.is_too_slow(&mut seen, AFTER), "a part was taken");
        }
        // Also where other answers of the connection move.
        progress.written_bytes.fetch_add(1 << 20, Ordering::Relaxed);
        assert!(progress.is_too_slow(&mut seen, AFTER), "nothing of it is taken");
        drop(answer);
        progress.written_bytes.fetch_add(IDLE_MAX_BYTES, Ordering::Relaxed);
        assert!(!progress.is_too_slow(&mut seen, AFTER), "it is gone");
        progress.written_bytes.fetch_add(IDLE_MAX_BYTES - 1, Ordering::Relaxed);
        assert!(progress.is_too_slow(&mut seen, AFTER), "nothing but pings");
    }

    #[tokio::test]
    async fn an_answer_that_the_server_still_makes_is_not_the_clients_fault() {
        let progress = Arc::new(Progress::default());
        let never = futures_util::stream::pending::<Result<Bytes, io::Error>>();
        let (mut answer, mut seen) = answering(&progress, Body::from_stream(never));
        assert!(tokio::time::timeout(Duration::from_millis(1), answer.frame()).await.is_err());
        for _ in 0..3 {
            assert!(!progress.is_too_slow(&mut seen, AFTER));
        }
    }
}
