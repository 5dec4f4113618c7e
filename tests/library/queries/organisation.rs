//! Generator of random small organizations, as plain records and as a directory.

use std::collections::HashMap;

use clade::model::attributes::AttributesPatch;
use clade::model::command::{
    Command, Create, EndRef, IfExists, MappingFields, OwnerFields, Patch, PersonFields, ProjectFields,
    RepositoryFields, ServiceFields, UnitFields,
};
use clade::model::key::{ExternalId, Name, ServiceIdentifier, UnitKey};
use clade::model::mapping::{MappingType, Relationship};
use clade::model::repo_url::RepoUrl;
use clade::model::{Email, ProjectId, UnitRef, UnitType};
use clade::query::Field;
use clade::{Directory, EntityId, Kind, View};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Names that differ only in case, and in different scripts.
const NAMES: [&str; 7] = ["Ada", "ada", "BÜRO", "büro", "R&D", "a/b", "研究"];
const TYPES: [&str; 6] = ["organization", "business", "department", "group", "team", "tribe"];
/// Fields of mappings.
pub(crate) const SOURCES: [&str; 2] = ["HR", "hr"];
const EXTERNAL_IDS: [&str; 3] = ["hr-1", "HR-1", "pm 2"];
pub(crate) const PEOPLE_MAX: usize = 6;

/// A record as it was created, with its neighbours by their indexes in [`Org::nodes`].
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) texts: HashMap<Field, String>,
    /// The names of the owner of a project.
    pub(crate) owner_names: Vec<String>,
    /// The parent units; empty for an asset.
    pub(crate) holders: Vec<usize>,
    pub(crate) members: Vec<usize>,
    /// The project of an asset.
    pub(crate) project: Option<usize>,
    /// The tie breaker of records with equal values.
    pub(crate) key: [String; 3],
}

#[derive(Debug, Clone)]
pub(crate) struct Org {
    /// Each kind in creation order.
    pub(crate) nodes: Vec<Node>,
    /// Records that are updated once more.
    touched: Vec<usize>,
}

#[derive(Debug, Clone)]
struct DrawnUnit {
    name: usize,
    unit_type: usize,
    external_id: Option<usize>,
    parents: Vec<usize>,
}

#[derive(Debug, Clone)]
struct DrawnPerson {
    names: [Option<usize>; 3],
    external_id: Option<usize>,
    homes: Vec<usize>,
}

#[derive(Debug, Clone)]
struct DrawnProject {
    name: usize,
    owner: Option<(usize, Option<usize>)>,
    homes: Vec<usize>,
    members: Vec<usize>,
    /// Host, number and spelling of a URL.
    repositories: Vec<(usize, usize, usize)>,
    services: Vec<(usize, Option<usize>)>,
}

pub(crate) fn org() -> impl Strategy<Value = Org> {
    let name = 0..NAMES.len();
    let external_id = of(0..EXTERNAL_IDS.len());
    let units = vec((name.clone(), 0..TYPES.len(), external_id.clone(), vec(0..100_usize, 0..3)), 1..9)
        .prop_map(|units| {
            units
                .into_iter()
                .map(|(name, unit_type, external_id, parents)| DrawnUnit {
                    name,
                    unit_type,
                    external_id,
                    parents,
                })
                .collect::<Vec<_>>()
        });
    let names = [of(name.clone()), of(name.clone()), of(name.clone())];
    let people = vec((names, external_id, vec(0..100_usize, 0..3)), 1..=PEOPLE_MAX).prop_map(|people| {
        people
            .into_iter()
            .map(|(names, external_id, homes)| DrawnPerson { names, external_id, homes })
            .collect::<Vec<_>>()
    });
    let projects = vec(
        (
            name.clone(),
            of((0..PEOPLE_MAX, of(name.clone()))),
            vec(0..100_usize, 0..3),
            vec(0..100_usize, 0..4),
            vec((0..2_usize, 0..3_usize, 0..4_usize), 0..3),
            vec((name, of(0..3_usize)), 0..3),
        ),
        0..9,
    )
    .prop_map(|projects| {
        projects
            .into_iter()
            .map(|(name, owner, homes, members, repositories, services)| DrawnProject {
                name,
                owner,
                homes,
                members,
                repositories,
                services,
            })
            .collect::<Vec<_>>()
    });
    (units, people, projects, vec(0..100_usize, 0..4))
        .prop_map(|(units, people, projects, touched)| Org::of(&units, &people, &projects, &touched))
}

/// The email of a person, in random case.
pub(crate) fn email(person: usize) -> String {
    if person.is_multiple_of(2) { format!("Ada{person}@x") } else { format!("ada{person}@X") }
}

pub(crate) fn url(host: usize, number: usize, spelling: usize) -> String {
    match spelling {
        0 => format!("https://H{host}/r{number}.git"),
        1 => format!("git@h{host}:r{number}"),
        2 => format!("https://h{host}/r{number}/"),
        _ => format!("h{host}/r{number}"),
    }
}

/// A permutation of the indexes less than `count`, beginning at `from`.
fn places(drawn: &[usize], from: usize, count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = Vec::new();
    for place in drawn.iter().filter(|_| count > 0).map(|drawn| from + drawn % count) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

impl Node {
    fn new(kind: Kind, key: [String; 3], texts: impl IntoIterator<Item = (Field, Option<String>)>) -> Self {
        let texts = texts.into_iter().filter_map(|(field, text)| Some((field, text?))).collect();
        let (owner_names, holders, members) = (Vec::new(), Vec::new(), Vec::new());
        Self { kind, texts, owner_names, holders, members, project: None, key }
    }
}

impl Org {
    fn of(units: &[DrawnUnit], people: &[DrawnPerson], projects: &[DrawnProject], touched: &[usize]) -> Self {
        let name = |at: usize| Some(NAMES[at].to_owned());
        let external = |at: Option<usize>| at.map(|at| EXTERNAL_IDS[at].to_owned());
        let alone = |key: String| [key, String::new(), String::new()];
        let mut nodes = Vec::new();
        for (at, unit) in units.iter().enumerate() {
            // Keys that do not sort as they were made.
            let key = format!("{}u{at}", ["b", "a/", ""][at % 3]);
            let texts = [
                (Field::Key, Some(key.clone())),
                (Field::Name, name(unit.name)),
                (Field::Type, Some(TYPES[unit.unit_type].to_owned())),
                (Field::ExternalId, external(unit.external_id)),
            ];
            let holders = places(&unit.parents, 0, at);
            nodes.push(Node { holders, ..Node::new(Kind::OrgUnit, alone(key), texts) });
        }
        for (at, person) in people.iter().enumerate() {
            let [first, last, display] = person.names;
            let texts = [
                (Field::Email, Some(email(at))),
                (Field::FirstName, first.and_then(name)),
                (Field::LastName, last.and_then(name)),
                (Field::DisplayName, display.and_then(name)),
                (Field::ExternalId, external(person.external_id)),
            ];
            let holders = places(&person.homes, 0, units.len());
            nodes.push(Node { holders, ..Node::new(Kind::Person, alone(email(at).to_lowercase()), texts) });
        }
        for (at, project) in projects.iter().enumerate() {
            let id = format!("{}{at}", ["p", "P", "q"][at % 3]);
            let place = nodes.len();
            // An owner need be nobody that is known, and is spelled as it pleases.
            let owner = project.owner.map(|(person, _)| email(person + at % 2).to_uppercase());
            let texts = [
                (Field::ProjectId, Some(id.clone())),
                (Field::Name, name(project.name)),
                (Field::OwnerEmail, owner),
            ];
            nodes.push(Node {
                owner_names: project.owner.and_then(|(_, named)| name(named?)).into_iter().collect(),
                holders: places(&project.homes, 0, units.len()),
                members: places(&project.members, units.len(), people.len()),
                ..Node::new(Kind::Project, alone(id.clone()), texts)
            });
            let mut known = Vec::new();
            for &(host, number, spelling) in &project.repositories {
                if known.contains(&(host, number)) {
                    continue;
                }
                known.push((host, number));
                let (url, name) = (url(host, number, spelling), format!("r{number}"));
                let key = [id.clone(), url.clone(), name.clone()];
                let texts = [
                    (Field::Name, Some(name)),
                    (Field::Platform, Some(format!("h{host}"))),
                    (Field::Url, Some(url)),
                ];
                nodes.push(Node { project: Some(place), ..Node::new(Kind::Repository, key, texts) });
            }
            for (number, &(named, identifier)) in project.services.iter().enumerate() {
                let name = format!("{} {number}", NAMES[named]);
                let identifier = identifier.map(|of| format!("svc-{of}-{number}"));
                let key = [id.clone(), identifier.clone().unwrap_or_default(), name.clone()];
                let texts = [(Field::Name, Some(name)), (Field::Identifier, identifier)];
                nodes.push(Node { project: Some(place), ..Node::new(Kind::Service, key, texts) });
            }
        }
        let touched = places(touched, 0, nodes.len());
        Self { nodes, touched }
    }

    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(move |at| self.nodes[*at].kind == kind)
    }

    fn text(&self, node: usize, field: Field) -> Option<&str> {
        self.nodes[node].texts.get(&field).map(String::as_str)
    }

    fn name(&self, node: usize, field: Field) -> Patch<Name> {
        Patch::clear_or_set(self.text(node, field).map(|name| Name::parse(name).unwrap()))
    }

    fn external_id(&self, node: usize) -> Patch<ExternalId> {
        let id = self.text(node, Field::ExternalId);
        Patch::clear_or_set(id.map(|id| ExternalId::parse(id).unwrap()))
    }

    fn unit(&self, node: usize) -> UnitFields {
        UnitFields {
            key: self.text(node, Field::Key).map(|key| UnitKey::parse(key).unwrap()),
            name: self.text(node, Field::Name).map(|name| Name::parse(name).unwrap()),
            unit_type: self.text(node, Field::Type).map(|named| UnitType::parse(named).unwrap()),
            external_id: self.external_id(node),
            attributes: AttributesPatch::Keep,
            parents: Some(
                self.nodes[node].holders.iter().map(|unit| UnitRef::Key(self.key(*unit))).collect(),
            ),
        }
    }

    fn person(&self, node: usize) -> PersonFields {
        PersonFields {
            email: Some(self.email(node)),
            first_name: self.name(node, Field::FirstName),
            last_name: self.name(node, Field::LastName),
            display_name: self.name(node, Field::DisplayName),
            external_id: self.external_id(node),
            ..PersonFields::default()
        }
    }

    fn project(&self, node: usize) -> ProjectFields {
        let owner = OwnerFields {
            first_name: Patch::clear_or_set(
                self.nodes[node].owner_names.first().map(|name| Name::parse(name).unwrap()),
            ),
            last_name: Patch::Clear,
            email: Patch::clear_or_set(
                self.text(node, Field::OwnerEmail).map(|email| Email::parse(email).unwrap()),
            ),
        };
        let assets = |kind| self.of_kind(kind).filter(move |at| self.nodes[*at].project == Some(node));
        let repositories = assets(Kind::Repository).map(|at| {
            RepositoryFields::at(RepoUrl::parse(self.text(at, Field::Url).unwrap()).unwrap()).unwrap()
        });
        let services = assets(Kind::Service).map(|at| ServiceFields {
            name: Name::parse(self.text(at, Field::Name).unwrap()).unwrap(),
            identifier: self.text(at, Field::Identifier).map(|of| ServiceIdentifier::parse(of).unwrap()),
            dependencies: None,
            external_id: None,
            attributes: AttributesPatch::Keep,
        });
        ProjectFields {
            project_id: Some(self.project_id(node)),
            name: self.text(node, Field::Name).map(|name| Name::parse(name).unwrap()),
            owner: Patch::Set(owner),
            repositories: Patch::Set(repositories.collect()),
            services: Patch::Set(services.collect()),
            ..ProjectFields::default()
        }
    }

    fn key(&self, unit: usize) -> UnitKey {
        UnitKey::parse(self.text(unit, Field::Key).unwrap()).unwrap()
    }

    fn email(&self, person: usize) -> Email {
        Email::parse(self.text(person, Field::Email).unwrap()).unwrap()
    }

    fn project_id(&self, project: usize) -> ProjectId {
        ProjectId::parse(self.text(project, Field::ProjectId).unwrap()).unwrap()
    }

    /// The command that creates or merges a record. Assets are part of their project's command.
    fn record(&self, at: usize, attributes: AttributesPatch) -> Option<Command> {
        let if_exists = IfExists::Merge;
        match self.nodes[at].kind {
            Kind::OrgUnit => {
                let fields = UnitFields { attributes, ..self.unit(at) };
                Some(Command::CreateUnit(Create { fields, if_exists }))
            }
            Kind::Person => {
                let fields = PersonFields { attributes, ..self.person(at) };
                Some(Command::CreatePerson(Create { fields, if_exists }))
            }
            Kind::Project => {
                let fields = ProjectFields { attributes, ..self.project(at) };
                Some(Command::CreateProject(Create { fields, if_exists }))
            }
            Kind::Repository | Kind::Service => None,
        }
    }

    fn mappings(&self, at: usize) -> Vec<Command> {
        let node = &self.nodes[at];
        let (mapping_type, own) = match node.kind {
            Kind::Person => (MappingType::PeopleOrg, EndRef::Person(self.email(at))),
            Kind::Project => (MappingType::ProjectOrg, EndRef::Project(self.project_id(at))),
            _ => return Vec::new(),
        };
        let placed = node.holders.iter().map(|unit| (mapping_type, EndRef::Unit(self.key(*unit))));
        let joined = node
            .members
            .iter()
            .map(|person| (MappingType::ProjectPeople, EndRef::Person(self.email(*person))));
        placed
            .chain(joined)
            .enumerate()
            .map(|(nth, (mapping_type, other))| {
                let source = SOURCES.get((at + nth) % 3).map(|source| Name::parse(source).unwrap());
                let fields = MappingFields {
                    source: Patch::clear_or_set(source),
                    relationship: Some(Relationship::ALL[(at * 3 + nth) % 4]),
                    mapping_type: Some(mapping_type),
                    from: Some(own.clone()),
                    to: Some(other),
                    ..MappingFields::default()
                };
                Command::CreateMapping(Create { fields, if_exists: IfExists::Merge })
            })
            .collect()
    }

    /// The organization as a directory.
    pub(crate) fn view(&self) -> View {
        let directory = Directory::in_memory().unwrap();
        let all = 0..self.nodes.len();
        let records = all.clone().filter_map(|at| self.record(at, AttributesPatch::Keep));
        let mappings = all.flat_map(|at| self.mappings(at));
        directory.apply(records.chain(mappings).collect::<Vec<_>>()).unwrap();
        for &at in &self.touched {
            let noted = AttributesPatch::Merge([("note".to_owned(), at.into())].into_iter().collect());
            if let Some(command) = self.record(at, noted) {
                directory.apply(command).unwrap();
            }
        }
        directory.view()
    }

    /// The number of each node.
    pub(crate) fn ids(&self, view: &View) -> Vec<EntityId> {
        let text = |at, field| self.text(at, field).unwrap();
        let mut ids: Vec<EntityId> = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            ids.push(match node.kind {
                Kind::OrgUnit => view.find_unit(&UnitRef::Text(text(at, Field::Key).to_owned())).unwrap(),
                Kind::Person => view.person_by_email(&Email::parse(text(at, Field::Email)).unwrap()).unwrap(),
                Kind::Project => {
                    view.project_by_id(&ProjectId::parse(text(at, Field::ProjectId)).unwrap()).unwrap()
                }
                Kind::Repository | Kind::Service => {
                    let project = node.project.unwrap();
                    let place =
                        self.of_kind(node.kind).filter(|other| self.nodes[*other].project == Some(project));
                    let place = place.take_while(|other| *other < at).count();
                    view.assets(ids[project], node.kind)[place]
                }
            });
        }
        ids
    }
}
