//! The generated organization twice, as a directory and as plain records, with the same changes applied to both.

use std::env;
use std::sync::LazyLock;

use clade::cli::demo_data::DemoData;
use clade::exchange::{command_of_line, commands_of_lines};
use clade::model::command::{
    Beneath, Command, Delete, DeleteUnit, IfExists, MoveUnit, Patch, PersonRef, ProjectFields, ProjectRef,
    Update,
};
use clade::model::{CreateMapping, Email, Name, ProjectId, UnitRef};
use clade::query::Field;
use clade::{Directory, EntityId, Kind, View};
use serde_json::json;

use super::plain_records::Plain;

/// Default number of entities.
const ENTITIES: u64 = 10_000;
/// One project in this many is renamed, and one in this many is deleted.
const RENAMED_ONE_IN: usize = 500;
const ENDED_ONE_IN: usize = 499;

/// Created once for all tests.
pub(crate) static ORG: LazyLock<Org> = LazyLock::new(|| {
    let entities = env::var("CLADE_TEST_ENTITIES").map_or(ENTITIES, |text| text.parse().unwrap());
    Org::of(entities)
});

pub(crate) struct Org {
    pub(crate) view: View,
    pub(crate) plain: Plain,
}

impl Org {
    fn of(entities: u64) -> Self {
        let mut lines = Vec::new();
        DemoData { entities, seed: 1 }.write(&mut lines).unwrap();
        let directory = Directory::in_memory().unwrap();
        directory.apply(commands_of_lines(&lines).unwrap()).unwrap();
        let mut plain = Plain::read(&lines);
        let view = directory.view();
        // From here on changes are made to the index of texts, too.
        view.warm_up();
        for kind in [Kind::OrgUnit, Kind::Person, Kind::Project] {
            for at in plain.of_kind(kind).collect::<Vec<_>>() {
                number(&mut plain, &view, at);
            }
        }
        drop(view);
        reorganise(&directory, &mut plain);
        end_some(&directory, &mut plain);
        rename_some(&directory, &mut plain);
        add_one(&directory, &mut plain);
        Self { view: directory.view(), plain }
    }
}

/// Finds a record by its key, with its assets.
fn number(plain: &mut Plain, view: &View, at: usize) {
    let text = |field| plain.text(at, field).unwrap();
    let id = match plain.records[at].kind {
        Kind::OrgUnit => view.find_unit(&UnitRef::Text(text(Field::Key).to_owned())).unwrap(),
        Kind::Person => view.person_by_email(&Email::parse(text(Field::Email)).unwrap()).unwrap(),
        _ => view.project_by_id(&ProjectId::parse(text(Field::ProjectId)).unwrap()).unwrap(),
    };
    plain.number(at, id);
    for kind in [Kind::Repository, Kind::Service] {
        let assets: Vec<_> = plain.records[at].assets.clone();
        let of_kind = assets.into_iter().filter(|asset| plain.records[*asset].kind == kind);
        let numbers =
            if plain.records[at].kind == Kind::Project { view.assets(id, kind) } else { Vec::new() };
        let pairs: Vec<_> = of_kind.zip(numbers).collect();
        for (asset, id) in pairs {
            plain.number(asset, id);
        }
    }
}

/// Moves a department to another business, gives teams a second parent, and deletes a group between two levels.
fn reorganise(directory: &Directory, plain: &mut Plain) {
    let [department, home, away] = ["d1", "b1", "b0"].map(|key| plain.at(key));
    let [unit, from, to] = [department, home, away].map(|at| UnitRef::Id(plain.records[at].id));
    directory.apply(Command::MoveUnit(MoveUnit { unit, to, from: Some(from), if_revision: None })).unwrap();
    plain.records[department].above = vec![away];

    let second: Vec<_> = (0..10).map(|n| ("d0".to_owned(), format!("t{}", n * 7 + 1))).collect();
    let commands = second.iter().map(|(parent, child)| CreateMapping::parent_child(parent, child));
    let outcome = directory.apply(commands.collect::<Vec<_>>());
    outcome.unwrap();
    for (parent, child) in &second {
        let (parent, child) = (plain.at(parent), plain.at(child));
        plain.records[child].above.push(parent);
    }

    let group = plain.at("g1");
    let target = UnitRef::Id(plain.records[group].id);
    let delete = DeleteUnit { target, if_revision: None, beneath: Beneath::Lift };
    directory.apply(Command::DeleteUnit(delete)).unwrap();
    let lifted_to = plain.records[group].above.clone();
    for record in &mut plain.records {
        if record.above.contains(&group) {
            record.above.extend(
                lifted_to.iter().filter(|upper| !record.above.contains(upper)).copied().collect::<Vec<_>>(),
            );
        }
    }
    plain.end(group);
}

fn end_some(directory: &Directory, plain: &mut Plain) {
    let some = |kind| -> Vec<usize> { plain.of_kind(kind).step_by(ENDED_ONE_IN).skip(1).collect() };
    let (projects, people) = (some(Kind::Project), some(Kind::Person));
    let id = |at: &usize| plain.records[*at].id;
    let end_project = |id| Command::DeleteProject(Delete { target: ProjectRef::Id(id), if_revision: None });
    let end_person = |id| Command::DeletePerson(Delete { target: PersonRef::Id(id), if_revision: None });
    let commands: Vec<_> =
        projects.iter().map(id).map(end_project).chain(people.iter().map(id).map(end_person)).collect();
    directory.apply(commands).unwrap();
    for at in projects.into_iter().chain(people) {
        plain.end(at);
    }
}

fn rename_some(directory: &Directory, plain: &mut Plain) {
    let renamed: Vec<usize> = plain.of_kind(Kind::Project).step_by(RENAMED_ONE_IN).collect();
    let name = |at: usize| format!("Über Amber {}", at % 7);
    let rename = |at: &usize| {
        let fields = ProjectFields {
            name: Some(Name::parse(&name(*at)).unwrap()),
            external_id: Patch::Clear,
            ..ProjectFields::default()
        };
        let target = ProjectRef::Id(plain.records[*at].id);
        Command::UpdateProject(Update { target, fields, if_revision: None })
    };
    directory.apply(renamed.iter().map(rename).collect::<Vec<_>>()).unwrap();
    for at in renamed {
        plain.records[at].texts.retain(|(field, _)| !matches!(field, Field::Name | Field::ExternalId));
        plain.records[at].texts.push((Field::Name, name(at)));
    }
}

fn add_one(directory: &Directory, plain: &mut Plain) {
    let line = json!({
        "kind": "project", "projectId": "late", "projectName": "Late amber",
        "assets": { "repositories": [{ "name": "late", "platform": "gitlab.com", "url": "https://gitlab.com/late.git" }] },
    });
    let placed =
        json!({ "kind": "mapping", "mappingType": "project-org", "attribute1": "late", "attribute2": "t0" });
    for line in [line, placed] {
        directory.apply(command_of_line(line.to_string().as_bytes(), IfExists::Refuse).unwrap()).unwrap();
        plain.take(&line);
    }
    let at = plain.at("late");
    number(plain, &directory.view(), at);
}

impl Org {
    /// The internal numbers of records.
    pub(crate) fn ids(&self, places: &[usize]) -> Vec<EntityId> {
        places.iter().map(|at| self.plain.records[*at].id).collect()
    }
}
