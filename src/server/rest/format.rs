//! Content negotiation: the format of a list, from `format=` or from the `Accept` header.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mime::Mime;
use serde::Serialize;

use crate::exchange::Format;
use crate::model::time::Timestamp;
use crate::server::request::accept::{media_ranges, weight};
use crate::server::response::problem::{Problem, Result};

/// The suffix for a format in an entity tag. Two formats of a list are two representations and must not share a tag.
// The request hash in the tag covers `format=` but not `Accept`.
pub(super) fn tag(format: Format) -> &'static str {
    match format {
        Format::Json => "",
        Format::Csv => "-csv",
        Format::Ndjson => "-ndjson",
    }
}

/// The format that `Accept` prefers; JSON if the header is absent; 406 if it accepts none.
pub(super) fn accepted(headers: &HeaderMap) -> Result<Format> {
    if !headers.contains_key(header::ACCEPT) {
        return Ok(Format::Json);
    }
    let ranges = media_ranges(headers, &header::ACCEPT);
    let best = Format::ALL
        .into_iter()
        .map(|format| (format, quality(format, &ranges)))
        // `q=0` means not acceptable, also where a wildcard would match.
        .filter(|(_, quality)| *quality > 0)
        // On a tie the first wins, which `max_by_key` would not do: `*/*` has to mean JSON.
        .reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(format, _)| format).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "not-acceptable",
            "this resource is available as application/json, text/csv or application/x-ndjson; accept one of them, or set format=",
        )
    })
}

/// The client's quality value for a format, in thousandths; the most specific range decides (RFC 9110, section 12.5.1).
fn quality(format: Format, ranges: &[Mime]) -> u16 {
    let ours: &[&str] = match format {
        Format::Json => &["application/json"],
        Format::Csv => &["text/csv"],
        Format::Ndjson => &["application/x-ndjson", "application/ndjson"],
    };
    let specificity = |range: &Mime| match (range.type_().as_str(), range.subtype().as_str()) {
        ("*", "*") => Some(0),
        (kind, "*") if ours.iter().any(|our| our.split('/').next() == Some(kind)) => Some(1),
        _ if ours.contains(&range.essence_str()) => Some(2),
        _ => None,
    };
    ranges
        .iter()
        .filter_map(|range| Some((specificity(range)?, weight(range))))
        .max_by_key(|(specific, _)| *specific)
        .map_or(0, |(_, weight)| weight)
}

/// The header that names a CSV file after the last part of a path and the date; `None` for other formats.
pub(super) fn file_name(path: &str, format: Format) -> Option<HeaderValue> {
    if format != Format::Csv {
        return None;
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    let name: String =
        last.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    // A moment begins with its date.
    let date: String = Timestamp::now().to_string().chars().take(10).collect();
    HeaderValue::from_str(&format!("attachment; filename=\"{name}-{date}.csv\"")).ok()
}

/// Serializes a response body as JSON.
pub(super) fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("response types have text keys and finite numbers only")
}

/// A 200 response with a JSON text.
pub(super) fn json_response(text: Vec<u8>) -> Response {
    let media_type = HeaderValue::from_static(Format::Json.media_type());
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_selects_the_preferred_format() {
        for (accept, expected) in [
            (None, Some(Format::Json)),
            (Some("*/*"), Some(Format::Json)),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Format::Json)),
            (Some("text/csv"), Some(Format::Csv)),
            (Some("application/json;q=0.5, text/csv;q=0.9"), Some(Format::Csv)),
            (Some("application/x-ndjson"), Some(Format::Ndjson)),
            (Some("application/*, application/json;q=0"), Some(Format::Ndjson)),
            (Some("text/*"), Some(Format::Csv)),
            (Some("image/png"), None),
            (Some("application/json;q=0"), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(accepted(&headers).ok(), expected, "{accept:?}");
        }
    }
}
