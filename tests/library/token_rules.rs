//! Authorization in the library: what a principal's change may touch, and the rules for creating and updating tokens.

use std::time::Duration;

use clade::access::Secret;
use clade::model::command::{
    Beneath, Command, Delete, DeleteUnit, MoveUnit, NewToken, Patch, PersonRef, RotateToken, UpdateToken,
};
use clade::model::time::Timestamp;
use clade::model::token::{Actor, Author, JwtSubject, Role, Scope, Token, TokenId};
use clade::model::{
    CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, Email, IntoCommand, Name, UnitRef,
};
use clade::{Directory, Error};

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

fn directory() -> Directory {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreatePerson::new("ada@x").under("Corp/Lab/Core")).unwrap();
    directory.apply(CreatePerson::new("bob@x").under("Corp/Shop")).unwrap();
    directory.apply(CreateProject::new("engine", "Engine").under("Corp/Lab")).unwrap();
    directory
}

/// A principal that is limited to these units and their subtrees.
fn within(directory: &Directory, units: &[&str]) -> Author {
    let view = directory.view();
    let units: Vec<_> = units.iter().map(|unit| view.find_unit(&UnitRef::from(*unit)).unwrap()).collect();
    let actor = Actor::Jwt(JwtSubject::parse("idp|ada").unwrap());
    Author { actor, scope: Scope::Units(units.into()), ..Author::local() }
}

fn submit(directory: &Directory, author: &Author, command: impl IntoCommand) -> Result<(), Error> {
    directory.apply_as(author, command.into_command()?).map(drop)
}

fn new_token(units: Option<Vec<&str>>) -> NewToken {
    let secret = Secret::generate();
    let (id, hash) = (secret.id().clone(), secret.hash());
    let units = units.map(|units| units.into_iter().map(UnitRef::from).collect());
    NewToken { id, hash, role: Role::Read, description: None, units, expires_at: None }
}

fn token(directory: &Directory, id: &TokenId) -> Token {
    Token::clone(directory.view().token(id).unwrap())
}

#[test]
fn a_scoped_principal_changes_nothing_outside_its_scope_and_leaves_nothing_there() {
    let directory = directory();
    let author = within(&directory, &["Lab"]);
    let before = directory.view();
    let refused = |command: Command, code: &str| {
        let refusal = submit(&directory, &author, command.clone()).unwrap_err();
        assert_eq!(refusal.code(), code, "{command:?}: {refusal}");
        assert_eq!(before.differences(&directory.view()), Vec::<String>::new(), "{command:?}");
    };
    let unit = |name: &str| UnitRef::Text(name.to_owned());
    let made = |command: Result<Command, Error>| command.unwrap();
    refused(made(CreatePerson::new("cem@x").into_command()), "out-of-scope");
    refused(made(CreateProject::new("p", "P").into_command()), "out-of-scope");
    refused(made(CreateOrgUnit::new("Alone", "team").into_command()), "out-of-scope");
    refused(made(CreatePerson::new("cem@x").under("Corp/Shop").into_command()), "out-of-scope");
    refused(made(CreateMapping::member("engine", "bob@x").into_command()), "unknown-person");
    refused(made(CreateMapping::person_in("ada@x", "Shop").into_command()), "unknown-unit");
    let end = |target: &str| DeleteUnit { target: unit(target), if_revision: None, beneath: Beneath::End };
    refused(Command::DeleteUnit(end("Shop")), "not-found");
    // What is beneath would be left in no place that is seen.
    refused(Command::DeleteUnit(end("Core")), "out-of-scope");
    let out = MoveUnit { unit: unit("Core"), to: unit("Shop"), from: None, if_revision: None };
    refused(Command::MoveUnit(out), "unknown-unit");
    refused(Command::CreateToken(new_token(None)), "out-of-scope");
    refused(Command::CreateToken(new_token(Some(vec!["Shop"]))), "unknown-unit");

    submit(&directory, &author, CreatePerson::new("cem@x").under("Lab/New")).unwrap();
    submit(&directory, &author, CreateMapping::member("engine", "cem@x")).unwrap();
    submit(&directory, &author, CreateMapping::person_in("ada@x", "New")).unwrap();
    submit(&directory, &author, Command::DeleteUnit(end("Core"))).unwrap();
    submit(&directory, &author, Command::CreateToken(new_token(Some(vec!["New"])))).unwrap();
    let target = PersonRef::Email(Email::parse("cem@x").unwrap());
    submit(&directory, &author, Command::DeletePerson(Delete { target, if_revision: None })).unwrap();
    assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
    assert!(directory.view().org_unit("Core").is_err() && directory.view().org_unit("Shop").is_ok());
}

#[test]
fn a_token_says_what_it_was_made_and_changed_to() {
    let directory = directory();
    let end = Timestamp::now().later_by(DAY_MILLIS);
    let new = NewToken {
        description: Some(Name::parse("sync").unwrap()),
        expires_at: Some(end),
        ..new_token(Some(vec!["Lab", "Shop", "Lab"]))
    };
    let id = new.id.clone();
    directory.apply(Command::CreateToken(new.clone())).unwrap();
    let made = token(&directory, &id);
    assert_eq!((made.role, made.expires_at, made.scope.units().len()), (Role::Read, Some(end), 2));
    assert_eq!(directory.apply(Command::CreateToken(new)).unwrap_err().code(), "duplicate");

    let change = |role, description, expires_at| {
        let update = UpdateToken { id: id.clone(), role, description, expires_at };
        directory.apply(Command::UpdateToken(update)).unwrap();
        token(&directory, &id)
    };
    let later = end.later_by(DAY_MILLIS);
    let changed = change(Some(Role::Write), Patch::Keep, Patch::Set(later));
    assert_eq!((changed.role, changed.expires_at), (Role::Write, Some(later)));
    assert_eq!(changed.description, made.description);
    let changed = change(None, Patch::Clear, Patch::Keep);
    assert_eq!((changed.role, changed.expires_at, &changed.description), (Role::Write, Some(later), &None));

    let successor = Secret::generate();
    let rotate = RotateToken {
        id: id.clone(),
        new_id: successor.id().clone(),
        new_hash: successor.hash(),
        overlap: Duration::from_mins(1),
    };
    directory.apply(Command::RotateToken(rotate.clone())).unwrap();
    let (old, next) = (token(&directory, &id), token(&directory, successor.id()));
    assert_eq!((next.hash, next.role, &next.scope), (successor.hash(), Role::Write, &made.scope));
    assert!(old.expires_at < Some(end), "{old:?}");
    let lifetime = |token: &Token| token.expires_at.unwrap().as_millis() - token.created_at.as_millis();
    assert_eq!(lifetime(&next), lifetime(&changed), "as long as the one that it replaces had");
    assert_eq!(next.revision, directory.view().revision());
    assert_eq!(directory.apply(Command::RotateToken(rotate)).unwrap_err().code(), "duplicate");

    directory.apply(Command::RevokeToken(id.clone())).unwrap();
    let revoked = token(&directory, &id);
    assert!(revoked.revoked_at.is_some());
    let revision = directory.view().revision();
    directory.apply(Command::RevokeToken(id.clone())).unwrap();
    assert_eq!((token(&directory, &id), directory.view().revision()), (revoked, revision));
}

#[test]
fn a_token_names_a_unit_at_least_and_not_too_many() {
    let directory = Directory::in_memory().unwrap();
    let names: Vec<String> = (0..1_001).map(|at| format!("u{at}")).collect();
    directory.apply(names.iter().map(|name| CreateOrgUnit::new(name, "team"))).unwrap();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (count, is_taken) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
        let made = directory.apply(Command::CreateToken(new_token(Some(names[..count].to_vec()))));
        assert_eq!(made.is_ok(), is_taken, "{count}");
    }
}
