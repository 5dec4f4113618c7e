//! An output value of a record: borrowed from the record, and serialized as JSON without an intermediate copy.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::model::attributes::Attributes;
use crate::model::time::Timestamp;

/// A value of a column. JSON `null` is the `None` of an `Option<Cell>`.
// Not a `serde_json::Value`: lists of a million records would allocate every text and every map of field names.
#[derive(Debug)]
pub(crate) enum Cell<'v> {
    Text(&'v str),
    /// A text that is not stored but formatted for output.
    Formatted(String),
    Number(u64),
    Time(Timestamp),
    /// Any JSON, as it was sent.
    Json(&'v Value),
    Attributes(&'v Attributes),
    List(Vec<Cell<'v>>),
    /// The members of an object, in output order.
    Object(Vec<(&'static str, Option<Cell<'v>>)>),
}

impl Cell<'_> {
    /// Whether it is an empty list or object.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Object(members) => members.is_empty(),
            Self::Attributes(attributes) => attributes.is_empty(),
            Self::Json(value) => {
                value.as_array().is_some_and(Vec::is_empty)
                    || value.as_object().is_some_and(serde_json::Map::is_empty)
            }
            Self::Text(_) | Self::Formatted(_) | Self::Number(_) | Self::Time(_) => false,
        }
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Formatted(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Time(time) => serializer.collect_str(time),
            Self::Json(value) => value.serialize(serializer),
            Self::Attributes(attributes) => match attributes.as_map() {
                Some(map) => map.serialize(serializer),
                None => serializer.serialize_map(Some(0))?.end(),
            },
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    object.serialize_entry(name, value)?;
                }
                object.end()
            }
        }
    }
}
