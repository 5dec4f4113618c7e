//! The fields of a record that Clade has no name for: kept as they came, never lost.

use serde_json::{Map, Value};

use crate::error::Error;

/// A JSON object of any shape; one word in memory while empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Option<Box<Map<String, Value>>>);

impl Attributes {
    /// Keeps `map`.
    #[must_use]
    pub fn new(map: Map<String, Value>) -> Self {
        Self((!map.is_empty()).then(|| Box::new(map)))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The object, if it has any members.
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

/// Refuses a value that was not read as it was written: JSON has numbers of any length, and a whole one of more than 64
/// bits comes out of the parser rounded.
///
/// # Errors
/// [`Error::Invalid`], blaming `field` and telling the member that holds the number.
pub fn kept_exactly(field: &'static str, value: &Value) -> Result<(), Error> {
    const TOO_GREAT: f64 = 18_446_744_073_709_551_616.0;
    const TOO_SMALL: f64 = -9_223_372_036_854_775_808.0;
    let refused = |number: f64| number >= TOO_GREAT || number <= TOO_SMALL;
    match value {
        Value::Number(number) if number.is_f64() && number.as_f64().is_some_and(refused) => {
            let reason = "is too large a number to be kept exactly; send it as a string";
            Err(Error::invalid(field, &number.to_string(), reason))
        }
        Value::Array(items) => items.iter().try_for_each(|item| kept_exactly(field, item)),
        Value::Object(members) => all_kept_exactly(field, members),
        _ => Ok(()),
    }
}

/// As [`kept_exactly`], for every member of an object.
///
/// # Errors
/// As [`kept_exactly`].
pub fn all_kept_exactly(field: &'static str, members: &Map<String, Value>) -> Result<(), Error> {
    members.iter().try_for_each(|(name, member)| {
        kept_exactly(field, member).map_err(|refusal| match refusal {
            Error::Invalid { value, reason, .. } => {
                Error::invalid(field, &format!("{name}: {value}"), reason)
            }
            other => other,
        })
    })
}

/// What becomes of a record's attributes.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum AttributesPatch {
    /// They stay.
    #[default]
    Keep,
    /// These take their place.
    Replace(Map<String, Value>),
    /// Merged as RFC 7396 says: `null` removes, objects merge, all else replaces.
    Merge(Map<String, Value>),
}

fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (value, target.get_mut(name)) {
            (Value::Null, _) => {
                target.shift_remove(name);
            }
            (Value::Object(inner), Some(Value::Object(into))) => merge(into, inner),
            (Value::Object(inner), _) => {
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
    fn nothing_is_kept_for_no_attributes() {
        assert!(Attributes::new(Map::new()).is_empty());
        assert_eq!(Attributes::default().to_value(), json!({}));
    }
}
