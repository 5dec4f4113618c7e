//! Output columns of records: name, description, JSON type, accessor and sort order of each field.
//!
//! Invariant: responses, exports, the audit log and the OpenAPI document are all generated from these columns, so a
//! field is the same in each.

use serde_json::Value;

use crate::model::attributes::Attributes;
use crate::model::time::Timestamp;
use crate::query::OrderBy;
use crate::wire::json_text;
use crate::wire::row::Row;

/// Reads the value of a field from a row; `None` is null.
// A function pointer and not a boxed closure, so that tables of columns can be `static`.
pub(crate) type Show = for<'v> fn(&Row<'v>) -> Option<Cell<'v>>;

/// The separator of a list of texts in a cell of CSV.
pub(crate) const LIST_SEPARATOR: char = ';';

/// A field of a record in responses, exports and the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// The description in the OpenAPI document.
    pub(crate) about: &'static str,
    pub(crate) form: Form,
    /// An example of a text; empty for none.
    pub(crate) example: &'static str,
    pub(crate) show: Show,
    /// The members of an object, each of which is a column of its own in CSV.
    pub(crate) members: &'static [Self],
    /// The columns of CSV that have its value; empty if it is one column, or one for each member.
    pub(crate) in_csv: &'static [Self],
    /// The sort order of lists by this field; `None` if it is not supported.
    pub(crate) sort: Option<OrderBy>,
    pub(crate) shown: AppearsIn,
}

/// The JSON type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    /// A text, or null.
    MaybeText,
    /// A text; absent if there is none.
    TextIfAny,
    Time,
    MaybeTime,
    /// The number of a level, or null.
    Level,
    Count,
    /// A whole number from 1.
    Depth,
    Revision,
    /// An array of texts.
    Keys,
    /// An object with any members.
    Object,
    /// An object with any members; absent if it is empty.
    ObjectIfAny,
    /// Any JSON.
    Any,
    /// An object with this schema of the OpenAPI document.
    Of(&'static str),
    /// An object with this schema, or null.
    MaybeOf(&'static str),
    /// An array of objects with this schema.
    ArrayOf(&'static str),
}

/// Where a column appears in addition to responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppearsIn {
    /// In exports and in the log, for stored fields.
    Everywhere,
    /// In exports only.
    InExports,
    /// In the log only.
    InLog,
    /// In responses only, for derived fields: an import derives them again.
    InResponses,
}

impl Column {
    pub(crate) const fn new(name: &'static str, about: &'static str, form: Form, show: Show) -> Self {
        Self {
            name,
            about,
            form,
            example: "",
            show,
            members: &[],
            in_csv: &[],
            sort: None,
            shown: AppearsIn::Everywhere,
        }
    }

    pub(crate) const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    pub(crate) const fn sorted(self, by: OrderBy) -> Self {
        Self { sort: Some(by), ..self }
    }

    pub(crate) const fn only(self, shown: AppearsIn) -> Self {
        Self { shown, ..self }
    }

    pub(crate) const fn members(self, members: &'static [Self]) -> Self {
        Self { members, ..self }
    }

    pub(crate) const fn in_csv(self, in_csv: &'static [Self]) -> Self {
        Self { in_csv, ..self }
    }

    /// Whether the field is absent, instead of null or empty, if it has no value.
    pub(crate) fn is_optional(&self) -> bool {
        matches!(self.form, Form::TextIfAny | Form::ObjectIfAny)
    }

    /// The group of the column in the order of CSV columns: 0 own fields, 1 attributes, 2 stamps.
    // By name, since the tables of JSON have an order of their own that clients know.
    pub(crate) fn rank(&self) -> u8 {
        match self.name {
            "attributes" => 1,
            "validFrom" | "validTo" | "createdAt" | "updatedAt" | "revision" => 2,
            _ => 0,
        }
    }
}

/// A value of a column. JSON `null` is the `None` of an `Option<Cell>`.
// Not a `serde_json::Value`: lists of a million records would allocate every text and every map of field names.
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
    /// An object with these columns of a row.
    Object(Row<'v>, &'static [Column]),
}

impl<'v> Cell<'v> {
    /// An object with these columns of `row`.
    pub(crate) fn object(row: &Row<'v>, columns: &'static [Column]) -> Self {
        Self::Object(row.clone(), columns)
    }

    /// Whether it is an empty list or object.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Object(row, columns) => members(row, columns.iter()).next().is_none(),
            Self::Attributes(attributes) => attributes.is_empty(),
            Self::Json(value) => {
                value.as_array().is_some_and(Vec::is_empty)
                    || value.as_object().is_some_and(serde_json::Map::is_empty)
            }
            Self::Text(_) | Self::Formatted(_) | Self::Number(_) | Self::Time(_) => false,
        }
    }

    /// Appends it as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => json_text::text(text, out),
            Self::Formatted(text) => json_text::text(text, out),
            Self::Number(number) => json_text::value(number, out),
            Self::Time(time) => json_text::time(*time, out),
            Self::Json(value) => json_text::value(value, out),
            Self::Attributes(attributes) => match attributes.as_map() {
                Some(map) => json_text::value(map, out),
                None => out.extend_from_slice(b"{}"),
            },
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(row, columns) => write_object(row, columns.iter(), out),
        }
    }
}

/// A list of texts in a cell of CSV: joined by `;` if that can be told apart again, else JSON.
pub(crate) fn joined_texts<'v>(texts: &[&'v str]) -> Option<Cell<'v>> {
    let is_plain = |text: &&str| !text.contains(LIST_SEPARATOR) && !text.starts_with(['[', '{']);
    if texts.is_empty() {
        return None;
    }
    Some(if texts.iter().all(is_plain) {
        Cell::Formatted(texts.join(";"))
    } else {
        Cell::List(texts.iter().map(|text| Cell::Text(text)).collect())
    })
}

/// Appends a JSON object with some columns of a row. Other columns are not computed.
pub(crate) fn write_object(row: &Row<'_>, columns: impl Iterator<Item = &'static Column>, out: &mut Vec<u8>) {
    out.push(b'{');
    write_members(row, columns, out);
    out.push(b'}');
}

/// Appends the members of such an object, without its braces.
pub(crate) fn write_members(
    row: &Row<'_>,
    columns: impl Iterator<Item = &'static Column>,
    out: &mut Vec<u8>,
) {
    for (index, (name, cell)) in members(row, columns).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        // Names of columns are plain ASCII, without anything to escape.
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        match cell {
            Some(cell) => cell.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

fn members<'v>(
    row: &Row<'v>,
    columns: impl Iterator<Item = &'static Column>,
) -> impl Iterator<Item = (&'static str, Option<Cell<'v>>)> {
    columns.filter_map(move |column| {
        let cell = (column.show)(row);
        let is_absent = || column.is_optional() && cell.as_ref().is_none_or(Cell::is_empty);
        (!is_absent()).then_some((column.name, cell))
    })
}
