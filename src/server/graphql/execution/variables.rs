//! How many values a request brings along. Each takes far more memory than its text, and a name in it may be looked up.
//!
//! How deep they nest, the reader of JSON limits.

use async_graphql::parser::types::OperationType;
use axum::http::StatusCode;
use memchr::{memchr2, memchr3_iter};
use serde_json::{Map, Value};

use crate::server::graphql::execution::limits::{BODY_VALUES_MAX, QUERY_VALUES_MAX};
use crate::server::response::problem::{Problem, Result};

/// Refuses a body of too many values, before it is read; else, about how many it has.
pub(crate) fn check_body(json: &[u8]) -> Result<usize> {
    let values = values_written(json);
    if values > BODY_VALUES_MAX { Err(too_many("the body", values, BODY_VALUES_MAX)) } else { Ok(values) }
}

/// Refuses more values than an operation of this kind has a use for.
pub(crate) fn check(kind: OperationType, variables: &Map<String, Value>) -> Result<()> {
    let limit = if kind == OperationType::Mutation { BODY_VALUES_MAX } else { QUERY_VALUES_MAX };
    let values = variables.values().map(values).fold(0, usize::saturating_add);
    if values > limit { Err(too_many("the variables", values, limit)) } else { Ok(()) }
}

fn too_many(what: &str, values: usize, limit: usize) -> Problem {
    let detail = format!("{what} have {values} values; at most {limit} are taken: ask for less at a time");
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

/// How many values a JSON text has, about, and no fewer: all but the first follow a comma or an opening bracket.
fn values_written(json: &[u8]) -> usize {
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

/// What follows a string, whose first quote is already read.
fn after_string(mut text: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', text) {
        if text[at] == b'"' {
            return &text[at + 1..];
        }
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
