//! Generator of random small organizations with many data-quality findings, as plain records and as a directory.

use clade::exchange::command_of_line;
use clade::model::command::{Beneath, Command, Delete, DeleteUnit, IfExists, PersonRef, ProjectRef};
use clade::model::entity::Body;
use clade::model::reference::UnitRef;
use clade::{Directory, EntityId, View};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};

const TYPES: [&str; 7] = ["organization", "business", "department", "group", "team", "tribe", "squad"];
const NAMES: [&str; 5] = ["Web", "WEB", "Büro", "büro", "Core"];
/// Spellings of a few people.
const EMAILS: [&str; 22] = [
    "ab@x",
    "a.b@x",
    "A_B@x",
    "a-b@x",
    "ab+1@x",
    "ab+2@x",
    "a.b+1@x",
    "+ab@x",
    "ab@y",
    "a.b@y",
    "c@x",
    "c+@x",
    "C+d+e@x",
    "-@x",
    ".@x",
    "_.@x",
    "-+1@x",
    "é.é@x",
    "éé@x",
    "É_é+1@x",
    "c@x-y",
    "c@xy",
];

#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) key: String,
    pub(crate) name: &'static str,
    pub(crate) of_type: &'static str,
    pub(crate) parents: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) email: &'static str,
    pub(crate) external_id: Option<&'static str>,
    pub(crate) names: [Option<&'static str>; 2],
    pub(crate) homes: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) owner: Option<&'static str>,
    /// Each with its normalized form.
    pub(crate) urls: Vec<(String, String)>,
    pub(crate) homes: Vec<usize>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Org {
    pub(crate) units: Vec<Unit>,
    pub(crate) people: Vec<Person>,
    pub(crate) projects: Vec<Project>,
}

pub(crate) fn org() -> impl Strategy<Value = Org> {
    let homes = || vec(0..100_usize, 0..3);
    let unit = (0..NAMES.len(), 0..TYPES.len(), homes());
    let person = (0..EMAILS.len(), of(0..2_usize), [of(0..2_usize), of(0..2_usize)], homes());
    let project = (of(0..EMAILS.len()), vec((0..3_usize, 0..4_usize), 0..4), homes());
    (vec(unit, 1..12), vec(person, 0..14), vec(project, 0..8)).prop_map(|(units, people, projects)| {
        let mut org = Org::default();
        for (at, (name, of_type, parents)) in units.into_iter().enumerate() {
            let (key, parents) = (format!("u{at}"), places(&parents, at));
            org.units.push(Unit { key, name: NAMES[name], of_type: TYPES[of_type], parents });
        }
        for (email, external_id, names, homes) in people {
            let email = EMAILS[email];
            if org.people.iter().all(|person| person.email.to_lowercase() != email.to_lowercase()) {
                let external_id = external_id.map(|at| ["hr-1", "HR-1"][at]);
                let names = names.map(|at| at.map(|at| ["Ada", "ADA"][at]));
                org.people.push(Person { email, external_id, names, homes: places(&homes, org.units.len()) });
            }
        }
        for (at, (owner, urls, homes)) in projects.into_iter().enumerate() {
            let (id, homes) = (format!("p{at}"), places(&homes, org.units.len()));
            let mut urls: Vec<_> = urls.into_iter().map(|(number, spelling)| url(number, spelling)).collect();
            urls.sort_by(|one, other| one.1.cmp(&other.1));
            urls.dedup_by(|one, other| one.1 == other.1);
            org.projects.push(Project { id, owner: owner.map(|at| EMAILS[at]), urls, homes });
        }
        org
    })
}

fn url(number: usize, spelling: usize) -> (String, String) {
    let spelled = match spelling {
        0 => format!("https://Host/r{number}.git"),
        1 => format!("git@host:r{number}"),
        2 => format!("ssh://git@host:22/r{number}/"),
        _ => format!("host/r{number}"),
    };
    (spelled, format!("host/r{number}"))
}

/// A random permutation of the indexes less than `count`.
fn places(drawn: &[usize], count: usize) -> Vec<usize> {
    let mut places: Vec<_> = drawn.iter().filter(|_| count > 0).map(|drawn| drawn % count).collect();
    places.sort_unstable();
    places.dedup();
    places
}

impl Org {
    pub(crate) fn view(&self) -> View {
        self.directory().view()
    }

    pub(crate) fn directory(&self) -> Directory {
        let directory = Directory::in_memory().unwrap();
        let command = |line: Value| command_of_line(line.to_string().as_bytes(), IfExists::Merge).unwrap();
        directory.apply(self.lines().into_iter().map(command).collect::<Vec<_>>()).unwrap();
        directory
    }

    fn lines(&self) -> Vec<Value> {
        let keys =
            |units: &[usize]| units.iter().map(|unit| self.units[*unit].key.clone()).collect::<Vec<_>>();
        let mut lines = Vec::new();
        for Unit { key, name, of_type, parents } in &self.units {
            lines.push(json!({"kind": "orgUnit", "key": key, "name": name, "type": of_type, "parents": keys(parents)}));
        }
        let place = |of_type: &str, own: &str, unit: String| json!({"kind": "mapping", "mappingType": of_type, "attribute1": own, "attribute2": unit});
        for Person { email, external_id, names: [first, last], homes } in &self.people {
            lines.push(json!({"kind": "person", "email": email, "externalId": external_id, "firstName": first, "lastName": last}));
            lines.extend(keys(homes).into_iter().map(|unit| place("people-org", email, unit)));
        }
        for Project { id, owner, urls, homes } in &self.projects {
            let urls: Vec<_> = urls.iter().map(|(url, _)| json!({"url": url})).collect();
            let owner = owner.map(|email| json!({"email": email}));
            lines.push(json!({"kind": "project", "projectId": id, "projectName": id, "projectOwner": owner, "assets": {"repositories": urls}}));
            lines.extend(keys(homes).into_iter().map(|unit| place("project-org", id, unit)));
        }
        lines
    }

    /// The part that is visible from a unit, as an organization of its own.
    pub(crate) fn seen_from(&self, top: Option<usize>) -> Self {
        let Some(top) = top else { return self.clone() };
        let mut seen = vec![top];
        // Parents come before their children.
        for (at, unit) in self.units.iter().enumerate() {
            if unit.parents.iter().any(|parent| seen.contains(parent)) && !seen.contains(&at) {
                seen.push(at);
            }
        }
        seen.sort_unstable();
        let left = |units: &[usize]| {
            units.iter().filter_map(|unit| seen.iter().position(|seen| seen == unit)).collect::<Vec<_>>()
        };
        let unit = |at: &usize| Unit { parents: left(&self.units[*at].parents), ..self.units[*at].clone() };
        let person = |it: &Person| Person { homes: left(&it.homes), ..it.clone() };
        let project = |it: &Project| Project { homes: left(&it.homes), ..it.clone() };
        Self {
            units: seen.iter().map(unit).collect(),
            people: self.people.iter().map(person).filter(|it| !it.homes.is_empty()).collect(),
            projects: self.projects.iter().map(project).filter(|it| !it.homes.is_empty()).collect(),
        }
    }
}

/// Deletes a record, if that is allowed.
pub(crate) fn delete(directory: &Directory, id: EntityId) {
    let view = directory.view();
    let command = match &view.entity(id).unwrap().body {
        Body::OrgUnit(unit) => {
            let (target, beneath) = (UnitRef::Key(unit.key.clone()), Beneath::Lift);
            Command::DeleteUnit(DeleteUnit { target, if_revision: None, beneath })
        }
        Body::Person(person) => {
            let target = PersonRef::Email(person.email.clone());
            Command::DeletePerson(Delete { target, if_revision: None })
        }
        Body::Project(project) => {
            let target = ProjectRef::ProjectId(project.project_id.clone());
            Command::DeleteProject(Delete { target, if_revision: None })
        }
        Body::Repository(_) | Body::Service(_) => return,
    };
    let _refused = directory.apply(command);
}
