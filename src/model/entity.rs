//! Entities: org units, people, projects, repositories and services, with their ids and time stamps.
//!
//! Invariant: the time stamps of a record change only through [`Stamps`], so `updated_at` and `revision` change
//! together.

use std::sync::Arc;

use serde_json::Value;

use crate::model::attributes::Attributes;
use crate::model::key::{ExternalId, Name, ServiceIdentifier};
use crate::model::repo_url::RepoUrl;
use crate::model::time::Timestamp;

pub use crate::model::id::{EntityId, Kind, Revision};
pub use crate::model::person::Person;
pub use crate::model::project::{Project, ProjectOwner};
pub use crate::model::unit::OrgUnit;

/// The time stamps of a record. It is valid while `valid_from <= now < valid_to`.
///
/// ```
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// let view = directory.apply(clade::UpdatePerson::new("ada@corp.example").first_name("Ada"))?.view;
/// let stamps = &view.entity(view.person("ada@corp.example")?.id()).expect("she is visible").stamps;
/// assert_eq!((stamps.revision.0, stamps.valid_to), (2, None));
/// assert!(stamps.created_at <= stamps.updated_at);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// When the record was created.
    pub created_at: Timestamp,
    /// When it was last changed, also by its deletion.
    pub updated_at: Timestamp,
    /// The revision of its last change, also of its deletion.
    pub revision: Revision,
    /// The start of its validity.
    pub valid_from: Timestamp,
    /// The end of its validity, exclusive; `None` until it is deleted.
    pub valid_to: Option<Timestamp>,
}

impl Stamps {
    /// The stamps of a record that is created now.
    #[must_use]
    pub fn new(now: Timestamp, revision: Revision) -> Self {
        Self { created_at: now, updated_at: now, revision, valid_from: now, valid_to: None }
    }

    /// The stamps after a change now.
    #[must_use]
    pub fn changed(self, now: Timestamp, revision: Revision) -> Self {
        Self { updated_at: now, revision, ..self }
    }

    /// The stamps after a deletion now.
    #[must_use]
    pub fn ended(self, now: Timestamp, revision: Revision) -> Self {
        // A deletion is a change as well: without a new revision, `if_revision` and sync clients would not notice it.
        Self { valid_to: Some(now), ..self.changed(now, revision) }
    }
}

/// One entity with its id and time stamps.
///
/// ```
/// let view = clade::Directory::in_memory()?.apply(clade::CreateProject::new("cart", "Cart"))?.view;
/// let entity = view.entity(view.project("cart")?.id()).expect("it is visible");
/// assert_eq!((entity.kind(), entity.label()), (clade::Kind::Project, "cart"));
/// # Ok::<(), clade::Error>(())
/// ```
// A million of these are in memory, so what most records share or lack is behind a pointer: shared stamps and boxed
// optional parts took an entity from 208 to 144 bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Its id in this store.
    pub id: EntityId,
    /// Its time stamps. Records of one batch usually share them.
    pub stamps: Arc<Stamps>,
    /// The record.
    pub body: Body,
}

/// The record of an entity, by kind.
///
/// ```
/// use clade::model::Body;
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreateProject::new("cart", "Cart"))?.view;
/// let entity = view.entity(view.project("cart")?.id()).expect("it is visible");
/// assert!(matches!(&entity.body, Body::Project(project) if project.name.as_str() == "Cart"));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A unit of the hierarchy.
    OrgUnit(OrgUnit),
    /// A person.
    Person(Person),
    /// A project.
    Project(Project),
    /// A repository of a project.
    Repository(Repository),
    /// A service of a project.
    Service(Service),
}

impl Entity {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.body {
            Body::OrgUnit(_) => Kind::OrgUnit,
            Body::Person(_) => Kind::Person,
            Body::Project(_) => Kind::Project,
            Body::Repository(_) => Kind::Repository,
            Body::Service(_) => Kind::Service,
        }
    }

    /// Its key, email or project id; of a repository or service its name. For messages and logs.
    #[must_use]
    pub fn label(&self) -> &str {
        match &self.body {
            Body::OrgUnit(unit) => unit.key.as_str(),
            Body::Person(person) => person.email.as_str(),
            Body::Project(project) => project.project_id.as_str(),
            Body::Repository(repository) => repository.name.as_str(),
            Body::Service(service) => service.name.as_str(),
        }
    }

    /// The project of a repository or service; `None` for other kinds.
    #[must_use]
    pub fn owning_project(&self) -> Option<EntityId> {
        match &self.body {
            Body::Repository(repository) => Some(repository.project),
            Body::Service(service) => Some(service.project),
            _ => None,
        }
    }

    /// The unit; `None` for other kinds.
    #[must_use]
    pub fn as_org_unit(&self) -> Option<&OrgUnit> {
        if let Body::OrgUnit(unit) = &self.body { Some(unit) } else { None }
    }

    /// The person; `None` for other kinds.
    #[must_use]
    pub fn as_person(&self) -> Option<&Person> {
        if let Body::Person(person) = &self.body { Some(person) } else { None }
    }

    /// The project; `None` for other kinds.
    #[must_use]
    pub fn as_project(&self) -> Option<&Project> {
        if let Body::Project(project) = &self.body { Some(project) } else { None }
    }

    /// The repository; `None` for other kinds.
    #[must_use]
    pub fn as_repository(&self) -> Option<&Repository> {
        if let Body::Repository(repository) = &self.body { Some(repository) } else { None }
    }

    /// The service; `None` for other kinds.
    #[must_use]
    pub fn as_service(&self) -> Option<&Service> {
        if let Body::Service(service) = &self.body { Some(service) } else { None }
    }
}

/// A source repository of a project.
///
/// ```
/// let cart = clade::CreateProject::new("cart", "Cart").repository("https://github.com/corp/cart-api.git");
/// let view = clade::Directory::in_memory()?.apply(cart)?.view;
/// let repository = view.project("cart")?.repositories().next().expect("it has one");
/// assert_eq!(repository.name.as_str(), "cart-api");
/// assert_eq!(repository.platform.as_ref().map(|host| host.as_str()), Some("github.com"));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Repository {
    /// The project that it belongs to.
    pub project: EntityId,
    /// Its display name.
    pub name: Name,
    /// The hosting platform, such as `github.com`.
    pub platform: Option<Name>,
    /// Its URL.
    pub url: Option<RepoUrl>,
    /// Fields that Clade does not define.
    pub attributes: Attributes,
}

/// A service that a project runs.
///
/// ```
/// # use clade::{Command, CreateProject, Directory, IntoCommand};
/// use clade::model::{Name, command::{Patch, ServiceFields}};
///
/// # let Command::CreateProject(mut cart) = CreateProject::new("cart", "Cart").into_command()? else { panic!() };
/// let (name, attributes) = (Name::parse("Cart API")?, Default::default());
/// let api = ServiceFields { name, identifier: None, dependencies: None, external_id: None, attributes };
/// cart.fields.services = Patch::Set(vec![api]);
/// let view = Directory::in_memory()?.apply(Command::CreateProject(cart))?.view;
/// let service = view.project("cart")?.services().next().expect("it has one");
/// assert_eq!(service.name.as_str(), "Cart API");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The project that it belongs to.
    pub project: EntityId,
    /// Its display name.
    pub name: Name,
    /// Its technical identifier.
    pub identifier: Option<ServiceIdentifier>,
    /// Its dependencies, any JSON.
    pub dependencies: Option<Box<Value>>,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Fields that Clade does not define.
    pub attributes: Attributes,
}
