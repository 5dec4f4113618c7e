//! A project, and what a command says of one. A command's fields become the record's here and nowhere else.

use serde_json::Value;

use crate::model::attributes::{Attributes, AttributesPatch};
use crate::model::key::{Email, ExternalId, Name, ProjectId, RepoUrl, ServiceIdentifier};
use crate::model::patch::{Patch, Placement};

/// A project. Its repositories and services are entities of their own that point to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Unique among projects.
    pub project_id: ProjectId,
    /// What people call it.
    pub name: Name,
    /// Who answers for it; need not be a known person.
    pub owner: Option<ProjectOwner>,
    /// What another system calls it.
    pub external_id: Option<ExternalId>,
    /// All else.
    pub attributes: Attributes,
}

/// Who answers for a project, as the record says it. Mostly that is the email alone, so the names are kept apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProjectOwner {
    /// Given name.
    pub first_name: Option<Box<Name>>,
    /// Family name.
    pub last_name: Option<Box<Name>>,
    /// Leads to the person, where one has this address.
    pub email: Option<Email>,
}

/// What is said of a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProjectFields {
    /// Required of a new project.
    pub project_id: Option<ProjectId>,
    /// Required of a new project.
    pub name: Option<Name>,
    /// Who answers for it.
    pub owner: Patch<OwnerFields>,
    /// What another system calls it.
    pub external_id: Patch<ExternalId>,
    /// All else.
    pub attributes: AttributesPatch,
    /// Its repositories, all of them.
    pub repositories: Patch<Vec<RepositoryFields>>,
    /// Its services, all of them.
    pub services: Patch<Vec<ServiceFields>>,
    /// Where the project belongs.
    pub placement: Placement,
}

/// What is said of a project's owner.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnerFields {
    /// Given name.
    pub first_name: Patch<Name>,
    /// Family name.
    pub last_name: Patch<Name>,
    /// Leads to the person, where one has this address.
    pub email: Patch<Email>,
}

impl Project {
    /// With this id and name and nothing else.
    #[must_use]
    pub fn new(project_id: ProjectId, name: Name) -> Self {
        Self { project_id, name, owner: None, external_id: None, attributes: Attributes::default() }
    }

    /// The record after a command.
    #[must_use]
    pub fn patched(&self, fields: &ProjectFields) -> Self {
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
    /// The owner after a command; none of whom nothing is left.
    fn patched(self, fields: &OwnerFields) -> Option<Self> {
        let after = Self {
            first_name: fields.first_name.clone().map(Box::new).applied(self.first_name),
            last_name: fields.last_name.clone().map(Box::new).applied(self.last_name),
            email: fields.email.clone().applied(self.email),
        };
        (after != Self::default()).then_some(after)
    }
}

/// A repository as a project's record gives it. Two of one project differ in url, or else in name.
#[derive(Debug, Clone, PartialEq)]
pub struct RepositoryFields {
    /// What people call it.
    pub name: Name,
    /// Where it is hosted.
    pub platform: Option<Name>,
    /// Where it is.
    pub url: Option<RepoUrl>,
    /// All else.
    pub attributes: AttributesPatch,
}

/// A service as a project's record gives it. Two of one project differ in identifier, or else in name.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceFields {
    /// What people call it.
    pub name: Name,
    /// What machines call it.
    pub identifier: Option<ServiceIdentifier>,
    /// What it depends on.
    pub dependencies: Option<Value>,
    /// What another system calls it.
    pub external_id: Option<ExternalId>,
    /// All else.
    pub attributes: AttributesPatch,
}
