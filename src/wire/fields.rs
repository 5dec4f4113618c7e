//! Parser of request bodies: the fields of a JSON object are taken one by one by name; the rest become attributes.
//!
//! Invariant: no field is lost. Each is parsed, refused, ignored as read-only, or stored as an attribute.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::attributes::{AttributesPatch, check_exact_members};
use crate::model::command::Patch;
use crate::model::time::Timestamp;
use crate::wire::json::json_kind;

/// The meaning of absent fields and of null in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdateMode {
    /// POST and bulk: an absent field is unset in a new record, and unchanged in an existing one (upsert).
    Create,
    /// PUT: an absent field is removed.
    Replace,
    /// PATCH (RFC 7396): an absent field is unchanged, and `null` removes it.
    Merge,
}

/// The fields of an object that are not parsed yet.
#[derive(Debug)]
pub(crate) struct Fields {
    rest: Map<String, Value>,
    mode: UpdateMode,
    /// Whether they come from a GraphQL input. Then a blank text is refused instead of being null, and null leaves
    /// unchanged what cannot be removed.
    is_input: bool,
}

/// The value of a field in a body.
#[derive(Debug, PartialEq)]
pub(crate) enum FieldInput<T> {
    /// The field is absent.
    Absent,
    /// `null`, or for a text, white space only.
    Null,
    /// A value.
    Value(T),
}

impl<T> FieldInput<T> {
    /// The value; `None` if the field is absent or null.
    pub(crate) fn value(self) -> Option<T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// The change of the stored field.
    pub(crate) fn patch(self, mode: UpdateMode) -> Patch<T> {
        match (self, mode) {
            (Self::Value(value), _) => Patch::Set(value),
            (Self::Null, _) | (Self::Absent, UpdateMode::Replace) => Patch::Clear,
            (Self::Absent, UpdateMode::Create | UpdateMode::Merge) => Patch::Keep,
        }
    }

    fn try_map<U>(self, change: impl FnOnce(T) -> Result<U, Error>) -> Result<FieldInput<U>, Error> {
        Ok(match self {
            Self::Absent => FieldInput::Absent,
            Self::Null => FieldInput::Null,
            Self::Value(value) => FieldInput::Value(change(value)?),
        })
    }
}

impl Fields {
    pub(crate) fn new(rest: Map<String, Value>, mode: UpdateMode) -> Self {
        Self { rest, mode, is_input: false }
    }

    /// The fields of a GraphQL input, whose types async-graphql has checked already.
    pub(crate) fn of_input(rest: Map<String, Value>, mode: UpdateMode) -> Self {
        Self { rest, mode, is_input: true }
    }

    pub(crate) fn mode(&self) -> UpdateMode {
        self.mode
    }

    /// Takes a field of any type.
    pub(crate) fn any(&mut self, name: &'static str) -> FieldInput<Value> {
        // `shift_remove` keeps the order of the other fields, in which they are stored as attributes. `swap_remove`
        // would be faster, but bodies are small.
        match self.rest.shift_remove(name) {
            None => FieldInput::Absent,
            Some(Value::Null) => FieldInput::Null,
            Some(value) => FieldInput::Value(value),
        }
    }

    /// Whether a field is present and not taken yet, even if it is null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.rest.contains_key(name)
    }

    /// Whether a field has this value.
    pub(crate) fn is(&self, name: &str, value: &Value) -> bool {
        self.rest.get(name) == Some(value)
    }

    /// Sets a field.
    pub(crate) fn put(&mut self, name: &str, value: Value) {
        self.rest.insert(name.to_owned(), value);
    }

    /// Removes a field if it is `null`.
    pub(crate) fn drop_null(&mut self, name: &str) {
        if self.rest.get(name).is_some_and(Value::is_null) {
            self.rest.shift_remove(name);
        }
    }

    /// Takes a text, parsed by `parse`. `label` is the name of the field in errors.
    pub(crate) fn text<T>(
        &mut self,
        name: &'static str,
        label: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Error>,
    ) -> Result<FieldInput<T>, Error> {
        match self.any(name) {
            // CSV files and web forms have no null, so REST and imports take a blank text for it.
            FieldInput::Value(Value::String(text)) if !self.is_input && text.trim().is_empty() => {
                Ok(FieldInput::Null)
            }
            FieldInput::Value(Value::String(text)) => {
                parse(&text).map(FieldInput::Value).map_err(|refusal| refusal.about(label))
            }
            FieldInput::Value(other) => Err(wrong(label, &other, "a string or null")),
            FieldInput::Null => Ok(FieldInput::Null),
            FieldInput::Absent => Ok(FieldInput::Absent),
        }
    }

    /// Takes an optional text, and returns the change of the stored field.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Error>,
    ) -> Result<Patch<T>, Error> {
        Ok(self.text(name, name, parse)?.patch(self.mode))
    }

    /// Like [`Self::optional`], stored in `into`.
    pub(crate) fn set_optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Error>,
        into: &mut Patch<T>,
    ) -> Result<(), Error> {
        *into = self.optional(name, parse)?;
        Ok(())
    }

    /// Takes a text that cannot be removed. `None` leaves the stored one unchanged.
    ///
    /// # Errors
    /// [`Error::Missing`] if it is absent or null and `must_be_given`; [`Error::Invalid`] if it is invalid.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        must_be_given: bool,
        parse: impl FnOnce(&str) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self.any(name) {
            FieldInput::Value(Value::String(text)) => {
                parse(&text).map(Some).map_err(|refusal| refusal.about(name))
            }
            FieldInput::Value(other) => Err(wrong(name, &other, "a string")),
            // In a merge patch null asks for the removal. In a GraphQL input clients send null for "not set".
            FieldInput::Null if self.mode == UpdateMode::Merge && !self.is_input => {
                Err(Error::invalid(name, "null", "cannot be removed; send a text, or leave the field out"))
            }
            FieldInput::Null | FieldInput::Absent if must_be_given => Err(Error::Missing { field: name }),
            FieldInput::Null | FieldInput::Absent => Ok(None),
        }
    }

    /// Takes an object, whose fields are then taken from the result.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<FieldInput<Self>, Error> {
        let mode = self.mode;
        self.any(name).try_map(|value| match value {
            Value::Object(map) => Ok(Self::new(map, mode)),
            other => Err(wrong(name, &other, "an object or null")),
        })
    }

    /// The fields that were not taken.
    pub(crate) fn into_rest(self) -> Map<String, Value> {
        self.rest
    }

    /// Puts back the fields of a nested object that were not taken, so that they are stored as an attribute.
    pub(crate) fn keep(&mut self, name: &str, part: Map<String, Value>) {
        if !part.is_empty() {
            self.rest.insert(name.to_owned(), Value::Object(part));
        }
    }

    /// Removes read-only fields: the stamps, and `names`.
    ///
    /// # Errors
    /// [`Error::DatesNotSupported`] if `validFrom` or `validTo` ask for a change.
    // They are ignored and not refused, so that a client can send a response back with one field changed.
    pub(crate) fn drop_read_only(&mut self, names: &[&'static str]) -> Result<(), Error> {
        let created = self.rest.shift_remove("createdAt");
        self.check_date("validFrom", created.as_ref())?;
        self.check_date("validTo", None)?;
        for name in ["updatedAt", "revision"].iter().chain(names) {
            self.rest.shift_remove(*name);
        }
        Ok(())
    }

    /// Removes a date of validity, which must be null or equal to `same`.
    fn check_date(&mut self, name: &'static str, same: Option<&Value>) -> Result<(), Error> {
        let FieldInput::Value(date) = self.any(name) else { return Ok(()) };
        let time = |value: &Value| value.as_str().and_then(Timestamp::parse);
        // In responses and exports `validFrom` equals `createdAt`. Any other date asks for a change of validity, which
        // is not supported; ignoring it would look like success. Compared as times, since formats may differ.
        if time(&date).is_some_and(|date| same.and_then(time) == Some(date)) {
            return Ok(());
        }
        let value = date.as_str().map_or_else(|| date.to_string(), str::to_owned);
        Err(Error::DatesNotSupported { field: name, value })
    }

    /// The change of the attributes: the field `attributes`, and all fields that were not taken.
    pub(crate) fn attributes(mut self) -> Result<AttributesPatch, Error> {
        let attributes = match self.any("attributes") {
            FieldInput::Value(Value::Object(map)) => FieldInput::Value(map),
            FieldInput::Value(other) => return Err(wrong("attributes", &other, "an object or null")),
            FieldInput::Null => FieldInput::Null,
            FieldInput::Absent => FieldInput::Absent,
        };
        let emptied = self.mode == UpdateMode::Replace || attributes == FieldInput::Null;
        let mut all = attributes.value().unwrap_or_default();
        if let Some((name, value)) = self.rest.iter().find(|(name, _)| all.contains_key(*name)) {
            let reason =
                format!("is given for {name:?} both as a field and within attributes; leave one out");
            return Err(Error::invalid("attributes", &value.to_string(), reason));
        }
        all.extend(self.rest);
        check_exact_members("attributes", &all)?;
        Ok(match (emptied, all.is_empty()) {
            (true, _) => AttributesPatch::Replace(all),
            (false, true) => AttributesPatch::Keep,
            (false, false) => AttributesPatch::Merge(all),
        })
    }
}

/// The error of a value with the wrong JSON type.
pub(crate) fn wrong(field: &'static str, value: &Value, expected: &str) -> Error {
    Error::invalid(field, &value.to_string(), format!("must be {expected}, not {}", json_kind(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(mode: UpdateMode, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), mode)
    }

    #[test]
    fn absent_fields_are_kept_or_cleared_by_the_mode() {
        for (mode, absent) in [
            (UpdateMode::Create, Patch::Keep),
            (UpdateMode::Merge, Patch::Keep),
            (UpdateMode::Replace, Patch::Clear),
        ] {
            let mut given = fields(mode, &json!({"null": null, "blank": " ", "set": "x"}));
            let mut read = |name| given.optional(name, |text| Ok(text.to_owned())).unwrap();
            assert_eq!(read("absent"), absent);
            assert_eq!(read("null"), Patch::Clear);
            assert_eq!(read("blank"), Patch::Clear);
            assert_eq!(read("set"), Patch::Set("x".to_owned()));
        }
    }

    #[test]
    fn unknown_fields_become_attributes() {
        let given = fields(UpdateMode::Create, &json!({"costCentre": 7, "attributes": {"floor": 2}}));
        let expected = json!({"costCentre": 7, "floor": 2}).as_object().unwrap().clone();
        assert_eq!(given.attributes().unwrap(), AttributesPatch::Merge(expected));
        let twice = fields(UpdateMode::Create, &json!({"floor": 1, "attributes": {"floor": 2}}));
        assert!(twice.attributes().unwrap_err().to_string().contains("\"floor\""));
        let emptied = fields(UpdateMode::Merge, &json!({"attributes": null}));
        assert_eq!(emptied.attributes().unwrap(), AttributesPatch::Replace(Map::new()));
    }

    #[test]
    fn dates_are_accepted_only_as_in_a_response() {
        let day = "2026-01-01T00:00:00.000Z";
        let answer = json!({"createdAt": day, "validFrom": day, "validTo": null, "revision": 3});
        let mut given = fields(UpdateMode::Replace, &answer);
        given.drop_read_only(&[]).unwrap();
        assert!(given.into_rest().is_empty());
        for other in [json!({"validFrom": day}), json!({"validTo": day}), json!({"validFrom": 7})] {
            let refusal = fields(UpdateMode::Create, &other).drop_read_only(&[]).unwrap_err();
            assert_eq!(refusal.code(), "dates-not-supported");
        }
    }
}
