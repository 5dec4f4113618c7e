//! Gzip bodies of cached responses and pages: compressed once, not each time they are sent.
//!
//! All other responses are left to the compression layer, which skips those that are compressed already.

use std::io::Write;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tower_http::compression::Predicate;

use crate::server::cache::SizeBytes;
use crate::server::limits::{COMPRESSED_CACHED_MAX_BYTES, COMPRESSED_MIN_BYTES};

/// A response body, plain or compressed. Cheap to clone.
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
    /// An uncompressed body.
    pub(in crate::server) fn plain(body: Vec<u8>) -> Self {
        // Boxed to drop unused capacity: the cache counts the length, so the length must be what the body takes.
        Self { body: body.into_boxed_slice().into(), is_gzip: false }
    }

    /// A body compressed if it is long enough to gain by it and short enough to be compressed at once.
    pub(in crate::server) fn gzip(body: Vec<u8>) -> Self {
        let length = body.len() as u64;
        // Below, gzip's own overhead outweighs the gain. Above, compressing in one go would block other requests
        // of this worker, so the compression layer does it piece by piece while the body is sent.
        if !(COMPRESSED_MIN_BYTES..=COMPRESSED_CACHED_MAX_BYTES).contains(&length) {
            return Self::plain(body);
        }
        Self::gzip_always(body)
    }

    /// A body compressed whatever its length: for bodies that are made once per process.
    pub(in crate::server) fn gzip_always(body: Vec<u8>) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        match encoder.write_all(&body).and_then(|()| encoder.finish()) {
            Ok(gzipped) => Self { body: gzipped.into_boxed_slice().into(), is_gzip: true },
            // Writing to memory cannot fail, and a plain body is right in any case.
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

/// Whether `Accept-Encoding` names gzip.
// Headers such as `*` are left to the compression layer, which parses them in full: the plain body is always valid.
pub(in crate::server) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(is_gzip)
}

/// Whether a coding (RFC 9110, section 12.5.3) is `gzip` with a quality above 0.
// Parsed leniently, `gzip; Q = 0.5` too: a coding read wrongly costs bytes, never a body that cannot be read.
fn is_gzip(coding: &str) -> bool {
    let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
    let quality = quality.trim().trim_start_matches(['q', 'Q']).trim_start().strip_prefix('=').unwrap_or("0");
    name.trim().eq_ignore_ascii_case("gzip") && quality.trim().parse().is_ok_and(|quality: f32| quality > 0.0)
}

/// A response extension: the response is sent as it is. Compressing it again for each request would waste processor
/// time.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct NoCompression;

/// The compression layer's predicate: every response may be compressed but those marked [`NoCompression`].
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct MayCompress;

impl Predicate for MayCompress {
    fn should_compress<B>(&self, response: &axum::http::Response<B>) -> bool {
        response.extensions().get::<NoCompression>().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_accepted_if_it_is_named() {
        for (sent, accepted) in [
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
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, sent.parse().unwrap())]);
            assert_eq!(accepts_gzip(&headers), accepted, "{sent}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn short_and_long_bodies_are_not_compressed() {
        let is_gzip = |length: u64| Sent::gzip(vec![b'x'; usize::try_from(length).unwrap()]).is_gzip;
        assert!(!is_gzip(COMPRESSED_MIN_BYTES - 1));
        assert!(is_gzip(COMPRESSED_MIN_BYTES) && is_gzip(COMPRESSED_CACHED_MAX_BYTES));
        assert!(!is_gzip(COMPRESSED_CACHED_MAX_BYTES + 1));
    }
}
