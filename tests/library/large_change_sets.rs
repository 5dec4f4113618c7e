//! Large change sets, which are written to the store while they are planned: the result equals that of small change
//! sets, and they stay atomic.

use std::collections::BTreeMap;

use clade::directory::Totals;
use clade::model::command::{Beneath, Command, Delete, DeleteUnit, Effect, MoveUnit, ProjectRef};
use clade::model::{IntoCommand, ProjectId, UnitRef};
use clade::{
    CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, Directory, EntityId, Error, Kind, Revision,
    View,
};

/// Number of units, of people and of projects: far above the limit of a small change set.
const MANY: usize = 700;

fn unit(at: usize) -> String {
    format!("unit {at}")
}

/// Commands that create units below earlier ones, some with two parents, with people and projects in them.
fn all_made() -> Vec<Command> {
    let mut commands = Vec::new();
    let mut push = |command: Result<Command, Error>| commands.push(command.unwrap());
    for at in 0..MANY {
        let made = CreateOrgUnit::new(&unit(at), "team");
        push(if at == 0 { made } else { made.under(unit((at - 1) / 3).as_str()) }.into_command());
    }
    for at in (2..MANY).step_by(5) {
        push(CreateMapping::parent_child(&unit(at / 4), &unit(at)).or_update().into_command());
    }
    for at in 0..MANY {
        let email = format!("person{at}@corp.example");
        push(CreatePerson::new(&email).or_update().under(&unit(at * 7 % MANY)).into_command());
        let id = format!("project {at}");
        let url = format!("https://github.com/corp/{at}");
        let project = CreateProject::new(&id, &id).or_update().repository(&url);
        push(project.under(&unit(at * 11 % MANY)).into_command());
        push(CreateMapping::project_in(&id, &unit(at * 13 % MANY)).or_update().into_command());
        push(CreateMapping::member(&id, &email).or_update().into_command());
    }
    commands
}

/// Commands that move, unlink and delete.
fn all_moved() -> Vec<Command> {
    let mut commands = all_made();
    for at in (10..MANY).step_by(40) {
        let unit = UnitRef::from(unit(at).as_str());
        let to = UnitRef::from(self::unit(at / 9).as_str());
        let from = Some(UnitRef::from(self::unit((at - 1) / 3).as_str()));
        commands.push(Command::MoveUnit(MoveUnit { unit, to, from, if_revision: None }));
    }
    for at in (0..MANY).step_by(9) {
        let target = ProjectRef::ProjectId(ProjectId::parse(&format!("project {at}")).unwrap());
        commands.push(Command::DeleteProject(Delete { target, if_revision: None }));
    }
    for at in (20..MANY).step_by(50) {
        let target = UnitRef::from(unit(at).as_str());
        commands.push(Command::DeleteUnit(DeleteUnit { target, if_revision: None, beneath: Beneath::Lift }));
    }
    commands
}

/// The descendants of each unit, by its key.
fn totals(view: &View) -> BTreeMap<String, Totals> {
    view.all(Kind::OrgUnit).iter().map(|id| (view.label(EntityId(id)), view.totals(EntityId(id)))).collect()
}

#[test]
fn many_changes_at_once_leave_what_they_leave_one_by_one() {
    let (at_once, one_by_one) = (Directory::in_memory().unwrap(), Directory::in_memory().unwrap());
    let applied = at_once.apply(all_moved()).unwrap();
    for command in all_moved() {
        one_by_one.apply(command).unwrap();
    }
    assert_eq!(totals(&applied.view), totals(&one_by_one.view()));
    assert_eq!(at_once.check().unwrap().findings, Vec::<String>::new());
    assert_eq!(at_once.view().revision(), Revision(1));
    let more =
        || (0..3 * MANY).map(|at| CreatePerson::new(&format!("more{at}@corp.example")).under(&unit(at % 9)));
    let tried = one_by_one.dry_run(more()).unwrap().view;
    at_once.apply(more()).unwrap();
    assert_eq!(totals(&at_once.view()), totals(&tried), "a dry run shows the same");
    at_once.apply(CreatePerson::new("new@corp.example").under(&unit(1))).unwrap();
    assert_eq!(
        at_once.check().unwrap().findings,
        Vec::<String>::new(),
        "the writer's graph is the same again"
    );
}

#[test]
fn one_refusal_among_many_leaves_nothing() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
    let before = directory.view();
    let mut commands = all_made();
    commands.push(CreateMapping::member("project 1", "nobody@corp.example").into_command().unwrap());
    let refusal = directory.apply(commands).unwrap_err();
    assert!(matches!(&refusal, Error::Refused { refused, .. } if refused.len() == 1), "{refusal}");
    assert_eq!(before.differences(&directory.view()), Vec::<String>::new());
    assert_eq!(directory.log(Revision(1)).unwrap().count(), 1);
    let applied = directory.apply(all_made()).unwrap();
    assert_eq!(applied.view.revision(), Revision(2));
    assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
}

#[test]
fn many_changes_that_are_none_make_no_revision() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(all_made()).unwrap();
    let again = directory.apply(all_made().split_off(MANY)).unwrap();
    assert!(again.outcomes.iter().all(|outcome| outcome.effect == Effect::Unchanged));
    assert_eq!(again.view.revision(), Revision(1));
    assert_eq!(directory.log(Revision(1)).unwrap().count(), 1);
}
