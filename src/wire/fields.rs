//! The fields of a JSON object, taken one by one by name. What is left over is the record's attributes.
//!
//! Nothing is lost: a field is taken, refused, read-only, or kept as an attribute.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::attributes::{AttributesPatch, all_kept_exactly};
use crate::model::command::Patch;
use crate::model::time::Timestamp;
use crate::wire::json::json_kind;

/// How a body is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// POST and bulk: what is not given stays, or for a new record is not there.
    Create,
    /// PUT: what is not given goes.
    Replace,
    /// PATCH (RFC 7396): what is not given stays, and `null` removes.
    Merge,
}

/// The fields of one object that are not taken yet.
#[derive(Debug)]
pub(crate) struct Fields {
    rest: Map<String, Value>,
    manner: Manner,
    /// Whether a GraphQL input gave them: a blank text is refused then, and null keeps what cannot be taken away.
    is_input: bool,
}

/// A field as it was given.
#[derive(Debug, PartialEq)]
pub(crate) enum FieldInput<T> {
    /// Not at all.
    Absent,
    /// As `null`, or for a text as nothing but spaces.
    Null,
    /// As this.
    Value(T),
}

impl<T> FieldInput<T> {
    /// The value, if there is one.
    pub(crate) fn value(self) -> Option<T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// What becomes of the field.
    pub(crate) fn patch(self, manner: Manner) -> Patch<T> {
        match (self, manner) {
            (Self::Value(value), _) => Patch::Set(value),
            (Self::Null, _) | (Self::Absent, Manner::Replace) => Patch::Clear,
            (Self::Absent, Manner::Create | Manner::Merge) => Patch::Keep,
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
    pub(crate) fn new(rest: Map<String, Value>, manner: Manner) -> Self {
        Self { rest, manner, is_input: false }
    }

    /// Of a GraphQL input, which the schema has checked already.
    pub(crate) fn of_input(rest: Map<String, Value>, manner: Manner) -> Self {
        Self { rest, manner, is_input: true }
    }

    pub(crate) fn manner(&self) -> Manner {
        self.manner
    }

    /// A field of any type.
    pub(crate) fn any(&mut self, name: &'static str) -> FieldInput<Value> {
        match self.rest.shift_remove(name) {
            None => FieldInput::Absent,
            Some(Value::Null) => FieldInput::Null,
            Some(value) => FieldInput::Value(value),
        }
    }

    /// Whether a field is still there, whatever it holds.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.rest.contains_key(name)
    }

    /// Whether a field holds just this.
    pub(crate) fn is(&self, name: &str, value: &Value) -> bool {
        self.rest.get(name) == Some(value)
    }

    /// Gives a field another value.
    pub(crate) fn put(&mut self, name: &str, value: Value) {
        self.rest.insert(name.to_owned(), value);
    }

    /// Takes a field out where it is `null`.
    pub(crate) fn drop_null(&mut self, name: &str) {
        if self.rest.get(name).is_some_and(Value::is_null) {
            self.rest.shift_remove(name);
        }
    }

    /// A text, read by `parse`. `label` is what a refusal calls it.
    pub(crate) fn text<T>(
        &mut self,
        name: &'static str,
        label: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Error>,
    ) -> Result<FieldInput<T>, Error> {
        match self.any(name) {
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

    /// What becomes of a text that a record may do without.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Error>,
    ) -> Result<Patch<T>, Error> {
        Ok(self.text(name, name, parse)?.patch(self.manner))
    }

    /// The same, put where it belongs.
    pub(crate) fn set_optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Error>,
        into: &mut Patch<T>,
    ) -> Result<(), Error> {
        *into = self.optional(name, parse)?;
        Ok(())
    }

    /// A text that a new record must have and that cannot be removed. `None` leaves it as it is.
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
            FieldInput::Null if self.manner == Manner::Merge && !self.is_input => {
                Err(Error::invalid(name, "null", "cannot be removed; give a text, or leave it out"))
            }
            FieldInput::Null | FieldInput::Absent if must_be_given => Err(Error::Missing { field: name }),
            FieldInput::Null | FieldInput::Absent => Ok(None),
        }
    }

    /// An object, to be read on.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<FieldInput<Self>, Error> {
        let manner = self.manner;
        self.any(name).try_map(|value| match value {
            Value::Object(map) => Ok(Self::new(map, manner)),
            other => Err(wrong(name, &other, "an object or null")),
        })
    }

    /// What is left over, to be kept as it came.
    pub(crate) fn into_rest(self) -> Map<String, Value> {
        self.rest
    }

    /// Puts back what was read from a part of this object and has no field of its own.
    pub(crate) fn keep(&mut self, name: &str, part: Map<String, Value>) {
        if !part.is_empty() {
            self.rest.insert(name.to_owned(), Value::Object(part));
        }
    }

    /// Leaves out what an answer says of a record and nobody can set.
    pub(crate) fn drop_read_only(&mut self, names: &[&'static str]) -> Result<(), Error> {
        let created = self.rest.shift_remove("createdAt");
        self.check_date("validFrom", created.as_ref())?;
        self.check_date("validTo", None)?;
        for name in ["updatedAt", "revision"].iter().chain(names) {
            self.rest.shift_remove(*name);
        }
        Ok(())
    }

    /// A date is taken only where it says what holds anyway, as answers and export lines do.
    fn check_date(&mut self, name: &'static str, same: Option<&Value>) -> Result<(), Error> {
        let FieldInput::Value(given) = self.any(name) else { return Ok(()) };
        let moment = |value: &Value| value.as_str().and_then(Timestamp::parse);
        if moment(&given).is_some_and(|given| same.and_then(moment) == Some(given)) {
            return Ok(());
        }
        let value = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
        Err(Error::DatesNotSupported { field: name, value })
    }

    /// What becomes of the attributes: `attributes` and every field that has no other meaning.
    pub(crate) fn attributes(mut self) -> Result<AttributesPatch, Error> {
        let given = match self.any("attributes") {
            FieldInput::Value(Value::Object(map)) => FieldInput::Value(map),
            FieldInput::Value(other) => return Err(wrong("attributes", &other, "an object or null")),
            FieldInput::Null => FieldInput::Null,
            FieldInput::Absent => FieldInput::Absent,
        };
        let emptied = self.manner == Manner::Replace || given == FieldInput::Null;
        let mut all = given.value().unwrap_or_default();
        all.extend(self.rest);
        all_kept_exactly("attributes", &all)?;
        Ok(match (emptied, all.is_empty()) {
            (true, _) => AttributesPatch::Replace(all),
            (false, true) => AttributesPatch::Keep,
            (false, false) => AttributesPatch::Merge(all),
        })
    }
}

/// A value of another JSON type than its field takes.
pub(crate) fn wrong(field: &'static str, value: &Value, expected: &str) -> Error {
    Error::invalid(field, &value.to_string(), format!("must be {expected}, not {}", json_kind(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(manner: Manner, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), manner)
    }

    #[test]
    fn what_is_not_given_stays_or_goes_by_the_manner() {
        for (manner, absent) in
            [(Manner::Create, Patch::Keep), (Manner::Merge, Patch::Keep), (Manner::Replace, Patch::Clear)]
        {
            let mut given = fields(manner, &json!({"null": null, "blank": " ", "set": "x"}));
            let mut read = |name| given.optional(name, |text| Ok(text.to_owned())).unwrap();
            assert_eq!(read("absent"), absent);
            assert_eq!(read("null"), Patch::Clear);
            assert_eq!(read("blank"), Patch::Clear);
            assert_eq!(read("set"), Patch::Set("x".to_owned()));
        }
    }

    #[test]
    fn what_has_no_field_is_kept() {
        let given = fields(Manner::Create, &json!({"costCentre": 7, "attributes": {"floor": 2}}));
        let expected = json!({"costCentre": 7, "floor": 2}).as_object().unwrap().clone();
        assert_eq!(given.attributes().unwrap(), AttributesPatch::Merge(expected));
        let emptied = fields(Manner::Merge, &json!({"attributes": null}));
        assert_eq!(emptied.attributes().unwrap(), AttributesPatch::Replace(Map::new()));
    }

    #[test]
    fn dates_are_taken_only_as_an_answer_has_them() {
        let day = "2026-01-01T00:00:00.000Z";
        let answer = json!({"createdAt": day, "validFrom": day, "validTo": null, "revision": 3});
        let mut given = fields(Manner::Replace, &answer);
        given.drop_read_only(&[]).unwrap();
        assert!(given.into_rest().is_empty());
        for other in [json!({"validFrom": day}), json!({"validTo": day}), json!({"validFrom": 7})] {
            let refusal = fields(Manner::Create, &other).drop_read_only(&[]).unwrap_err();
            assert_eq!(refusal.code(), "dates-not-supported");
        }
    }
}
