//! The generated organization that the HTTP benchmark queries.

use clade::access::Secret;
use clade::cli::demo_data::DemoData;
use clade::exchange::commands_of_lines;
use clade::model::command::{Command, NewToken};
use clade::model::token::Role;
use clade::{CreatePerson, Directory};

/// Generates an organization of this size in memory.
pub(crate) fn directory(entities: u64) -> Directory {
    let mut lines = Vec::new();
    DemoData { entities, seed: 1 }.write(&mut lines).unwrap();
    let directory = Directory::in_memory().unwrap();
    directory.apply(commands_of_lines(&lines).unwrap()).unwrap();
    directory
}

/// Creates a token with the role `read`.
pub(crate) fn token(directory: &Directory) -> String {
    let secret = Secret::generate();
    let (id, hash) = (secret.id().clone(), secret.hash());
    let token = NewToken { id, hash, role: Role::Read, description: None, units: None, expires_at: None };
    directory.apply(Command::CreateToken(token)).unwrap();
    secret.reveal().to_owned()
}

/// Applies a change, so that the revision advances.
pub(crate) fn change(directory: &Directory, round: u64) {
    directory.apply(CreatePerson::new(&format!("new{round}@corp.example")).under("corp")).unwrap();
}
