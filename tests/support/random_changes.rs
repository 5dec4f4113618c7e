//! Generator of random changes of every kind: single commands, change sets, large change sets, tokens, moves and
//! deletions.
//!
//! A change set begins and ends with a marker person that nothing else changes, so that a partly applied set is
//! detected.

use clade::access::Secret;
use clade::model::command::{
    Beneath, Command, Create, Delete, DeleteUnit, EndRef, IfExists, LinkUnits, MappingFields, MoveUnit,
    NewToken, PersonRef, ProjectRef, UnitFields, Update,
};
use clade::model::token::Role;
use clade::model::{
    CreateOrgUnit, CreatePerson, CreateProject, Email, IntoCommand, MappingType, ProjectId, UnitRef,
};
use rand::Rng;
use rand::rngs::StdRng;

/// Few names, so that most changes affect an existing record.
const NAMES: u32 = 12;
/// Number of commands of a large change set: enough for bulk planning in a store that is not large itself.
const LARGE: std::ops::Range<usize> = 1_100..1_400;

/// Commands of one change set.
pub(crate) struct RandomChangeSet {
    pub(crate) commands: Vec<Command>,
    /// Identifies the set by its marker persons. `None` for a single command.
    pub(crate) mark: Option<String>,
}

/// The marker persons of a set: its first and its last.
pub(crate) fn marks(mark: &str) -> [Email; 2] {
    ["first", "last"].map(|which| Email::parse(&format!("{which}@{mark}.mark.example")).unwrap())
}

/// The next random change; `name` is unique.
pub(crate) fn next(random: &mut StdRng, name: String) -> RandomChangeSet {
    match random.random_range(0..150) {
        0 => set(name, large(random)),
        1..85 => RandomChangeSet { commands: vec![command(random)], mark: None },
        _ => {
            let size = random.random_range(1..20);
            set(name, (0..size).map(|_| made(random)).collect())
        }
    }
}

fn set(mark: String, between: Vec<Command>) -> RandomChangeSet {
    let [first, last] = marks(&mark).map(|email| CreatePerson::new(email.as_str()).into_command().unwrap());
    let commands = std::iter::once(first).chain(between).chain([last]).collect();
    RandomChangeSet { commands, mark: Some(mark) }
}

fn large(random: &mut StdRng) -> Vec<Command> {
    let size = random.random_range(LARGE);
    let person =
        |at| CreatePerson::new(&format!("crowd{at}@x.example")).under("Crowd").or_update().into_command();
    (0..size).map(|at| person(at).unwrap()).collect()
}

fn unit(random: &mut StdRng) -> String {
    format!("u{}", random.random_range(0..NAMES))
}

fn person(random: &mut StdRng) -> String {
    format!("p{}@x.example", random.random_range(0..NAMES))
}

fn project(random: &mut StdRng) -> String {
    format!("j{}", random.random_range(0..NAMES))
}

/// A command that succeeds in any state of the directory.
fn made(random: &mut StdRng) -> Command {
    let under = format!("Corp/d{}", random.random_range(0..3));
    match random.random_range(0..4) {
        0 => CreatePerson::new(&person(random))
            .display_name(&text(random))
            .under(&under)
            .or_update()
            .into_command(),
        1 => CreateOrgUnit::new(&format!("{}-{}", unit(random), random.random::<u16>()), "team")
            .or_update()
            .into_command(),
        2 => {
            let project = CreateProject::new(&project(random), &text(random)).or_update();
            project.repository(&format!("https://h/{}", random.random::<u8>())).under(&under).into_command()
        }
        _ => Ok(Command::CreateToken(token())),
    }
    .unwrap()
}

pub(crate) fn token() -> NewToken {
    let secret = Secret::generate();
    let (id, hash) = (secret.id().clone(), secret.hash());
    NewToken { id, hash, role: Role::Read, description: None, units: None, expires_at: None }
}

/// Mostly a short text, sometimes one of the maximum length of a name.
fn text(random: &mut StdRng) -> String {
    let size = if random.random_ratio(1, 20) { 500 } else { 20 };
    (0..size).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect()
}

/// Any command, which may be refused.
fn command(random: &mut StdRng) -> Command {
    let reference = |name: String| UnitRef::Text(name);
    match random.random_range(0..9) {
        0 | 1 => made(random),
        2 => CreateOrgUnit::new(&unit(random), "team").into_command().unwrap(),
        3 => LinkUnits::new(unit(random).as_str(), unit(random).as_str()).into_command().unwrap(),
        4 => Command::MoveUnit(MoveUnit {
            unit: reference(unit(random)),
            to: reference(unit(random)),
            from: None,
            if_revision: None,
        }),
        5 => Command::UpdateUnit(Update {
            target: reference(unit(random)),
            fields: UnitFields { parents: Some(vec![reference(unit(random))]), ..UnitFields::default() },
            if_revision: None,
        }),
        6 => Command::CreateMapping(Create {
            fields: MappingFields {
                mapping_type: Some(MappingType::PeopleOrg),
                from: Some(EndRef::Text(person(random))),
                to: Some(EndRef::Text(unit(random))),
                ..MappingFields::default()
            },
            if_exists: IfExists::Refuse,
        }),
        7 => {
            let beneath = [Beneath::Refuse, Beneath::Lift, Beneath::End][random.random_range(0..3)];
            Command::DeleteUnit(DeleteUnit { target: reference(unit(random)), if_revision: None, beneath })
        }
        _ => end(random),
    }
}

fn end(random: &mut StdRng) -> Command {
    if random.random() {
        let target = PersonRef::Email(Email::parse(&person(random)).unwrap());
        Command::DeletePerson(Delete { target, if_revision: None })
    } else {
        let target = ProjectRef::ProjectId(ProjectId::parse(&project(random)).unwrap());
        Command::DeleteProject(Delete { target, if_revision: None })
    }
}
