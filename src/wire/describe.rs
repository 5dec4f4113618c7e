//! Builders of the OpenAPI schemas of records and request bodies.
//!
//! Invariant: schemas are generated from the tables that records are written and parsed with, so they cannot differ.

use serde_json::Value;
use utoipa::openapi::schema::{
    AllOfBuilder, AnyOfBuilder, Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder,
    RefBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

use crate::wire::column::{Column, Form};
use crate::wire::field::{InputSchema, Need, RecordField};
use crate::wire::level::{LEVEL_INPUTS, UNITS_ABOUT};

/// The kind of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// A new record (POST).
    New,
    /// A complete replacement (PUT).
    Whole,
    /// A merge patch (PATCH, RFC 7396).
    Change,
}

/// The schema of a record: its own columns and all fields of the schemas named in `with`.
pub(super) fn record(about: &str, with: &[&str], own: &[&Column]) -> Schema {
    let mut parts = AllOfBuilder::new().description(Some(about));
    for name in with {
        parts = parts.item(Ref::from_schema_name(*name));
    }
    parts.item(columns(own)).into()
}

/// The schema of an object with these columns.
pub(super) fn object<'c>(about: &str, own: impl IntoIterator<Item = &'c Column>) -> Schema {
    let own: Vec<_> = own.into_iter().collect();
    let mut object = columns(&own);
    object.description = Some(about.to_owned());
    object.into()
}

fn columns(own: &[&Column]) -> Object {
    let mut object = ObjectBuilder::new();
    for column in own {
        object = object.property(column.name, property(column));
        if !column.is_optional() {
            object = object.required(column.name);
        }
    }
    object.build()
}

fn property(column: &Column) -> RefOr<Schema> {
    let about = Some(column.about);
    let of = |kind: Type, nullable: bool| {
        // OpenAPI 3.1 has no `nullable`; null is one of the types.
        let kinds = if nullable { SchemaType::Array(vec![kind, Type::Null]) } else { kind.into() };
        ObjectBuilder::new().schema_type(kinds).description(about)
    };
    let time = Some(SchemaFormat::KnownFormat(KnownFormat::DateTime));
    let mut property: RefOr<Schema> = match column.form {
        Form::Text => of(Type::String, false).into(),
        Form::MaybeText | Form::TextIfAny => of(Type::String, true).into(),
        Form::Time => of(Type::String, false).format(time).into(),
        Form::MaybeTime => of(Type::String, true).format(time).into(),
        Form::Level => whole(of(Type::Integer, true), KnownFormat::Int32, 1).maximum(Some(5)).into(),
        Form::Count | Form::Revision => whole(of(Type::Integer, false), KnownFormat::Int64, 0).into(),
        Form::Depth => of(Type::Integer, false).minimum(Some(1)).into(),
        Form::Keys => {
            let key = ObjectBuilder::new().schema_type(Type::String);
            ArrayBuilder::new().items(key).description(about).into()
        }
        Form::Object => of(Type::Object, false).into(),
        Form::ObjectIfAny => of(Type::Object, true).into(),
        Form::Any => ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(about).into(),
        Form::Of(name) => named(name, column.about).into(),
        Form::MaybeOf(name) => or_null(named(name, column.about)),
        Form::ArrayOf(name) => {
            ArrayBuilder::new().items(Ref::from_schema_name(name)).description(about).into()
        }
    };
    if let RefOr::T(Schema::Object(object)) = &mut property {
        object.example = match column.form {
            Form::Revision => Some(Value::from(7)),
            _ => (!column.example.is_empty()).then(|| Value::from(column.example)),
        };
    }
    property
}

fn whole(number: ObjectBuilder, format: KnownFormat, least: usize) -> ObjectBuilder {
    number.format(Some(SchemaFormat::KnownFormat(format))).minimum(Some(least))
}

fn named(name: &str, about: &str) -> Ref {
    RefBuilder::new().ref_location_from_schema_name(name).description(Some(about)).build()
}

fn or_null(schema: Ref) -> RefOr<Schema> {
    // A reference has no `type` to which null could be added, so this needs an alternative.
    OneOfBuilder::new().item(schema).item(ObjectBuilder::new().schema_type(Type::Null)).into()
}

/// The schema of a request body with the fields of a table.
pub(super) fn body<F>(about: &str, of: BodyKind, table: &[RecordField<F>]) -> Object {
    input_object(about, of, table.iter().map(|field| &field.given))
}

/// The schema of a request body with the fields of a table, further fields, level fields and attributes.
pub(super) fn placed_body<F>(
    about: &str,
    of: BodyKind,
    table: &[RecordField<F>],
    more: &[InputSchema],
) -> Schema {
    let fields = table.iter().map(|field| &field.given);
    let mut body = with_attributes(input_object(about, of, fields.chain(more).chain(&LEVEL_INPUTS)));
    body.properties.insert("units".to_owned(), Schema::from(maybe_list(UNITS_ABOUT, "UnitReference")).into());
    body.into()
}

/// The schema of a request body, or a part of one, with these fields.
pub(super) fn input_object<'g>(
    about: &str,
    of: BodyKind,
    fields: impl IntoIterator<Item = &'g InputSchema>,
) -> Object {
    let mut object = ObjectBuilder::new().description(Some(about));
    for field in fields {
        if field.need == Need::OnlyNew && of != BodyKind::New {
            continue;
        }
        let value = match (of, field.need) {
            (BodyKind::New, _) => named(field.schema, field.about_new),
            (BodyKind::Whole, Need::Key) => {
                // The path names the record already, so its key is optional in the body of a PUT.
                named(field.schema, &format!("{} Default: unchanged.", field.about))
            }
            (BodyKind::Whole | BodyKind::Change, _) => named(field.schema, field.about),
        };
        let is_required = match field.need {
            Need::Key => of == BodyKind::New,
            Need::Always => of != BodyKind::Change,
            Need::Kept | Need::Optional | Need::OnlyNew => false,
        };
        // The default of a new record applies to null as well as to an absent field. In a change there is no default,
        // and the field cannot be removed.
        let is_nullable = match field.need {
            Need::Key | Need::Always => false,
            Need::Kept => of == BodyKind::New,
            Need::Optional | Need::OnlyNew => true,
        };
        let value = if is_nullable { or_null(value) } else { value.into() };
        object = object.property(field.name, value);
        if is_required {
            object = object.required(field.name);
        }
    }
    object.build()
}

/// Adds the field `attributes`.
pub(super) fn with_attributes(mut object: Object) -> Object {
    let about = "Custom fields. Fields that this schema does not name are stored as attributes, too.";
    let kinds = SchemaType::Array(vec![Type::Object, Type::Null]);
    let attributes = ObjectBuilder::new().schema_type(kinds).description(Some(about)).build();
    object.properties.insert("attributes".to_owned(), attributes.into());
    object
}

/// Adds that at least one of two fields is required.
pub(super) fn one_of_two(object: Object, one: &str, other: &str, value: &RefOr<Schema>) -> Schema {
    // `anyOf` and not `oneOf`, which would refuse an object with both.
    let needs = |field: &str| ObjectBuilder::new().property(field, value.clone()).required(field);
    let either = AnyOfBuilder::new().item(needs(one)).item(needs(other));
    AllOfBuilder::new().item(object).item(either).into()
}

/// The schema of an array with items of a schema, or null.
pub(super) fn maybe_list(about: &str, name: &str) -> Array {
    ArrayBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::Array, Type::Null]))
        .items(Ref::from_schema_name(name))
        .description(Some(about))
        .build()
}

/// The schema of a page of a list.
pub(super) fn list(of: &str) -> Schema {
    let whole = whole(ObjectBuilder::new().schema_type(Type::Integer), KnownFormat::Int64, 0);
    let text = ObjectBuilder::new().schema_type(Type::String);
    let records =
        ArrayBuilder::new().items(Ref::from_schema_name(of)).description(Some("The records of this page."));
    ObjectBuilder::new()
        .property(
            "count",
            whole.description(Some("The number of records that match the filter, on all pages.")),
        )
        .required("count")
        .property("data", records)
        .required("data")
        .property(
            "cursor",
            text.description(Some("The parameter `cursor` of the next page; absent on the last page.")),
        )
        .into()
}
