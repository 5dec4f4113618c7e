//! [`IntoCommand`] and [`IntoCommands`]: conversion of one builder, or of a list of builders, to commands.
//!
//! Invariant: a builder never panics. It stores the error of the first invalid value, and
//! [`IntoCommand::into_command`] returns that.

use crate::error::Error;
use crate::model::command::{Command, LinkUnits};

/// Conversion to one command: implemented by every builder and by [`Command`].
///
/// ```
/// use clade::model::{CreatePerson, IntoCommand};
///
/// assert!(CreatePerson::new("ada@corp.example").into_command().is_ok());
/// assert_eq!(CreatePerson::new("no address").into_command().unwrap_err().code(), "invalid");
/// ```
pub trait IntoCommand {
    /// Converts to the command.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first invalid value that was passed to the builder.
    fn into_command(self) -> Result<Command, Error>;
}

/// Conversion to one command, or to a list of commands that are applied together, all or none: the argument of
/// `Directory::apply`.
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
    /// Converts to the commands.
    ///
    /// # Errors
    /// For a single command, its own error; for a list [`Error::Refused`] with the position and reason of each command
    /// that could not be built.
    fn into_commands(self) -> Result<Commands, Error>;
}

/// The commands of one call.
///
/// ```
/// use clade::{CreatePerson, IntoCommands, model::Commands};
///
/// assert!(matches!(CreatePerson::new("ada@corp.example").into_commands()?, Commands::One(_)));
/// assert!(matches!([CreatePerson::new("ada@corp.example")].into_commands()?, Commands::List(_)));
/// # Ok::<(), clade::Error>(())
/// ```
// One command and a list of one differ: the error of a list has positions, which would only be noise for one command.
// `One` is boxed because a command takes several hundred bytes, and a `Vec` three words.
#[derive(Debug, Clone, PartialEq)]
pub enum Commands {
    /// One command. Its error is reported unchanged.
    One(Box<Command>),
    /// Several commands, all or none. Errors are reported as [`Error::Refused`], with the position of each refused
    /// command.
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

    /// Whether there are no commands, as for an empty list.
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
        // Goes on after an error, so that the caller learns of all invalid commands at once.
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
