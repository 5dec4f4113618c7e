//! The names by which operations speak of the schemas of records, bodies and lists in the OpenAPI document.

use std::borrow::Cow;

use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::server::rest::unit_tree::TreeRecord;
use crate::wire::schema;

macro_rules! named {
    ($($name:ident = $schema:literal;)+) => {
        $(
            #[doc = concat!("The schema `", $schema, "`.")]
            pub(crate) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    schema::named($schema)
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    $schema.into()
                }
            }
        )+
    };
}

named! {
    PersonRecord = "Person";
    PersonList = "PersonList";
    PersonInput = "PersonInput";
    PersonPatch = "PersonPatch";
    ProjectRecord = "Project";
    ProjectList = "ProjectList";
    ProjectInput = "ProjectInput";
    ProjectReplacement = "ProjectReplacement";
    ProjectPatch = "ProjectPatch";
    UnitRecord = "OrgUnit";
    UnitList = "UnitList";
    UnitInput = "UnitInput";
    UnitPatch = "UnitPatch";
    DescendantList = "DescendantList";
    RepositoryList = "RepositoryList";
    MappingRecord = "Mapping";
    MappingList = "MappingList";
    MappingInput = "MappingInput";
    MappingPatch = "MappingPatch";
    LinkInput = "LinkInput";
}

/// The hierarchy, as a list or as a tree; without units it is both.
pub(crate) struct HierarchyAnswer;

impl PartialSchema for HierarchyAnswer {
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .item(Ref::from_schema_name("MappingList"))
            .item(Ref::from_schema_name("Tree"))
            .description(Some("The parent-child mappings, or with view=tree the units, nested."))
            .into()
    }
}

impl ToSchema for HierarchyAnswer {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("Tree".to_owned(), TreeRecord::schema()));
        TreeRecord::schemas(schemas);
    }
}

/// A refusal (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Problem {
    /// Always `about:blank`: `code` says which problem it is.
    #[schema(example = "about:blank")]
    r#type: String,
    /// The phrase of the status.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A stable word for programs.
    #[schema(example = "missing-field")]
    code: String,
    /// What was wrong, with the value, and what would be right.
    #[schema(example = "email is required")]
    detail: String,
    /// The field to blame, where there is one.
    #[schema(nullable = false)]
    field: Option<String>,
}
