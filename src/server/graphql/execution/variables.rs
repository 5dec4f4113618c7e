//! Limits on the number of JSON values in a body and in variables. The JSON parser limits their nesting.
//!
//! Invariant: a body's values are counted before it is parsed, because a value takes far more memory than its text.

use async_graphql::parser::types::OperationType;
use axum::http::StatusCode;
use memchr::{memchr2, memchr3_iter};
use serde_json::{Map, Value};

use crate::server::graphql::execution::limits::{BODY_VALUES_MAX, QUERY_VALUES_MAX};
use crate::server::response::problem::{Problem, Result};

/// The approximate number of values in a body, before parsing.
///
/// # Errors
/// There are more than [`BODY_VALUES_MAX`].
pub(crate) fn check_body(json: &[u8]) -> Result<usize> {
    let values = values_written(json);
    if values > BODY_VALUES_MAX { Err(too_many("the body", values, BODY_VALUES_MAX)) } else { Ok(values) }
}

/// Checks the number of values in the variables of an operation.
///
/// # Errors
/// There are more than an operation of this kind can use.
pub(crate) fn check(kind: OperationType, variables: &Map<String, Value>) -> Result<()> {
    // Only mutations have large inputs. In a query each value may be a reference that is looked up.
    let limit = if kind == OperationType::Mutation { BODY_VALUES_MAX } else { QUERY_VALUES_MAX };
    let values = variables.values().map(values).fold(0, usize::saturating_add);
    if values > limit { Err(too_many("the variables", values, limit)) } else { Ok(()) }
}

fn too_many(what: &str, values: usize, limit: usize) -> Problem {
    let detail = format!("{what} have {values} values; the maximum is {limit}. Split the request");
    // "the body has" and "the variables have".
    Problem::new(StatusCode::BAD_REQUEST, "too-complex", detail.replace("body have", "body has"))
        .with("limit", limit)
}

fn values(value: &Value) -> usize {
    1 + match value {
        Value::Array(all) => all.iter().map(values).sum(),
        Value::Object(all) => all.values().map(values).sum(),
        _ => 0,
    }
}

/// The number of values in a JSON text: never too low, and at most twice too high.
fn values_written(json: &[u8]) -> usize {
    // Every value but the first follows a comma or an opening bracket. Empty arrays and objects count one too many,
    // and each value may follow both. One pass of memchr is far cheaper than parsing.
    let mut count = 1;
    let mut rest = json;
    loop {
        let (outside, string) = match memchr::memchr(b'"', rest) {
            Some(quote) => rest.split_at(quote),
            None => (rest, &rest[rest.len()..]),
        };
        count += memchr3_iter(b',', b'[', b'{', outside).count();
        match string.split_first() {
            Some((_, behind)) => rest = after_string(behind),
            None => return count,
        }
    }
}

/// The text after a string whose opening quote was read. Empty if the string is not closed.
fn after_string(mut text: &[u8]) -> &[u8] {
    // A backslash and the byte after it are skipped together, so that `\"` and `\\"` end where JSON says.
    while let Some(at) = memchr2(b'"', b'\\', text) {
        if text[at] == b'"' {
            return &text[at + 1..];
        }
        // `get`, since the backslash may be the last byte of a truncated body.
        text = text.get(at + 2..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_missed() {
        for text in [
            "{}",
            "[]",
            "5",
            r#"{"a": [1, 2, {"b": null}], "c": "d"}"#,
            r#"["[,{", "\"[,", "\\", ","]"#,
            r#"[[[], []], {"a": {}}]"#,
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let (counted, written) = (values(&value), values_written(text.as_bytes()));
            assert!((counted..=2 * counted).contains(&written), "{text}: {counted} {written}");
        }
        assert_eq!(values_written(b"[1,\"unclosed,,,"), 3);
        assert_eq!(values_written(b"\"\\"), 1);
    }
}
