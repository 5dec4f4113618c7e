//! Custom scalars: `DateTime`, `JSON` and `Revision`, each with the URL of its specification, and `RecordVersion`.
//!
//! Invariant: validation and parsing accept the same values, so that no bad value is found halfway through a mutation.

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

/// Version of the directory: an integer that grows by one with each commit, up to 2^53.
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
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        // Not GraphQL's `Int`, which ends at 2^31. Up to 2^53 every JSON reader keeps the number exactly.
        Value::Number(self.0.0.into())
    }
}

/// The version of a record, such as `588.1a2b3c4d`: the revision that last changed it, and the lineage of the store,
/// which a restore changes. For `ifVersion`.
#[derive(Debug, Clone, Copy, Description)]
pub(crate) struct RecordVersion(pub(crate) ExpectedRevision);

#[Scalar(use_type_description)]
impl ScalarType for RecordVersion {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        text.parse().map(Self).map_err(|why| InputValueError::custom(format!("{text:?} {why}")))
    }

    // As for `DateTime`: a bad version must fail in validation, before any change is made.
    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}
