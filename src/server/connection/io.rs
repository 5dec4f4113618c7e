//! Detection of slow and idle clients: progress of a connection and its responses between two periodic checks.
//!
//! Invariant: one periodic check finds every kind of slow client: one that reads nothing of a large response, one that
//! reads it too slowly, one that stops before the last bytes, and one that keeps an idle HTTP/2 connection open. In
//! each case too few bytes are written between two checks, while the client does not wait for the server.

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
use crate::server::limits::{IDLE_MAX_BYTES, RESPONSE_CHUNK_MAX_BYTES, RESPONSE_MIN_BYTES_PER_SECOND};
use crate::server::quota::Permit;

/// The progress counters of one connection.
// Only read as figures by the periodic check, never to synchronize other memory: relaxed ordering is enough.
#[derive(Debug, Default)]
pub(super) struct Progress {
    written_bytes: AtomicU64,
    /// Requests so far.
    requests: AtomicU64,
    /// Requests whose response has not begun.
    working: AtomicUsize,
    /// Responses that are being sent.
    // Weak: a response ends when hyper drops its body, and there is no event for that.
    responses: Mutex<Vec<Weak<Sending>>>,
}

/// A response that is being sent.
#[derive(Debug, Default)]
struct Sending {
    taken_bytes: AtomicU64,
    /// Whether the client waits for the server to produce the next chunk.
    is_starved: AtomicBool,
    /// `taken_bytes` at the last check, plus one; 0 before the first check.
    seen: AtomicU64,
}

/// The counters of a connection at the last check.
#[derive(Debug, Default)]
pub(super) struct ProgressSample {
    written_bytes: u64,
    requests: u64,
}

/// A request in progress, until its response begins.
pub(super) struct Working(Arc<Progress>);

impl Progress {
    /// Counts a request that has arrived.
    pub(super) fn begin(self: &Arc<Self>) -> Working {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(Arc::clone(self))
    }

    /// Whether the client is too slow or the connection idle, by the progress since the check that set `last`, `after`
    /// ago. Updates `last`.
    pub(super) fn is_too_slow(&self, last: &mut ProgressSample, after: Duration) -> bool {
        let written_bytes = self.written_bytes.load(Ordering::Relaxed);
        let requests = self.requests.load(Ordering::Relaxed);
        let before = mem::replace(last, ProgressSample { written_bytes, requests });
        let (mut is_starved, mut is_slow) = (false, false);
        let mut responses = self.responses.lock().unwrap_or_else(PoisonError::into_inner);
        // Every response, even once one is slow: each must note what was taken until now for the next check.
        responses.retain(|response| {
            let Some(response) = response.upgrade() else { return false };
            is_starved |= response.is_starved.load(Ordering::Relaxed);
            is_slow |= response.is_too_slow(after);
            true
        });
        // One slow response is enough, also while others of the same HTTP/2 connection are read: each keeps its memory.
        if is_slow {
            return true;
        }
        // A response that the server still builds is not the client's fault.
        let is_server_busy = is_starved || self.working.load(Ordering::Relaxed) > 0;
        // By bytes on the wire too, since the last bytes of a response are taken from the body before they are sent. A
        // few bytes, as of pings, are no progress.
        let is_idle = requests == before.requests && written_bytes - before.written_bytes < IDLE_MAX_BYTES;
        is_idle && !is_server_busy
    }
}

impl Sending {
    /// Whether the client took too little since the last check. A response that began since then is not too slow yet.
    fn is_too_slow(&self, after: Duration) -> bool {
        let taken = self.taken_bytes.load(Ordering::Relaxed);
        // One more than was taken, so that 0 means that there was no check yet: nothing may be taken at the first one.
        let seen = self.seen.swap(taken + 1, Ordering::Relaxed);
        // In milliseconds, since tests check several times a second.
        let due =
            RESPONSE_MIN_BYTES_PER_SECOND * u64::try_from(after.as_millis()).unwrap_or(u64::MAX) / 1_000;
        seen > 0 && taken + 1 - seen < due && !self.is_starved.load(Ordering::Relaxed)
    }
}

impl Working {
    /// Ends the request, and tracks the body of its response until it is handed over.
    pub(super) fn track(self, body: Body) -> ResponseBody {
        let sending = Arc::new(Sending::default());
        if !body.is_end_stream() {
            let mut responses = self.0.responses.lock().unwrap_or_else(PoisonError::into_inner);
            // A connection may send thousands of responses between two checks: those that ended go now.
            responses.retain(|response| response.strong_count() > 0);
            responses.push(Arc::downgrade(&sending));
        }
        ResponseBody { body, rest: Bytes::new(), sending }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        // On drop, since hyper drops a request's future when its stream is reset.
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of a response, in chunks small enough that a slow reader is distinguished from one that reads nothing.
pub(super) struct ResponseBody {
    body: Body,
    /// The rest of the current frame.
    rest: Bytes,
    sending: Arc<Sending>,
}

impl ResponseBody {
    fn chunk(&mut self) -> Frame<Bytes> {
        // Shares the frame's memory: nothing is copied.
        let chunk = self.rest.split_to(self.rest.len().min(RESPONSE_CHUNK_MAX_BYTES));
        self.sending.taken_bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        Frame::data(chunk)
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
        Poll::Ready(Some(Ok(self.chunk())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // The inner body has given away the current frame, whose rest is still to be sent.
        let rest = self.rest.len() as u64;
        let inner = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

/// The socket of one connection, which counts the bytes that are written.
// It owns the permit, and not the task that serves it: a WebSocket takes the socket along when that task ends.
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

    /// A response that began after a check, so that the next check compares with it.
    fn responding(progress: &Arc<Progress>, body: Body) -> (ResponseBody, ProgressSample) {
        let mut last = ProgressSample::default();
        let working = progress.begin();
        assert!(!progress.is_too_slow(&mut last, AFTER), "a request came");
        assert!(!progress.is_too_slow(&mut last, AFTER), "it is in progress");
        let response = working.track(body);
        progress.written_bytes.fetch_add(IDLE_MAX_BYTES, Ordering::Relaxed);
        assert!(!progress.is_too_slow(&mut last, AFTER), "it has time until the next check");
        (response, last)
    }

    #[tokio::test]
    async fn one_chunk_between_two_checks_is_progress_and_none_is_not() {
        let progress = Arc::new(Progress::default());
        let whole = vec![7; 2 * RESPONSE_CHUNK_MAX_BYTES + 1];
        let (mut response, mut last) = responding(&progress, Body::from(whole.clone()));
        let mut taken = Vec::new();
        while taken.len() < 2 * RESPONSE_CHUNK_MAX_BYTES {
            assert_eq!(response.size_hint().exact(), Some((whole.len() - taken.len()) as u64));
            let chunk = response.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(chunk.len() <= RESPONSE_CHUNK_MAX_BYTES);
            taken.extend_from_slice(&chunk);
            progress.written_bytes.fetch_add(IDLE_MAX_BYTES, Ordering::Relaxed);
            assert!(!progress.is_too_slow(&mut last, AFTER), "a chunk was taken");
        }
        // Also while other responses of the connection make progress.
        progress.written_bytes.fetch_add(1 << 20, Ordering::Relaxed);
        assert!(progress.is_too_slow(&mut last, AFTER), "nothing of it is taken");
        drop(response);
        progress.written_bytes.fetch_add(IDLE_MAX_BYTES, Ordering::Relaxed);
        assert!(!progress.is_too_slow(&mut last, AFTER), "it is gone");
        progress.written_bytes.fetch_add(IDLE_MAX_BYTES - 1, Ordering::Relaxed);
        assert!(progress.is_too_slow(&mut last, AFTER), "nothing but pings");
    }

    #[tokio::test]
    async fn a_response_that_the_server_still_builds_is_not_slow() {
        let progress = Arc::new(Progress::default());
        let never = futures_util::stream::pending::<Result<Bytes, io::Error>>();
        let (mut response, mut last) = responding(&progress, Body::from_stream(never));
        assert!(tokio::time::timeout(Duration::from_millis(1), response.frame()).await.is_err());
        for _ in 0..3 {
            assert!(!progress.is_too_slow(&mut last, AFTER));
        }
    }
}
