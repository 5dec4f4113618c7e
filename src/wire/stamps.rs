//! What every record says: when it was made and changed, and the fields that have no name of their own.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Map;
use utoipa::ToSchema;

use crate::model::attributes::Attributes;
use crate::model::entity::Stamps;
use crate::model::level::Level;
use crate::model::time::Timestamp;

/// When a record was made and changed, and when it holds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Stamps)]
pub(crate) struct StampsRecord {
    /// From when the record holds.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    valid_from: Timestamp,
    /// Until when it holds; null while it does.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    valid_to: Option<Timestamp>,
    /// When the record was made.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The revision of the directory in which it last changed.
    #[schema(example = 7)]
    revision: u64,
}

impl StampsRecord {
    pub(crate) fn of(stamps: &Stamps) -> Self {
        Self {
            valid_from: stamps.valid_from,
            valid_to: stamps.valid_to,
            created_at: stamps.created_at,
            updated_at: stamps.updated_at,
            revision: stamps.revision.0,
        }
    }
}

/// The text of a field that may not be there.
pub(crate) fn text<T: AsRef<str>>(value: Option<&T>) -> Option<&str> {
    value.map(AsRef::as_ref)
}

/// The number of a level, of a type that is one.
pub(crate) fn level_number(level: Option<Level>) -> Option<u8> {
    level.map(Level::number)
}

/// Attributes as a JSON object, `{}` where there are none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(crate) fn object<S: Serializer>(attributes: &&Attributes, serializer: S) -> Result<S::Ok, S::Error> {
    match attributes.as_map() {
        Some(map) => Map::serialize(map, serializer),
        None => serializer.serialize_map(Some(0))?.end(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(crate) fn no_attributes(attributes: &&Attributes) -> bool {
    attributes.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn moment<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn maybe_moment<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => serializer.collect_str(moment),
        None => serializer.serialize_none(),
    }
}
