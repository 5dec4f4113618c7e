//! The columns of a kind of record: those of JSON, of CSV, of exports and of the log.

use crate::query::OrderBy;
use crate::wire::column::{AppearsIn, Column, Show};

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
        if !field.in_csv.is_empty() {
            let of = |it: &Column| Self { name: it.name.to_owned(), field, show: it.show };
            return field.in_csv.iter().map(of).collect();
        }
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
        Self::with_csv(all, &[])
    }

    /// As [`Columns::of`], with more columns in CSV.
    pub(crate) fn with_csv(all: impl IntoIterator<Item = &'static Column>, more: &[&'static Column]) -> Self {
        let all: Vec<_> = all.into_iter().collect();
        let mut in_csv = all.clone();
        in_csv.extend(more);
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
