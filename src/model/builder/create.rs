//! Builders that create records.

use crate::error::Error;
use crate::model::attributes::AttributesPatch;
use crate::model::builder::into_command::IntoCommand;
use crate::model::builder::setters::{
    Built, attribute, changed, person_setters, placement, project_setters, texts,
};
use crate::model::command::{
    Command, Create, EndRef, IfExists, LinkUnits, MappingFields, OwnerFields, Patch, PersonFields, Placement,
    ProjectFields, RepositoryFields, UnitFields, UnitSpec,
};
use crate::model::key::{Email, ExternalId, Name, ProjectId, UnitKey};
use crate::model::level::UnitType;
use crate::model::mapping::MappingType;
use crate::model::reference::UnitRef;
use crate::model::repo_url::RepoUrl;

macro_rules! create {
    ($(#[$doc:meta])* $name:ident, $fields:ident, $variant:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        #[must_use = "a command does nothing until a directory applies it"]
        pub struct $name {
            fields: Built<$fields>,
            if_exists: IfExists,
        }

        impl $name {
            /// Updates the record if it exists, instead of being refused.
            pub fn or_update(mut self) -> Self {
                self.if_exists = IfExists::Merge;
                self
            }

            fn from_fields(change: impl FnOnce(&mut $fields) -> Result<(), Error>) -> Self {
                Self { fields: changed(Ok($fields::default()), change), if_exists: IfExists::Refuse }
            }

            fn set(self, change: impl FnOnce(&mut $fields) -> Result<(), Error>) -> Self {
                Self { fields: changed(self.fields, change), ..self }
            }
        }

        impl IntoCommand for $name {
            fn into_command(self) -> Result<Command, Error> {
                Ok(Command::$variant(Create { fields: self.fields?, if_exists: self.if_exists }))
            }
        }
    };
}

create!(
    /// Creates a unit.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreateOrgUnit, Directory};
    ///
    /// let directory = Directory::in_memory()?;
    /// directory.apply(CreateOrgUnit::new("Corp", "organization"))?;
    /// directory.apply(CreateOrgUnit::new("R&D", "department").key("rnd").under("Corp"))?;
    /// assert_eq!(directory.view().org_unit("Corp/R&D")?.key.as_str(), "rnd");
    /// # Ok(()) }
    /// ```
    CreateOrgUnit,
    UnitFields,
    CreateUnit
);
create!(
    /// Creates a person.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreatePerson, Directory};
    ///
    /// let directory = Directory::in_memory()?;
    /// let ada = CreatePerson::new("ada@corp.example").display_name("Ada").attribute("desk", 7);
    /// directory.apply(ada.under("Corp/Research"))?;
    /// assert_eq!(directory.view().org_unit("Corp/Research")?.people().count(), 1);
    /// # Ok(()) }
    /// ```
    CreatePerson,
    PersonFields,
    CreatePerson
);
create!(
    /// Creates a project.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreateProject, Directory};
    ///
    /// let directory = Directory::in_memory()?;
    /// let cart = CreateProject::new("cart", "Cart").repository("https://github.com/corp/cart.git");
    /// directory.apply(cart.under("Corp/Web"))?;
    /// assert_eq!(directory.view().project("cart")?.repositories().count(), 1);
    /// # Ok(()) }
    /// ```
    CreateProject,
    ProjectFields,
    CreateProject
);
create!(
    /// Creates a mapping between two records that exist.
    ///
    /// ```
    /// # fn main() -> Result<(), clade::Error> {
    /// use clade::{CreateMapping, CreatePerson, CreateProject, Directory};
    ///
    /// let directory = Directory::in_memory()?;
    /// directory.apply(CreatePerson::new("ada@corp.example"))?;
    /// directory.apply(CreateProject::new("cart", "Cart"))?;
    /// directory.apply(CreateMapping::member("cart", "ada@corp.example").source("hr"))?;
    /// assert_eq!(directory.view().project("cart")?.members().count(), 1);
    /// # Ok(()) }
    /// ```
    CreateMapping,
    MappingFields,
    CreateMapping
);

impl CreateOrgUnit {
    /// A unit with this name and type: a level (`"team"`) or any other word (`"squad"`).
    pub fn new(name: &str, unit_type: &str) -> Self {
        Self::from_fields(|fields| {
            fields.name = Some(Name::parse(name)?);
            fields.unit_type = Some(UnitType::parse(unit_type)?);
            Ok(())
        })
    }

    /// Sets the key, which is unique among units. The default is the name.
    pub fn key(self, key: &str) -> Self {
        self.set(|fields| {
            fields.key = Some(UnitKey::parse(key)?);
            Ok(())
        })
    }

    /// Adds a parent, which must exist. Call it once for each parent.
    pub fn under(self, parent: impl Into<UnitRef>) -> Self {
        self.set(|fields| {
            fields.parents.get_or_insert_default().push(parent.into());
            Ok(())
        })
    }

    texts! {
        /// Sets the id by which another system knows this unit.
        external_id: ExternalId,
    }
    attribute!();
}

impl CreatePerson {
    /// A person with this email, which is unique among people without regard to case.
    pub fn new(email: &str) -> Self {
        Self::from_fields(|fields| {
            fields.email = Some(Email::parse(email)?);
            Ok(())
        })
    }

    person_setters!(texts);
}

impl CreateProject {
    /// A project with this id, unique among projects, and name.
    pub fn new(project_id: &str, name: &str) -> Self {
        Self::from_fields(|fields| {
            fields.project_id = Some(ProjectId::parse(project_id)?);
            fields.name = Some(Name::parse(name)?);
            Ok(())
        })
    }

    project_setters!(texts);
}

impl CreateMapping {
    fn between(mapping_type: MappingType, from: &str, to: &str) -> Self {
        Self::from_fields(|fields| {
            fields.mapping_type = Some(mapping_type);
            // Not parsed here: for a unit, the text may be a key, an external id, a path or a name.
            fields.from = Some(EndRef::Text(from.to_owned()));
            fields.to = Some(EndRef::Text(to.to_owned()));
            Ok(())
        })
    }

    /// Makes the person with this email a member of the project.
    pub fn member(project_id: &str, email: &str) -> Self {
        Self::between(MappingType::ProjectPeople, project_id, email)
    }

    /// Places the project in this unit.
    pub fn project_in(project_id: &str, unit: &str) -> Self {
        Self::between(MappingType::ProjectOrg, project_id, unit)
    }

    /// Places the person in this unit.
    pub fn person_in(email: &str, unit: &str) -> Self {
        Self::between(MappingType::PeopleOrg, email, unit)
    }

    /// Makes the first unit a parent of the second.
    pub fn parent_child(parent: &str, child: &str) -> Self {
        Self::between(MappingType::ParentChild, parent, child)
    }

    texts! {
        /// Sets the name of the system that states this mapping.
        source: Name,
    }
    attribute!();
}

impl LinkUnits {
    /// Makes `parent` a parent of `child`, and creates either if it does not exist.
    #[must_use]
    pub fn new(parent: impl Into<UnitRef>, child: impl Into<UnitRef>) -> Self {
        Self {
            parent: UnitSpec { reference: parent.into(), unit_type: None },
            child: UnitSpec { reference: child.into(), unit_type: None },
            relationship: None,
            source: Patch::Keep,
            attributes: AttributesPatch::Keep,
            if_exists: IfExists::Refuse,
        }
    }

    /// Sets the types with which the units are looked up or created.
    #[must_use]
    pub fn types(mut self, parent: UnitType, child: UnitType) -> Self {
        self.parent.unit_type = Some(parent);
        self.child.unit_type = Some(child);
        self
    }
}
