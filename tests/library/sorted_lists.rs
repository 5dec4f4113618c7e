//! Sorted lists stay sorted while records are created, renamed, updated and deleted.

use clade::model::command::{Command, Delete, ProjectFields, ProjectRef, Update};
use clade::model::text::Collated;
use clade::model::{Mapping, ProjectId};
use clade::query::{
    Field, MappingFilter, MappingOrder, MappingOrderBy, MappingPageRequest, Order, OrderBy, PageRequest,
    mappings, page,
};
use clade::{
    CreateMapping, CreatePerson, CreateProject, DeleteProject, Directory, EntityId, Kind, UpdateMapping,
    UpdateProject, View,
};

const PROJECTS: usize = 40;
const WORDS: [&str; 5] = ["amber", "Birch", "ärmel", "Amber", "cedar"];

fn reference(id: &str) -> ProjectRef {
    ProjectRef::ProjectId(ProjectId::parse(id).unwrap())
}

/// Projects with duplicate names, each with a repository whose name is a duplicate too.
fn project(id: &str, number: usize) -> CreateProject {
    let word = WORDS[number % WORDS.len()];
    CreateProject::new(id, word).repository(&format!("https://{word}.example/{}", number % 3))
}

fn collated(text: String) -> Collated<'static> {
    Collated(text.into())
}

/// The sort key of a record, and its tie breaker.
fn standing(view: &View, id: EntityId, by: OrderBy) -> (Option<Collated<'static>>, [String; 2]) {
    let entity = view.entity(id).unwrap();
    let value = match by {
        OrderBy::Created => unreachable!("not asked for here"),
        OrderBy::Updated => Some(collated(format!("{:020}", entity.stamps.updated_at.as_millis()))),
        OrderBy::Field(field) => field.text(entity).map(str::to_owned).map(collated),
    };
    let project = view.entity(entity.owning_project().unwrap_or(id)).unwrap().as_project().unwrap();
    let url = Field::Url.text(entity).unwrap_or_default();
    (value, [project.project_id.as_str().to_owned(), url.to_owned()])
}

fn must_be_in_order(view: &View, step: usize) {
    let asked = [
        (Kind::Project, OrderBy::Field(Field::Name)),
        (Kind::Project, OrderBy::Field(Field::ProjectId)),
        (Kind::Project, OrderBy::Field(Field::OwnerEmail)),
        (Kind::Project, OrderBy::Updated),
        (Kind::Repository, OrderBy::Field(Field::Name)),
        (Kind::Repository, OrderBy::Field(Field::Platform)),
    ];
    for (kind, by) in asked {
        for descending in [false, true] {
            let order = Order { by, descending };
            let listed = page(view, view.all(kind), order, &PageRequest::default()).unwrap().ids;
            let mut expected: Vec<_> = view.all(kind).iter().map(EntityId).collect();
            expected.sort_by(|a, b| {
                let [(a, a_key), (b, b_key)] = [a, b].map(|id| standing(view, *id, by));
                let values = match (a, b) {
                    (Some(a), Some(b)) if descending => b.cmp(&a),
                    (Some(a), Some(b)) => a.cmp(&b),
                    (a, b) => a.is_none().cmp(&b.is_none()),
                };
                values.then(a_key.cmp(&b_key))
            });
            assert_eq!(listed, expected, "step {step}: {kind} by {order:?}");
        }
    }
}

#[test]
fn lists_follow_every_change() {
    let directory = Directory::in_memory().unwrap();
    directory.apply((0..PROJECTS).map(|at| project(&format!("p{at}"), at))).unwrap();
    for step in 0..200 {
        // The published graph and the writer's change places with each commit: both must have followed.
        must_be_in_order(&directory.view(), step);
        let id = format!("p{}", step * 7 % PROJECTS);
        let changed = match step % 5 {
            0 => {
                directory.apply(Command::DeleteProject(Delete { target: reference(&id), if_revision: None }))
            }
            1 => directory.apply(project(&format!("new-{step}"), step)),
            2 => {
                // Its repositories are told from others by the project's id.
                let project_id = Some(ProjectId::parse(&format!("{}-{id}", step % 13)).unwrap());
                let fields = ProjectFields { project_id, ..ProjectFields::default() };
                directory.apply(Command::UpdateProject(Update {
                    target: reference(&id),
                    fields,
                    if_revision: None,
                }))
            }
            _ => directory.apply(project(&id, step * 3).or_update()),
        };
        assert!(changed.is_ok() || step >= PROJECTS, "step {step}: {changed:?}");
    }
}

#[test]
fn lists_follow_a_very_large_change_too() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(project("p", 1)).unwrap();
    must_be_in_order(&directory.view(), 0);
    directory.apply((0..2_000).map(|at| project(&format!("q{at}"), at))).unwrap();
    must_be_in_order(&directory.view(), 1);
    directory.apply(project("r", 7)).unwrap();
    must_be_in_order(&directory.view(), 2);
}

fn mappings_must_be_in_order(view: &View, step: usize) {
    let key = |id| view.label(id);
    let value = |by, mapping: &Mapping| match by {
        MappingOrderBy::Id => String::new(),
        MappingOrderBy::CreatedAt => format!("{:020}", mapping.stamps.created_at.as_millis()),
        MappingOrderBy::UpdatedAt => format!("{:020}", mapping.stamps.updated_at.as_millis()),
        MappingOrderBy::FromKey => key(mapping.from),
        MappingOrderBy::ToKey => key(mapping.to),
        MappingOrderBy::Type => mapping.mapping_type.as_str().to_owned(),
        MappingOrderBy::Relationship => mapping.relationship.as_str().to_owned(),
    };
    for by in MappingOrderBy::ALL {
        let order = MappingOrder { by, descending: step.is_multiple_of(2) };
        let page = mappings(view, &MappingFilter::default(), order, &MappingPageRequest::default()).unwrap();
        let mut expected = view.mappings();
        expected.sort_by_key(|mapping| (collated(value(by, mapping)), mapping.id));
        if order.descending {
            expected.reverse();
        }
        let ids: Vec<_> = expected.iter().map(|mapping| mapping.id).collect();
        let listed: Vec<_> = page.mappings.iter().map(|mapping| mapping.id).collect();
        assert_eq!((listed, page.count), (ids, expected.len() as u64), "step {step}: {order:?}");
    }
}

#[test]
fn lists_of_mappings_follow_every_change() {
    let directory = Directory::in_memory().unwrap();
    let project =
        |id: &str, number: usize| CreateProject::new(id, "P").under(&format!("Corp/{}", number % 3));
    directory.apply((0..20).map(|at| project(&format!("p{at}"), at))).unwrap();
    directory.apply((0..20).map(|at| CreatePerson::new(&format!("m{at}@corp.example")))).unwrap();
    for step in 0..120 {
        mappings_must_be_in_order(&directory.view(), step);
        let view = directory.view();
        let at = |count: usize| step * 7 % count.max(1);
        let some_project = || {
            let projects: Vec<_> = view.all(Kind::Project).iter().collect();
            view.label(EntityId(projects[at(projects.len())]))
        };
        let changed = match step % 6 {
            0 => directory.apply(project(&format!("new-{step}"), step)),
            1 | 2 => directory.apply(
                CreateMapping::member(&some_project(), &format!("m{}@corp.example", at(20))).or_update(),
            ),
            // Renamed: the keys of all its mappings change.
            3 => directory.apply(
                UpdateProject::new(some_project().as_str()).project_id(&format!("{}-{step}", step % 13)),
            ),
            4 => {
                let mappings = view.mappings();
                let mapping = UpdateMapping::new(mappings[at(mappings.len())].id);
                directory.apply(mapping.attribute("step", step))
            }
            _ => directory.apply(DeleteProject::new(some_project().as_str())),
        };
        changed.unwrap();
    }
    // A change set that is large in proportion to the directory drops the lists, and they are built anew.
    directory.apply((0..3_000).map(|at| project(&format!("many-{at}"), at))).unwrap();
    mappings_must_be_in_order(&directory.view(), 0);
}
