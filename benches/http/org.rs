//! The generated organization that the HTTP benchmark queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

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

/// A thread that creates a person fifty times a second, until it is dropped.
pub(crate) struct Trickle(Arc<AtomicBool>);

impl Trickle {
    pub(crate) fn start(directory: &Directory) -> Self {
        let (directory, ended) = (directory.clone(), Arc::new(AtomicBool::new(false)));
        let until = Arc::clone(&ended);
        thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                // Unique in all rounds: each commit has a revision of its own.
                let number = directory.view().revision().0;
                directory.apply(CreatePerson::new(&format!("beside{number}@corp.example"))).unwrap();
                thread::sleep(Duration::from_millis(20));
            }
        });
        Self(ended)
    }
}

impl Drop for Trickle {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
