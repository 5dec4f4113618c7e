//! Automatic persisted queries, as Apollo's clients speak them.
//!
//! A client asks by the SHA-256 of a document's text, in `extensions.persistedQuery`. Where the document is not known,
//! it is told so in the protocol's own words, and asks once more with the text.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::server::cache::Digest;
use crate::server::response::problem::{Problem, Result};

const VERSION: u64 = 1;
/// What clients look for; each of them looks at one of the two.
const NOT_FOUND: &str = "PersistedQueryNotFound";
const NOT_FOUND_CODE: &str = "PERSISTED_QUERY_NOT_FOUND";

/// The SHA-256 that `extensions` name a document by, if they do.
pub(in crate::server) fn named(extensions: &Map<String, Value>) -> Result<Option<Digest>> {
    let Some(given) = extensions.get("persistedQuery").filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    if given["version"] != VERSION {
        return Err(wrong(format!("extensions.persistedQuery.version must be {VERSION}")));
    }
    let digest = given["sha256Hash"].as_str().and_then(digest);
    let what =
        "extensions.persistedQuery.sha256Hash must be the SHA-256 of the query, in 64 hexadecimal digits";
    digest.map(Some).ok_or_else(|| wrong(what))
}

fn digest(text: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    if text.len() != 2 * digest.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}

/// The document is not known by its hash alone.
pub(in crate::server) fn not_found() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, NOT_FOUND_CODE, NOT_FOUND)
}

/// The text is another than its hash says.
pub(in crate::server) fn another() -> Problem {
    wrong("extensions.persistedQuery.sha256Hash is not the SHA-256 of the query; send that of its exact text")
}

fn wrong(detail: impl Into<String>) -> Problem {
    Problem::malformed(detail).with("field", "extensions")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(extensions: &Value) -> Result<Option<Digest>> {
        named(extensions.as_object().unwrap())
    }

    #[test]
    fn a_document_is_named_by_64_digits() {
        let text = "00ff".repeat(16);
        let mut expected = [0; 32];
        expected.iter_mut().skip(1).step_by(2).for_each(|byte| *byte = 255);
        for given in [text.clone(), text.to_uppercase()] {
            let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": given } });
            assert_eq!(read(&extensions).unwrap(), Some(expected));
        }
        for nothing in [json!({}), json!({ "tracing": {} }), json!({ "persistedQuery": null })] {
            assert_eq!(read(&nothing).unwrap(), None);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let text = "0".repeat(64);
        for given in [
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
            let refused = read(&json!({ "persistedQuery": given })).unwrap_err();
            assert_eq!(
                (refused.code, &refused.facts["field"]),
                ("malformed", &json!("extensions")),
                "{given}"
            );
        }
    }
}
