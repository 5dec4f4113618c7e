//! JSON, read strictly: UTF-8, no depth without end, and no name twice in one object.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::error::Error;

/// How many values one JSON text may hold, since a value of two bytes of text is dozens of bytes in memory.
pub const JSON_VALUES_MAX: usize = 250_000;

type Result<T, E = Error> = std::result::Result<T, E>;

/// Reads a body as one JSON value, or says where it stops being one.
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

/// Reads one line of many as one JSON value. Which line it is, the caller knows.
pub(crate) fn parse_line(bytes: &[u8]) -> Result<Value> {
    read(text_of(bytes, "line")?).map_err(|fault| {
        let reason = fault.to_string();
        let reason = reason.rsplit_once(" at line ").map_or(&*reason, |(reason, _)| reason);
        let column = fault.column();
        let detail = format!("the line is not JSON: {reason} at column {column}");
        Error::Malformed { detail, line: None, column: Some(column) }
    })
}

/// What messages call the type of a JSON value.
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

/// UTF-8, without the mark that some editors put before it.
fn text_of<'b>(bytes: &'b [u8], what: &str) -> Result<&'b str> {
    let text = std::str::from_utf8(bytes).map_err(|fault| {
        Error::malformed(format!("the {what} is not UTF-8 at byte {}", fault.valid_up_to()))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn read(text: &str) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { left: &Cell::new(JSON_VALUES_MAX) }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a value none of whose objects has a name twice, since readers differ in which one they take, and which has no
/// more values in it than are left: a byte or two of text is a value of dozens of bytes in memory.
#[derive(Clone, Copy)]
struct Strict<'c> {
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
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
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
                Entry::Vacant(place) => {
                    place.insert(members.next_value_seed(self)?);
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
    fn reads_what_json_is() {
        let value = parse(br#" {"a": [1, -2, 2.5, null, true, {"b": "\u00e9"}]} "#).unwrap();
        assert_eq!(value, json!({"a": [1, -2, 2.5, null, true, {"b": "é"}]}));
    }

    #[test]
    fn a_line_does_not_count_itself() {
        let refusal = parse_line(b"{\"a\": ").unwrap_err();
        assert_eq!(refusal.to_string(), "the line is not JSON: EOF while parsing a value at column 6");
        assert!(matches!(refusal, Error::Malformed { line: None, column: Some(6), .. }));
    }

    #[test]
    fn refuses_what_is_none_and_says_where() {
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
