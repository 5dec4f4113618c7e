//! Bodies of requests: of the right media type, no larger than allowed, and JSON objects where they must be.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;
use mime::Mime;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::Error;
use crate::server::admission::work::RequestWork;
use crate::server::auth::caller::Principal;
use crate::server::limits::{
    BODY_GRACE, BODY_MIN_BYTES_A_SECOND, BODY_READ_WITHIN, DISCARDED_MAX_BYTES, DISCARDED_WITHIN,
    RECORD_BODY_MAX_BYTES,
};
use crate::server::quota::{Exhausted, Permit};
use crate::server::response::problem::{Problem, Result};
use crate::wire::json::{self, json_kind};

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
    let bytes = read(work(&head)?, &head.headers, body, RECORD_BODY_MAX_BYTES).await?;
    match json::parse(&bytes)? {
        Value::Object(map) => Ok(map),
        other => Err(Error::NotAnObject { what: "the body", found: json_kind(&other) }.into()),
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

/// The limits of the caller that was let in: the bodies of others are not read.
pub(crate) fn work(head: &Parts) -> Result<&RequestWork> {
    head.extensions.get::<RequestWork>().ok_or_else(Problem::unauthorized)
}

/// Reads a body of at most `max` bytes, in time. One that says it is far larger is refused before it is read, and
/// so is one whose sender waits to be asked for it.
pub(crate) async fn read(work: &RequestWork, headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes> {
    let said = usize::try_from(body.size_hint().exact().unwrap_or_default()).unwrap_or(max);
    read_into(Sink::Plain(Box::new(Collected::new(work, said, max))), headers, body, max).await
}

/// The same of a body packed with gzip, of at most `max` bytes before and after: it is unpacked as it comes, so that
/// one that would fill the memory gets no further than that.
pub(crate) async fn read_unzipped(
    work: &RequestWork,
    headers: &HeaderMap,
    body: Body,
    max: usize,
) -> Result<Bytes> {
    let packed = MultiGzDecoder::new(Collected::new(work, 0, max));
    read_into(Sink::Gzip(Box::new(packed)), headers, body, max).await
}

async fn read_into(sink: Sink, headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes> {
    let waits = headers.contains_key(header::EXPECT);
    let bearable = if waits { max } else { max.saturating_add(DISCARDED_MAX_BYTES) };
    if usize::try_from(body.size_hint().lower()).map_or(true, |said| said > bearable) {
        return Err(too_large(max));
    }
    collect(sink, body, max).await
}

async fn collect(mut sink: Sink, mut body: Body, max: usize) -> Result<Bytes> {
    let began = Instant::now();
    let mut seen = 0_usize;
    while let Some(frame) = timeout_at(due(began, seen), body.frame()).await.map_err(|_| too_slow())? {
        let frame = frame.map_err(|_| Problem::malformed("the body broke off before its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        let taken = if seen > max { Err(too_large(max)) } else { sink.take(&data).await };
        if let Err(refusal) = taken {
            drop(sink);
            let _all_or_enough = timeout(DISCARDED_WITHIN, discard(body)).await;
            return Err(refusal);
        }
    }
    sink.finish()
}

/// When more of a body must have come than was `seen`.
fn due(began: Instant, seen: usize) -> Instant {
    let earned = Duration::from_millis(seen as u64 * 1_000 / BODY_MIN_BYTES_A_SECOND);
    began + BODY_READ_WITHIN.min(BODY_GRACE + earned)
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body took too long to arrive")
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

/// What a body is collected in.
enum Sink {
    Plain(Box<Collected>),
    Gzip(Box<MultiGzDecoder<Collected>>),
}

impl Sink {
    async fn take(&mut self, data: &[u8]) -> Result<()> {
        match self {
            Self::Plain(collected) => collected.write_all(data).map_err(|_| collected.refusal()),
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
            Self::Plain(mut collected) => Ok(collected.take_bytes()),
            Self::Gzip(mut packed) => match packed.try_finish() {
                Ok(()) => Ok(packed.get_mut().take_bytes()),
                Err(fault) => Err(unpacked_to(packed.get_mut(), &fault)),
            },
        }
    }
}

fn unpacked_to(collected: &mut Collected, fault: &io::Error) -> Problem {
    collected.refused.take().unwrap_or_else(|| Problem::malformed(format!("the body is not gzip: {fault}")))
}

/// The bytes of a body, with the memory for all of their capacity.
struct Collected {
    work: RequestWork,
    counted: BodyBytes,
    /// What the body says of its length, in bytes.
    said: usize,
    max: usize,
    refused: Option<Problem>,
}

/// Bytes, and the memory that they take until they are dropped.
#[derive(Default)]
struct BodyBytes {
    bytes: Vec<u8>,
    held: Option<Permit<Principal>>,
}

impl AsRef<[u8]> for BodyBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Collected {
    fn new(work: &RequestWork, said: usize, max: usize) -> Self {
        Self { work: work.clone(), counted: BodyBytes::default(), said, max, refused: None }
    }

    fn refusal(&mut self) -> Problem {
        self.refused.take().unwrap_or_else(|| too_large(self.max))
    }

    fn take_bytes(&mut self) -> Bytes {
        Bytes::from_owner(std::mem::take(&mut self.counted))
    }

    /// Makes room for `count` bytes more. While the bytes move to a larger place, both count.
    fn reserve(&mut self, count: usize) -> Result<()> {
        let BodyBytes { bytes, held } = &mut self.counted;
        let needed = bytes.len().saturating_add(count);
        if needed > self.max {
            return Err(too_large(self.max));
        }
        if needed <= bytes.capacity() {
            return Ok(());
        }
        // What was announced at once, as far as it has come near. Else by powers of two, so that the largest body moves
        // from half its size: both together are one caller's share.
        let announced = if self.said <= 8 * needed { self.said } else { 0 };
        let capacity = needed.next_power_of_two().max(announced).min(self.max);
        let grown = match held {
            Some(held) => held.grow(capacity),
            none => self.work.memory(capacity).map(|permit| *none = Some(permit)),
        };
        grown.map_err(busy)?;
        bytes.reserve_exact(capacity - bytes.len());
        if let Some(held) = &mut self.counted.held {
            held.shrink_to(self.counted.bytes.capacity());
        }
        Ok(())
    }
}

/// The one answer where there is no memory for what is sent.
pub(crate) fn busy(exhausted: Exhausted) -> Problem {
    let detail = match exhausted {
        Exhausted::All => "too much is being sent at once; try again",
        Exhausted::Own => "this token sends too much at once; try again once some of it was answered",
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
}

impl Write for Collected {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Err(problem) = self.reserve(data.len()) {
            self.refused = Some(problem);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.counted.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::server::limits::{BULK_BODY_MAX_BYTES, MEMORY_MAX_BYTES};
    use futures_util::stream;
    use std::convert::Infallible;

    /// So many bytes, each part of so many after so long.
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
        read(&work(), &HeaderMap::new(), body, BULK_BODY_MAX_BYTES).await.map(|bytes| bytes.len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_must_come_at_some_rate() {
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
        assert!(long.status == StatusCode::REQUEST_TIMEOUT && began.elapsed() == BODY_READ_WITHIN);
    }

    #[test]
    fn capacity_counts_and_what_moves_counts_twice() {
        let work = work();
        let mut body = Collected::new(&work, 0, BULK_BODY_MAX_BYTES);
        body.write_all(&[7; 1_000]).unwrap();
        body.write_all(&[7; 1]).unwrap();
        assert_eq!(body.counted.held.as_ref().unwrap().amount(), body.counted.bytes.capacity());
        assert_eq!(body.counted.bytes.capacity(), 1_024);
        // As much as is left but for one byte, so that nothing can grow.
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
