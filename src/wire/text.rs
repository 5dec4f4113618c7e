//! OpenAPI schemas of texts: patterns, lengths, descriptions and examples.
//!
//! Invariant: the patterns and lengths match the rules of `model::key`, so that a text which a schema allows is not
//! refused for its form.

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::model::key::{TEXT_MAX, URL_MAX};

// Patterns are regular expressions of ECMA-262, as JSON Schema requires. They exclude control characters (C0, DEL, C1).
const NOT_BLANK: &str =
    r"^[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u001F\u007F-\u009F]*$";
const MAYBE_BLANK: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";
const EMAIL: &str = r"^[^@\s\u0000-\u001F\u007F-\u009F]+@[^@\s\u0000-\u001F\u007F-\u009F]+$";
const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";
const URL: &str = r"^[A-Za-z0-9][A-Za-z0-9.+_:/@-]*/[A-Za-z0-9._-]*[A-Za-z0-9_-][/A-Za-z0-9._-]*$";

// A macro, since utoipa takes the name of a schema from the type, so each needs a type of its own.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $pattern:expr, $least:expr, $most:expr, $about:literal, $example:literal;)+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .pattern(Some($pattern))
                        .min_length(Some($least))
                        .max_length(Some($most))
                        .description(Some($about))
                        .examples([Value::from($example)])
                        .into()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

texts! {
    /// See the schema.
    EmailText = EMAIL, 3, TEXT_MAX, "An email address of the form name@domain, compared without case.", "jd@opsera.io";
    /// See the schema.
    ProjectIdText = NOT_BLANK, 1, TEXT_MAX, "The unique key of a project.", "2322345";
    /// See the schema.
    UnitKeyText = NOT_BLANK, 1, TEXT_MAX, "The unique key of a unit.", "R&D";
    /// See the schema.
    UnitReferenceText = NOT_BLANK, 1, URL_MAX, "A reference to a unit: its key, external id, path (\"Opsera/R&D\") or unique name, looked up in this order.", "R&D";
    /// See the schema.
    MappingIdText = UUID, 36, 36, "The id of a mapping, a UUIDv7.", "019ab3c5-2f7e-7c11-9d1c-0a4be3a1f3aa";
    /// See the schema.
    NameText = NOT_BLANK, 1, TEXT_MAX, "A name.", "Phase 2";
    /// See the schema.
    MaybeText = MAYBE_BLANK, 0, TEXT_MAX, "A text; an empty or blank one means null.", "Phase 2";
    /// See the schema.
    UrlText = URL, 1, URL_MAX, "The URL of a repository, compared without scheme, user, .git and trailing slash.", "https://github.com/Opsera/web-portal.git";
}

/// All schemas of texts with their names.
pub(super) fn schemas() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        ("EmailText", EmailText::schema()),
        ("ProjectIdText", ProjectIdText::schema()),
        ("UnitKeyText", UnitKeyText::schema()),
        ("UnitReferenceText", UnitReferenceText::schema()),
        ("MappingIdText", MappingIdText::schema()),
        ("NameText", NameText::schema()),
        ("MaybeText", MaybeText::schema()),
        ("UrlText", UrlText::schema()),
        ("UnitReference", UnitReference::schema()),
        ("End", End::schema()),
    ]
}

/// The schema of a text that is not blank.
pub(crate) fn not_blank() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(NOT_BLANK)).min_length(Some(1)).into()
}

macro_rules! texts_or_paths {
    ($($(#[$doc:meta])* $name:ident = $most:expr, $about:literal, $example:literal;)+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let text = ObjectBuilder::new()
                        .schema_type(Type::String)
                        .pattern(Some(NOT_BLANK))
                        .min_length(Some(1))
                        .max_length(Some($most))
                        .build();
                    let path = ArrayBuilder::new().items(NameText::schema()).min_items(Some(1)).build();
                    AnyOfBuilder::new()
                        .item(text)
                        .item(path)
                        .description(Some($about))
                        .examples([Value::from($example)])
                        .into()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

texts_or_paths! {
    /// See the schema.
    UnitReference = TEXT_MAX, "A reference to a unit: its key, external id, path (\"Opsera/R&D\") or unique name, looked up in this order; or a path as an array of names, from an ancestor downwards.", "R&D";
    /// See the schema.
    End = TEXT_MAX, "A reference to a record: an email, a project id, or the key, external id, path or unique name of a unit. A path may be an array of names, from an ancestor downwards.", "2322345";
}
