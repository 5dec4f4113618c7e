//! A body in parts, small enough that a slow reader is told from one who reads nothing.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::server::limits::ANSWER_PART_MAX_BYTES;

#[derive(Debug)]
pub(super) struct Parts {
    body: Body,
    /// What is left of the frame before.
    rest: Bytes,
}

impl Parts {
    pub(super) fn of(body: Body) -> Self {
        Self { body, rest: Bytes::new() }
    }
}

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                None => return Poll::Ready(None),
            }
        }
        if self.rest.len() <= ANSWER_PART_MAX_BYTES {
            return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut self.rest)))));
        }
        // A copy: whoever keeps a part of a body must not keep all of it.
        let part = Bytes::copy_from_slice(&self.rest.split_to(ANSWER_PART_MAX_BYTES));
        Poll::Ready(Some(Ok(Frame::data(part))))
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
