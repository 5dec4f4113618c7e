//! Text fields of entities by name: for filters, sorting and full-text search.

use crate::model::entity::{Body, Entity, Kind};
use crate::model::key::Email;
use crate::model::repo_url::RepoUrl;

/// A text field of an entity that queries can filter and sort by. `None` for all entities of a kind without the field.
///
/// ```
/// use clade::model::Field;
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreateProject::new("cart", "Cart"))?.view;
/// let entity = view.entity(view.project("cart")?.id()).expect("it is visible");
/// assert_eq!((Field::Name.text(entity), Field::Email.text(entity)), (Some("Cart"), None));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The key of a unit.
    Key,
    /// The name of a unit, repository or service; the `projectName` of a project.
    Name,
    /// The type of a unit.
    Type,
    /// The external id of any entity but a repository.
    ExternalId,
    /// The email of a person, compared without case.
    Email,
    /// The given name of a person.
    FirstName,
    /// The family name of a person.
    LastName,
    /// The display name of a person.
    DisplayName,
    /// The id of a project.
    ProjectId,
    /// The email of a project's owner, compared without case.
    OwnerEmail,
    /// The given name of a project's owner.
    OwnerFirstName,
    /// The family name of a project's owner.
    OwnerLastName,
    /// The platform of a repository.
    Platform,
    /// The URL of a repository, compared in its normalized form.
    Url,
    /// The identifier of a service.
    Identifier,
}

impl Field {
    /// All fields, in the order of their numbers.
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

    /// The value of this field; `None` if it is absent or the kind does not have it.
    #[must_use]
    pub fn text(self, entity: &Entity) -> Option<&str> {
        // Borrowed and as stored, since sorting and indexing read millions of these; comparisons fold or normalize it.
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

    /// Its name in REST and GraphQL.
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
            // Not `ownerEmail`: the REST query parameter has this name too.
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
    /// The fields in the text index for this kind, in the order of the index.
    #[must_use]
    pub fn texts(self) -> &'static [Field] {
        // The index stores texts by their position in this list. `OwnerEmail` and what follows must come last: search
        // stops before it, and only filters use the whole list.
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
