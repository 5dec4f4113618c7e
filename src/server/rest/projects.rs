//! Projects: create, list, read, update and delete.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::directory::View;
use crate::model::command::{Command, Create, Delete, IfExists, ProjectRef, Update};
use crate::model::entity::{EntityId, Kind, Revision};
use crate::model::key::ProjectId;
use crate::query::{Field, Filter, Relation, TextTest};
use crate::server::auth::extract::{Visible, Writer};
use crate::server::request::body::{JsonBody, MergePatch};
use crate::server::request::key::PathKey;
use crate::server::request::params::{NoParams, Param, ParamType, ParsedParams};
use crate::server::response::problem::Result;
use crate::server::rest::etag;
use crate::server::rest::levels::LevelParams;
use crate::server::rest::levels::{self, LEVELS};
use crate::server::rest::list::ListRequest;
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{
    Bodied, Changed, Found, IfMatch, ListParams, Listed, Refused, Written,
};
use crate::server::rest::openapi::schemas::{ProjectInput, ProjectPatch, ProjectReplacement};
use crate::server::rest::openapi::schemas::{ProjectList, ProjectRecord};
use crate::server::rest::resource::{Projects, Resource};
use crate::server::rest::single::{found, not_found, written};
use crate::wire::fields::{Fields, UpdateMode};
use crate::wire::project::project as project_fields;
use crate::wire::text::ProjectIdText;

/// The parameters of lists of projects, beside those of every list.
pub(super) const PROJECT_LIST: &[Param] = &[
    Param {
        name: "platform",
        value_type: ParamType::Texts,
        about: "Only projects with a repository on this hosting platform. May be repeated: on any of them.",
    },
    Param {
        name: "owner",
        value_type: ParamType::Texts,
        about: "Only projects whose owner has this email. May be repeated: any of the emails.",
    },
    Param {
        name: "member",
        value_type: ParamType::Texts,
        about: "Only projects that the person with this email works on. May be repeated: any of the emails.",
    },
];

parameters!(ProjectsParams = PROJECT_LIST);

/// The filter of a list of projects: all parameters combined with AND.
pub(super) fn filter(view: &View, params: &ParsedParams) -> Result<Filter> {
    let mut all = levels::conditions(view, params)?;
    let any_of = |name| {
        let values: Vec<_> = params.all(name).map(str::to_owned).collect();
        (!values.is_empty()).then_some(TextTest::In(values))
    };
    if let Some(platforms) = any_of("platform") {
        let on_platform = Filter::Text(Field::Platform, platforms);
        all.push(Filter::Related(Relation::Repository, Box::new(on_platform)));
    }
    // The owner is a field, not a relation: an owner's email need not belong to a known person.
    if let Some(owners) = any_of("owner") {
        all.push(Filter::Text(Field::OwnerEmail, owners));
    }
    if let Some(members) = any_of("member") {
        let has_email = Filter::Text(Field::Email, members);
        all.push(Filter::Related(Relation::Member, Box::new(has_email)));
    }
    Ok(Filter::And(all))
}

/// Creates a project.
#[utoipa::path(
    post, path = "/api/v2/data/project", tag = "projects", operation_id = "create_project",
    request_body(content = ProjectInput, content_type = "application/json"),
    responses((status = 200, description = "The project.", body = ProjectRecord), Bodied, Written, Refused)
)]
pub(super) async fn create(writer: Writer, _: NoParams, JsonBody(body): JsonBody) -> Result<Response> {
    let fields = project_fields(Fields::new(body, UpdateMode::Create))?;
    let command = Command::CreateProject(Create { fields, if_exists: IfExists::Refuse });
    written::<Projects>(&writer.apply(command).await?)
}

/// Lists projects, filtered, sorted and paged.
#[utoipa::path(
    get, path = "/api/v2/data/projects", tag = "projects", operation_id = "list_projects",
    params(LevelParams, ProjectsParams, ListParams<Projects>),
    responses((status = 200, description = "The matching projects and their total number. A `Link` header leads to the next page.", content((ProjectList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Refused)
)]
pub(super) async fn list(request: ListRequest) -> Result<Response> {
    request.parse(&[LEVELS, PROJECT_LIST])?.entities::<Projects>(filter).await
}

/// Lists projects. Older path of `GET /api/v2/data/projects`.
#[utoipa::path(
    get, path = "/api/v2/data/project", tag = "projects", operation_id = "list_projects_at_older_path",
    params(LevelParams, ProjectsParams, ListParams<Projects>),
    responses((status = 200, description = "The matching projects and their total number. A `Link` header leads to the next page.", content((ProjectList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Refused)
)]
pub(super) async fn list_alias(request: ListRequest) -> Result<Response> {
    list(request).await
}

/// Reads a project.
#[utoipa::path(
    get, path = "/api/v2/data/project/{projectId}", tag = "projects", operation_id = "show_project",
    params(("projectId" = ProjectIdText, Path, description = "The project's id, percent-encoded.")),
    responses((status = 200, description = "The project.", body = ProjectRecord), Found, Refused)
)]
pub(super) async fn show(
    Visible(view): Visible,
    PathKey(key): PathKey<ProjectId>,
    _: NoParams,
    headers: HeaderMap,
) -> Result<Response> {
    let id = find(&view, &key)?;
    found::<Projects>(&view, &id, &headers)
}

/// Replaces a project. Fields that are absent are removed, except those that place it in the hierarchy.
#[utoipa::path(
    put, path = "/api/v2/data/project/{projectId}", tag = "projects", operation_id = "replace_project",
    params(("projectId" = ProjectIdText, Path, description = "The project's id, percent-encoded."), IfMatch),
    request_body(content = ProjectReplacement, content_type = "application/json"),
    responses((status = 200, description = "The project.", body = ProjectRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn replace(
    writer: Writer,
    PathKey(key): PathKey<ProjectId>,
    _: NoParams,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    update(writer, key, &headers, Fields::new(body, UpdateMode::Replace)).await
}

/// Updates a project by a merge patch (RFC 7396). Fields that are absent stay; null removes a field.
#[utoipa::path(
    patch, path = "/api/v2/data/project/{projectId}", tag = "projects", operation_id = "change_project",
    params(("projectId" = ProjectIdText, Path, description = "The project's id, percent-encoded."), IfMatch),
    request_body(content((ProjectPatch = "application/merge-patch+json"), (ProjectPatch = "application/json"))),
    responses((status = 200, description = "The project.", body = ProjectRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn change(
    writer: Writer,
    PathKey(key): PathKey<ProjectId>,
    _: NoParams,
    headers: HeaderMap,
    MergePatch(body): MergePatch,
) -> Result<Response> {
    update(writer, key, &headers, Fields::new(body, UpdateMode::Merge)).await
}

/// Deletes a project and its mappings.
#[utoipa::path(
    delete, path = "/api/v2/data/project/{projectId}", tag = "projects", operation_id = "end_project",
    params(("projectId" = ProjectIdText, Path, description = "The project's id, percent-encoded."), IfMatch),
    responses((status = 204, description = "The project was deleted."), Changed, Written, Refused)
)]
pub(super) async fn end(
    writer: Writer,
    PathKey(key): PathKey<ProjectId>,
    _: NoParams,
    headers: HeaderMap,
) -> Result<StatusCode> {
    let if_revision = expected(&writer, &key, &headers)?;
    let target = ProjectRef::ProjectId(key);
    writer.apply(Command::DeleteProject(Delete { target, if_revision })).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn update(writer: Writer, key: ProjectId, headers: &HeaderMap, body: Fields) -> Result<Response> {
    let expected = expected(&writer, &key, headers);
    // Passed unevaluated: a fault of the body takes precedence over a failed condition.
    let (if_revision, fields) = etag::with_body(expected, project_fields(body))?;
    let update = Update { target: ProjectRef::ProjectId(key), fields, if_revision };
    written::<Projects>(&writer.apply(Command::UpdateProject(update)).await?)
}

fn find(view: &View, key: &ProjectId) -> Result<EntityId> {
    view.project_by_id(key).ok_or_else(|| not_found(view, Kind::Project, key.as_str()))
}

/// The revision that `If-Match` requires; 404 if the project does not exist in the caller's scope.
// The condition comes before the 404: `If-Match` fails with 412 where there is no record (RFC 9110, section 13.1.1).
fn expected(writer: &Writer, key: &ProjectId, headers: &HeaderMap) -> Result<Option<Revision>> {
    // The view is dropped on return: kept while the writer works, it would keep an old revision of the graph alive.
    let view = writer.view();
    let found = find(&view, key);
    let current = found.as_ref().ok().and_then(|id| Projects::revision(&view, id));
    let expected = etag::if_revision(headers, current)?;
    found.map(|_| expected)
}
