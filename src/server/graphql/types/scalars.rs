//! Custom scalars: `DateTime`, `JSON` and `Revision`, each with the URL of its specification.
//!
//! Invariant: validation and parsing accept the same values, so that no bad value is found halfway through a mutation.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{Description, InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::model::entity::Revision as RevisionNumber;
use crate::model::time::Timestamp;
use crate::model::version::ExpectedRevision;

/// A UTC timestamp in RFC 3339 format with milliseconds, such as `2026-11-24T08:30:00.000Z`.
#[derive(Debug, Clone, Copy, Description)]
pub(crate) struct DateTime(pub(crate) Timestamp);

#[Scalar(use_type_description, specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        Timestamp::parse(text)
            .map(Self)
            .ok_or_else(|| InputValueError::custom(format!("{text:?} is not an RFC 3339 timestamp or date")))
    }

    // The default accepts every value: validation would pass, and the request would fail halfway through execution.
    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Any JSON value.
#[derive(Debug, Clone, Description)]
pub(crate) struct Json(pub(crate) serde_json::Value);

#[Scalar(use_type_description, name = "JSON", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        value.into_json().map(Self).map_err(|_| InputValueError::custom("is not a JSON value"))
    }

    fn to_value(&self) -> Value {
        // async-graphql's value is a type of its own, so this copies: `execution::budget` counts JSON twice for it.
        Value::from_json(self.0.clone()).unwrap_or(Value::Null)
    }
}

/// Version of the directory: an integer that grows by one with each commit, up to 2^53. As `ifRevision` also the
/// `version` of a record, a text.
#[derive(Debug, Clone, Copy, Description)]
pub(crate) struct Revision(pub(crate) RevisionNumber);

#[Scalar(use_type_description, specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259#section-6")]
impl ScalarType for Revision {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number
                .as_u64()
                .map(|number| Self(RevisionNumber(number)))
                .ok_or_else(|| InputValueError::custom("must be an integer from 0")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    // As for `DateTime`: a bad revision must fail in validation, before any change is made.
    fn is_valid(value: &Value) -> bool {
        IfRevision::of(value).is_some()
    }

    fn to_value(&self) -> Value {
        // Not GraphQL's `Int`, which ends at 2^31. Up to 2^53 every JSON reader keeps the number exactly.
        Value::Number(self.0.0.into())
    }
}

/// The argument `ifRevision`: the `revision` of a record, or its `version`, which does not hold after a restore.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IfRevision(pub(crate) ExpectedRevision);

impl IfRevision {
    /// From a number or a text in JSON.
    pub(crate) fn of_json(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::Number(number) => {
                number.as_u64().map(|number| Self(RevisionNumber(number).into()))
            }
            serde_json::Value::String(text) => text.parse().ok().map(Self),
            _ => None,
        }
    }

    fn of(value: &Value) -> Option<Self> {
        matches!(value, Value::Number(_) | Value::String(_))
            .then(|| value.clone().into_json().ok())?
            .as_ref()
            .and_then(Self::of_json)
    }
}

// By hand, because its type in the schema is `Revision`, which is a number in answers.
impl async_graphql::InputType for IfRevision {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <Revision as async_graphql::InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Revision as async_graphql::InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        Self::of(&value).ok_or_else(|| {
            InputValueError::custom(format!(
                "{value} is no revision; use the `revision` of the record, such as 588, or its `version`, such as \
                 \"588.1a2b3c4d\""
            ))
        })
    }

    fn to_value(&self) -> Value {
        if self.0.lineage.is_some() { self.0.to_string().into() } else { self.0.revision.0.into() }
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
