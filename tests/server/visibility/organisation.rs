//! Generator of random small organizations with matrix teams, records with two placements or none, duplicate names,
//! and history.

use std::fmt::Write as _;

use clade::access::Secret;
use clade::exchange::commands_of_lines;
use clade::model::command::{Command, Delete, MoveUnit, NewToken, PersonRef};
use clade::model::token::Role;
use clade::model::{Email, UnitRef};
use clade::{Directory, EntityId};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

const TYPES: [&str; 7] = ["organization", "business", "department", "group", "team", "squad", "tribe"];
const NAMES: [&str; 7] = ["Platform", "Retail", "Web", "Core", "Ops", "R&D", "A/B"];
const HOSTS: [&str; 3] = ["github.com", "gitlab.example", "git.example"];

/// A directory, and the secret of an admin token.
pub(crate) struct Organisation {
    pub(crate) directory: Directory,
    pub(crate) secret: String,
    units: usize,
}

impl Organisation {
    pub(crate) fn draw(rng: &mut StdRng) -> Self {
        let units = rng.random_range(2..10);
        let people = rng.random_range(0..8);
        let projects = rng.random_range(0..6);
        let mut lines = String::new();
        for unit in 0..units {
            draw_unit(rng, unit, &mut lines);
        }
        for person in 0..people {
            draw_person(rng, person, units, &mut lines);
        }
        for project in 0..projects {
            draw_project(rng, project, people, units, &mut lines);
        }
        let directory = super::empty();
        directory.apply(commands_of_lines(lines.as_bytes()).unwrap()).unwrap();
        for _ in 0..rng.random_range(0..4) {
            // Some cannot be done.
            let _refused = directory.apply(draw_change(rng, units, people));
        }
        let secret = keep(&directory, Role::Admin, None);
        Self { directory, secret, units }
    }

    /// The secret of a token that is limited to some units, and these units.
    pub(crate) fn narrow_token(&self, rng: &mut StdRng, role: Role) -> (String, Vec<EntityId>) {
        let view = self.directory.view();
        let units: Vec<_> =
            (0..rng.random_range(1..4)).map(|_| rng.random_range(0..self.units)).map(key).collect();
        let ids = units.iter().map(|key| view.org_unit(key.as_str()).unwrap().id()).collect();
        let references = units.into_iter().map(UnitRef::Text).collect();
        (keep(&self.directory, role, Some(references)), ids)
    }
}

fn keep(directory: &Directory, role: Role, units: Option<Vec<UnitRef>>) -> String {
    let secret = Secret::generate();
    let (id, hash) = (secret.id().clone(), secret.hash());
    let token = NewToken { id, hash, role, description: None, units, expires_at: None };
    directory.apply(Command::CreateToken(token)).unwrap();
    secret.reveal().to_owned()
}

pub(crate) fn key(unit: usize) -> String {
    format!("u{unit}")
}

pub(crate) fn email(person: usize) -> String {
    format!("Person{person}@corp.example")
}

/// Some of the items before, each at most once.
fn some(rng: &mut StdRng, of: usize, most: usize) -> Vec<usize> {
    let mut drawn: Vec<usize> =
        (0..rng.random_range(0..=most)).filter(|_| of > 0).map(|_| rng.random_range(0..of)).collect();
    drawn.sort_unstable();
    drawn.dedup();
    drawn
}

fn draw_unit(rng: &mut StdRng, unit: usize, lines: &mut String) {
    let (name, unit_type) = (NAMES.choose(rng).unwrap(), TYPES.choose(rng).unwrap());
    let parents: Vec<_> = some(rng, unit, 2).into_iter().map(key).collect();
    let external =
        if rng.random_bool(0.3) { format!(r#","externalId":"hr-{}""#, unit % 4) } else { String::new() };
    writeln!(
        lines,
        r#"{{"kind":"orgUnit","key":"{}","name":"{name}","type":"{unit_type}","parents":{parents:?}{external}}}"#,
        key(unit)
    )
    .unwrap();
}

fn draw_person(rng: &mut StdRng, person: usize, units: usize, lines: &mut String) {
    let email = email(person);
    let first = ["Ada", "Bob", "Cem"].choose(rng).unwrap();
    writeln!(lines, r#"{{"kind":"person","email":"{email}","firstName":"{first}","lastName":"Last{person}","desk":{person}}}"#)
        .unwrap();
    for unit in some(rng, units, 2) {
        writeln!(
            lines,
            r#"{{"kind":"mapping","mappingType":"people-org","attribute1":"{email}","attribute2":"{}"}}"#,
            key(unit)
        )
        .unwrap();
    }
}

fn draw_project(rng: &mut StdRng, project: usize, people: usize, units: usize, lines: &mut String) {
    let owner = match rng.random_range(0..3) {
        0 if people > 0 => format!(r#","projectOwner":{{"email":"{}"}}"#, email(rng.random_range(0..people))),
        1 => r#","projectOwner":{"email":"out@side.example","firstName":"Out"}"#.to_owned(),
        _ => String::new(),
    };
    // Two projects may claim the same repository, and the same service.
    let repositories: Vec<_> = some(rng, 5, 2)
        .into_iter()
        .map(|at| {
            format!(r#"{{"url":"https://{}/corp/repo{at}.git","platform":"{0}"}}"#, HOSTS[at % HOSTS.len()])
        })
        .collect();
    let services: Vec<_> = some(rng, 4, 2)
        .into_iter()
        .map(|at| format!(r#"{{"name":"Service {at}","identifier":"service-{at}","dependencies":["db"]}}"#))
        .collect();
    writeln!(
        lines,
        r#"{{"kind":"project","projectId":"p{project}","projectName":"{} {project}"{owner},"assets":{{"repositories":[{}],"services":[{}]}}}}"#,
        NAMES.choose(rng).unwrap(),
        repositories.join(","),
        services.join(",")
    )
    .unwrap();
    for unit in some(rng, units, 2) {
        writeln!(
            lines,
            r#"{{"kind":"mapping","mappingType":"project-org","attribute1":"p{project}","attribute2":"{}"}}"#,
            key(unit)
        )
        .unwrap();
    }
    for person in some(rng, people, 3) {
        writeln!(lines, r#"{{"kind":"mapping","mappingType":"project-people","attribute1":"p{project}","attribute2":"{}"}}"#, email(person))
            .unwrap();
    }
}

fn draw_change(rng: &mut StdRng, units: usize, people: usize) -> Command {
    if people == 0 || rng.random_bool(0.6) {
        let mut unit = || UnitRef::Text(key(rng.random_range(0..units)));
        let (unit, to) = (unit(), unit());
        return Command::MoveUnit(MoveUnit { unit, to, from: None, if_revision: None });
    }
    let target = PersonRef::Email(Email::parse(&email(rng.random_range(0..people))).unwrap());
    Command::DeletePerson(Delete { target, if_revision: None })
}
