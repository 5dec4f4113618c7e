//! Builders of commands: `CreatePerson::new("ada@corp.example").under("Corp/Research")`.
//!
//! Invariant: a builder returns its first error when it is turned into a command, and never panics.

mod create;
mod delete;
mod into_command;
mod setters;
mod update;

use crate::error::Error;
use crate::model::command::{Command, LinkUnits};

pub use self::create::{CreateMapping, CreateOrgUnit, CreatePerson, CreateProject};
pub use self::delete::{DeleteMapping, DeleteOrgUnit, DeletePerson, DeleteProject, MoveOrgUnit};
pub use self::into_command::{Commands, IntoCommand, IntoCommands};
pub use self::update::{UpdateMapping, UpdateOrgUnit, UpdatePerson, UpdateProject};

// A blanket `impl<C: IntoCommand> IntoCommands for C` would overlap with that for iterators, so each type gets its own.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_returns_its_first_error() {
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
        let Err(Error::Refused { refused, total }) = people.into_commands() else {
            panic!("the list was accepted")
        };
        assert_eq!((refused[0].0, refused[1].0, refused.len(), total), (1, 2, 2, 3));
    }
}
