//! What a record shows: each field with its name, its description, how it is read from a row, and how lists are sorted
//! by it. Answers, files, the log and the OpenAPI document are all made from these.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::query::OrderBy;
use crate::wire::cell::Cell;
use crate::wire::row::Row;

/// Reads one field of a row; `None` is null.
pub(crate) type Show = for<'v> fn(&Row<'v>) -> Option<Cell<'v>>;

/// One field that a record shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// What it is, for the OpenAPI document.
    pub(crate) about: &'static str,
    pub(crate) form: Form,
    /// An example of a text; none where it is empty.
    pub(crate) example: &'static str,
    pub(crate) show: Show,
    /// The members of an object, each a column of its own in CSV.
    pub(crate) members: &'static [Self],
    /// How lists are sorted by it, where they can be.
    pub(crate) sort: Option<OrderBy>,
    pub(crate) shown: ShownIn,
}

/// The JSON that a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    /// A text, or null.
    MaybeText,
    /// A text; left out where there is none.
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
    /// An object of any members.
    Object,
    /// The same; left out where it is empty.
    ObjectIfAny,
    /// Any JSON.
    Any,
    /// An object that the OpenAPI document describes under this name.
    Of(&'static str),
    /// The same, or null.
    MaybeOf(&'static str),
    /// An array of such objects.
    ArrayOf(&'static str),
}

/// Where a column is shown beside answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShownIn {
    /// In exports and in the log: it is stored of the record.
    Everywhere,
    /// In exports alone.
    InFiles,
    /// In the log alone.
    InLog,
    /// Nowhere: it is derived, and an import derives it again.
    InAnswers,
}

impl Column {
    pub(crate) const fn new(name: &'static str, about: &'static str, form: Form, show: Show) -> Self {
        Self { name, about, form, example: "", show, members: &[], sort: None, shown: ShownIn::Everywhere }
    }

    pub(crate) const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    pub(crate) const fn sorted(self, by: OrderBy) -> Self {
        Self { sort: Some(by), ..self }
    }

    pub(crate) const fn only(self, shown: ShownIn) -> Self {
        Self { shown, ..self }
    }

    pub(crate) const fn members(self, members: &'static [Self]) -> Self {
        Self { members, ..self }
    }

    /// Whether it is left out where it holds nothing.
    pub(crate) fn is_optional(&self) -> bool {
        matches!(self.form, Form::TextIfAny | Form::ObjectIfAny)
    }

    /// What stands last in CSV: 1 for attributes, 2 for stamps, 0 for all else.
    fn rank(&self) -> u8 {
        match self.name {
            "attributes" => 1,
            "validFrom" | "validTo" | "createdAt" | "updatedAt" | "revision" => 2,
            _ => 0,
        }
    }
}

/// An object of these columns of a row, as a cell.
pub(crate) fn object<'v>(row: &Row<'v>, columns: &[Column]) -> Cell<'v> {
    Cell::Object(members(row, columns.iter()).collect())
}

fn members<'r, 'v>(
    row: &'r Row<'v>,
    columns: impl Iterator<Item = &'r Column>,
) -> impl Iterator<Item = (&'static str, Option<Cell<'v>>)> {
    columns.filter_map(move |column| {
        let cell = (column.show)(row);
        let is_nothing = cell.as_ref().is_none_or(Cell::is_empty);
        (!(column.is_optional() && is_nothing)).then_some((column.name, cell))
    })
}

/// A row as a JSON object of some columns: only these are read.
pub(crate) struct RowObject<'r, 'v> {
    pub(crate) row: &'r Row<'v>,
    pub(crate) columns: &'r [&'static Column],
}

impl Serialize for RowObject<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (name, cell) in members(self.row, self.columns.iter().copied()) {
            object.serialize_entry(name, &cell)?;
        }
        object.end()
    }
}

/// A column of CSV: a field, or a member of one.
#[derive(Debug, Clone)]
pub(crate) struct CsvColumn {
    /// Dotted for a member.
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
    /// As JSON has them.
    pub(crate) all: Vec<&'static Column>,
    /// As CSV has them: attributes after all else, and the stamps last.
    pub(crate) csv: Vec<CsvColumn>,
}

impl Columns {
    pub(crate) fn of(all: impl IntoIterator<Item = &'static Column>) -> Self {
        let all: Vec<_> = all.into_iter().collect();
        let mut in_csv = all.clone();
        in_csv.sort_by_key(|column| column.rank());
        Self { csv: in_csv.into_iter().flat_map(CsvColumn::of).collect(), all }
    }

    /// Those that exports have.
    pub(crate) fn in_files(&self) -> Vec<&'static Column> {
        let is_in = |it: &&Column| matches!(it.shown, ShownIn::Everywhere | ShownIn::InFiles);
        self.all.iter().copied().filter(is_in).collect()
    }

    /// Those that the log has.
    pub(crate) fn in_log(&self) -> Vec<&'static Column> {
        let is_in = |it: &&Column| matches!(it.shown, ShownIn::Everywhere | ShownIn::InLog);
        self.all.iter().copied().filter(is_in).collect()
    }

    /// What lists are sorted by, by name: the stamps first.
    pub(crate) fn sorts(&self) -> Vec<(&'static str, OrderBy)> {
        let mut sorts: Vec<_> = self.all.iter().filter(|it| it.sort.is_some()).collect();
        sorts.sort_by_key(|column| u8::from(column.rank() != 2));
        sorts.into_iter().filter_map(|column| Some((column.name, column.sort?))).collect()
    }
}
