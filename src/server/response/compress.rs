//! The body of an answer that is kept, or of a page: compressed once, not each time it is sent.
//!
//! What is not kept is left to the layer that compresses all answers; it passes over those that are compressed.

use std::io::Write;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tower_http::compression::Predicate;

use crate::server::cache::SizeBytes;
use crate::server::limits::{COMPRESSED_AT_ONCE_MAX_BYTES, COMPRESSED_MIN_BYTES};

/// A body, and how it is encoded.
#[derive(Debug, Clone)]
pub(in crate::server) struct Sent {
    body: Bytes,
    is_gzip: bool,
}

impl SizeBytes for Sent {
    fn size_bytes(&self) -> u64 {
        self.body.len() as u64
    }
}

impl Sent {
    /// As it is.
    pub(in crate::server) fn plain(body: Vec<u8>) -> Self {
        // Without the room that writing left over: what is kept takes as much as it says.
        Self { body: body.into_boxed_slice().into(), is_gzip: false }
    }

    /// Compressed, where that is worth it and does not hold up others.
    pub(in crate::server) fn gzip(body: Vec<u8>) -> Self {
        let length = body.len() as u64;
        if !(COMPRESSED_MIN_BYTES..=COMPRESSED_AT_ONCE_MAX_BYTES).contains(&length) {
            return Self::plain(body);
        }
        Self::packed(body)
    }

    /// Compressed, however long that takes: for what is made once.
    pub(in crate::server) fn packed(body: Vec<u8>) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        match encoder.write_all(&body).and_then(|()| encoder.finish()) {
            Ok(packed) => Self { body: packed.into_boxed_slice().into(), is_gzip: true },
            Err(_) => Self::plain(body),
        }
    }
}

impl IntoResponse for Sent {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        if self.is_gzip {
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether the client takes gzip, by name. Where it says so in another way, the layer around may read it.
pub(in crate::server) fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(is_gzip)
}

/// RFC 9110, section 12.5.3: `gzip`, or with a quality that is more than none.
fn is_gzip(coding: &str) -> bool {
    let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
    let quality = quality.trim().trim_start_matches(['q', 'Q']).trim_start().strip_prefix('=').unwrap_or("0");
    name.trim().eq_ignore_ascii_case("gzip") && quality.trim().parse().is_ok_and(|quality: f32| quality > 0.0)
}

/// On an answer that is sent as it is: whoever asks for it often must not have it packed each time.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct AsItIs;

/// Whether the layer that compresses answers may compress this one.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct MayBePacked;

impl Predicate for MayBePacked {
    fn should_compress<B>(&self, response: &axum::http::Response<B>) -> bool {
        response.extensions().get::<AsItIs>().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_named() {
        for (given, taken) in [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("br,GZIP", true),
            ("", false),
            ("br", false),
            ("*", false),
            ("gzip;q=0", false),
            ("identity, gzip;q=0.5", true),
            ("gzip; Q = 0.001", true),
            ("gzip;q=0.0", false),
            ("gzip;x", false),
            ("xgzip", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, given.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), taken, "{given}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_is_short_or_would_take_long_is_left_as_it_is() {
        let is_gzip = |length: u64| Sent::gzip(vec![b'x'; usize::try_from(length).unwrap()]).is_gzip;
        assert!(!is_gzip(COMPRESSED_MIN_BYTES - 1));
        assert!(is_gzip(COMPRESSED_MIN_BYTES) && is_gzip(COMPRESSED_AT_ONCE_MAX_BYTES));
        assert!(!is_gzip(COMPRESSED_AT_ONCE_MAX_BYTES + 1));
    }
}
