//! Types that represent the OpenAPI schemas of records, bodies and lists, for use in `utoipa::path` attributes.

use std::borrow::Cow;

use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::server::rest::unit_tree::TreeRecord;
use crate::wire::schema;

// The schemas are built at run time from column tables, while `utoipa::path` refers to types only; hence a type for
// each name.
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

/// The hierarchy as a list or as a tree.
// `anyOf`, not `oneOf`: without units the response is valid as either.
pub(crate) struct HierarchyAnswer;

impl PartialSchema for HierarchyAnswer {
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .item(Ref::from_schema_name("MappingList"))
            .item(Ref::from_schema_name("Tree"))
            .description(Some("The parent-child mappings; with `view=tree`, the units as a nested tree."))
            .into()
    }
}

impl ToSchema for HierarchyAnswer {
    // utoipa finds nested schemas in derived types only; a manual impl has to list them.
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("Tree".to_owned(), TreeRecord::schema()));
        TreeRecord::schemas(schemas);
    }
}

/// An error (problem details, RFC 9457). Some errors have additional members.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Problem {
    /// The description of the code on a page of this server.
    #[schema(example = "/errors#missing-field")]
    r#type: String,
    /// The reason phrase of the HTTP status.
    title: String,
    /// The HTTP status code.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A stable code for programs.
    #[schema(example = "missing-field")]
    code: String,
    /// What was wrong, with the value, and what would be right. For people; may change between releases.
    #[schema(example = "email is required")]
    detail: String,
    /// The field or parameter at fault, if there is one.
    #[schema(nullable = false)]
    field: Option<String>,
}
