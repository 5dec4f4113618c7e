//! Builders that delete records and move units. Deleted records stay in the store, with `valid_to` set.

use crate::error::Error;
use crate::model::builder::into_command::IntoCommand;
use crate::model::builder::setters::{Built, changed};
use crate::model::command::{Beneath, Command, Delete, DeleteUnit, MoveUnit, PersonRef, ProjectRef};
use crate::model::key::{Email, ProjectId};
use crate::model::mapping::MappingId;
use crate::model::reference::UnitRef;
use crate::model::version::ExpectedRevision;

macro_rules! delete {
    ($(#[$doc:meta])* $name:ident, $target:ty, $variant:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        #[must_use = "a command does nothing until a directory applies it"]
        pub struct $name(Built<Delete<$target>>);

        impl $name {
            /// Refuses the command with [`Error::PreconditionFailed`] unless the record's last change is of this
            /// revision.
            pub fn if_revision(self, revision: impl Into<ExpectedRevision>) -> Self {
                Self(changed(self.0, |delete| {
                    delete.if_revision = Some(revision.into());
                    Ok(())
                }))
            }

            fn of(target: Result<$target, Error>) -> Self {
                Self(target.map(|target| Delete { target, if_revision: None }))
            }
        }

        impl IntoCommand for $name {
            fn into_command(self) -> Result<Command, Error> {
                self.0.map(Command::$variant)
            }
        }
    };
}

/// Deletes a unit and the mappings that name it. It is refused if the unit has child units, people or projects, unless
/// [`DeleteOrgUnit::beneath`] says what becomes of them.
///
/// ```
/// # fn main() -> Result<(), clade::Error> {
/// use clade::model::command::Beneath;
/// use clade::{CreateOrgUnit, DeleteOrgUnit, Directory};
///
/// let directory = Directory::in_memory()?;
/// directory.apply(CreateOrgUnit::new("Corp", "organization"))?;
/// directory.apply(CreateOrgUnit::new("Retail", "business").under("Corp"))?;
/// assert_eq!(directory.apply(DeleteOrgUnit::new("Corp")).unwrap_err().code(), "not-empty");
/// directory.apply(DeleteOrgUnit::new("Corp").beneath(Beneath::End))?;
/// assert!(directory.view().roots().is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a command does nothing until a directory applies it"]
pub struct DeleteOrgUnit(Built<DeleteUnit>);

impl DeleteOrgUnit {
    /// Refuses the command with [`Error::PreconditionFailed`] unless the unit's last change is of this revision.
    pub fn if_revision(self, revision: impl Into<ExpectedRevision>) -> Self {
        Self(changed(self.0, |delete| {
            delete.if_revision = Some(revision.into());
            Ok(())
        }))
    }

    /// What becomes of the records directly beneath the unit.
    pub fn beneath(self, beneath: Beneath) -> Self {
        Self(changed(self.0, |delete| {
            delete.beneath = beneath;
            Ok(())
        }))
    }
}

impl IntoCommand for DeleteOrgUnit {
    fn into_command(self) -> Result<Command, Error> {
        self.0.map(Command::DeleteUnit)
    }
}

delete!(
    /// Deletes a person and the mappings that name them.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreatePerson, DeletePerson, Directory};
    ///
    /// let directory = Directory::in_memory()?;
    /// directory.apply(CreatePerson::new("ada@corp.example"))?;
    /// directory.apply(DeletePerson::new("ada@corp.example"))?;
    /// assert_eq!(directory.view().person("ada@corp.example").unwrap_err().code(), "not-found");
    /// # Ok(()) }
    /// ```
    DeletePerson,
    PersonRef,
    DeletePerson
);
delete!(
    /// Deletes a project, its repositories and services, and the mappings that name it.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreateProject, DeleteProject, Directory};
    ///
    /// let directory = Directory::in_memory()?;
    /// let revision = directory.apply(CreateProject::new("cart", "Cart"))?.view.revision();
    /// directory.apply(DeleteProject::new("cart").if_revision(revision))?;
    /// assert!(directory.view().project("cart").is_err());
    /// # Ok(()) }
    /// ```
    DeleteProject,
    ProjectRef,
    DeleteProject
);
delete!(
    /// Deletes a mapping.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreatePerson, DeleteMapping, Directory};
    ///
    /// let directory = Directory::in_memory()?;
    /// let view = directory.apply(CreatePerson::new("ada@corp.example").under("Corp"))?.view;
    /// directory.apply(DeleteMapping::new(view.mappings()[0].id))?;
    /// assert_eq!(directory.view().org_unit("Corp")?.totals().people, 0);
    /// # Ok(()) }
    /// ```
    DeleteMapping,
    MappingId,
    DeleteMapping
);

impl DeleteOrgUnit {
    /// Deletes the unit with this reference.
    pub fn new(unit: impl Into<UnitRef>) -> Self {
        Self(Ok(DeleteUnit { target: unit.into(), if_revision: None, beneath: Beneath::default() }))
    }
}

impl DeletePerson {
    /// Deletes the person with this email.
    pub fn new(email: &str) -> Self {
        Self::of(Email::parse(email).map(PersonRef::Email))
    }
}

impl DeleteProject {
    /// Deletes the project with this id.
    pub fn new(project_id: &str) -> Self {
        Self::of(ProjectId::parse(project_id).map(ProjectRef::ProjectId))
    }
}

impl DeleteMapping {
    /// Deletes the mapping with this id.
    pub fn new(id: MappingId) -> Self {
        Self::of(Ok(id))
    }
}

/// Moves a unit, with everything below it, from one parent to another.
///
/// ```
/// # fn main() -> Result<(), clade::Error> {
/// use clade::{CreateOrgUnit, Directory, MoveOrgUnit};
///
/// let directory = Directory::in_memory()?;
/// directory.apply([CreateOrgUnit::new("Retail", "business"), CreateOrgUnit::new("Web", "business")])?;
/// directory.apply(CreateOrgUnit::new("Checkout", "team").under("Retail"))?;
/// directory.apply(MoveOrgUnit::new("Checkout", "Web"))?;
/// assert_eq!(directory.view().org_unit("Web")?.totals().units, 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a command does nothing until a directory applies it"]
// No `Built`, unlike the others: a unit reference is any text, so nothing here can be invalid.
pub struct MoveOrgUnit(MoveUnit);

impl MoveOrgUnit {
    /// Moves `unit` below `to`. A unit with several parents needs [`MoveOrgUnit::from`] too.
    pub fn new(unit: impl Into<UnitRef>, to: impl Into<UnitRef>) -> Self {
        Self(MoveUnit { unit: unit.into(), to: to.into(), from: None, if_revision: None })
    }

    /// Sets the parent to remove.
    pub fn from(mut self, parent: impl Into<UnitRef>) -> Self {
        self.0.from = Some(parent.into());
        self
    }

    /// Refuses the command with [`Error::PreconditionFailed`] unless the unit's last change is of this revision.
    pub fn if_revision(mut self, revision: impl Into<ExpectedRevision>) -> Self {
        self.0.if_revision = Some(revision.into());
        self
    }
}

impl IntoCommand for MoveOrgUnit {
    fn into_command(self) -> Result<Command, Error> {
        Ok(Command::MoveUnit(self.0))
    }
}
