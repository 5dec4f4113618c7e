//! The shapes of lists and problems, for the OpenAPI document alone: records say their own.

use crate::server::rest::unit_tree::TreeRecord;
use crate::wire::asset::RepositoryRecord;
use crate::wire::mapping::MappingRecord;
use crate::wire::person::PersonRecord;
use crate::wire::project::ProjectRecord;
use crate::wire::unit::{DescendantRecord, UnitRecord};
use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The hierarchy, as a list or as a tree; without units it is both.
pub(super) struct HierarchyAnswer;

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

macro_rules! lists {
    ($($name:ident of $record:ident, $what:literal;)+) => {
        $(
            #[doc = concat!("The ", $what, " that match.")]
            #[derive(ToSchema)]
            #[expect(dead_code, reason = "only its schema is used")]
            pub(super) struct $name {
                /// How many match in all.
                count: u64,
                /// Those of this page.
                data: Vec<$record<'static>>,
                /// Where the next page begins, if there is one.
                #[schema(nullable = false)]
                cursor: Option<String>,
            }
        )+
    };
}

lists! {
    PersonList of PersonRecord, "people";
    ProjectList of ProjectRecord, "projects";
    RepositoryList of RepositoryRecord, "repositories";
    MappingList of MappingRecord, "mappings";
    UnitList of UnitRecord, "units";
    DescendantList of DescendantRecord, "units beneath another";
}

/// A refusal (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Problem {
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
