//! Output columns of records: name, description, JSON type, accessor and sort order of each field.
//!
//! Invariant: responses, exports, the audit log and the OpenAPI document are all generated from these columns, so a
//! field is the same in each.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::query::OrderBy;
use crate::wire::cell::Cell;
use crate::wire::row::Row;

/// Reads the value of a field from a row; `None` is null.
// A function pointer and not a boxed closure, so that tables of columns can be `static`.
pub(crate) type Show = for<'v> fn(&Row<'v>) -> Option<Cell<'v>>;

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
        Self { name, about, form, example: "", show, members: &[], sort: None, shown: AppearsIn::Everywhere }
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

    /// Whether the field is absent, instead of null or empty, if it has no value.
    pub(crate) fn is_optional(&self) -> bool {
        matches!(self.form, Form::TextIfAny | Form::ObjectIfAny)
    }

    /// The group of the column in the order of CSV columns: 0 own fields, 1 attributes, 2 stamps.
    // By name, since the tables of JSON have an order of their own that clients know.
    fn rank(&self) -> u8 {
        match self.name {
            "attributes" => 1,
            "validFrom" | "validTo" | "createdAt" | "updatedAt" | "revision" => 2,
            _ => 0,
        }
    }
}

/// A cell with an object of these columns of a row.
pub(crate) fn object<'v>(row: &Row<'v>, columns: &[Column]) -> Cell<'v> {
    Cell::Object(members(row, columns.iter()).collect())
}

fn members<'r, 'v>(
    row: &'r Row<'v>,
    columns: impl Iterator<Item = &'r Column>,
) -> impl Iterator<Item = (&'static str, Option<Cell<'v>>)> {
    columns.filter_map(move |column| {
        let cell = (column.show)(row);
        let is_empty = cell.as_ref().is_none_or(Cell::is_empty);
        (!(column.is_optional() && is_empty)).then_some((column.name, cell))
    })
}

/// A row as a JSON object of some columns. Other columns are not computed.
pub(crate) struct RowObject<'r, 'v> {
    pub(crate) row: &'r Row<'v>,
    pub(crate) columns: &'r [&'static Column],
}

impl Serialize for RowObject<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // No length: optional fields that are absent are only known while writing, and JSON does not need it.
        let mut object = serializer.serialize_map(None)?;
        for (name, cell) in members(self.row, self.columns.iter().copied()) {
            object.serialize_entry(name, &cell)?;
        }
        object.end()
    }
}

/// A CSV column: a field, or a member of a field.
#[derive(Debug, Clone)]
pub(crate) struct CsvColumn {
    /// The header; dotted for a member (`projectOwner.email`).
    pub(crate) name: String,
    pub(crate) field: &'static Column,
    pub(crate) show: Show,
}

impl CsvColumn {
    fn of(field: &'static Column) -> Vec<Self> {
        if field.members.is_empty() {
            return vec![Self { name: field.name.to_owned(), field, show: field.show }];
        }
        let member = |it: &Column| Self { name: format!("{}.{}", field.name, it.name), field, show: it.show };
        field.members.iter().map(member).collect()
    }
}

/// All columns of a kind of record.
#[derive(Debug)]
pub(crate) struct Columns {
    /// In the order of JSON.
    pub(crate) all: Vec<&'static Column>,
    /// In the order of CSV: own fields, attributes, stamps.
    pub(crate) csv: Vec<CsvColumn>,
}

impl Columns {
    pub(crate) fn of(all: impl IntoIterator<Item = &'static Column>) -> Self {
        let all: Vec<_> = all.into_iter().collect();
        let mut in_csv = all.clone();
        // Stable, so that fields of the same group keep the order of JSON.
        in_csv.sort_by_key(|column| column.rank());
        Self { csv: in_csv.into_iter().flat_map(CsvColumn::of).collect(), all }
    }

    /// The columns of exports.
    pub(crate) fn in_exports(&self) -> Vec<&'static Column> {
        let is_in = |it: &&Column| matches!(it.shown, AppearsIn::Everywhere | AppearsIn::InExports);
        self.all.iter().copied().filter(is_in).collect()
    }

    /// The columns of the log.
    pub(crate) fn in_log(&self) -> Vec<&'static Column> {
        let is_in = |it: &&Column| matches!(it.shown, AppearsIn::Everywhere | AppearsIn::InLog);
        self.all.iter().copied().filter(is_in).collect()
    }

    /// The sort orders of lists by the name of the field, those of stamps first.
    pub(crate) fn sorts(&self) -> Vec<(&'static str, OrderBy)> {
        let mut sorts: Vec<_> = self.all.iter().filter(|it| it.sort.is_some()).collect();
        sorts.sort_by_key(|column| u8::from(column.rank() != 2));
        sorts.into_iter().filter_map(|column| Some((column.name, column.sort?))).collect()
    }
}
