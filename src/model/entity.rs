//! The five kinds of entity. An [`Entity`] is one record: what it is, and since when.

use std::sync::Arc;

use serde_json::Value;

use crate::model::attributes::Attributes;
use crate::model::key::{ExternalId, Name, RepoUrl, ServiceIdentifier};
use crate::model::time::Timestamp;

pub use crate::model::id::{EntityId, Kind, Revision};
pub use crate::model::person::Person;
pub use crate::model::project::{Project, ProjectOwner};
pub use crate::model::unit::OrgUnit;

/// When a record was made and changed, and when it holds: `valid_from <= now < valid_to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// When the record was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The revision in which it last changed.
    pub revision: Revision,
    /// From when it holds.
    pub valid_from: Timestamp,
    /// Until when it holds; open when none.
    pub valid_to: Option<Timestamp>,
}

impl Stamps {
    /// Of a record made now.
    #[must_use]
    pub fn new(now: Timestamp, revision: Revision) -> Self {
        Self { created_at: now, updated_at: now, revision, valid_from: now, valid_to: None }
    }

    /// Of the same record, changed now.
    #[must_use]
    pub fn changed(self, now: Timestamp, revision: Revision) -> Self {
        Self { updated_at: now, revision, ..self }
    }

    /// Of the same record, ended now.
    #[must_use]
    pub fn ended(self, now: Timestamp, revision: Revision) -> Self {
        Self { valid_to: Some(now), ..self.changed(now, revision) }
    }
}

/// One record: an entity with its number and its stamps.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Its number in this store.
    pub id: EntityId,
    /// When it was made, changed, and holds. Records that were made together mostly share their stamps.
    pub stamps: Arc<Stamps>,
    /// What it is.
    pub body: Body,
}

/// What an entity is.
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
    /// Which kind it is.
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

    /// What messages call it: its key, or for an asset its name.
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

    /// The project that a repository or service belongs to.
    #[must_use]
    pub fn owning_project(&self) -> Option<EntityId> {
        match &self.body {
            Body::Repository(repository) => Some(repository.project),
            Body::Service(service) => Some(service.project),
            _ => None,
        }
    }

    /// As a unit, if it is one.
    #[must_use]
    pub fn as_org_unit(&self) -> Option<&OrgUnit> {
        if let Body::OrgUnit(unit) = &self.body { Some(unit) } else { None }
    }

    /// As a person, if it is one.
    #[must_use]
    pub fn as_person(&self) -> Option<&Person> {
        if let Body::Person(person) = &self.body { Some(person) } else { None }
    }

    /// As a project, if it is one.
    #[must_use]
    pub fn as_project(&self) -> Option<&Project> {
        if let Body::Project(project) = &self.body { Some(project) } else { None }
    }

    /// As a repository, if it is one.
    #[must_use]
    pub fn as_repository(&self) -> Option<&Repository> {
        if let Body::Repository(repository) = &self.body { Some(repository) } else { None }
    }

    /// As a service, if it is one.
    #[must_use]
    pub fn as_service(&self) -> Option<&Service> {
        if let Body::Service(service) = &self.body { Some(service) } else { None }
    }
}

/// A source repository of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Repository {
    /// The project it belongs to.
    pub project: EntityId,
    /// What people call it.
    pub name: Name,
    /// Where it is hosted, such as `github.com`.
    pub platform: Option<Name>,
    /// Where it is.
    pub url: Option<RepoUrl>,
    /// All else.
    pub attributes: Attributes,
}

/// A service that a project runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The project it belongs to.
    pub project: EntityId,
    /// What people call it.
    pub name: Name,
    /// What machines call it.
    pub identifier: Option<ServiceIdentifier>,
    /// What it depends on, in the caller's own form.
    pub dependencies: Option<Box<Value>>,
    /// What another system calls it.
    pub external_id: Option<ExternalId>,
    /// All else.
    pub attributes: Attributes,
}
