//! The body of a request. What its handler does not read is read and discarded.
//!
//! Invariant: a client that writes its whole body before it reads gets the response of a refusal, and not a reset
//! connection, as long as the body is within limits.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{Version, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::server::limits::{DISCARD_TIMEOUT, DISCARDED_MAX_BYTES};

/// A request body that discards its unread rest in the background when it is dropped.
// While the rest is being read, hyper sends the response and keeps the connection. If the body were dropped unread, hyper
// would close the connection, and the client's next write would fail before it has read anything.
pub(super) struct RequestBody {
    body: Option<Incoming>,
    is_discarded: bool,
}

impl RequestBody {
    /// Wraps the body of a request.
    pub(super) fn wrap(request: Request<Incoming>) -> Request<Self> {
        // A client that expects `100 Continue` sends no body after a refusal, and HTTP/2 can reset a stream without its
        // connection.
        let is_discarded =
            request.version() <= Version::HTTP_11 && !request.headers().contains_key(header::EXPECT);
        request.map(|body| Self { body: Some(body), is_discarded })
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| self.is_discarded && !body.is_end_stream());
        // Without a runtime the process is ending, and its connections with it.
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(timeout(DISCARD_TIMEOUT, discard(rest)));
        }
    }
}

async fn discard(mut body: Incoming) {
    let mut discarded = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        discarded = discarded.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if discarded > DISCARDED_MAX_BYTES {
            return;
        }
    }
}
