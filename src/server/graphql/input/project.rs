//! Inputs of the project mutations, with owner, repositories and services.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::error::Error;
use crate::model::attributes::check_exact_numbers;
use crate::model::command::{
    Command, Create, Delete, OwnerFields, Patch, ProjectFields, ProjectRef, RepositoryFields, ServiceFields,
    Update,
};
use crate::model::key::{Email, ExternalId, Name, ProjectId, ServiceIdentifier};
use crate::model::repo_url::RepoUrl;
use crate::server::graphql::input::levels::{of_changes, of_new};
use crate::server::graphql::input::table::{Input, Member, Table};
use crate::server::graphql::input::{AsCommand, DeleteInput, attributes, expected, maybe, optional, patch};
use crate::server::graphql::types::scalars::Json;
use crate::server::response::problem::Result;
use crate::wire::id::GlobalId;
use crate::wire::project::{FIELDS, project};

/// The owner of a project. Absent fields stay unchanged; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct ProjectOwnerInput {
    /// First name.
    first_name: MaybeUndefined<String>,
    /// Last name.
    last_name: MaybeUndefined<String>,
    /// Email. Need not belong to a person in the directory.
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

/// A repository of a project. Requires a URL or a name.
#[derive(Debug, InputObject)]
pub(crate) struct RepositoryInput {
    /// Display name. Default: the last segment of the URL.
    name: Option<String>,
    /// Hosting platform. Default: the host of the URL.
    platform: Option<String>,
    /// URL.
    url: Option<String>,
    /// Custom attributes, a JSON object.
    attributes: Option<Json>,
}

impl RepositoryInput {
    fn fields(self) -> Result<RepositoryFields> {
        let url = optional(self.url, "url", RepoUrl::parse)?;
        let (name, platform) =
            (optional(self.name, "name", Name::parse)?, optional(self.platform, "platform", Name::parse)?);
        let mut fields = RepositoryFields::with_defaults(name, platform, url)?;
        fields.attributes = attributes(maybe(self.attributes))?;
        Ok(fields)
    }
}

/// A service of a project. Requires an identifier or a name.
#[derive(Debug, InputObject)]
pub(crate) struct ServiceInput {
    /// Display name. Default: the identifier.
    name: Option<String>,
    /// Technical identifier.
    identifier: Option<String>,
    /// Dependencies: any JSON value.
    dependencies: Option<Json>,
    /// Its id in an external system.
    external_id: Option<String>,
    /// Custom attributes, a JSON object.
    attributes: Option<Json>,
}

impl ServiceInput {
    fn fields(self) -> Result<ServiceFields> {
        let identifier = optional(self.identifier, "identifier", ServiceIdentifier::parse)?;
        let name = match (optional(self.name, "name", Name::parse)?, &identifier) {
            (Some(name), _) => name,
            (None, Some(identifier)) => Name::parse(identifier.as_str())?,
            (None, None) => return Err(Error::Missing { field: "identifier" }.into()),
        };
        let dependencies = self.dependencies.map(|json| json.0);
        if let Some(dependencies) = &dependencies {
            // As for attributes: a number that would be stored rounded is refused.
            check_exact_numbers("dependencies", dependencies)?;
        }
        Ok(ServiceFields {
            name,
            identifier,
            dependencies,
            external_id: optional(self.external_id, "externalId", ExternalId::parse)?,
            attributes: attributes(maybe(self.attributes))?,
        })
    }
}

/// The complete new list of a project's repositories or services.
fn all<I, F>(input: MaybeUndefined<Vec<I>>, read: impl Fn(I) -> Result<F>) -> Result<Patch<Vec<F>>> {
    // Null keeps the list, as absent does. Only an empty list removes all of a project's assets.
    let MaybeUndefined::Value(all) = input else { return Ok(Patch::Keep) };
    all.into_iter().map(read).collect::<Result<_>>().map(Patch::Set)
}

/// The field table of a new project.
pub(crate) struct NewProject;

/// The field table of a project's update.
pub(crate) struct ProjectChanges;

pub(crate) type CreateProjectInput = Input<NewProject>;
pub(crate) type UpdateProjectInput = Input<ProjectChanges>;

/// Replaces REST's owner member by GraphQL's, which has another name and an input type of its own.
fn with_owner(members: impl Iterator<Item = Member>) -> impl Iterator<Item = Member> {
    members.map(|member| match member.name() {
        "projectOwner" => Member::nested::<ProjectOwnerInput>("owner", "The project's owner."),
        _ => member,
    })
}

/// Reads the members that are not in the table shared with REST: owner, repositories, services and units.
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
    // After the nested members were removed: the table would take any that is left for an attribute.
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
            Member::nested::<Vec<RepositoryInput>>("repositories", "The project's repositories."),
            Member::nested::<Vec<ServiceInput>>("services", "The project's services."),
        ];
        let upsert = Member::upsert("Merge into an existing project instead of refusing the change.");
        with_owner(Member::of_new(&FIELDS)).chain(parts).chain(of_new()).chain([upsert]).collect()
    }
}

impl AsCommand for CreateProjectInput {
    fn command(mut self) -> Result<Command> {
        let if_exists = self.if_exists();
        let fields = with_parts(self, |input| Ok(project(input.new_record())?))?;
        // In a new record null is the same as absent. `nested` has read the owner before `new_record` drops nulls.
        let owner = if fields.owner == Patch::Clear { Patch::Keep } else { fields.owner };
        Ok(Command::CreateProject(Create { fields: ProjectFields { owner, ..fields }, if_exists }))
    }
}

impl Table for ProjectChanges {
    const NAME: &'static str = "UpdateProjectInput";
    const ABOUT: &'static str = "Changes to a project. Absent fields stay unchanged; null clears.";

    fn members() -> Vec<Member> {
        let target = [Member::id("The global id or the project id."), Member::IF_REVISION];
        let parts = [
            Member::ATTRIBUTES_PATCH,
            Member::nested::<Vec<RepositoryInput>>(
                "repositories",
                "All repositories of the project. Replaces the current ones.",
            ),
            Member::nested::<Vec<ServiceInput>>(
                "services",
                "All services of the project. Replaces the current ones.",
            ),
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
    Ok(Command::DeleteProject(Delete { target, if_revision: expected(input.if_revision) }))
}

fn project_ref(id: &ID) -> Result<ProjectRef> {
    Ok(match GlobalId::read(id) {
        Some(GlobalId::Project(id)) => ProjectRef::ProjectId(id),
        _ => ProjectRef::ProjectId(ProjectId::parse(id)?),
    })
}
