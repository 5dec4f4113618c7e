//! Field tables of records: how each field is written, parsed, and described in schemas.
//!
//! `F` is the type of the fields in a command. Invariant: a body is parsed in the order of the table, so an error
//! always names the first invalid field of that order.

use crate::error::Error;
use crate::query::{Field, OrderBy};
use crate::wire::column::Column;
use crate::wire::fields::Fields;

type Read<F> = fn(&mut Fields, &'static str, &mut F) -> Result<(), Error>;

/// A field of a record, for reading and writing.
pub(crate) struct RecordField<F: 'static> {
    pub(crate) column: Column,
    pub(crate) given: InputSchema,
    read: Read<F>,
}

/// The description of a field of a request body, for the OpenAPI document and GraphQL inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputSchema {
    pub(crate) name: &'static str,
    /// The name of the schema of its values.
    pub(crate) schema: &'static str,
    pub(crate) need: Need,
    /// The description in the body of a change.
    pub(crate) about: &'static str,
    /// The description in the body of a new record.
    pub(crate) about_new: &'static str,
}

/// Whether a field is required, and whether null removes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Required for a new record; cannot be removed.
    Key,
    /// Required for a new record and a replacement; cannot be removed.
    Always,
    /// Never required, since there is a default; cannot be removed.
    Kept,
    /// Never required; null removes it.
    Optional,
    /// Like `Optional`, but documented for new records only.
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
    /// A field whose values have the schema `schema`. Its description in bodies is that of the column.
    pub(crate) const fn new(column: Column, schema: &'static str, need: Need, read: Read<F>) -> Self {
        let given = InputSchema::new(column.name, schema, need, column.about);
        Self { column, given, read }
    }

    /// Lets lists be sorted by this text.
    pub(crate) const fn sorted(self, by: Field) -> Self {
        Self { column: self.column.sorted(OrderBy::Field(by)), ..self }
    }

    /// Sets the description in all request bodies. Must come before [`Self::new_as`], which it would override.
    pub(crate) const fn given_as(self, about: &'static str) -> Self {
        Self { given: InputSchema { about, about_new: about, ..self.given }, ..self }
    }

    /// Sets the description in the body of a new record.
    pub(crate) const fn new_as(self, about_new: &'static str) -> Self {
        Self { given: self.given.new_as(about_new), ..self }
    }
}

/// A column with a text of a record: `text!("email", "The address.", person.email)`.
// Macros, because a function cannot take a field of a struct as a parameter and still give a plain function pointer.
macro_rules! text {
    ($name:literal, $about:expr, $of:ident.$text:ident) => {
        $crate::wire::column::Column::new($name, $about, $crate::wire::column::Form::Text, |row| {
            Some($crate::wire::column::Cell::Text(row.$of()?.$text.as_str()))
        })
    };
}

/// A column with an optional text of a record, or of an optional part of it (`project.owner?.email`).
macro_rules! maybe_text {
    ($name:literal, $about:expr, $of:ident.$text:ident) => {
        $crate::wire::column::Column::new($name, $about, $crate::wire::column::Form::MaybeText, |row| {
            Some($crate::wire::column::Cell::Text(row.$of()?.$text.as_ref()?.as_str()))
        })
    };
    ($name:literal, $about:expr, $of:ident.$part:ident?.$text:ident) => {
        $crate::wire::column::Column::new($name, $about, $crate::wire::column::Form::MaybeText, |row| {
            Some($crate::wire::column::Cell::Text(row.$of()?.$part.as_ref()?.$text.as_ref()?.as_str()))
        })
    };
}

/// A field with an optional text, parsed as a type into the field of the same name of a command:
/// `optional!("displayName", "The name to show.", person.display_name: Name of PersonFields)`.
macro_rules! optional {
    ($name:literal, $about:expr, $of:ident.$text:ident: $type:ident of $fields:ident) => {
        $crate::wire::field::RecordField::new(
            $crate::wire::field::maybe_text!($name, $about, $of.$text),
            "MaybeText",
            $crate::wire::field::Need::Optional,
            |body, name, fields: &mut $fields| body.set_optional(name, $type::parse, &mut fields.$text),
        )
    };
}

pub(crate) use {maybe_text, optional, text};

/// Parses all fields of a table, in its order.
pub(crate) fn read<F: Default>(table: &[RecordField<F>], body: &mut Fields) -> Result<F, Error> {
    let mut fields = F::default();
    for field in table {
        (field.read)(body, field.column.name, &mut fields)?;
    }
    Ok(fields)
}
