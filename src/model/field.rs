//! The texts of a record by name: what can be tested, sorted by and found.

use crate::model::entity::{Body, Entity, Kind};
use crate::model::key::{Email, RepoUrl};

/// A text of an entity that can be tested and sorted by. A field that a kind does not have is null for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Of a unit.
    Key,
    /// Of a unit, repository or service; a project's `projectName`.
    Name,
    /// Of a unit.
    Type,
    /// Of anything but a repository.
    ExternalId,
    /// Of a person; compared without case.
    Email,
    /// Of a person.
    FirstName,
    /// Of a person.
    LastName,
    /// Of a person.
    DisplayName,
    /// Of a project.
    ProjectId,
    /// The email of a project's owner; compared without case.
    OwnerEmail,
    /// The given name of a project's owner.
    OwnerFirstName,
    /// The family name of a project's owner.
    OwnerLastName,
    /// Of a repository.
    Platform,
    /// Of a repository; compared normalised.
    Url,
    /// Of a service.
    Identifier,
}

impl Field {
    /// All of them, in the order in which they are numbered.
    pub const ALL: [Self; 15] = [
        Self::Key,
        Self::Name,
        Self::Type,
        Self::ExternalId,
        Self::Email,
        Self::FirstName,
        Self::LastName,
        Self::DisplayName,
        Self::ProjectId,
        Self::OwnerEmail,
        Self::OwnerFirstName,
        Self::OwnerLastName,
        Self::Platform,
        Self::Url,
        Self::Identifier,
    ];

    /// The text of `entity` in this field.
    #[must_use]
    pub fn text(self, entity: &Entity) -> Option<&str> {
        match &entity.body {
            Body::OrgUnit(unit) => match self {
                Self::Key => Some(unit.key.as_str()),
                Self::Name => Some(unit.name.as_str()),
                Self::Type => Some(unit.unit_type.as_str()),
                Self::ExternalId => unit.external_id.as_ref().map(AsRef::as_ref),
                _ => None,
            },
            Body::Person(person) => match self {
                Self::Email => Some(person.email.as_str()),
                Self::FirstName => person.first_name.as_ref().map(AsRef::as_ref),
                Self::LastName => person.last_name.as_ref().map(AsRef::as_ref),
                Self::DisplayName => person.display_name.as_ref().map(AsRef::as_ref),
                Self::ExternalId => person.external_id.as_ref().map(AsRef::as_ref),
                _ => None,
            },
            Body::Project(project) => match self {
                Self::ProjectId => Some(project.project_id.as_str()),
                Self::Name => Some(project.name.as_str()),
                Self::OwnerEmail => project.owner.as_ref()?.email.as_ref().map(Email::as_str),
                Self::OwnerFirstName => project.owner.as_ref()?.first_name.as_deref().map(AsRef::as_ref),
                Self::OwnerLastName => project.owner.as_ref()?.last_name.as_deref().map(AsRef::as_ref),
                Self::ExternalId => project.external_id.as_ref().map(AsRef::as_ref),
                _ => None,
            },
            Body::Repository(repository) => match self {
                Self::Name => Some(repository.name.as_str()),
                Self::Platform => repository.platform.as_ref().map(AsRef::as_ref),
                Self::Url => repository.url.as_ref().map(RepoUrl::as_str),
                _ => None,
            },
            Body::Service(service) => match self {
                Self::Name => Some(service.name.as_str()),
                Self::Identifier => service.identifier.as_ref().map(AsRef::as_ref),
                Self::ExternalId => service.external_id.as_ref().map(AsRef::as_ref),
                _ => None,
            },
        }
    }

    /// The word for it, as the wire has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Name => "name",
            Self::Type => "type",
            Self::ExternalId => "externalId",
            Self::Email => "email",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::DisplayName => "displayName",
            Self::ProjectId => "projectId",
            Self::OwnerEmail => "owner",
            Self::OwnerFirstName => "ownerFirstName",
            Self::OwnerLastName => "ownerLastName",
            Self::Platform => "platform",
            Self::Url => "url",
            Self::Identifier => "identifier",
        }
    }
}

impl Kind {
    /// The texts by which records of a kind are found, in a fixed order: names and keys.
    #[must_use]
    pub fn texts(self) -> &'static [Field] {
        match self {
            Self::OrgUnit => &[Field::Name, Field::Key, Field::ExternalId],
            Self::Person => {
                &[Field::DisplayName, Field::FirstName, Field::LastName, Field::Email, Field::ExternalId]
            }
            Self::Project => &[
                Field::Name,
                Field::ProjectId,
                Field::ExternalId,
                Field::OwnerEmail,
                Field::OwnerFirstName,
                Field::OwnerLastName,
            ],
            Self::Repository => &[Field::Name, Field::Url],
            Self::Service => &[Field::Name, Field::Identifier, Field::ExternalId],
        }
    }
}
