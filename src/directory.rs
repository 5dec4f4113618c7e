//! The one door: commands in, change sets out.

use std::path::Path;

use tokio::sync::watch;

use crate::error::Error;
use crate::model::builder::IntoCommand;
use crate::model::change::Batch;
use crate::model::command::{Command, Outcome};
use crate::model::entity::Revision;
use crate::model::token::Actor;

pub use crate::graph::{OrgUnitNode, Totals, View};

/// An organization directory in one file. Cheap to clone; clones share the directory.
#[derive(Debug, Clone)]
pub struct Directory {}

/// What a write did.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The directory just after it; of a dry run, as it would be.
    pub view: View,
    /// For each command, in order, what it did.
    pub outcomes: Vec<Outcome>,
}

impl Directory {
    /// Opens the store at `path`, or makes it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn open(_path: impl AsRef<Path>) -> Result<Self, Error> {
        todo!()
    }

    /// Opens the store at `path`, which must exist.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn open_existing(_path: impl AsRef<Path>) -> Result<Self, Error> {
        todo!()
    }

    /// A directory that ends with the process.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn in_memory() -> Result<Self, Error> {
        todo!()
    }

    /// The directory as it is now.
    #[must_use]
    pub fn view(&self) -> View {
        todo!()
    }

    /// Carries out one command; returns once it is on disk.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn apply(&self, _command: impl IntoCommand) -> Result<Applied, Error> {
        todo!()
    }

    /// Carries out all commands or none.
    ///
    /// # Errors
    /// [`Error::Refused`] with each refused command's position and reason.
    pub fn apply_all<C: IntoCommand>(
        &self,
        _commands: impl IntoIterator<Item = C>,
    ) -> Result<Applied, Error> {
        todo!()
    }

    /// What [`Directory::apply_all`] would do, without doing it.
    ///
    /// # Errors
    /// As [`Directory::apply_all`].
    pub fn dry_run<C: IntoCommand>(&self, _commands: impl IntoIterator<Item = C>) -> Result<Applied, Error> {
        todo!()
    }

    /// Carries out all commands or none in the name of `actor`, without blocking the caller's thread. One
    /// command that is refused gives its own error; of several, [`Error::Refused`].
    ///
    /// # Errors
    /// Why they were refused.
    pub async fn submit(&self, _actor: Actor, _commands: Vec<Command>) -> Result<Applied, Error> {
        todo!()
    }

    /// Says the newest published revision, and each that follows.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<Revision> {
        todo!()
    }

    /// The committed batches from a revision on, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn log(&self, _from: Revision) -> Result<Vec<Batch>, Error> {
        todo!()
    }

    /// Whether the writer is alive and the last commit reached the disk.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        todo!()
    }

    /// Store against graph against rules; what is wrong, or nothing.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read at all.
    pub fn check(&self) -> Result<Vec<String>, Error> {
        todo!()
    }

    /// Waits for the writer to finish what it has and closes the store.
    pub fn close(self) {
        todo!()
    }
}
