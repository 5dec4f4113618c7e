//! Projects: the record, its owner, and the fields of a command, including repositories and services.
//!
//! Invariant: [`Project::patched`] is the only place that turns the fields of a command into a record.

use serde_json::Value;

use crate::error::Error;
use crate::model::attributes::{Attributes, AttributesPatch};
use crate::model::key::{Email, ExternalId, Name, ProjectId, ServiceIdentifier};
use crate::model::patch::{Patch, Placement};
use crate::model::repo_url::RepoUrl;

/// The record of a project. Its repositories and services are separate entities that refer to it.
///
/// ```
/// let cart = clade::CreateProject::new("cart", "Cart").owner("ada@corp.example");
/// let view = clade::Directory::in_memory()?.apply(cart)?.view;
/// let cart = view.project("cart")?; // dereferences to the record
/// assert_eq!(cart.name.as_str(), "Cart");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The key: unique among projects.
    pub project_id: ProjectId,
    /// Its display name.
    pub name: Name,
    /// Its owner, who need not be a person of the directory.
    pub owner: Option<ProjectOwner>,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Fields that Clade does not define.
    pub attributes: Attributes,
}

/// The owner of a project, as its record has it.
///
/// ```
/// let cart = clade::CreateProject::new("cart", "Cart").owner("ada@corp.example");
/// let view = clade::Directory::in_memory()?.apply(cart)?.view;
/// let owner = view.project("cart")?.owner.clone().expect("it was set");
/// assert_eq!(owner.email.as_ref().map(|email| email.as_str()), Some("ada@corp.example"));
/// # Ok::<(), clade::Error>(())
/// ```
// The names are boxed because most projects have the owner's email only; inline they would enlarge every entity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProjectOwner {
    /// Given name.
    pub first_name: Option<Box<Name>>,
    /// Family name.
    pub last_name: Option<Box<Name>>,
    /// Email. Links to the person with this email, if there is one.
    pub email: Option<Email>,
}

/// The fields of a project, in a command.
///
/// ```
/// use clade::{Command, CreateProject, IntoCommand, model::command::Patch};
///
/// let cart = CreateProject::new("cart", "Cart").repository("https://github.com/corp/cart");
/// let Command::CreateProject(create) = cart.into_command()? else { unreachable!("it was built as one") };
/// assert!(matches!(create.fields.repositories, Patch::Set(repositories) if repositories.len() == 1));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProjectFields {
    /// The project id; required for a new project.
    pub project_id: Option<ProjectId>,
    /// The name; required for a new project.
    pub name: Option<Name>,
    /// Its owner.
    pub owner: Patch<OwnerFields>,
    /// Its id in another system.
    pub external_id: Patch<ExternalId>,
    /// Fields that Clade does not define.
    pub attributes: AttributesPatch,
    /// All of its repositories: those that are missing here are deleted.
    pub repositories: Patch<Vec<RepositoryFields>>,
    /// All of its services: those that are missing here are deleted.
    pub services: Patch<Vec<ServiceFields>>,
    /// The units that the project is placed in.
    pub placement: Placement,
}

/// The fields of a project's owner, in a command.
///
/// ```
/// use clade::{Command, CreateProject, IntoCommand, model::command::Patch};
///
/// let cart = CreateProject::new("cart", "Cart").owner("ada@corp.example").into_command()?;
/// let Command::CreateProject(create) = cart else { unreachable!("it was built as one") };
/// assert!(matches!(create.fields.owner, Patch::Set(owner) if owner.first_name == Patch::Keep));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnerFields {
    /// Given name.
    pub first_name: Patch<Name>,
    /// Family name.
    pub last_name: Patch<Name>,
    /// Email. Links to the person with this email, if there is one.
    pub email: Patch<Email>,
}

impl Project {
    /// A project with this id and name and no other field.
    #[must_use]
    pub fn new(project_id: ProjectId, name: Name) -> Self {
        Self { project_id, name, owner: None, external_id: None, attributes: Attributes::default() }
    }

    /// The record after an update. Repositories, services and placement are not part of it.
    #[must_use]
    pub fn patched(&self, fields: &ProjectFields) -> Self {
        // Listed field by field, without `..`: a field that is added to the record must be handled here to compile.
        Self {
            project_id: fields.project_id.as_ref().unwrap_or(&self.project_id).clone(),
            name: fields.name.as_ref().unwrap_or(&self.name).clone(),
            owner: match &fields.owner {
                Patch::Keep => self.owner.clone(),
                Patch::Clear => None,
                Patch::Set(owner) => self.owner.clone().unwrap_or_default().patched(owner),
            },
            external_id: fields.external_id.applied_to(&self.external_id),
            attributes: self.attributes.patched(&fields.attributes),
        }
    }
}

impl ProjectOwner {
    /// The owner after an update; `None` if no field is left.
    fn patched(self, fields: &OwnerFields) -> Option<Self> {
        let after = Self {
            first_name: fields.first_name.clone().map(Box::new).applied(self.first_name),
            last_name: fields.last_name.clone().map(Box::new).applied(self.last_name),
            email: fields.email.clone().applied(self.email),
        };
        // An owner without fields and no owner must be one value, or clearing the last field would look like a change.
        (after != Self::default()).then_some(after)
    }
}

/// The fields of a repository, in a command. A project's repositories are identified by their URL; without one, by
/// name.
///
/// ```
/// use clade::model::{RepoUrl, command::RepositoryFields};
///
/// let repository = RepositoryFields::at(RepoUrl::parse("git@github.com:corp/cart.git")?)?;
/// assert_eq!(repository.name.as_str(), "cart");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RepositoryFields {
    /// Its display name.
    pub name: Name,
    /// The hosting platform, such as `github.com`.
    pub platform: Option<Name>,
    /// Its URL.
    pub url: Option<RepoUrl>,
    /// Fields that Clade does not define.
    pub attributes: AttributesPatch,
}

/// The fields of a service, in a command. A project's services are identified by their identifier; without one, by
/// name.
///
/// ```
/// # use clade::{Command, CreateProject, Directory, IntoCommand};
/// use clade::model::{Name, ServiceIdentifier, command::{Patch, ServiceFields}};
///
/// let (name, identifier) = (Name::parse("Cart API")?, ServiceIdentifier::parse("cart-api")?);
/// let (attributes, known) = (Default::default(), Some(identifier.clone()));
/// let api = ServiceFields { name, identifier: known, dependencies: None, external_id: None, attributes };
/// # let Command::CreateProject(mut cart) = CreateProject::new("cart", "Cart").into_command()? else { panic!() };
/// cart.fields.services = Patch::Set(vec![api]); // `cart` is a `Create<ProjectFields>`
/// let view = Directory::in_memory()?.apply(Command::CreateProject(cart))?.view;
/// assert_eq!(view.services_called(&identifier).len(), 1);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceFields {
    /// Its display name.
    pub name: Name,
    /// Its technical identifier.
    pub identifier: Option<ServiceIdentifier>,
    /// Its dependencies, any JSON.
    pub dependencies: Option<Value>,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Fields that Clade does not define.
    pub attributes: AttributesPatch,
}

impl RepositoryFields {
    /// The repository at `url`, with the name and platform that the URL gives.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the last segment of the URL is not a valid name.
    pub fn at(url: RepoUrl) -> Result<Self, Error> {
        Self::with_defaults(None, None, Some(url))
    }

    /// A repository whose name and platform default to those that its URL gives.
    ///
    /// # Errors
    /// [`Error::Missing`] without a name and a URL; [`Error::Invalid`] if the last segment of the URL, which is to be the
    /// name, is not a valid one.
    pub fn with_defaults(
        name: Option<Name>,
        platform: Option<Name>,
        url: Option<RepoUrl>,
    ) -> Result<Self, Error> {
        let name = match (name, &url) {
            (Some(name), _) => name,
            (None, Some(url)) => url.repository_name()?,
            (None, None) => return Err(Error::Missing { field: "url" }),
        };
        let platform = platform.or_else(|| url.as_ref().and_then(RepoUrl::platform));
        Ok(Self { name, platform, url, attributes: AttributesPatch::Keep })
    }
}
