//! Columns that every record has: timestamps, validity, revision, and custom attributes.

use crate::query::OrderBy;
use crate::wire::column::{AppearsIn, Cell, Column, Form};

/// The custom attributes of a record.
pub(crate) static ATTRIBUTES: Column = Column::new(
    "attributes",
    "Custom fields: all fields that this schema does not name.",
    Form::Object,
    |row| Some(Cell::Attributes(row.attributes())),
);

/// Timestamps, validity and revision of a record.
// Not in the log, whose entries have the time and the revision already.
pub(crate) static STAMPS: [Column; 5] = [
    Column::new("validFrom", "The beginning of the validity of the record.", Form::Time, |row| {
        Some(Cell::Time(row.stamps().valid_from))
    })
    .only(AppearsIn::InExports),
    Column::new(
        "validTo",
        "The end of the validity of the record; null if it is valid.",
        Form::MaybeTime,
        |row| row.stamps().valid_to.map(Cell::Time),
    )
    .only(AppearsIn::InExports),
    Column::new("createdAt", "The time when the record was created.", Form::Time, |row| {
        Some(Cell::Time(row.stamps().created_at))
    })
    .sorted(OrderBy::Created)
    .only(AppearsIn::InExports),
    Column::new("updatedAt", "The time of the last change of the record.", Form::Time, |row| {
        Some(Cell::Time(row.stamps().updated_at))
    })
    .sorted(OrderBy::Updated)
    .only(AppearsIn::InExports),
    Column::new(
        "revision",
        "The revision of the directory in which the record last changed.",
        Form::Revision,
        |row| Some(Cell::Number(row.stamps().revision.0)),
    )
    .only(AppearsIn::InExports),
];
