//! The shapes of bodies, for the OpenAPI document alone: what is read by hand is described here.

use crate::server::rest::schema_text::{
    EmailText, End, MaybeText, NameText, ProjectIdText, UnitKeyText, UnitReference, UrlText, not_blank,
};
use serde_json::Value;
use utoipa::openapi::schema::{AllOfBuilder, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

macro_rules! levels_and {
    ($(#[$doc:meta])* $name:ident { $($body:tt)* }) => {
        $(#[$doc])*
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $name {
            $($body)*
            /// What another system calls it. Need not be unique.
            external_id: Option<MaybeText>,
            /// The five levels are a path: each is found, or made, beneath the one before it.
            organization: Option<MaybeText>,
            /// Beneath the organization.
            business: Option<MaybeText>,
            /// Beneath the business.
            department: Option<MaybeText>,
            /// Beneath the department.
            group: Option<MaybeText>,
            /// Beneath the group.
            team: Option<MaybeText>,
            /// Further fields. A field that has no name here is kept among them too.
            #[schema(value_type = Option<Object>)]
            attributes: Option<Value>,
        }
    };
}

/// An object that must have one of two fields, or both.
macro_rules! one_of_two {
    ($name:ident of $body:ident, $one:literal or $other:literal) => {
        #[doc = concat!("Has ", $one, " or ", $other, ", or both.")]
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let needs = |field: &str| ObjectBuilder::new().property(field, not_blank()).required(field);
                let either = AnyOfBuilder::new().item(needs($one)).item(needs($other));
                AllOfBuilder::new().item($body::schema()).item(either).into()
            }
        }

        impl ToSchema for $name {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $body::schemas(schemas);
            }
        }
    };
}

levels_and!(
    /// A new person.
    PersonInput {
        /// Unique among people.
        email: EmailText,
        /// Given name.
        first_name: Option<MaybeText>,
        /// Family name.
        last_name: Option<MaybeText>,
        /// The name to show.
        display_name: Option<MaybeText>,
    }
);
levels_and!(
    /// What is to change of a person.
    PersonPatch {
        /// Unique among people.
        #[schema(nullable = false)]
        email: Option<EmailText>,
        /// Given name.
        first_name: Option<MaybeText>,
        /// Family name.
        last_name: Option<MaybeText>,
        /// The name to show.
        display_name: Option<MaybeText>,
    }
);
levels_and!(
    /// A new project.
    ProjectInput {
        /// Unique among projects.
        project_id: ProjectIdText,
        /// What people call it.
        project_name: NameText,
        /// Who answers for it.
        project_owner: Option<OwnerInput>,
        /// What it consists of.
        assets: Option<AssetsGiven>,
    }
);
levels_and!(
    /// A project as it is to be.
    ProjectReplacement {
        /// Unique among projects; as it is when not given.
        #[schema(nullable = false)]
        project_id: Option<ProjectIdText>,
        /// What people call it.
        project_name: NameText,
        /// Who answers for it.
        project_owner: Option<OwnerInput>,
        /// What it consists of.
        assets: Option<AssetsGiven>,
    }
);
levels_and!(
    /// What is to change of a project.
    ProjectPatch {
        /// Unique among projects.
        #[schema(nullable = false)]
        project_id: Option<ProjectIdText>,
        /// What people call it.
        #[schema(nullable = false)]
        project_name: Option<NameText>,
        /// Who answers for it.
        project_owner: Option<OwnerInput>,
        /// What it consists of.
        assets: Option<AssetsGiven>,
    }
);

/// Who answers for a project; need not be a known person.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
pub(super) struct OwnerInput {
    /// Given name.
    first_name: Option<MaybeText>,
    /// Family name.
    last_name: Option<MaybeText>,
    /// Leads to the person, where one has this address.
    email: Option<EmailText>,
}

/// What a project consists of.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct AssetsInput {
    /// Its repositories, all of them.
    repositories: Option<Vec<RepositoryInput>>,
    /// Its services, all of them.
    services: Option<Vec<ServiceInput>>,
}

/// The same as one object, or as an array of objects with one of the two lists each.
pub(super) struct AssetsGiven;

impl PartialSchema for AssetsGiven {
    fn schema() -> RefOr<Schema> {
        let part = || Ref::from_schema_name("AssetsInput");
        AnyOfBuilder::new()
            .item(part())
            .item(ArrayBuilder::new().items(part()).build())
            .description(Some("One object, or an array of objects with one of the two lists each."))
            .into()
    }
}

impl ToSchema for AssetsGiven {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("AssetsInput".to_owned(), AssetsInput::schema()));
        AssetsInput::schemas(schemas);
    }
}

/// A repository: a name or a url, or both.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct RepositoryBody {
    /// What people call it; the end of the url where it is not given.
    name: Option<MaybeText>,
    /// Where it is hosted; the host of the url where it is not given.
    platform: Option<MaybeText>,
    /// Where it is.
    url: Option<UrlText>,
}

one_of_two!(RepositoryInput of RepositoryBody, "name" or "url");

/// A service: a name or an identifier, or both.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
struct ServiceBody {
    /// What people call it; the identifier where it is not given.
    name: Option<MaybeText>,
    /// What machines call it.
    identifier: Option<MaybeText>,
    /// What it depends on, in any form.
    #[schema(value_type = Value, required = false)]
    dependencies: Option<Value>,
    /// What another system calls it.
    external_id: Option<MaybeText>,
}

one_of_two!(ServiceInput of ServiceBody, "name" or "identifier");

/// A new unit: a name or a key, or both.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
struct UnitBody {
    /// Unique among units; the name where it is not given.
    key: Option<UnitKeyText>,
    /// What people call it; the key where it is not given.
    name: Option<NameText>,
    /// organization, business, department, group, team, or any other word. One level beneath its parent when not given.
    r#type: Option<NameText>,
    /// What another system calls it.
    external_id: Option<MaybeText>,
    /// The one unit above it. Several are given as `parents`.
    parent: Option<UnitReference>,
    /// Further fields. A field that has no name here is kept among them too.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Value>,
}

one_of_two!(UnitInput of UnitBody, "name" or "key");

/// What is to change of a unit.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
pub(super) struct UnitPatch {
    /// Unique among units.
    #[schema(nullable = false)]
    key: Option<UnitKeyText>,
    /// What people call it.
    #[schema(nullable = false)]
    name: Option<NameText>,
    /// organization, business, department, group, team, or any other word.
    #[schema(nullable = false)]
    r#type: Option<NameText>,
    /// What another system calls it.
    external_id: Option<MaybeText>,
    /// The units directly above it, all of them.
    parents: Option<Vec<UnitReference>>,
    /// Further fields. A field that has no name here is kept among them too.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Value>,
}

/// A mapping in either edition of the published API, or as an answer has it, in both.
pub(super) struct MappingInput;

impl PartialSchema for MappingInput {
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .item(Ref::from_schema_name("EndsInput"))
            .item(Ref::from_schema_name("LinkInput"))
            .description(Some("Edition A names both ends, edition B a parent and a child."))
            .into()
    }
}

impl ToSchema for MappingInput {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("EndsInput".to_owned(), EndsInput::schema()));
        EndsInput::schemas(schemas);
        schemas.push(("LinkInput".to_owned(), LinkInput::schema()));
        LinkInput::schemas(schemas);
    }
}

/// Two known records, and how they belong together.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
pub(super) struct EndsInput {
    /// The parent, the project, or for people-org the person. For project-people in either order.
    attribute1: End,
    /// The child, the person, or for placements the unit.
    attribute2: End,
    /// Told from the two ends when not given.
    mapping_type: Option<MappingTypeWord>,
    /// The type's own when not given.
    relationship: Option<RelationshipWord>,
    /// Which system says so.
    source: Option<MaybeText>,
    /// Further fields. A field that has no name here is kept among them too.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Value>,
}

/// What is to change of a mapping.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
pub(super) struct MappingPatch {
    /// The parent, the project, or for people-org the person.
    #[schema(nullable = false)]
    attribute1: Option<End>,
    /// The child, the person, or for placements the unit.
    #[schema(nullable = false)]
    attribute2: Option<End>,
    /// How.
    relationship: Option<RelationshipWord>,
    /// Which system says so.
    source: Option<MaybeText>,
    /// Further fields. A field that has no name here is kept among them too.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Value>,
}

/// A unit, and a unit directly beneath it; either is made where it does not exist.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkInput {
    /// The upper one.
    parent: UnitReference,
    /// Its type: a level, root, or any other word.
    parent_type: Option<MaybeText>,
    /// The lower one.
    child: UnitReference,
    /// Its type.
    child_type: Option<MaybeText>,
    /// Which system says so.
    source: Option<MaybeText>,
    /// Further fields. A field that has no name here is kept among them too.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Value>,
}

/// What a mapping connects.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "kebab-case")]
pub(super) enum MappingTypeWord {
    /// A unit, and a unit directly beneath it.
    ParentChild,
    /// A project, and a person who works on it.
    ProjectPeople,
    /// The same, by its other name.
    ProjectMember,
    /// A project, and a unit that it is placed in.
    ProjectOrg,
    /// A person, and a unit that the person is placed in.
    PeopleOrg,
}

/// How many of one end go with how many of the other.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "kebab-case")]
pub(super) enum RelationshipWord {
    /// Any number on both sides.
    ManyToMany,
    /// Many of the first, one of the second.
    ManyToOne,
    /// One of each.
    OneToOne,
    /// One of the first, many of the second.
    OneToMany,
    /// A parent and a child of the hierarchy.
    OrgHierarchy,
}
