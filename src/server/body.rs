//! Bodies of requests: of the right media type, no larger than allowed, and JSON objects where they must be.

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use mime::Mime;
use serde_json::{Map, Value};

use crate::server::json;
use crate::server::limits::{BODY_READ_WITHIN, DISCARDED_MAX_BYTES, RECORD_BODY_MAX_BYTES};
use crate::server::problem::{Problem, Result};

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
    let waits = headers.contains_key(header::EXPECT);
    let bearable = if waits { max } else { max.saturating_add(DISCARDED_MAX_BYTES) };
    if usize::try_from(body.size_hint().lower()).map_or(true, |said| said > bearable) {
        return Err(too_large(max));
    }
    tokio::time::timeout(BODY_READ_WITHIN, collect(body, max)).await.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body took too long to arrive"))
    })
}

async fn collect(mut body: Body, max: usize) -> Result<Bytes> {
    let mut kept = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::malformed("the body broke off before its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= max {
            kept.extend_from_slice(&data);
        } else if seen - max > DISCARDED_MAX_BYTES {
            break;
        }
    }
    if seen > max { Err(too_large(max)) } else { Ok(kept.freeze()) }
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
