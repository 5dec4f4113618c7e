//! The shapes of bodies, for the OpenAPI document alone: what is read by hand is described here.

use crate::server::rest::schema_text::{
    EmailText, EndText, MaybeText, NameText, ProjectIdText, UnitKeyText, UnitReferenceText, UrlText,
};
use serde_json::Value;
use utoipa::ToSchema;

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
        /// What it consists of; also taken as an array of objects with one of the two lists each.
        assets: Option<AssetsInput>,
    }
);
levels_and!(
    /// What is to change of a project. PUT needs its name.
    ProjectPatch {
        /// Unique among projects.
        #[schema(nullable = false)]
        project_id: Option<ProjectIdText>,
        /// What people call it.
        #[schema(nullable = false)]
        project_name: Option<NameText>,
        /// Who answers for it.
        project_owner: Option<OwnerInput>,
        /// What it consists of; also taken as an array of objects with one of the two lists each.
        assets: Option<AssetsInput>,
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

/// A repository: a name or a url, or both.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct RepositoryInput {
    /// What people call it; the end of the url where it is not given.
    name: NameText,
    /// Where it is hosted; the host of the url where it is not given.
    platform: Option<MaybeText>,
    /// Where it is.
    url: Option<UrlText>,
}

/// A service: a name or an identifier, or both.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceInput {
    /// What people call it; the identifier where it is not given.
    name: NameText,
    /// What machines call it.
    identifier: Option<MaybeText>,
    /// What it depends on, in any form.
    #[schema(value_type = Value)]
    dependencies: Option<Value>,
    /// What another system calls it.
    external_id: Option<MaybeText>,
}

/// A new unit: a name or a key, or both.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
pub(super) struct UnitInput {
    /// Unique among units; the name where it is not given, or the path where that is taken.
    #[schema(nullable = false)]
    key: Option<UnitKeyText>,
    /// What people call it.
    name: NameText,
    /// organization, business, department, group, team, or any other word. One level beneath its parent when not given.
    #[schema(nullable = false)]
    r#type: Option<NameText>,
    /// What another system calls it.
    external_id: Option<MaybeText>,
    /// The one unit above it.
    parent: Option<UnitReferenceText>,
    /// Further fields. A field that has no name here is kept among them too.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Value>,
}

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
    parents: Option<Vec<UnitReferenceText>>,
    /// Further fields. A field that has no name here is kept among them too.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Value>,
}

/// A mapping, in either edition of the published API.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(untagged)]
pub(super) enum MappingInput {
    /// Edition A.
    #[schema(title = "EditionA")]
    Ends(EndsInput),
    /// Edition B.
    #[schema(title = "EditionB")]
    Link(LinkInput),
}

/// Two known records, and how they belong together.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(rename_all = "camelCase")]
pub(super) struct EndsInput {
    /// The parent, the project, or for people-org the person. For project-people in either order.
    attribute1: EndText,
    /// The child, the person, or for placements the unit.
    attribute2: EndText,
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
    attribute1: Option<EndText>,
    /// The child, the person, or for placements the unit.
    #[schema(nullable = false)]
    attribute2: Option<EndText>,
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
    parent: EndText,
    /// Its type: a level, root, or any other word.
    parent_type: Option<MaybeText>,
    /// The lower one.
    child: EndText,
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
