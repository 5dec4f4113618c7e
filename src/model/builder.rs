//! Commands as a Rust program writes them: `CreatePerson::new("ada@corp.example").under("Corp/Research")`.
//!
//! A value that is refused on the way is kept, and told when the command is applied.

use crate::error::Error;
use crate::model::attributes::AttributesPatch;
use crate::model::command::{
    Command, Create, EndRef, IfExists, LinkUnits, MappingFields, Patch, PersonFields, Placement,
    ProjectFields, RepositoryFields, UnitFields, UnitSpec,
};
use crate::model::key::{Email, ExternalId, Name, ProjectId, RepoUrl, UnitKey};
use crate::model::level::UnitType;
use crate::model::mapping::MappingType;
use crate::model::reference::UnitRef;

/// Whatever can be applied to a directory.
pub trait IntoCommand {
    /// The command, or what is wrong with it.
    ///
    /// # Errors
    /// What the builder was given and could not take.
    fn into_command(self) -> Result<Command, Error>;
}

impl IntoCommand for Command {
    fn into_command(self) -> Result<Command, Error> {
        Ok(self)
    }
}

macro_rules! builder {
    ($(#[$doc:meta])* $name:ident, $fields:ident, $variant:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        #[must_use = "a command does nothing until a directory applies it"]
        pub struct $name {
            fields: Result<$fields, Error>,
            if_exists: IfExists,
        }

        impl $name {
            /// Merges into the record where it exists, instead of being refused.
            pub fn or_update(mut self) -> Self {
                self.if_exists = IfExists::Merge;
                self
            }

            fn set(mut self, change: impl FnOnce(&mut $fields) -> Result<(), Error>) -> Self {
                self.fields = self.fields.and_then(|mut fields| {
                    change(&mut fields)?;
                    Ok(fields)
                });
                self
            }
        }

        impl IntoCommand for $name {
            fn into_command(self) -> Result<Command, Error> {
                Ok(Command::$variant(Create { fields: self.fields?, if_exists: self.if_exists }))
            }
        }
    };
}

builder!(
    /// Makes a unit.
    CreateOrgUnit,
    UnitFields,
    CreateUnit
);
builder!(
    /// Makes a person.
    CreatePerson,
    PersonFields,
    CreatePerson
);
builder!(
    /// Makes a project.
    CreateProject,
    ProjectFields,
    CreateProject
);
builder!(
    /// Maps two known records onto each other.
    CreateMapping,
    MappingFields,
    CreateMapping
);

impl CreateOrgUnit {
    /// A unit of this name and type.
    pub fn new(name: &str, unit_type: &str) -> Self {
        let named = Self { fields: Ok(UnitFields::default()), if_exists: IfExists::Refuse };
        named.set(|fields| {
            fields.name = Some(Name::parse(name)?);
            fields.unit_type = Some(UnitType::parse(unit_type)?);
            Ok(())
        })
    }

    /// With this key instead of its name.
    pub fn key(self, key: &str) -> Self {
        self.set(|fields| {
            fields.key = Some(UnitKey::parse(key)?);
            Ok(())
        })
    }

    /// Beneath this unit, which must exist; once for each parent.
    pub fn under(self, parent: impl Into<UnitRef>) -> Self {
        self.set(|fields| {
            fields.parents.get_or_insert_default().push(parent.into());
            Ok(())
        })
    }
}

impl CreatePerson {
    /// A person with this address.
    pub fn new(email: &str) -> Self {
        let fields =
            Email::parse(email).map(|email| PersonFields { email: Some(email), ..PersonFields::default() });
        Self { fields, if_exists: IfExists::Refuse }
    }

    /// With this name to show.
    pub fn display_name(self, name: &str) -> Self {
        self.set(|fields| {
            fields.display_name = Patch::Set(Name::parse(name)?);
            Ok(())
        })
    }

    /// Beneath the unit at the end of this path, which is made where it does not exist.
    pub fn under(self, path: &str) -> Self {
        self.set(|fields| {
            fields.placement = Placement::Under(path.to_owned());
            Ok(())
        })
    }
}

impl CreateProject {
    /// A project with this id and name.
    pub fn new(project_id: &str, name: &str) -> Self {
        let named = Self { fields: Ok(ProjectFields::default()), if_exists: IfExists::Refuse };
        named.set(|fields| {
            fields.project_id = Some(ProjectId::parse(project_id)?);
            fields.name = Some(Name::parse(name)?);
            Ok(())
        })
    }

    /// As another system calls it.
    pub fn external_id(self, id: &str) -> Self {
        self.set(|fields| {
            fields.external_id = Patch::Set(ExternalId::parse(id)?);
            Ok(())
        })
    }

    /// With the repository at this url; once for each.
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

    /// Beneath the unit at the end of this path, which is made where it does not exist.
    pub fn under(self, path: &str) -> Self {
        self.set(|fields| {
            fields.placement = Placement::Under(path.to_owned());
            Ok(())
        })
    }
}

impl CreateMapping {
    fn between(mapping_type: MappingType, from: &str, to: &str) -> Self {
        let fields = MappingFields {
            mapping_type: Some(mapping_type),
            from: Some(EndRef::Text(from.to_owned())),
            to: Some(EndRef::Text(to.to_owned())),
            ..MappingFields::default()
        };
        Self { fields: Ok(fields), if_exists: IfExists::Refuse }
    }

    /// As this system says.
    pub fn source(self, system: &str) -> Self {
        self.set(|fields| {
            fields.source = Patch::Set(Name::parse(system)?);
            Ok(())
        })
    }

    /// This person works on this project.
    pub fn member(project_id: &str, email: &str) -> Self {
        Self::between(MappingType::ProjectPeople, project_id, email)
    }

    /// This project belongs to this unit.
    pub fn project_in(project_id: &str, unit: &str) -> Self {
        Self::between(MappingType::ProjectOrg, project_id, unit)
    }

    /// This person belongs to this unit.
    pub fn person_in(email: &str, unit: &str) -> Self {
        Self::between(MappingType::PeopleOrg, email, unit)
    }

    /// This unit is directly beneath that one.
    pub fn parent_child(parent: &str, child: &str) -> Self {
        Self::between(MappingType::ParentChild, parent, child)
    }
}

impl RepositoryFields {
    /// The repository at `url`, named and hosted as the url says.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the url ends in nothing that can be a name.
    pub fn at(url: RepoUrl) -> Result<Self, Error> {
        let normalized = url.normalized();
        let last = normalized.rsplit('/').next().unwrap_or_default();
        Ok(Self {
            name: Name::parse(last)?,
            platform: Some(Name::parse(&url.host())?),
            url: Some(url),
            attributes: AttributesPatch::Keep,
        })
    }
}

impl LinkUnits {
    /// `child` beneath `parent`; either is made where it does not exist.
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

    /// With these types.
    #[must_use]
    pub fn types(mut self, parent: UnitType, child: UnitType) -> Self {
        self.parent.unit_type = Some(parent);
        self.child.unit_type = Some(child);
        self
    }
}

impl IntoCommand for LinkUnits {
    fn into_command(self) -> Result<Command, Error> {
        Ok(Command::LinkUnits(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_refused_is_told_when_the_command_is_taken() {
        let refusal = CreatePerson::new("ada").display_name("Ada").into_command().unwrap_err();
        assert_eq!(refusal.code(), "invalid");
        let refusal = CreateProject::new("p1", "One").repository(" ").into_command().unwrap_err();
        assert!(refusal.to_string().contains("url"), "{refusal}");
    }
}
