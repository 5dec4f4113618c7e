//! Automatic persisted queries (APQ), Apollo's protocol.
//!
//! A client sends the SHA-256 of a document instead of its text, in `extensions.persistedQuery`. If the document is not
//! cached, it receives `PersistedQueryNotFound` and sends hash and text together.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::server::cache::Digest;
use crate::server::response::problem::{Problem, Result};

const VERSION: u64 = 1;
// Clients recognize the error by its message or by its code, depending on the client: both are the protocol's.
const NOT_FOUND: &str = "PersistedQueryNotFound";
const NOT_FOUND_CODE: &str = "PERSISTED_QUERY_NOT_FOUND";

/// The document's SHA-256 in `extensions`. `None` if the request is no persisted query.
///
/// # Errors
/// The version or the hash is malformed.
pub(in crate::server) fn digest_of(extensions: &Map<String, Value>) -> Result<Option<Digest>> {
    let Some(persisted) = extensions.get("persistedQuery").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    if persisted["version"] != VERSION {
        return Err(malformed(format!("extensions.persistedQuery.version must be {VERSION}")));
    }
    let digest = persisted["sha256Hash"].as_str().and_then(parse_digest);
    let expected =
        "extensions.persistedQuery.sha256Hash must be the SHA-256 of the query, in 64 hexadecimal digits";
    digest.map(Some).ok_or_else(|| malformed(expected))
}

fn parse_digest(text: &str) -> Option<Digest> {
    // The digits are checked first: slicing would panic within a character, and `from_str_radix` accepts a sign.
    let mut digest = Digest::default();
    if text.len() != 2 * digest.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}

/// The problem that no cached document has this hash.
pub(in crate::server) fn not_found() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, NOT_FOUND_CODE, NOT_FOUND)
}

/// The problem that text and hash do not match.
pub(in crate::server) fn hash_mismatch() -> Problem {
    malformed("extensions.persistedQuery.sha256Hash is not the SHA-256 of the query's exact text")
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::malformed(detail).with("field", "extensions")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(extensions: &Value) -> Result<Option<Digest>> {
        digest_of(extensions.as_object().unwrap())
    }

    #[test]
    fn a_hash_has_64_hexadecimal_digits() {
        let text = "00ff".repeat(16);
        let mut expected = [0; 32];
        expected.iter_mut().skip(1).step_by(2).for_each(|byte| *byte = 255);
        for hash in [text.clone(), text.to_uppercase()] {
            let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
            assert_eq!(read(&extensions).unwrap(), Some(expected));
        }
        for nothing in [json!({}), json!({ "tracing": {} }), json!({ "persistedQuery": null })] {
            assert_eq!(read(&nothing).unwrap(), None);
        }
    }

    #[test]
    fn malformed_persisted_queries_are_refused() {
        let text = "0".repeat(64);
        for persisted in [
            json!({ "version": 2, "sha256Hash": text }),
            json!({ "version": "1", "sha256Hash": text }),
            json!({ "sha256Hash": text }),
            json!({ "version": 1 }),
            json!({ "version": 1, "sha256Hash": 0 }),
            json!({ "version": 1, "sha256Hash": &text[1..] }),
            json!({ "version": 1, "sha256Hash": format!("{text}0") }),
            json!({ "version": 1, "sha256Hash": format!("g{}", &text[1..]) }),
            json!({ "version": 1, "sha256Hash": format!("é{}", &text[2..]) }),
            json!({ "version": 1, "sha256Hash": format!("+{}", &text[1..]) }),
            json!(text),
            json!([1, text]),
        ] {
            let refused = read(&json!({ "persistedQuery": persisted })).unwrap_err();
            assert_eq!(
                (refused.code, &refused.extensions["field"]),
                ("malformed", &json!("extensions")),
                "{persisted}"
            );
        }
    }
}
