//! Entity tags of compressed responses.
//!
//! Invariant: two encodings of one response are two representations and have two tags (RFC 9110, section 8.8.3.3): that of a
//! compressed one ends with the name of its encoding.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue, header};

/// The encodings that this server sends.
const ENCODINGS: [&str; 4] = ["gzip", "br", "deflate", "zstd"];

/// Adds the suffix to the tag of a compressed response.
pub(in crate::server) fn tag_encoding(headers: &mut HeaderMap) {
    if let Some(tag) = with_suffix(headers) {
        headers.insert(header::ETAG, tag);
    }
}

fn with_suffix(headers: &HeaderMap) -> Option<HeaderValue> {
    let encoding = headers.get(header::CONTENT_ENCODING)?.to_str().ok()?;
    let tag = headers.get(header::ETAG)?.to_str().ok()?;
    HeaderValue::from_str(&format!("{}-{encoding}\"", tag.strip_suffix('"')?)).ok()
}

/// A tag without the suffix of an encoding.
pub(in crate::server) fn without_suffix(tag: &str) -> Cow<'_, str> {
    let plain = || {
        let (before, encoding) = tag.strip_suffix('"')?.rsplit_once('-')?;
        ENCODINGS.contains(&encoding).then(|| Cow::Owned(format!("{before}\"")))
    };
    plain().unwrap_or(Cow::Borrowed(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_is_added_and_removed() {
        for encoding in ENCODINGS {
            let mut headers = HeaderMap::new();
            headers.insert(header::ETAG, HeaderValue::from_static("\"r1-all-2\""));
            assert_eq!(with_suffix(&headers), None);
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            let tag = with_suffix(&headers).unwrap();
            assert_eq!(tag, format!("\"r1-all-2-{encoding}\""));
            assert_eq!(without_suffix(tag.to_str().unwrap()), "\"r1-all-2\"");
        }
        for other in ["\"r1-all-2\"", "*", "W/\"x\"", "gzip", "\"-other\""] {
            assert_eq!(without_suffix(other), other);
        }
    }
}
