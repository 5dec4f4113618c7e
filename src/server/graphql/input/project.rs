//! Projects as mutations give them.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::error::Error;
use crate::model::attributes::{AttributesPatch, kept_exactly};
use crate::model::command::{
    Command, Create, Delete, OwnerFields, Patch, ProjectFields, ProjectRef, RepositoryFields, ServiceFields,
    Update,
};
use crate::model::key::{Email, ExternalId, Name, ProjectId, RepoUrl, ServiceIdentifier};
use crate::server::graphql::input::{
    AsCommand, DeleteInput, attributes, given, if_exists, maybe, patch, placement, placement_patch, revision,
};
use crate::server::graphql::types::scalars::{Json, Revision};
use crate::server::response::problem::Result;
use crate::wire::id::Key;

/// Who answers for a project. What is not given stays; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct ProjectOwnerInput {
    /// Given name.
    first_name: MaybeUndefined<String>,
    /// Family name.
    last_name: MaybeUndefined<String>,
    /// The address; need not be a known person's.
    email: MaybeUndefined<String>,
}

impl ProjectOwnerInput {
    fn fields(self) -> Result<OwnerFields> {
        Ok(OwnerFields {
            first_name: patch(self.first_name, "firstName", Name::parse)?,
            last_name: patch(self.last_name, "lastName", Name::parse)?,
            email: patch(self.email, "email", Email::parse)?,
        })
    }
}

/// A repository of a project. It needs a url or a name.
#[derive(Debug, InputObject)]
pub(crate) struct RepositoryInput {
    /// What people call it; else the last part of the url.
    name: Option<String>,
    /// Where it is hosted; else the host of the url.
    platform: Option<String>,
    /// Where it is.
    url: Option<String>,
    /// Fields that the directory has no name for: an object.
    attributes: Option<Json>,
}

impl RepositoryInput {
    fn fields(self) -> Result<RepositoryFields> {
        let url = given(self.url, "url", RepoUrl::parse)?;
        let (name, platform) =
            (given(self.name, "name", Name::parse)?, given(self.platform, "platform", Name::parse)?);
        let mut fields = match (url, name) {
            (Some(url), None) => RepositoryFields::at(url)?,
            (Some(url), Some(name)) => {
                let platform = Some(Name::parse(&url.host())?);
                RepositoryFields { name, platform, url: Some(url), attributes: AttributesPatch::Keep }
            }
            (None, Some(name)) => {
                RepositoryFields { name, platform: None, url: None, attributes: AttributesPatch::Keep }
            }
            (None, None) => return Err(Error::Missing { field: "url" }.into()),
        };
        fields.platform = platform.or(fields.platform);
        fields.attributes = attributes(maybe(self.attributes))?;
        Ok(fields)
    }
}

/// A service of a project. It needs an identifier or a name.
#[derive(Debug, InputObject)]
pub(crate) struct ServiceInput {
    /// What people call it; else its identifier.
    name: Option<String>,
    /// What machines call it.
    identifier: Option<String>,
    /// What it depends on, in any form.
    dependencies: Option<Json>,
    /// What another system calls it.
    external_id: Option<String>,
    /// Fields that the directory has no name for: an object.
    attributes: Option<Json>,
}

impl ServiceInput {
    fn fields(self) -> Result<ServiceFields> {
        let identifier = given(self.identifier, "identifier", ServiceIdentifier::parse)?;
        let name = match (given(self.name, "name", Name::parse)?, &identifier) {
            (Some(name), _) => name,
            (None, Some(identifier)) => Name::parse(identifier.as_str())?,
            (None, None) => return Err(Error::Missing { field: "identifier" }.into()),
        };
        let dependencies = self.dependencies.map(|json| json.0);
        if let Some(dependencies) = &dependencies {
            kept_exactly("dependencies", dependencies)?;
        }
        Ok(ServiceFields {
            name,
            identifier,
            dependencies,
            external_id: given(self.external_id, "externalId", ExternalId::parse)?,
            attributes: attributes(maybe(self.attributes))?,
        })
    }
}

fn repositories(given: Option<Vec<RepositoryInput>>) -> Result<Patch<Vec<RepositoryFields>>> {
    let read = given.map(|all| all.into_iter().map(RepositoryInput::fields).collect::<Result<_>>());
    Ok(Patch::keep_or_set(read.transpose()?))
}

fn services(given: Option<Vec<ServiceInput>>) -> Result<Patch<Vec<ServiceFields>>> {
    let read = given.map(|all| all.into_iter().map(ServiceInput::fields).collect::<Result<_>>());
    Ok(Patch::keep_or_set(read.transpose()?))
}

/// A new project.
#[derive(Debug, InputObject)]
pub(crate) struct CreateProjectInput {
    /// Unique among projects.
    project_id: String,
    /// What people call it.
    project_name: String,
    /// Who answers for it.
    owner: Option<ProjectOwnerInput>,
    /// What another system calls it.
    external_id: Option<String>,
    /// Fields that the directory has no name for: an object.
    attributes: Option<Json>,
    /// Its repositories.
    repositories: Option<Vec<RepositoryInput>>,
    /// Its services.
    services: Option<Vec<ServiceInput>>,
    /// The organization to be placed in, by name; made where it does not exist.
    organization: Option<String>,
    /// The business to be placed in, beneath the level above that is given.
    business: Option<String>,
    /// The department to be placed in, beneath the level above that is given.
    department: Option<String>,
    /// The group to be placed in, beneath the level above that is given.
    group: Option<String>,
    /// The team to be placed in, beneath the level above that is given.
    team: Option<String>,
    /// The units to be placed in, which must exist; instead of the five levels.
    units: Option<Vec<ID>>,
    /// Merge into the project where there is one, instead of being refused.
    #[graphql(default = false)]
    upsert: bool,
}

impl AsCommand for CreateProjectInput {
    fn command(self) -> Result<Command> {
        let levels = [self.organization, self.business, self.department, self.group, self.team];
        let fields = ProjectFields {
            project_id: Some(ProjectId::parse(&self.project_id)?),
            name: Some(Name::parse(&self.project_name).map_err(|refusal| refusal.about("projectName"))?),
            owner: Patch::keep_or_set(self.owner.map(ProjectOwnerInput::fields).transpose()?),
            external_id: Patch::keep_or_set(given(self.external_id, "externalId", ExternalId::parse)?),
            attributes: attributes(maybe(self.attributes))?,
            repositories: repositories(self.repositories)?,
            services: services(self.services)?,
            placement: placement(self.units, levels)?,
        };
        Ok(Command::CreateProject(Create { fields, if_exists: if_exists(self.upsert) }))
    }
}

/// Changes to a project. What is not given stays; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateProjectInput {
    /// A global id, or the project id.
    id: ID,
    /// Refuse unless the record is still of this revision.
    if_revision: Option<Revision>,
    /// Another project id.
    project_id: Option<String>,
    /// What people call it.
    project_name: Option<String>,
    /// Who answers for it.
    owner: MaybeUndefined<ProjectOwnerInput>,
    /// What another system calls it.
    external_id: MaybeUndefined<String>,
    /// Merged into the attributes as RFC 7396 says; null clears them.
    attributes: MaybeUndefined<Json>,
    /// Its repositories, all of them.
    repositories: Option<Vec<RepositoryInput>>,
    /// Its services, all of them.
    services: Option<Vec<ServiceInput>>,
    /// Another organization, by name; the levels that are not given stay.
    organization: MaybeUndefined<String>,
    /// Another business, by name; the levels that are not given stay.
    business: MaybeUndefined<String>,
    /// Another department, by name; the levels that are not given stay.
    department: MaybeUndefined<String>,
    /// Another group, by name; the levels that are not given stay.
    group: MaybeUndefined<String>,
    /// Another team, by name; the levels that are not given stay.
    team: MaybeUndefined<String>,
    /// Just these units, which must exist; instead of the five levels.
    units: Option<Vec<ID>>,
}

impl AsCommand for UpdateProjectInput {
    fn command(self) -> Result<Command> {
        let levels = [self.organization, self.business, self.department, self.group, self.team];
        let owner = match self.owner {
            MaybeUndefined::Undefined => Patch::Keep,
            MaybeUndefined::Null => Patch::Clear,
            MaybeUndefined::Value(owner) => Patch::Set(owner.fields()?),
        };
        let fields = ProjectFields {
            project_id: given(self.project_id, "projectId", ProjectId::parse)?,
            name: given(self.project_name, "projectName", Name::parse)?,
            owner,
            external_id: patch(self.external_id, "externalId", ExternalId::parse)?,
            attributes: attributes(self.attributes)?,
            repositories: repositories(self.repositories)?,
            services: services(self.services)?,
            placement: placement_patch(self.units, levels)?,
        };
        let target = project_ref(&self.id)?;
        Ok(Command::UpdateProject(Update { target, fields, if_revision: revision(self.if_revision) }))
    }
}

pub(crate) fn delete(input: &DeleteInput) -> Result<Command> {
    let target = project_ref(&input.id)?;
    Ok(Command::DeleteProject(Delete { target, if_revision: revision(input.if_revision) }))
}

fn project_ref(id: &ID) -> Result<ProjectRef> {
    Ok(match Key::read(id) {
        Some(Key::Project(id)) => ProjectRef::ProjectId(id),
        _ => ProjectRef::ProjectId(ProjectId::parse(id)?),
    })
}
