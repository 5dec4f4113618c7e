//! Every schema of records and bodies in the OpenAPI document, by name.

use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

use crate::wire::column::Columns;
use crate::wire::describe::{
    BodyKind, body, given, list, maybe_list, object, one_of_two, placed_body, record, with_attributes,
};
use crate::wire::field::{InputSchema, Need};
use crate::wire::level::LEVELS;
use crate::wire::stamps::STAMPS;
use crate::wire::text::{self, not_blank};
use crate::wire::{asset, mapping, person, project, unit};

/// What projects are given beside the fields of their table.
static GIVEN_ASSETS: [InputSchema; 1] =
    [InputSchema::new("assets", "AssetsGiven", Need::Optional, "What it consists of.")];

/// The schema of this name, which must be one of [`all`].
pub(crate) fn named(name: &str) -> RefOr<Schema> {
    let found = all().into_iter().find(|(known, _)| *known == name);
    found.expect("every name in the code is one of these").1
}

/// All of them, with their names.
pub(crate) fn all() -> Vec<(&'static str, RefOr<Schema>)> {
    let schemas =
        records().into_iter().chain(lists()).chain(people_and_projects()).chain(assets()).chain(units());
    let schemas = schemas.chain(mappings()).map(|(name, schema)| (name, schema.into()));
    schemas.chain(text::schemas()).collect()
}

type Named = (&'static str, Schema);

fn records() -> Vec<Named> {
    // Levels and stamps are described once for all.
    let is_shared = |name: &str| LEVELS.iter().chain(&STAMPS).any(|column| column.name == name);
    let own = |columns: &'static Columns| -> Vec<_> {
        columns.all.iter().copied().filter(|column| !is_shared(column.name)).collect()
    };
    let (placed, plain) = (["Levels", "Stamps"], ["Stamps"]);
    vec![
        ("Person", record("A person.", &placed, &own(&person::COLUMNS))),
        (
            "Project",
            record("A project, with its repositories and services.", &placed, &own(&project::COLUMNS)),
        ),
        ("OrgUnit", record("A unit of the hierarchy.", &plain, &own(&unit::COLUMNS))),
        (
            "Descendant",
            record(
                "A unit beneath another, where a walk from the top meets it.",
                &["OrgUnit"],
                &unit::WALK.iter().collect::<Vec<_>>(),
            ),
        ),
        ("Mapping", record("A mapping between two records.", &plain, &own(&mapping::COLUMNS))),
        (
            "Repository",
            record(
                "A repository, with the project it belongs to.",
                &["AssetRepository", "Stamps"],
                &[&asset::PROJECT],
            ),
        ),
        (
            "Levels",
            object(
                "The five level fields: the name of the nearest unit of that type above, or null.",
                &LEVELS,
            ),
        ),
        ("Stamps", object("When a record was made and changed, and when it holds.", &STAMPS)),
        ("Totals", object("What is beneath a unit, at any depth, each counted once.", &unit::TOTALS_OF_UNIT)),
    ]
}

fn lists() -> Vec<Named> {
    vec![
        ("PersonList", list("Person")),
        ("ProjectList", list("Project")),
        ("RepositoryList", list("Repository")),
        ("MappingList", list("Mapping")),
        ("UnitList", list("OrgUnit")),
        ("DescendantList", list("Descendant")),
    ]
}

fn people_and_projects() -> Vec<Named> {
    let person = |about, of| placed_body(about, of, &person::FIELDS, &[]);
    let project = |about, of| placed_body(about, of, &project::FIELDS, &GIVEN_ASSETS);
    vec![
        ("PersonInput", person("A new person.", BodyKind::New)),
        ("PersonPatch", person("What is to change of a person.", BodyKind::Change)),
        ("ProjectInput", project("A new project.", BodyKind::New)),
        ("ProjectReplacement", project("A project as it is to be.", BodyKind::Whole)),
        ("ProjectPatch", project("What is to change of a project.", BodyKind::Change)),
        ("ProjectOwner", object("Who answers for a project.", &project::OWNER)),
        (
            "OwnerInput",
            given(
                "Who answers for a project; need not be a known person.",
                BodyKind::Change,
                &project::GIVEN_OWNER,
            )
            .into(),
        ),
    ]
}

fn assets() -> Vec<Named> {
    let repository =
        given("A repository: a name or a url, or both.", BodyKind::New, &asset::GIVEN_REPOSITORY);
    let mut service =
        given("A service: a name or an identifier, or both.", BodyKind::New, &asset::GIVEN_SERVICE);
    let dependencies = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let dependencies = dependencies.description(Some("What it depends on, in any form.")).build();
    service.properties.insert("dependencies".to_owned(), dependencies.into());
    let lists = ObjectBuilder::new()
        .description(Some("What a project consists of."))
        .property("repositories", maybe_list("Its repositories, all of them.", "RepositoryInput"))
        .property("services", maybe_list("Its services, all of them.", "ServiceInput"));
    let part = || Ref::from_schema_name("AssetsInput");
    let either = AnyOfBuilder::new()
        .item(part())
        .item(ArrayBuilder::new().items(part()).build())
        .description(Some("One object, or an array of objects with one of the two lists each."));
    vec![
        ("Assets", object("What a project consists of.", &asset::LISTS)),
        ("AssetRepository", object("A repository, as its project shows it.", &asset::REPOSITORY)),
        ("AssetService", object("A service, as its project shows it.", &asset::SERVICE)),
        ("AssetsInput", lists.into()),
        ("AssetsGiven", either.into()),
        ("RepositoryInput", one_of_two(repository, "name", "url", &not_blank())),
        ("ServiceInput", one_of_two(service, "name", "identifier", &not_blank())),
    ]
}

fn units() -> Vec<Named> {
    let mut new =
        with_attributes(body("A new unit: a name or a key, or both.", BodyKind::New, &unit::FIELDS));
    let parent = InputSchema::new(
        "parent",
        "UnitReference",
        Need::Optional,
        "The one unit above it. Several are given as `parents`.",
    );
    new.properties.extend(given("", BodyKind::New, [&parent]).properties);
    let mut patch = with_attributes(body("What is to change of a unit.", BodyKind::Change, &unit::FIELDS));
    let parents = maybe_list("The units directly above it, all of them.", "UnitReference");
    patch.properties.insert("parents".to_owned(), Schema::from(parents).into());
    vec![("UnitInput", one_of_two(new, "name", "key", &not_blank())), ("UnitPatch", patch.into())]
}

fn mappings() -> Vec<Named> {
    let words = |about: &str, words: &[&str]| -> Object {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(about))
            .enum_values(Some(words.iter().copied()))
            .build()
    };
    let either = AnyOfBuilder::new()
        .item(Ref::from_schema_name("EndsInput"))
        .item(Ref::from_schema_name("LinkInput"))
        .description(Some("Edition A names both ends, edition B a parent and a child."));
    let ends = body("Two known records, and how they belong together.", BodyKind::New, &mapping::FIELDS);
    let patch = body("What is to change of a mapping.", BodyKind::Change, &mapping::FIELDS);
    let link = given(
        "A unit, and a unit directly beneath it; either is made where it does not exist.",
        BodyKind::New,
        &mapping::GIVEN_LINK,
    );
    vec![
        ("MappingInput", either.into()),
        ("EndsInput", with_attributes(ends).into()),
        ("LinkInput", with_attributes(link).into()),
        ("MappingPatch", with_attributes(patch).into()),
        (
            "MappingTypeWord",
            words(
                "What a mapping connects.",
                &["parent-child", "project-people", "project-member", "project-org", "people-org"],
            )
            .into(),
        ),
        (
            "RelationshipWord",
            words(
                "How many of one end go with how many of the other.",
                &["many-to-many", "many-to-one", "one-to-one", "one-to-many", "org-hierarchy"],
            )
            .into(),
        ),
    ]
}
