//! Projects as mutations give them.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::error::Error;
use crate::model::attributes::{AttributesPatch, kept_exactly};
use crate::model::command::{
    Command, Create, Delete, OwnerFields, Patch, ProjectFields, ProjectRef, RepositoryFields, ServiceFields,
    Update,
};
use crate::model::key::{Email, ExternalId, Name, ProjectId, RepoUrl, ServiceIdentifier};
use crate::server::graphql::input::levels::{of_changes, of_new};
use crate::server::graphql::input::table::{Input, Member, Table};
use crate::server::graphql::input::{AsCommand, DeleteInput, attributes, given, maybe, patch, revision};
use crate::server::graphql::types::scalars::Json;
use crate::server::response::problem::Result;
use crate::wire::id::GlobalId;
use crate::wire::project::{FIELDS, project};

/// Who answers for a project. What is not given stays; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct ProjectOwnerInput {
    /// First name.
    first_name: MaybeUndefined<String>,
    /// Last name.
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
    /// Custom attributes, a JSON object.
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
    /// Its id in an external system.
    external_id: Option<String>,
    /// Custom attributes, a JSON object.
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

/// A list of assets, all of them; as it is where none is given.
fn all<I, F>(given: MaybeUndefined<Vec<I>>, read: impl Fn(I) -> Result<F>) -> Result<Patch<Vec<F>>> {
    let MaybeUndefined::Value(all) = given else { return Ok(Patch::Keep) };
    all.into_iter().map(read).collect::<Result<_>>().map(Patch::Set)
}

/// The table of a new project.
pub(crate) struct NewProject;

/// The table of changes to a project.
pub(crate) struct ProjectChanges;

pub(crate) type CreateProjectInput = Input<NewProject>;
pub(crate) type UpdateProjectInput = Input<ProjectChanges>;

/// With the owner, whose name and type are GraphQL's own.
fn with_owner(members: impl Iterator<Item = Member>) -> impl Iterator<Item = Member> {
    members.map(|member| match member.name() {
        "projectOwner" => Member::nested::<ProjectOwnerInput>("owner", "Who answers for it."),
        _ => member,
    })
}

/// Reads all that a project's table does not.
fn with_parts<T: Table>(
    mut input: Input<T>,
    read: impl FnOnce(Input<T>) -> Result<ProjectFields>,
) -> Result<ProjectFields> {
    let owner = match input.nested::<ProjectOwnerInput>("owner")? {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(owner) => Patch::Set(owner.fields()?),
    };
    let repositories = all(input.nested("repositories")?, RepositoryInput::fields)?;
    let services = all(input.nested("services")?, ServiceInput::fields)?;
    let units = input.placement();
    let fields = read(input)?;
    let placement = units.unwrap_or(fields.placement);
    Ok(ProjectFields { owner, repositories, services, placement, ..fields })
}

impl Table for NewProject {
    const NAME: &'static str = "CreateProjectInput";
    const ABOUT: &'static str = "A new project.";

    fn members() -> Vec<Member> {
        let parts = [
            Member::ATTRIBUTES,
            Member::nested::<Vec<RepositoryInput>>("repositories", "Its repositories."),
            Member::nested::<Vec<ServiceInput>>("services", "Its services."),
        ];
        let upsert = Member::upsert("Merge into the project where there is one, instead of being refused.");
        with_owner(Member::of_new(&FIELDS)).chain(parts).chain(of_new()).chain([upsert]).collect()
    }
}

impl AsCommand for CreateProjectInput {
    fn command(mut self) -> Result<Command> {
        let if_exists = self.if_exists();
        let fields = with_parts(self, |input| Ok(project(input.new_record())?))?;
        // Null is as good as nothing in a new record.
        let owner = if fields.owner == Patch::Clear { Patch::Keep } else { fields.owner };
        Ok(Command::CreateProject(Create { fields: ProjectFields { owner, ..fields }, if_exists }))
    }
}

impl Table for ProjectChanges {
    const NAME: &'static str = "UpdateProjectInput";
    const ABOUT: &'static str = "Changes to a project. What is not given stays; null clears.";

    fn members() -> Vec<Member> {
        let target = [Member::id("A global id, or the project id."), Member::IF_REVISION];
        let parts = [
            Member::ATTRIBUTES_PATCH,
            Member::nested::<Vec<RepositoryInput>>("repositories", "Its repositories, all of them."),
            Member::nested::<Vec<ServiceInput>>("services", "Its services, all of them."),
        ];
        let fields = target.into_iter().chain(with_owner(Member::of_changes(&FIELDS)));
        fields.chain(parts).chain(of_changes()).collect()
    }
}

impl AsCommand for UpdateProjectInput {
    fn command(mut self) -> Result<Command> {
        let (id, if_revision) = (self.id(), self.if_revision());
        let fields = with_parts(self, |input| Ok(project(input.changes())?))?;
        Ok(Command::UpdateProject(Update { target: project_ref(&id)?, fields, if_revision }))
    }
}

pub(crate) fn delete(input: &DeleteInput) -> Result<Command> {
    let target = project_ref(&input.id)?;
    Ok(Command::DeleteProject(Delete { target, if_revision: revision(input.if_revision) }))
}

fn project_ref(id: &ID) -> Result<ProjectRef> {
    Ok(match GlobalId::read(id) {
        Some(GlobalId::Project(id)) => ProjectRef::ProjectId(id),
        _ => ProjectRef::ProjectId(ProjectId::parse(id)?),
    })
}
