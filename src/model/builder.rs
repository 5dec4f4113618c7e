//! Commands as a Rust program writes them: `CreatePerson::new("ada@corp.example").under("Corp/Research")`.
//!
//! Invariant: a builder never panics and loses nothing. The first value that is refused is kept as the builder's error,
//! and [`IntoCommand::into_command`] returns it.

mod create;
mod delete;
mod update;

use crate::error::Error;
use crate::model::command::{Command, LinkUnits};

pub use self::create::{CreateMapping, CreateOrgUnit, CreatePerson, CreateProject};
pub use self::delete::{DeleteMapping, DeleteOrgUnit, DeletePerson, DeleteProject, MoveOrgUnit};
pub use self::update::{UpdateMapping, UpdateOrgUnit, UpdatePerson, UpdateProject};

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
/// [`Directory::apply`](crate::Directory::apply) takes.
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

/// A blanket `impl<C: IntoCommand> IntoCommands for C` would overlap with that for iterators, so each type gets its own.
macro_rules! single_command {
    ($($type:ty),+ $(,)?) => {
        $(impl IntoCommands for $type {
            fn into_commands(self) -> Result<Commands, Error> {
                Ok(Commands::One(Box::new(self.into_command()?)))
            }
        })+
    };
}

single_command!(
    Command,
    LinkUnits,
    CreateOrgUnit,
    CreatePerson,
    CreateProject,
    CreateMapping,
    UpdateOrgUnit,
    UpdatePerson,
    UpdateProject,
    UpdateMapping,
    DeleteOrgUnit,
    DeletePerson,
    DeleteProject,
    DeleteMapping,
    MoveOrgUnit,
);

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

/// What a builder has so far: its value, or the first refusal.
type Built<T> = Result<T, Error>;

/// Applies one change unless an earlier one was refused.
fn changed<T>(built: Built<T>, change: impl FnOnce(&mut T) -> Result<(), Error>) -> Built<T> {
    built.and_then(|mut value| {
        change(&mut value)?;
        Ok(value)
    })
}

/// Setters for the optional texts of a new record.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $type:ty),+ $(,)?) => {
        $(
            $(#[$doc])*
            pub fn $name(self, value: &str) -> Self {
                self.set(|fields| {
                    fields.$name = Patch::Set(<$type>::parse(value)?);
                    Ok(())
                })
            }
        )+
    };
}

/// Setters for the optional texts of a record that exists.
macro_rules! removable_texts {
    ($($(#[$doc:meta])* $name:ident: $type:ty),+ $(,)?) => {
        $(
            $(#[$doc])*
            /// `None` removes it.
            pub fn $name<'t>(self, value: impl Into<Option<&'t str>>) -> Self {
                self.set(|fields| {
                    fields.$name = value.into().map(<$type>::parse).transpose().map(Patch::clear_or_set)?;
                    Ok(())
                })
            }
        )+
    };
}

/// The setter for attributes, the same for every record.
macro_rules! attribute {
    () => {
        /// Sets one attribute, merged as in RFC 7396: `null` removes it, and objects are merged.
        pub fn attribute(self, name: &str, value: impl Into<serde_json::Value>) -> Self {
            let value = value.into();
            self.set(|fields| crate::model::builder::merge_attribute(&mut fields.attributes, name, value))
        }
    };
}

fn merge_attribute(
    attributes: &mut crate::model::attributes::AttributesPatch,
    name: &str,
    value: serde_json::Value,
) -> Result<(), Error> {
    use crate::model::attributes::{AttributesPatch, kept_exactly};

    kept_exactly("attributes", &value)?;
    match attributes {
        AttributesPatch::Merge(members) | AttributesPatch::Replace(members) => {
            members.insert(name.to_owned(), value);
        }
        AttributesPatch::Keep => {
            *attributes = AttributesPatch::Merge([(name.to_owned(), value)].into_iter().collect());
        }
    }
    Ok(())
}

/// The setters that creating and updating a person share.
macro_rules! person_setters {
    ($texts:ident) => {
        $texts! {
            /// Sets the given name.
            first_name: Name,
            /// Sets the family name.
            last_name: Name,
            /// Sets the name to show.
            display_name: Name,
            /// Sets the id by which another system knows this person.
            external_id: ExternalId,
        }
        attribute!();

        /// Places the person in the unit at the end of this path (`"Corp/Research"`), besides the units that they are in.
        /// Units of the path that do not exist are created.
        pub fn under(self, path: &str) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Under(path.to_owned());
                Ok(())
            })
        }

        /// Places the person in exactly these units, which must exist.
        pub fn in_units<U: Into<UnitRef>>(self, units: impl IntoIterator<Item = U>) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Units(units.into_iter().map(Into::into).collect());
                Ok(())
            })
        }
    };
}

/// The setters that creating and updating a project share.
macro_rules! project_setters {
    ($texts:ident) => {
        $texts! {
            /// Sets the id by which another system knows this project.
            external_id: ExternalId,
        }
        attribute!();

        /// Sets the email of its owner, who need not be a person of the directory.
        pub fn owner(self, email: &str) -> Self {
            self.set(|fields| {
                let email = Patch::Set(Email::parse(email)?);
                fields.owner = Patch::Set(OwnerFields { email, ..OwnerFields::default() });
                Ok(())
            })
        }

        /// Adds the repository at this url to those that the command sets. Those that are set replace all that the
        /// project has.
        pub fn repository(self, url: &str) -> Self {
            self.set(|fields| {
                let repository = RepositoryFields::at(RepoUrl::parse(url)?)?;
                match &mut fields.repositories {
                    Patch::Set(repositories) => repositories.push(repository),
                    other => *other = Patch::Set(vec![repository]),
                }
                Ok(())
            })
        }

        /// Places the project in the unit at the end of this path (`"Corp/Research"`), besides the units that it is in.
        /// Units of the path that do not exist are created.
        pub fn under(self, path: &str) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Under(path.to_owned());
                Ok(())
            })
        }

        /// Places the project in exactly these units, which must exist.
        pub fn in_units<U: Into<UnitRef>>(self, units: impl IntoIterator<Item = U>) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Units(units.into_iter().map(Into::into).collect());
                Ok(())
            })
        }
    };
}

use {attribute, person_setters, project_setters, removable_texts, texts};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_returns_the_first_refusal() {
        let refusal = CreatePerson::new("ada").display_name("Ada").into_command().unwrap_err();
        assert_eq!(refusal.code(), "invalid");
        let refusal = CreateProject::new("p1", "One").repository(" ").into_command().unwrap_err();
        assert!(refusal.to_string().contains("url"), "{refusal}");
        let refusal = UpdatePerson::new("ada@corp.example").email("ada").into_command().unwrap_err();
        assert!(refusal.to_string().contains("email"), "{refusal}");
    }

    #[test]
    fn a_list_names_each_command_that_could_not_be_built() {
        let people = ["ada@corp.example", "bob", "eve"].map(CreatePerson::new);
        let Err(Error::Refused { refused, total }) = people.into_commands() else { panic!("it was taken") };
        assert_eq!((refused[0].0, refused[1].0, refused.len(), total), (1, 2, 2, 3));
    }
}
