//! All OpenAPI schemas of records and request bodies, by name.

use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

use crate::wire::columns::Columns;
use crate::wire::describe::{
    BodyKind, body, input_object, list, maybe_list, object, one_of_two, placed_body, record, with_attributes,
};
use crate::wire::field::{InputSchema, Need};
use crate::wire::level::LEVELS;
use crate::wire::stamps::STAMPS;
use crate::wire::text::{self, not_blank};
use crate::wire::{asset, mapping, person, project, unit};

/// The field of project bodies that is not in the table of the project.
static ASSETS_INPUT: [InputSchema; 1] = [InputSchema::new(
    "assets",
    "AssetsGiven",
    Need::Optional,
    "The repositories and services of the project.",
)];

/// The schema with this name, which must be one of [`all`].
pub(crate) fn named(name: &str) -> RefOr<Schema> {
    let found = all().into_iter().find(|(known, _)| *known == name);
    found.expect("every name in the code is one of these").1
}

/// All schemas with their names.
pub(crate) fn all() -> Vec<(&'static str, RefOr<Schema>)> {
    let schemas =
        records().into_iter().chain(lists()).chain(people_and_projects()).chain(assets()).chain(units());
    let schemas = schemas.chain(mappings()).map(|(name, schema)| (name, schema.into()));
    schemas.chain(text::schemas()).collect()
}

type Named = (&'static str, Schema);

fn records() -> Vec<Named> {
    // Level fields and stamps have schemas of their own, which records include by `allOf`, so that generated clients
    // get one type for them.
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
                "A descendant of a unit, with its depth and the parent through which it was reached.",
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
                "The five level fields: the name of the nearest ancestor of each level, or null.",
                &LEVELS,
            ),
        ),
        ("Stamps", object("Timestamps, validity and revision of a record.", &STAMPS)),
        (
            "Totals",
            object(
                "The totals of the subtree of a unit, at any depth; each record is counted once.",
                &unit::TOTALS_OF_UNIT,
            ),
        ),
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
    let project = |about, of| placed_body(about, of, &project::FIELDS, &ASSETS_INPUT);
    vec![
        ("PersonInput", person("A new person.", BodyKind::New)),
        ("PersonPatch", person("A merge patch of a person (RFC 7396).", BodyKind::Change)),
        ("ProjectInput", project("A new project.", BodyKind::New)),
        (
            "ProjectReplacement",
            project("A complete replacement of a project; absent fields are removed.", BodyKind::Whole),
        ),
        ("ProjectPatch", project("A merge patch of a project (RFC 7396).", BodyKind::Change)),
        ("ProjectOwner", object("The owner of a project.", &project::OWNER)),
        (
            "OwnerInput",
            input_object(
                "The owner of a project; need not be a person in the directory.",
                BodyKind::Change,
                &project::OWNER_INPUT,
            )
            .into(),
        ),
    ]
}

fn assets() -> Vec<Named> {
    let repository = input_object(
        "A repository. Requires a name, a URL, or both.",
        BodyKind::New,
        &asset::REPOSITORY_INPUT,
    );
    let mut service = input_object(
        "A service. Requires a name, an identifier, or both.",
        BodyKind::New,
        &asset::SERVICE_INPUT,
    );
    let dependencies = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let dependencies = dependencies.description(Some("The dependencies of the service: any JSON.")).build();
    service.properties.insert("dependencies".to_owned(), dependencies.into());
    let lists = ObjectBuilder::new()
        .description(Some("The repositories and services of a project. Each list replaces the stored one."))
        .property("repositories", maybe_list("All repositories of the project.", "RepositoryInput"))
        .property("services", maybe_list("All services of the project.", "ServiceInput"));
    let part = || Ref::from_schema_name("AssetsInput");
    // Both forms are in the published API, see `asset`.
    let either = AnyOfBuilder::new()
        .item(part())
        .item(ArrayBuilder::new().items(part()).build())
        .description(Some("An object with both lists, or an array of objects with one list each."));
    vec![
        ("Assets", object("The repositories and services of a project.", &asset::LISTS)),
        ("AssetRepository", object("A repository of a project.", &asset::REPOSITORY)),
        ("AssetService", object("A service of a project.", &asset::SERVICE)),
        ("AssetsInput", lists.into()),
        ("AssetsGiven", either.into()),
        ("RepositoryInput", one_of_two(repository, "name", "url", &not_blank())),
        ("ServiceInput", one_of_two(service, "name", "identifier", &not_blank())),
    ]
}

fn units() -> Vec<Named> {
    let mut new =
        with_attributes(body("A new unit. Requires a name, a key, or both.", BodyKind::New, &unit::FIELDS));
    let parent = InputSchema::new(
        "parent",
        "UnitReference",
        Need::Optional,
        "The parent of the unit. Use `parents` for several.",
    );
    new.properties.extend(input_object("", BodyKind::New, [&parent]).properties);
    let mut patch =
        with_attributes(body("A merge patch of a unit (RFC 7396).", BodyKind::Change, &unit::FIELDS));
    let parents = maybe_list("All parents of the unit; the list replaces the stored one.", "UnitReference");
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
        .description(Some("A mapping of two existing records, or a link between two units."));
    let ends = body("A mapping between two existing records.", BodyKind::New, &mapping::FIELDS);
    let patch = body("A merge patch of a mapping (RFC 7396).", BodyKind::Change, &mapping::FIELDS);
    let link = input_object(
        "A link between a unit and its parent. Units that do not exist are created.",
        BodyKind::New,
        &mapping::LINK_INPUT,
    );
    vec![
        ("MappingInput", either.into()),
        ("EndsInput", with_attributes(ends).into()),
        ("LinkInput", with_attributes(link).into()),
        ("MappingPatch", with_attributes(patch).into()),
        (
            "MappingTypeWord",
            words(
                "The type of a mapping. `project-member` is an alias of `project-people`.",
                &["parent-child", "project-people", "project-member", "project-org", "people-org"],
            )
            .into(),
        ),
        (
            "RelationshipWord",
            words(
                "The cardinality of a mapping.",
                &["many-to-many", "many-to-one", "one-to-one", "one-to-many", "org-hierarchy"],
            )
            .into(),
        ),
    ]
}
