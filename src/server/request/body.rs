//! Request bodies: media type, size limit, minimum rate, memory budget, gzip decompression and JSON parsing.
//!
//! Invariant: the capacity of a body counts against its caller's memory quota from its first byte until it is dropped.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::error::Error;
use crate::server::admission::work::RequestWork;
use crate::server::auth::caller::Principal;
use crate::server::limits::{
    BODY_GRACE, BODY_MIN_BYTES_PER_SECOND, BODY_READ_TIMEOUT, RECORD_BODY_MAX_BYTES,
};
use crate::server::quota::{Exhausted, Permit};
use crate::server::request::accept::media_type;
use crate::server::response::problem::{Problem, Result};
use crate::wire::json::{self, json_kind};

/// How many compressed bytes are decompressed before the task yields.
// DEFLATE expands at most about 1,000 to one, so this is at most some 4 MiB, or a few milliseconds of work.
const DECOMPRESS_CHUNK_BYTES: usize = 4 << 10;

/// Extractor of a JSON object sent as `application/json`.
pub(crate) struct JsonBody(pub Map<String, Value>);

/// Extractor of a merge patch (RFC 7396) sent as `application/merge-patch+json` or `application/json`.
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

async fn object(request: Request, media_types: &[&str]) -> Result<Map<String, Value>> {
    require_media_type(request.headers(), media_types)?;
    // One record is small; only bulk bodies are worth decompressing.
    if content_encoding(request.headers()).is_some() {
        let detail = "Content-Encoding is not supported for this body; send it uncompressed";
        return Err(Problem::unsupported_encoding("identity", detail));
    }
    let (head, body) = request.into_parts();
    let bytes = read(work(&head)?, body, RECORD_BODY_MAX_BYTES).await?;
    match json::parse(&bytes)? {
        Value::Object(map) => Ok(map),
        other => Err(Error::NotAnObject { what: "the body", found: json_kind(&other) }.into()),
    }
}

/// Refuses every media type but these, and every charset but UTF-8, with 415.
// It also matters where no token is needed: browsers let a page of any origin send forms and plain text without a
// preflight request, but not JSON.
pub(crate) fn require_media_type(headers: &HeaderMap, media_types: &[&str]) -> Result<()> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_supported = sent.and_then(media_type).is_some_and(|mime| {
        media_types.contains(&mime.essence_str())
            && mime.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8)
    });
    if is_supported {
        return Ok(());
    }
    let fault =
        sent.map_or_else(|| "is missing".to_owned(), |text| format!("{text:?} is not supported here"));
    Err(unsupported(&format!("Content-Type {fault}; send {} in UTF-8", media_types.join(" or "))))
}

/// The `Content-Encoding` of a body, in lower case; `None` if it is not encoded.
pub(crate) fn content_encoding(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get(header::CONTENT_ENCODING)?;
    let encoding = encoding.to_str().unwrap_or("unknown").trim().to_lowercase();
    (encoding != "identity").then_some(encoding)
}

/// 415: the body's media type or encoding is not supported.
fn unsupported(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
}

/// The quotas of the authenticated caller; 401 if there is none.
// Bodies of unauthenticated clients are never read, so they cannot occupy memory.
pub(crate) fn work(head: &Parts) -> Result<&RequestWork> {
    head.extensions.get::<RequestWork>().ok_or_else(Problem::unauthorized)
}

/// Reads a body of at most `max` bytes. 413 if it is larger, 408 if it arrives too slowly, 503 if memory is exhausted.
pub(crate) async fn read(work: &RequestWork, body: Body, max: usize) -> Result<Bytes> {
    let announced = usize::try_from(body.size_hint().exact().unwrap_or_default()).unwrap_or(max);
    collect(Sink::Plain(Box::new(Collected::new(work, announced, max))), body, max).await
}

/// Reads a gzip body like [`read`]. `max` limits its size before and after decompression.
// It is decompressed while it arrives and stops at `max`, so a decompression bomb costs at most that much memory.
pub(crate) async fn read_unzipped(work: &RequestWork, body: Body, max: usize) -> Result<Bytes> {
    // Several gzip members in a row are one body (RFC 1952): `cat a.gz b.gz` makes such a file.
    let decoder = MultiGzDecoder::new(Collected::new(work, 0, max));
    collect(Sink::Gzip(Box::new(decoder)), body, max).await
}

async fn collect(mut sink: Sink, mut body: Body, max: usize) -> Result<Bytes> {
    // The connection discards what is not read here, so the sender of a refused body reads the refusal.
    if usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > max) {
        return Err(too_large(max));
    }
    let began = Instant::now();
    let mut seen = 0_usize;
    while let Some(frame) = timeout_at(due(began, seen), body.frame()).await.map_err(|_| too_slow())? {
        let frame = frame.map_err(|_| Problem::malformed("the body ended before its announced length"))?;
        // Frames without data are trailers, which carry nothing that is used.
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > max {
            return Err(too_large(max));
        }
        sink.take(&data).await?;
    }
    sink.finish()
}

/// The deadline for the next bytes of a body of which `seen` bytes have arrived.
// A grace period, then a minimum rate over the whole time, then an absolute limit. A timeout per frame would let a
// client that sends a byte now and then keep its slot forever.
fn due(began: Instant, seen: usize) -> Instant {
    let earned = Duration::from_millis(seen as u64 * 1_000 / BODY_MIN_BYTES_PER_SECOND);
    began + BODY_READ_TIMEOUT.min(BODY_GRACE + earned)
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "timeout",
        "the body arrived too slowly; send it faster or in several requests",
    )
}

/// Where the bytes of a body go: straight to memory, or through the gzip decoder.
enum Sink {
    Plain(Box<Collected>),
    Gzip(Box<MultiGzDecoder<Collected>>),
}

impl Sink {
    async fn take(&mut self, data: &[u8]) -> Result<()> {
        match self {
            Self::Plain(collected) => collected.write_all(data).map_err(|_| collected.refusal()),
            Self::Gzip(decoder) => {
                // Frames may be of any size, so they are cut.
                for part in data.chunks(DECOMPRESS_CHUNK_BYTES) {
                    decoder.write_all(part).map_err(|fault| gzip_refusal(decoder.get_mut(), &fault))?;
                    // A few bytes may decompress to millions: other tasks run in between.
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Bytes> {
        match self {
            Self::Plain(mut collected) => Ok(collected.take_bytes()),
            // Fails on a truncated stream: the checksum is at the end of it.
            Self::Gzip(mut decoder) => match decoder.try_finish() {
                Ok(()) => Ok(decoder.get_mut().take_bytes()),
                Err(fault) => Err(gzip_refusal(decoder.get_mut(), &fault)),
            },
        }
    }
}

// The decoder reports a full sink as an I/O error like any other, so the sink remembers the problem behind it.
fn gzip_refusal(collected: &mut Collected, fault: &io::Error) -> Problem {
    collected
        .refused
        .take()
        .unwrap_or_else(|| Problem::malformed(format!("the body is not valid gzip: {fault}")))
}

/// The bytes of a body so far, with memory reserved for their whole capacity.
struct Collected {
    work: RequestWork,
    reserved: BodyBytes,
    /// The announced length (`Content-Length`), in bytes; 0 if it is unknown.
    announced: usize,
    max: usize,
    refused: Option<Problem>,
}

/// Bytes with the permit for the memory that they take, given back when both are dropped.
#[derive(Default)]
struct BodyBytes {
    bytes: Vec<u8>,
    permit: Option<Permit<Principal>>,
}

impl AsRef<[u8]> for BodyBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Collected {
    fn new(work: &RequestWork, announced: usize, max: usize) -> Self {
        Self { work: work.clone(), reserved: BodyBytes::default(), announced, max, refused: None }
    }

    fn refusal(&mut self) -> Problem {
        self.refused.take().unwrap_or_else(|| too_large(self.max))
    }

    fn take_bytes(&mut self) -> Bytes {
        // The permit travels inside of the `Bytes`: every clone and slice of them keeps the memory counted.
        Bytes::from_owner(std::mem::take(&mut self.reserved))
    }

    /// Reserves capacity for `count` more bytes, in the vector and in the memory budget.
    fn reserve(&mut self, count: usize) -> Result<()> {
        let BodyBytes { bytes, permit } = &mut self.reserved;
        let needed = bytes.len().saturating_add(count);
        if needed > self.max {
            return Err(too_large(self.max));
        }
        if needed <= bytes.capacity() {
            return Ok(());
        }
        // Grows by powers of two, or straight to the announced length once an eighth of it has arrived: a client must
        // not reserve memory by a header alone. With powers of two the largest body moves from half of its size, and
        // both buffers together just fit into one caller's quota.
        let announced = if self.announced <= 8 * needed { self.announced } else { 0 };
        let capacity = needed.next_power_of_two().max(announced).min(self.max);
        // While the bytes are copied, the old and the new buffer both exist, so both count: the permit grows by all of
        // the new capacity and shrinks after the move.
        let grown = match permit {
            Some(permit) => permit.grow(capacity),
            none => self.work.memory(capacity).map(|taken| *none = Some(taken)),
        };
        grown.map_err(busy)?;
        bytes.reserve_exact(capacity - bytes.len());
        // To the vector's real capacity, which the allocator may have rounded up.
        if let Some(permit) = &mut self.reserved.permit {
            permit.shrink_to(self.reserved.bytes.capacity());
        }
        Ok(())
    }
}

/// 503: the memory budget cannot hold the body, in all or for this caller.
pub(crate) fn busy(exhausted: Exhausted) -> Problem {
    let detail = match exhausted {
        Exhausted::All => "the server's memory budget for requests is in use; try again",
        Exhausted::Own => {
            "this token's memory quota for requests is in use; try again once some of its requests have completed"
        }
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
}

impl Write for Collected {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Err(problem) = self.reserve(data.len()) {
            self.refused = Some(problem);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.reserved.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// 413: the body is larger than `max` bytes.
pub(crate) fn too_large(max: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        format!("the body may be at most {max} bytes; send it in several requests"),
    )
    .with("limit", max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::server::limits::{BULK_BODY_MAX_BYTES, MEMORY_MAX_BYTES};
    use futures_util::stream;
    use std::convert::Infallible;

    /// A body of `bytes` bytes, sent in chunks of `part` bytes with a delay before each.
    fn slow(bytes: usize, part: usize, after: Duration) -> Body {
        Body::from_stream(stream::unfold(bytes, move |left| async move {
            let now = left.min(part);
            if now == 0 {
                return None;
            }
            tokio::time::sleep(after).await;
            Some((Ok::<_, Infallible>(Bytes::from(vec![b' '; now])), left - now))
        }))
    }

    fn work() -> RequestWork {
        RequestWork::local(Directory::in_memory().unwrap())
    }

    async fn read_slowly(body: Body) -> Result<usize> {
        read(&work(), body, BULK_BODY_MAX_BYTES).await.map(|bytes| bytes.len())
    }

    #[tokio::test(start_paused = true)]
    async fn slow_bodies_time_out() {
        let began = Instant::now();
        let dribbled = read_slowly(slow(1_000, 1, Duration::from_secs(1))).await.unwrap_err();
        assert_eq!(dribbled.status, StatusCode::REQUEST_TIMEOUT);
        assert!(began.elapsed() < BODY_GRACE + Duration::from_secs(2));
        let steady = 40 << 10;
        assert_eq!(
            read_slowly(slow(20 * steady, steady, Duration::from_secs(1))).await.unwrap(),
            20 * steady
        );
        let began = Instant::now();
        let long = read_slowly(slow(100 * steady, steady, Duration::from_secs(1))).await.unwrap_err();
        assert!(long.status == StatusCode::REQUEST_TIMEOUT && began.elapsed() == BODY_READ_TIMEOUT);
    }

    #[test]
    fn capacity_is_reserved_and_counts_twice_while_it_grows() {
        let work = work();
        let mut body = Collected::new(&work, 0, BULK_BODY_MAX_BYTES);
        body.write_all(&[7; 1_000]).unwrap();
        body.write_all(&[7; 1]).unwrap();
        assert_eq!(body.reserved.permit.as_ref().unwrap().amount(), body.reserved.bytes.capacity());
        assert_eq!(body.reserved.bytes.capacity(), 1_024);
        // All of the budget but one byte, so that nothing can grow.
        let rest = work.memory(MEMORY_MAX_BYTES - 1_025).unwrap();
        body.write_all(&[7; 23]).unwrap();
        assert!(body.write_all(&[7]).is_err());
        assert_eq!(body.refusal().code, "busy");
        drop(rest);
        body.write_all(&[7]).unwrap();
        let bytes = body.take_bytes();
        assert!(bytes.len() == 1_025 && work.memory(MEMORY_MAX_BYTES).is_err());
        drop((bytes, body));
        assert!(work.memory(MEMORY_MAX_BYTES).is_ok());
    }
}
