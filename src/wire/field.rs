//! A field that a record shows and a body gives: one entry of a record's table.
//!
//! `F` is what a command says of the record. A body is read by the table in its order, so the first field that is wrong
//! is the one that a refusal names.

use crate::error::Error;
use crate::query::{Field, OrderBy};
use crate::wire::column::Column;
use crate::wire::fields::Fields;

type Read<F> = fn(&mut Fields, &'static str, &mut F) -> Result<(), Error>;

/// One field of a record, in and out.
pub(crate) struct RecordField<F: 'static> {
    pub(crate) column: Column,
    pub(crate) given: InputSchema,
    read: Read<F>,
}

/// What a body gives in a field, for the OpenAPI document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputSchema {
    pub(crate) name: &'static str,
    /// The schema of its values, by name.
    pub(crate) schema: &'static str,
    pub(crate) need: Need,
    /// What it is.
    pub(crate) about: &'static str,
    /// The same in the body of a new record.
    pub(crate) about_new: &'static str,
}

/// When a field must be given, and whether it can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// For a new record; it cannot be taken away.
    Key,
    /// For a new and for a replaced record; it cannot be taken away.
    Always,
    /// Never, since something else stands for it; it cannot be taken away.
    Kept,
    /// Never, and null takes it away.
    Optional,
    /// The same, and only a new record describes it.
    OnlyNew,
}

impl InputSchema {
    pub(crate) const fn new(
        name: &'static str,
        schema: &'static str,
        need: Need,
        about: &'static str,
    ) -> Self {
        Self { name, schema, need, about, about_new: about }
    }

    pub(crate) const fn new_as(self, about_new: &'static str) -> Self {
        Self { about_new, ..self }
    }
}

impl<F> RecordField<F> {
    /// A field whose values are of `schema`; a body describes it as the record does.
    pub(crate) const fn new(column: Column, schema: &'static str, need: Need, read: Read<F>) -> Self {
        let given = InputSchema::new(column.name, schema, need, column.about);
        Self { column, given, read }
    }

    /// Sorted by this text in lists.
    pub(crate) const fn sorted(self, by: Field) -> Self {
        Self { column: self.column.sorted(OrderBy::Field(by)), ..self }
    }

    /// Described otherwise where it is given.
    pub(crate) const fn given_as(self, about: &'static str) -> Self {
        Self { given: InputSchema { about, about_new: about, ..self.given }, ..self }
    }

    /// Described otherwise where it is given for a new record.
    pub(crate) const fn new_as(self, about_new: &'static str) -> Self {
        Self { given: self.given.new_as(about_new), ..self }
    }
}

/// A column with a text of a record: `text!("email", "The address.", person.email)`.
macro_rules! text {
    ($name:literal, $about:expr, $of:ident.$text:ident) => {
        $crate::wire::column::Column::new($name, $about, $crate::wire::column::Form::Text, |row| {
            Some($crate::wire::cell::Cell::Text(row.$of()?.$text.as_str()))
        })
    };
}

/// The same with a text that a record may do without.
macro_rules! maybe_text {
    ($name:literal, $about:expr, $of:ident.$text:ident) => {
        $crate::wire::column::Column::new($name, $about, $crate::wire::column::Form::MaybeText, |row| {
            Some($crate::wire::cell::Cell::Text(row.$of()?.$text.as_ref()?.as_str()))
        })
    };
    ($name:literal, $about:expr, $of:ident.$part:ident?.$text:ident) => {
        $crate::wire::column::Column::new($name, $about, $crate::wire::column::Form::MaybeText, |row| {
            Some($crate::wire::cell::Cell::Text(row.$of()?.$part.as_ref()?.$text.as_ref()?.as_str()))
        })
    };
}

/// A field with such a text, read as this type into the same field of a command:
/// `optional!("displayName", "The name to show.", person.display_name: Name of PersonFields)`.
macro_rules! optional {
    ($name:literal, $about:expr, $of:ident.$text:ident: $type:ident of $fields:ident) => {
        $crate::wire::field::RecordField::new(
            $crate::wire::field::maybe_text!($name, $about, $of.$text),
            "MaybeText",
            $crate::wire::field::Need::Optional,
            |given, name, fields: &mut $fields| given.set_optional(name, $type::parse, &mut fields.$text),
        )
    };
}

pub(crate) use {maybe_text, optional, text};

/// Reads all fields of a table, in its order.
pub(crate) fn read<F: Default>(table: &[RecordField<F>], given: &mut Fields) -> Result<F, Error> {
    let mut fields = F::default();
    for field in table {
        (field.read)(given, field.column.name, &mut fields)?;
    }
    Ok(fields)
}
