//! Strict JSON parser for request bodies and NDJSON lines.
//!
//! Invariant: the text is UTF-8, its depth and its number of values are limited, and no object has a duplicate name.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::error::Error;

/// Maximum number of values in one JSON text.
// A limit in addition to the size of the body: `[0,0,…` has a value for every two bytes of text, and each takes dozens
// of bytes in memory.
pub const JSON_VALUES_MAX: usize = 250_000;

type Result<T, E = Error> = std::result::Result<T, E>;

/// Parses a request body. Errors have its line and column.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value> {
    let text = text_of(bytes, "body")?;
    if text.trim().is_empty() {
        return Err(Error::malformed("the body is empty; send a JSON object"));
    }
    read(text).map_err(|fault| Error::Malformed {
        detail: format!("the body is not JSON: {fault}"),
        line: Some(fault.line()),
        column: Some(fault.column()),
    })
}

/// Parses one line of NDJSON. Errors have the column; the caller adds the line.
pub(crate) fn parse_line(bytes: &[u8]) -> Result<Value> {
    read(text_of(bytes, "line")?).map_err(|fault| {
        // serde_json appends " at line 1 column n" to its messages, where line 1 would contradict the number of the
        // line in the file. There is no other way to get the message without it.
        let reason = fault.to_string();
        let reason = reason.rsplit_once(" at line ").map_or(&*reason, |(reason, _)| reason);
        let column = fault.column();
        let detail = format!("the line is not JSON: {reason} at column {column}");
        Error::Malformed { detail, line: None, column: Some(column) }
    })
}

/// The name of the type of a JSON value in messages.
pub(crate) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The bytes as UTF-8, without a byte order mark, which editors on Windows write.
fn text_of<'b>(bytes: &'b [u8], what: &str) -> Result<&'b str> {
    let text = std::str::from_utf8(bytes).map_err(|fault| {
        Error::malformed(format!("the {what} is not UTF-8 at byte {}", fault.valid_up_to()))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn read(text: &str) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // The depth is limited by serde_json itself, to 128.
    let value = Strict { left: &Cell::new(JSON_VALUES_MAX) }.deserialize(&mut deserializer)?;
    // Without this, anything after the value would be ignored.
    deserializer.end()?;
    Ok(value)
}

/// A deserializer of `Value` that refuses duplicate names and too many values.
// `Value`'s own one takes the last of duplicate names. Other parsers take the first, so a proxy that checks a body
// could see another value than this server.
#[derive(Clone, Copy)]
struct Strict<'c> {
    /// The number of values that may still be read, counted across all levels.
    left: &'c Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(de::Error::custom(format!("more than {JSON_VALUES_MAX} values")));
        };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // `None` is NaN or infinity, which JSON text cannot contain.
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        // Grown on demand: a size hint comes from the input and must not decide how much is allocated.
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Occupied(first) => {
                    let name = first.key();
                    return Err(de::Error::custom(format!("{name:?} is given twice in one object")));
                }
                Entry::Vacant(slot) => {
                    slot.insert(members.next_value_seed(self)?);
                }
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parses_every_type_of_value() {
        let value = parse(br#" {"a": [1, -2, 2.5, null, true, {"b": "\u00e9"}]} "#).unwrap();
        assert_eq!(value, json!({"a": [1, -2, 2.5, null, true, {"b": "é"}]}));
    }

    #[test]
    fn the_error_of_a_line_has_no_line_number() {
        let refusal = parse_line(b"{\"a\": ").unwrap_err();
        assert_eq!(refusal.to_string(), "the line is not JSON: EOF while parsing a value at column 6");
        assert!(matches!(refusal, Error::Malformed { line: None, column: Some(6), .. }));
    }

    #[test]
    fn refuses_invalid_json_with_its_position() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"{", "line 1"),
            (b"{\"a\": 1,\n \"a\": 2}", "given twice"),
            (b"{\"a\": {\"b\": 1, \"b\": 1}}", "\"b\""),
            (b"\"\xff\"", "UTF-8"),
            (b"[1] 2", "trailing"),
            (b"{\"a\": NaN}", "line 1"),
        ] {
            let refusal = parse(bytes).unwrap_err();
            assert_eq!(refusal.code(), "malformed");
            assert!(refusal.to_string().contains(word), "{refusal}: {word}");
        }
        assert_eq!(parse("\u{feff}{}".as_bytes()).unwrap(), json!({}));
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).unwrap_err().to_string().contains("recursion"));
    }
}
