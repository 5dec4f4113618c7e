//! The OpenAPI document's schemas of records and bodies, made from the tables that they are written and read by.

use serde_json::Value;
use utoipa::openapi::schema::{
    AllOfBuilder, AnyOfBuilder, Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder,
    RefBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

use crate::wire::column::{Column, Form};
use crate::wire::field::{InputSchema, Need, RecordField};
use crate::wire::level::GIVEN_LEVELS;

/// What a body is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// A new record.
    New,
    /// A record as it is to be.
    Whole,
    /// What is to change of one.
    Change,
}

/// A record that also shows all that the schemas named in `with` say.
pub(super) fn record(about: &str, with: &[&str], own: &[&Column]) -> Schema {
    let mut parts = AllOfBuilder::new().description(Some(about));
    for name in with {
        parts = parts.item(Ref::from_schema_name(*name));
    }
    parts.item(columns(own)).into()
}

/// An object of these columns.
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
    OneOfBuilder::new().item(schema).item(ObjectBuilder::new().schema_type(Type::Null)).into()
}

/// The body of a record, all of whose fields are in the table.
pub(super) fn body<F>(about: &str, of: BodyKind, table: &[RecordField<F>]) -> Object {
    given(about, of, table.iter().map(|field| &field.given))
}

/// The same of a record that has level fields and attributes too.
pub(super) fn placed_body<F>(
    about: &str,
    of: BodyKind,
    table: &[RecordField<F>],
    more: &[InputSchema],
) -> Schema {
    let fields = table.iter().map(|field| &field.given);
    with_attributes(given(about, of, fields.chain(more).chain(&GIVEN_LEVELS))).into()
}

/// An object of what is given in a body.
pub(super) fn given<'g>(
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
                let about = field.about.trim_end_matches('.');
                named(field.schema, &format!("{about}; as it is when not given."))
            }
            (BodyKind::Whole | BodyKind::Change, _) => named(field.schema, field.about),
        };
        let is_required = match field.need {
            Need::Key => of == BodyKind::New,
            Need::Always => of != BodyKind::Change,
            Need::Kept | Need::Optional | Need::OnlyNew => false,
        };
        // What stands for a missing one in a new record stands for a null one too.
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

/// With `attributes`.
pub(super) fn with_attributes(mut object: Object) -> Object {
    let about = "Further fields. A field that has no name here is kept among them too.";
    let kinds = SchemaType::Array(vec![Type::Object, Type::Null]);
    let attributes = ObjectBuilder::new().schema_type(kinds).description(Some(about)).build();
    object.properties.insert("attributes".to_owned(), attributes.into());
    object
}

/// An object that must have one of two fields, or both.
pub(super) fn one_of_two(object: Object, one: &str, other: &str, value: &RefOr<Schema>) -> Schema {
    let needs = |field: &str| ObjectBuilder::new().property(field, value.clone()).required(field);
    let either = AnyOfBuilder::new().item(needs(one)).item(needs(other));
    AllOfBuilder::new().item(object).item(either).into()
}

/// A list of values of this schema, or null.
pub(super) fn maybe_list(about: &str, name: &str) -> Array {
    ArrayBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::Array, Type::Null]))
        .items(Ref::from_schema_name(name))
        .description(Some(about))
        .build()
}

/// A page of these records.
pub(super) fn list(of: &str) -> Schema {
    let whole = whole(ObjectBuilder::new().schema_type(Type::Integer), KnownFormat::Int64, 0);
    let text = ObjectBuilder::new().schema_type(Type::String);
    let records =
        ArrayBuilder::new().items(Ref::from_schema_name(of)).description(Some("Those of this page."));
    ObjectBuilder::new()
        .property("count", whole.description(Some("How many match in all.")))
        .required("count")
        .property("data", records)
        .required("data")
        .property("cursor", text.description(Some("Where the next page begins, if there is one.")))
        .into()
}
