//! Bodies of requests: of the right media type, no larger than allowed, and JSON objects where they must be.

use std::io::{self, Write};
use std::sync::LazyLock;
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

use crate::model::token::Actor;
use crate::server::json;
use crate::server::limits::{
    BODIES_AT_ONCE_BYTES, BODY_GRACE, BODY_MIN_BYTES_A_SECOND, BODY_READ_WITHIN, BULK_BODY_MAX_BYTES,
    DISCARDED_MAX_BYTES, DISCARDED_WITHIN, RECORD_BODY_MAX_BYTES,
};
use crate::server::problem::{Problem, Result};
use crate::server::shares::{Full, Share, Shares};
use crate::server::state::Caller;

/// The room for the bodies of all requests, in bytes. Whoever sends one may have as much as the largest body takes.
static ROOM: LazyLock<Shares<Actor>> =
    LazyLock::new(|| Shares::new(BODIES_AT_ONCE_BYTES, BULK_BODY_MAX_BYTES));
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
    let bytes = read(sender(&head)?, &head.headers, body, RECORD_BODY_MAX_BYTES).await?;
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

/// Whom the gate let in: nobody else's bodies are read.
pub(crate) fn sender(head: &Parts) -> Result<&Actor> {
    let caller = head.extensions.get::<Caller>().ok_or_else(Problem::unauthorized)?;
    Ok(caller.grant.actor())
}

/// Reads a body of at most `max` bytes, in time. One that says it is far larger is refused before it is read, and
/// so is one whose sender waits to be asked for it.
pub(crate) async fn read(sender: &Actor, headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes> {
    read_into(Sink::Plain(Box::new(Kept::new(sender, max))), headers, body, max).await
}

/// The same of a body packed with gzip, of at most `max` bytes before and after: it is unpacked as it comes, so that
/// one that would fill the memory gets no further than that.
pub(crate) async fn read_unzipped(
    sender: &Actor,
    headers: &HeaderMap,
    body: Body,
    max: usize,
) -> Result<Bytes> {
    let packed = MultiGzDecoder::new(Kept::new(sender, max));
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

/// What a body is gathered in.
enum Sink {
    Plain(Box<Kept>),
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
            Self::Plain(mut kept) => Ok(kept.take_bytes()),
            Self::Gzip(mut packed) => match packed.try_finish() {
                Ok(()) => Ok(packed.get_mut().take_bytes()),
                Err(fault) => Err(unpacked_to(packed.get_mut(), &fault)),
            },
        }
    }
}

fn unpacked_to(kept: &mut Kept, fault: &io::Error) -> Problem {
    kept.refused.take().unwrap_or_else(|| Problem::malformed(format!("the body is not gzip: {fault}")))
}

/// The bytes of a body, and their share of the room for all bodies.
struct Kept {
    sender: Actor,
    taken: Taken,
    max: usize,
    refused: Option<Problem>,
}

/// Bytes, and the room that they take until they are dropped.
#[derive(Default)]
struct Taken {
    bytes: Vec<u8>,
    room: Option<Share<Actor>>,
}

impl AsRef<[u8]> for Taken {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Kept {
    fn new(sender: &Actor, max: usize) -> Self {
        Self { sender: sender.clone(), taken: Taken::default(), max, refused: None }
    }

    fn refusal(&mut self) -> Problem {
        self.refused.take().unwrap_or_else(|| too_large(self.max))
    }

    fn take_bytes(&mut self) -> Bytes {
        Bytes::from_owner(std::mem::take(&mut self.taken))
    }

    fn has_room_for(&mut self, count: usize) -> Result<()> {
        if self.taken.bytes.len().saturating_add(count) > self.max {
            return Err(too_large(self.max));
        }
        let grown = match &mut self.taken.room {
            Some(room) => room.grow(count),
            none => ROOM.take(&self.sender, count).map(|room| *none = Some(room)),
        };
        grown.map_err(|full| {
            let detail = match full {
                Full::All => "too much is being sent at once; try again",
                Full::Share => "this token sends too much at once; try again once some of it was answered",
            };
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
        })
    }
}

impl Write for Kept {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Err(problem) = self.has_room_for(data.len()) {
            self.refused = Some(problem);
            return Err(io::ErrorKind::StorageFull.into());
        }
        let bytes = &mut self.taken.bytes;
        if bytes.capacity() - bytes.len() < data.len() {
            // Twice as much, as ever, but no more than may come.
            let wanted = (2 * bytes.len()).max(bytes.len() + data.len()).min(self.max);
            bytes.reserve_exact(wanted - bytes.len());
        }
        bytes.extend_from_slice(data);
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
    use crate::model::token::TokenId;
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

    fn token(id: &str) -> Actor {
        Actor::Token(TokenId::parse(id).unwrap())
    }

    async fn read_slowly(body: Body) -> Result<usize> {
        let kept = Kept::new(&token("slowslow"), BULK_BODY_MAX_BYTES);
        collect(Sink::Plain(Box::new(kept)), body, BULK_BODY_MAX_BYTES).await.map(|bytes| bytes.len())
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

    #[tokio::test]
    async fn one_sender_has_no_more_room_than_the_largest_body() {
        let mut large = Kept::new(&token("manymany"), BULK_BODY_MAX_BYTES);
        large.has_room_for(BULK_BODY_MAX_BYTES).unwrap();
        let mut again = Kept::new(&token("manymany"), 10);
        assert_eq!(again.has_room_for(1).unwrap_err().code, "busy");
        Kept::new(&token("otherone"), 10).has_room_for(1).unwrap();
        drop(large.take_bytes());
        again.has_room_for(1).unwrap();
    }
}
