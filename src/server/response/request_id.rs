//! Request ids (`X-Request-Id`): the client's own if it is safe to log, otherwise a generated one.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub(in crate::server) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest client id that is accepted, in bytes. A UUID has 36, a trace context 55.
const LENGTH_MAX: usize = 64;

/// The id of the request with these headers.
pub(in crate::server) fn of(headers: &HeaderMap) -> HeaderValue {
    headers.get(X_REQUEST_ID).filter(|id| is_safe(id)).cloned().unwrap_or_else(new)
}

// Ids are written into logs and response headers: no quotes, spaces or control characters, which could forge log lines.
fn is_safe(id: &HeaderValue) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (1..=LENGTH_MAX).contains(&id.len()) && id.as_bytes().iter().all(is_allowed)
}

/// A new id: a counter that starts at a random 64-bit number in each process.
// A counter is cheaper than a random number per request, and the random start keeps ids of two processes apart.
fn new() -> HeaderValue {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(rand::random()));
    // Relaxed: only the uniqueness of the numbers matters, and no other memory is published with them.
    HeaderValue::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_are_kept_only_if_short_and_safe() {
        let long = "x".repeat(LENGTH_MAX + 1);
        for (sent, kept) in [
            ("trace-1", true),
            ("01JABC:7/a+b=", true),
            ("", false),
            ("two words", false),
            ("<script>", false),
            ("\"quoted\"", false),
            ("é", false),
            (long.as_str(), false),
        ] {
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, HeaderValue::from_str(sent).unwrap())]);
            let id = of(&headers);
            assert_eq!(id.as_bytes() == sent.as_bytes(), kept, "{sent:?}");
            assert!(is_safe(&id));
        }
        assert_ne!(of(&HeaderMap::new()), of(&HeaderMap::new()));
    }
}
