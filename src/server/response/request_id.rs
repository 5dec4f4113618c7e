//! The id of a request: its sender's own, where that can do no harm in a log, and else a new one.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub(in crate::server) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LENGTH_MAX: usize = 64;

pub(in crate::server) fn of(headers: &HeaderMap) -> HeaderValue {
    headers.get(X_REQUEST_ID).filter(|id| is_harmless(id)).cloned().unwrap_or_else(new)
}

fn is_harmless(id: &HeaderValue) -> bool {
    let is_taken = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (1..=LENGTH_MAX).contains(&id.len()) && id.as_bytes().iter().all(is_taken)
}

/// An id that no other request is likely to have: counted from where a process begins at random.
fn new() -> HeaderValue {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(rand::random()));
    HeaderValue::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_only_if_it_is_short_and_plain() {
        let long = "x".repeat(LENGTH_MAX + 1);
        for (sent, taken) in [
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
            assert_eq!(id.as_bytes() == sent.as_bytes(), taken, "{sent:?}");
            assert!(is_harmless(&id));
        }
        assert_ne!(of(&HeaderMap::new()), of(&HeaderMap::new()));
    }
}
