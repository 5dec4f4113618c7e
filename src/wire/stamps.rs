//! What every record says: when it was made and changed, and the fields that have no name of their own.

use crate::query::OrderBy;
use crate::wire::cell::Cell;
use crate::wire::column::{Column, Form, ShownIn};

/// All fields that have no name of their own.
pub(crate) static ATTRIBUTES: Column =
    Column::new("attributes", "All fields that have no name of their own.", Form::Object, |row| {
        Some(Cell::Attributes(row.attributes()))
    });

/// When a record was made and changed, and when it holds. The log says it of the entry instead.
pub(crate) static STAMPS: [Column; 5] = [
    Column::new("validFrom", "From when the record holds.", Form::Time, |row| {
        Some(Cell::Time(row.stamps().valid_from))
    })
    .only(ShownIn::InFiles),
    Column::new("validTo", "Until when it holds; null while it does.", Form::MaybeTime, |row| {
        row.stamps().valid_to.map(Cell::Time)
    })
    .only(ShownIn::InFiles),
    Column::new("createdAt", "When the record was made.", Form::Time, |row| {
        Some(Cell::Time(row.stamps().created_at))
    })
    .sorted(OrderBy::Created)
    .only(ShownIn::InFiles),
    Column::new("updatedAt", "When it last changed.", Form::Time, |row| {
        Some(Cell::Time(row.stamps().updated_at))
    })
    .sorted(OrderBy::Updated)
    .only(ShownIn::InFiles),
    Column::new(
        "revision",
        "The revision of the directory in which it last changed.",
        Form::Revision,
        |row| Some(Cell::Number(row.stamps().revision.0)),
    )
    .only(ShownIn::InFiles),
];
