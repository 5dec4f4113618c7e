//! Builders that update records. A field that is not set keeps its value.

use crate::error::Error;
use crate::model::builder::into_command::IntoCommand;
use crate::model::builder::setters::{
    Built, attribute, changed, person_setters, placement, project_setters, removable_texts,
};
use crate::model::command::{
    Command, MappingFields, OwnerFields, Patch, PersonFields, PersonRef, Placement, ProjectFields,
    ProjectRef, RepositoryFields, UnitFields, Update,
};
use crate::model::key::{Email, ExternalId, Name, ProjectId, UnitKey};
use crate::model::level::UnitType;
use crate::model::mapping::{MappingId, Relationship};
use crate::model::reference::UnitRef;
use crate::model::repo_url::RepoUrl;
use crate::model::version::ExpectedRevision;

macro_rules! update {
    ($(#[$doc:meta])* $name:ident, $target:ty, $fields:ident, $variant:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        #[must_use = "a command does nothing until a directory applies it"]
        pub struct $name(Built<Update<$target, $fields>>);

        impl $name {
            /// Refuses the command with [`Error::PreconditionFailed`] unless the record's last change is of this
            /// revision.
            pub fn if_revision(self, revision: impl Into<ExpectedRevision>) -> Self {
                Self(changed(self.0, |update| {
                    update.if_revision = Some(revision.into());
                    Ok(())
                }))
            }

            fn of(target: Result<$target, Error>) -> Self {
                Self(target.map(|target| Update { target, fields: $fields::default(), if_revision: None }))
            }

            fn set(self, change: impl FnOnce(&mut $fields) -> Result<(), Error>) -> Self {
                Self(changed(self.0, |update| change(&mut update.fields)))
            }
        }

        impl IntoCommand for $name {
            fn into_command(self) -> Result<Command, Error> {
                self.0.map(Command::$variant)
            }
        }
    };
}

update!(
    /// Updates a unit.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreateOrgUnit, Directory, UpdateOrgUnit};
    ///
    /// let directory = Directory::in_memory()?;
    /// directory.apply(CreateOrgUnit::new("Reserch", "department").key("research"))?;
    /// directory.apply(UpdateOrgUnit::new("research").name("Research"))?;
    /// assert_eq!(directory.view().org_unit("research")?.name.as_str(), "Research");
    /// # Ok(()) }
    /// ```
    UpdateOrgUnit,
    UnitRef,
    UnitFields,
    UpdateUnit
);
update!(
    /// Updates a person.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreatePerson, Directory, UpdatePerson};
    ///
    /// let directory = Directory::in_memory()?;
    /// directory.apply(CreatePerson::new("ada@corp.example").display_name("Ada"))?;
    /// let married = UpdatePerson::new("ada@corp.example").email("lovelace@corp.example").display_name(None);
    /// directory.apply(married)?;
    /// assert!(directory.view().person("lovelace@corp.example")?.display_name.is_none());
    /// # Ok(()) }
    /// ```
    UpdatePerson,
    PersonRef,
    PersonFields,
    UpdatePerson
);
update!(
    /// Updates a project.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreateOrgUnit, CreateProject, Directory, UpdateProject};
    ///
    /// let directory = Directory::in_memory()?;
    /// directory.apply(CreateOrgUnit::new("Web", "team"))?;
    /// directory.apply(CreateProject::new("cart", "Cart").under("Shop"))?;
    /// directory.apply(UpdateProject::new("cart").owner("ada@corp.example").in_units(["Web"]))?;
    /// let view = directory.view();
    /// let units: Vec<_> = view.project("cart")?.org_units().map(|unit| unit.name.to_string()).collect();
    /// assert_eq!(units, ["Web"]);
    /// # Ok(()) }
    /// ```
    UpdateProject,
    ProjectRef,
    ProjectFields,
    UpdateProject
);
update!(
    /// Updates a mapping.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreatePerson, Directory, UpdateMapping};
    ///
    /// let directory = Directory::in_memory()?;
    /// let view = directory.apply(CreatePerson::new("ada@corp.example").under("Corp"))?.view;
    /// let mapping = view.mappings()[0].id;
    /// directory.apply(UpdateMapping::new(mapping).source("hr"))?;
    /// let source = directory.view().mapping(&mapping).and_then(|mapping| mapping.source.clone());
    /// assert_eq!(source.as_ref().map(|name| name.as_str()), Some("hr"));
    /// # Ok(()) }
    /// ```
    UpdateMapping,
    MappingId,
    MappingFields,
    UpdateMapping
);

impl UpdateOrgUnit {
    /// Updates the unit with this reference.
    pub fn new(unit: impl Into<UnitRef>) -> Self {
        Self::of(Ok(unit.into()))
    }

    /// Sets the name.
    pub fn name(self, name: &str) -> Self {
        self.set(|fields| {
            fields.name = Some(Name::parse(name)?);
            Ok(())
        })
    }

    /// Sets the key, which is unique among units.
    pub fn key(self, key: &str) -> Self {
        self.set(|fields| {
            fields.key = Some(UnitKey::parse(key)?);
            Ok(())
        })
    }

    /// Sets the type: a level (`"team"`) or any other word (`"squad"`).
    pub fn unit_type(self, unit_type: &str) -> Self {
        self.set(|fields| {
            fields.unit_type = Some(UnitType::parse(unit_type)?);
            Ok(())
        })
    }

    /// Replaces its parents, which must exist; an empty list makes it a root.
    pub fn parents<U: Into<UnitRef>>(self, parents: impl IntoIterator<Item = U>) -> Self {
        self.set(|fields| {
            fields.parents = Some(parents.into_iter().map(Into::into).collect());
            Ok(())
        })
    }

    removable_texts! {
        /// Sets the id by which another system knows this unit.
        external_id: ExternalId,
    }
    attribute!();
}

impl UpdatePerson {
    /// Updates the person with this email.
    pub fn new(email: &str) -> Self {
        Self::of(Email::parse(email).map(PersonRef::Email))
    }

    /// Sets the email, which is unique among people without regard to case.
    pub fn email(self, email: &str) -> Self {
        self.set(|fields| {
            fields.email = Some(Email::parse(email)?);
            Ok(())
        })
    }

    person_setters!(removable_texts);
}

impl UpdateProject {
    /// Updates the project with this id.
    pub fn new(project_id: &str) -> Self {
        Self::of(ProjectId::parse(project_id).map(ProjectRef::ProjectId))
    }

    /// Sets the id, which is unique among projects.
    pub fn project_id(self, project_id: &str) -> Self {
        self.set(|fields| {
            fields.project_id = Some(ProjectId::parse(project_id)?);
            Ok(())
        })
    }

    /// Sets the name.
    pub fn name(self, name: &str) -> Self {
        self.set(|fields| {
            fields.name = Some(Name::parse(name)?);
            Ok(())
        })
    }

    project_setters!(removable_texts);
}

impl UpdateMapping {
    /// Updates the mapping with this id.
    pub fn new(id: MappingId) -> Self {
        Self::of(Ok(id))
    }

    /// Sets the relationship.
    pub fn relationship(self, relationship: Relationship) -> Self {
        self.set(|fields| {
            fields.relationship = Some(relationship);
            Ok(())
        })
    }

    removable_texts! {
        /// Sets the name of the system that states this mapping.
        source: Name,
    }
    attribute!();
}
