//! From one builder, or a list of them, to commands.
//!
//! Invariant: a builder never panics and loses nothing. The first value that is refused is kept as the builder's error,
//! and [`IntoCommand::into_command`] returns it.

use crate::error::Error;
use crate::model::command::{Command, LinkUnits};

/// One command, or what a builder makes one of.
///
/// ```
/// use clade::model::{CreatePerson, IntoCommand};
///
/// assert!(CreatePerson::new("ada@corp.example").into_command().is_ok());
/// assert_eq!(CreatePerson::new("no address").into_command().unwrap_err().code(), "invalid");
/// ```
pub trait IntoCommand {
    /// The command.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first value that the builder was given and refused.
    fn into_command(self) -> Result<Command, Error>;
}

/// One command, or a list of commands that are carried out together, all or none: what
/// `Directory::apply` takes.
///
/// Every builder, [`Command`] itself, and every array, vector or iterator of them implements it.
///
/// ```
/// use clade::model::{CreateOrgUnit, IntoCommands};
///
/// let teams = ["Search", "Checkout"].map(|name| CreateOrgUnit::new(name, "team"));
/// assert_eq!(teams.into_commands()?.len(), 2);
/// # Ok::<(), clade::Error>(())
/// ```
pub trait IntoCommands {
    /// The commands.
    ///
    /// # Errors
    /// What was wrong with a single command; for a list [`Error::Refused`] with the position and reason of each command
    /// that could not be built.
    fn into_commands(self) -> Result<Commands, Error>;
}

/// What one call carries out.
#[derive(Debug, Clone, PartialEq)]
pub enum Commands {
    /// One command. A refusal is its own error.
    One(Box<Command>),
    /// Several, all or none. A refusal is [`Error::Refused`], which names each refused command by its position.
    List(Vec<Command>),
}

impl Commands {
    /// The number of commands.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::List(commands) => commands.len(),
        }
    }

    /// Whether there is nothing to carry out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl IntoCommands for Commands {
    fn into_commands(self) -> Result<Commands, Error> {
        Ok(self)
    }
}

impl<I, C> IntoCommands for I
where
    I: IntoIterator<Item = C>,
    C: IntoCommand,
{
    fn into_commands(self) -> Result<Commands, Error> {
        let mut refused = Vec::new();
        let mut total = 0;
        let built = self.into_iter().filter_map(|command| {
            total += 1;
            command.into_command().map_err(|refusal| refused.push((total - 1, refusal))).ok()
        });
        // `collect` reuses the allocation of a `Vec`; pushing one by one would copy a list of many thousand commands.
        let commands = built.collect();
        if refused.is_empty() { Ok(Commands::List(commands)) } else { Err(Error::Refused { refused, total }) }
    }
}

impl IntoCommand for Command {
    fn into_command(self) -> Result<Command, Error> {
        Ok(self)
    }
}

impl IntoCommand for LinkUnits {
    fn into_command(self) -> Result<Command, Error> {
        Ok(Command::LinkUnits(self))
    }
}
