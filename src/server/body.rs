//! Bodies of requests: of the right media type, no larger than allowed, and JSON objects where they must be.

use std::io::{self, Write};

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;
use mime::Mime;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::server::json;
use crate::server::limits::{
    BODIES_AT_ONCE_BYTES, BODY_READ_WITHIN, DISCARDED_MAX_BYTES, DISCARDED_WITHIN, RECORD_BODY_MAX_BYTES,
};
use crate::server::problem::{Problem, Result};

/// The room for the bodies of all requests, a permit a byte.
static ROOM: Semaphore = Semaphore::const_new(BODIES_AT_ONCE_BYTES);
/// How much of a packed body is unpacked in one go.
const UNPACKED_AT_ONCE_BYTES: usize = 4 << 10;

/// A whole record, as `application/json`.
pub(crate) struct JsonBody(pub Map<String, Value>);

/// A merge patch (RFC 7396), as `application/merge-patch+json` or `application/json`.
pub(crate) struct MergePatch(pub Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        object(request, &["application/json"]).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for MergePatch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        object(request, &["application/merge-patch+json", "application/json"]).await.map(Self)
    }
}

async fn object(request: Request, taken: &[&str]) -> Result<Map<String, Value>> {
    require_media_type(request.headers(), taken)?;
    if content_encoding(request.headers()).is_some() {
        return Err(unsupported("this body must not be encoded; leave Content-Encoding out"));
    }
    let (head, body) = request.into_parts();
    let bytes = read(&head.headers, body, RECORD_BODY_MAX_BYTES).await?;
    match json::parse(&bytes)? {
        Value::Object(map) => Ok(map),
        other => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            format!("the body must be a JSON object, not {}", json_kind(&other)),
        )),
    }
}

/// What messages call the type of a JSON value.
pub(crate) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Refuses every media type but those `taken`, and every charset but UTF-8.
pub(crate) fn require_media_type(headers: &HeaderMap, taken: &[&str]) -> Result<()> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let fits = given.and_then(|text| text.parse::<Mime>().ok()).is_some_and(|mime| {
        taken.contains(&mime.essence_str())
            && mime.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8)
    });
    if fits {
        return Ok(());
    }
    let given = given.map_or_else(|| "is missing".to_owned(), |text| format!("{text:?} is not taken here"));
    Err(unsupported(&format!("Content-Type {given}; send {} in UTF-8", taken.join(" or "))))
}

/// How the body is encoded, if it is.
pub(crate) fn content_encoding(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get(header::CONTENT_ENCODING)?;
    let encoding = encoding.to_str().unwrap_or("unknown").trim().to_lowercase();
    (encoding != "identity").then_some(encoding)
}

/// The one answer to a body of another kind than is taken.
pub(crate) fn unsupported(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
}

/// Reads a body of at most `max` bytes, in time. One that says it is far larger is refused before it is read, and
/// so is one whose sender waits to be asked for it.
pub(crate) async fn read(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes> {
    read_into(Sink::Plain(Kept::new(max)), headers, body, max).await
}

/// The same of a body packed with gzip, of at most `max` bytes before and after: it is unpacked as it comes, so that
/// one that would fill the memory gets no further than that.
pub(crate) async fn read_unzipped(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes> {
    read_into(Sink::Gzip(Box::new(MultiGzDecoder::new(Kept::new(max)))), headers, body, max).await
}

async fn read_into(sink: Sink, headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes> {
    let waits = headers.contains_key(header::EXPECT);
    let bearable = if waits { max } else { max.saturating_add(DISCARDED_MAX_BYTES) };
    if usize::try_from(body.size_hint().lower()).map_or(true, |said| said > bearable) {
        return Err(too_large(max));
    }
    tokio::time::timeout(BODY_READ_WITHIN, collect(sink, body, max)).await.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body took too long to arrive"))
    })
}

async fn collect(mut sink: Sink, mut body: Body, max: usize) -> Result<Bytes> {
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::malformed("the body broke off before its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        let taken = if seen > max { Err(too_large(max)) } else { sink.take(&data).await };
        if let Err(refusal) = taken {
            drop(sink);
            let _all_or_enough = tokio::time::timeout(DISCARDED_WITHIN, discard(body)).await;
            return Err(refusal);
        }
    }
    sink.finish()
}

/// Reads a refused body on, so that its sender lives to read why.
async fn discard(mut body: Body) {
    let mut discarded = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        discarded = discarded.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if discarded > DISCARDED_MAX_BYTES {
            return;
        }
    }
}

/// What a body is gathered in.
enum Sink {
    Plain(Kept),
    Gzip(Box<MultiGzDecoder<Kept>>),
}

impl Sink {
    async fn take(&mut self, data: &[u8]) -> Result<()> {
        match self {
            Self::Plain(kept) => kept.write_all(data).map_err(|_| kept.refusal()),
            Self::Gzip(packed) => {
                for part in data.chunks(UNPACKED_AT_ONCE_BYTES) {
                    packed.write_all(part).map_err(|fault| unpacked_to(packed.get_mut(), &fault))?;
                    // A few bytes may unpack to millions: others have their turn between them.
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Bytes> {
        match self {
            Self::Plain(kept) => Ok(kept.into_bytes()),
            Self::Gzip(mut packed) => match packed.try_finish() {
                Ok(()) => Ok(std::mem::replace(packed.get_mut(), Kept::new(0)).into_bytes()),
                Err(fault) => Err(unpacked_to(packed.get_mut(), &fault)),
            },
        }
    }
}

fn unpacked_to(kept: &mut Kept, fault: &io::Error) -> Problem {
    kept.refused.take().unwrap_or_else(|| Problem::malformed(format!("the body is not gzip: {fault}")))
}

/// The bytes of a body, and their share of the room for all bodies until they are dropped.
struct Kept {
    bytes: Vec<u8>,
    max: usize,
    room: Option<SemaphorePermit<'static>>,
    refused: Option<Problem>,
}

impl Kept {
    fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), max, room: None, refused: None }
    }

    fn refusal(&mut self) -> Problem {
        self.refused.take().unwrap_or_else(|| too_large(self.max))
    }

    fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }

    fn has_room_for(&mut self, count: usize) -> Result<()> {
        if self.bytes.len().saturating_add(count) > self.max {
            return Err(too_large(self.max));
        }
        let more = u32::try_from(count).ok().and_then(|count| ROOM.try_acquire_many(count).ok());
        let Some(more) = more else {
            let detail = "too much is being sent at once; try again";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail));
        };
        match &mut self.room {
            Some(room) => room.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

impl Write for Kept {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Err(problem) = self.has_room_for(data.len()) {
            self.refused = Some(problem);
            return Err(io::ErrorKind::StorageFull.into());
        }
        if self.bytes.capacity() - self.bytes.len() < data.len() {
            // Twice as much, as ever, but no more than may come.
            let wanted = (2 * self.bytes.len()).max(self.bytes.len() + data.len()).min(self.max);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The one answer to a body that is too large.
pub(crate) fn too_large(max: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        format!("the body may be at most {max} bytes; send it in several requests"),
    )
    .with("limit", max)
}
