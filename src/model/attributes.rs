//! Attributes: the JSON fields of a record that Clade does not define, and JSON Merge Patch (RFC 7396) on them.
//!
//! Invariant: attributes are stored as they were sent. What cannot be stored exactly is refused.

use serde_json::{Map, Value};

use crate::error::Error;

/// The attributes of a record: a JSON object of any shape. Takes one word of memory when empty.
///
/// ```
/// let directory = clade::Directory::in_memory()?;
/// let view = directory.apply(clade::CreatePerson::new("ada@corp.example").attribute("desk", 7))?.view;
/// let ada = view.person("ada@corp.example")?;
/// let desk = ada.attributes.as_map().and_then(|members| members.get("desk"));
/// assert_eq!(desk, Some(&serde_json::json!(7)));
/// # Ok::<(), clade::Error>(())
/// ```
// Boxed: most records have none, and an inline map would add some 70 bytes to each of a million records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Option<Box<Map<String, Value>>>);

impl Attributes {
    /// The attributes in `map`.
    #[must_use]
    pub fn new(map: Map<String, Value>) -> Self {
        // One form for "none", so that `==` finds a record unchanged whether it was sent `{}` or nothing.
        Self((!map.is_empty()).then(|| Box::new(map)))
    }

    /// Whether there are no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The JSON object; `None` when it has no members.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map<String, Value>> {
        self.0.as_deref()
    }

    /// As a JSON object, `{}` when empty.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.as_deref().cloned().unwrap_or_default())
    }

    /// These attributes after `patch`.
    #[must_use]
    pub fn patched(&self, patch: &AttributesPatch) -> Self {
        match patch {
            AttributesPatch::Keep => self.clone(),
            AttributesPatch::Replace(map) => Self::new(map.clone()),
            AttributesPatch::Merge(map) => {
                let mut merged = self.0.as_deref().cloned().unwrap_or_default();
                merge(&mut merged, map);
                Self::new(merged)
            }
        }
    }
}

/// Refuses JSON that contains an integer of more than 64 bits, which the parser has rounded to a float.
///
/// # Errors
/// [`Error::Invalid`] for `field`, with the number.
pub fn check_exact_numbers(field: &'static str, value: &Value) -> Result<(), Error> {
    // `serde_json` reads an integer as `f64` only outside i64::MIN..=u64::MAX, so these bounds (2^64 and -2^63, both
    // exact in `f64`) find them. A float that was written as one, such as 1e20, looks the same by now and is refused as
    // well.
    const TOO_LARGE: f64 = 18_446_744_073_709_551_616.0;
    const TOO_SMALL: f64 = -9_223_372_036_854_775_808.0;
    let is_rounded = |number: f64| number >= TOO_LARGE || number <= TOO_SMALL;
    match value {
        Value::Number(number) if number.is_f64() && number.as_f64().is_some_and(is_rounded) => {
            let reason = "does not fit into 64 bits and would be rounded; send it as a string";
            Err(Error::invalid(field, &number.to_string(), reason))
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_exact_numbers(field, item)),
        Value::Object(members) => check_exact_members(field, members),
        _ => Ok(()),
    }
}

/// As [`check_exact_numbers`], for every member of an object. The error also names the member.
///
/// # Errors
/// As [`check_exact_numbers`].
pub fn check_exact_members(field: &'static str, members: &Map<String, Value>) -> Result<(), Error> {
    members.iter().try_for_each(|(name, member)| {
        check_exact_numbers(field, member).map_err(|refusal| match refusal {
            Error::Invalid { value, reason, .. } => {
                Error::invalid(field, &format!("{name}: {value}"), reason)
            }
            other => other,
        })
    })
}

/// A change to the attributes of a record.
///
/// ```
/// use clade::model::{Attributes, AttributesPatch};
///
/// let members = |json: &str| serde_json::from_str::<serde_json::Map<_, _>>(json);
/// let before = Attributes::new(members(r#"{"desk": 7, "badge": "A1"}"#)?);
/// let after = before.patched(&AttributesPatch::Merge(members(r#"{"desk": null, "floor": 2}"#)?));
/// assert_eq!(after.to_value(), serde_json::json!({"badge": "A1", "floor": 2}));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub enum AttributesPatch {
    /// No change.
    #[default]
    Keep,
    /// Replace all attributes with these.
    Replace(Map<String, Value>),
    /// JSON Merge Patch (RFC 7396): `null` removes a member, objects are merged, any other value replaces.
    Merge(Map<String, Value>),
}

fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (value, target.get_mut(name)) {
            (Value::Null, _) => {
                // `remove` would put the last member here; members keep the order in which the caller wrote them.
                target.shift_remove(name);
            }
            (Value::Object(inner), Some(Value::Object(into))) => merge(into, inner),
            (Value::Object(inner), _) => {
                // Merged into an empty object, not inserted: RFC 7396 drops the `null` members of the patch here too.
                let mut fresh = Map::new();
                merge(&mut fresh, inner);
                target.insert(name.clone(), Value::Object(fresh));
            }
            (value, _) => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_merge_follows_rfc_7396() {
        let before = Attributes::new(map(&json!({"a": 1, "b": {"c": 2, "d": 3}})));
        let patch = AttributesPatch::Merge(map(&json!({"a": null, "b": {"c": null, "e": {"f": null}}})));
        assert_eq!(before.patched(&patch).to_value(), json!({"b": {"d": 3, "e": {}}}));
    }

    #[test]
    fn an_empty_map_equals_no_attributes() {
        assert!(Attributes::new(Map::new()).is_empty());
        assert_eq!(Attributes::default().to_value(), json!({}));
    }
}
