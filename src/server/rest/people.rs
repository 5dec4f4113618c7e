//! People: create, list, read, update and delete.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::directory::View;
use crate::model::command::{Command, Create, Delete, IfExists, PersonRef, Update};
use crate::model::entity::{EntityId, Kind, Revision};
use crate::model::key::Email;
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
use crate::server::rest::openapi::schemas::{PersonInput, PersonPatch};
use crate::server::rest::openapi::schemas::{PersonList, PersonRecord};
use crate::server::rest::resource::{People, Resource};
use crate::server::rest::single::{found, not_found, written};
use crate::wire::fields::{Fields, UpdateMode};
use crate::wire::person::person as person_fields;
use crate::wire::text::EmailText;

/// The parameters of lists of people, beside those of every list.
pub(super) const PERSON_LIST: &[Param] = &[Param {
    name: "project",
    value_type: ParamType::Texts,
    about: "Only people who work on the project with this id. May be repeated: on any of the projects.",
}];

parameters!(PeopleParams = PERSON_LIST);

/// The filter of a list of people: all parameters combined with AND.
pub(super) fn filter(view: &View, params: &ParsedParams) -> Result<Filter> {
    let projects: Vec<_> = params.all("project").map(str::to_owned).collect();
    let mut all = levels::conditions(view, params)?;
    if !projects.is_empty() {
        let has_id = Filter::Text(Field::ProjectId, TextTest::In(projects));
        all.push(Filter::Related(Relation::Project, Box::new(has_id)));
    }
    Ok(Filter::And(all))
}

/// Creates a person.
#[utoipa::path(
    post, path = "/api/v2/data/people", tag = "people", operation_id = "create_person",
    request_body(content = PersonInput, content_type = "application/json"),
    responses((status = 200, description = "The person.", body = PersonRecord), Bodied, Written, Refused)
)]
pub(super) async fn create(writer: Writer, _: NoParams, JsonBody(body): JsonBody) -> Result<Response> {
    let fields = person_fields(Fields::new(body, UpdateMode::Create))?;
    let command = Command::CreatePerson(Create { fields, if_exists: IfExists::Refuse });
    written::<People>(&writer.apply(command).await?)
}

/// Lists people, filtered, sorted and paged.
#[utoipa::path(
    get, path = "/api/v2/data/people", tag = "people", operation_id = "list_people",
    params(LevelParams, PeopleParams, ListParams<People>),
    responses((status = 200, description = "The matching people and their total number. A `Link` header leads to the next page.", content((PersonList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Refused)
)]
pub(super) async fn list(request: ListRequest) -> Result<Response> {
    request.parse(&[LEVELS, PERSON_LIST])?.entities::<People>(filter).await
}

/// Reads a person.
#[utoipa::path(
    get, path = "/api/v2/data/people/{email}", tag = "people", operation_id = "show_person",
    params(("email" = EmailText, Path, description = "The person's email, percent-encoded.")),
    responses((status = 200, description = "The person.", body = PersonRecord), Found, Refused)
)]
pub(super) async fn show(
    Visible(view): Visible,
    PathKey(key): PathKey<Email>,
    _: NoParams,
    headers: HeaderMap,
) -> Result<Response> {
    let id = find(&view, &key)?;
    found::<People>(&view, &id, &headers)
}

/// Replaces a person. Fields that are absent are removed, except those that place it in the hierarchy.
#[utoipa::path(
    put, path = "/api/v2/data/people/{email}", tag = "people", operation_id = "replace_person",
    params(("email" = EmailText, Path, description = "The person's email, percent-encoded."), IfMatch),
    request_body(content = PersonPatch, content_type = "application/json"),
    responses((status = 200, description = "The person.", body = PersonRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn replace(
    writer: Writer,
    PathKey(key): PathKey<Email>,
    _: NoParams,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    update(writer, key, &headers, Fields::new(body, UpdateMode::Replace)).await
}

/// Updates a person by a merge patch (RFC 7396). Fields that are absent stay; null removes a field.
#[utoipa::path(
    patch, path = "/api/v2/data/people/{email}", tag = "people", operation_id = "change_person",
    params(("email" = EmailText, Path, description = "The person's email, percent-encoded."), IfMatch),
    request_body(content((PersonPatch = "application/merge-patch+json"), (PersonPatch = "application/json"))),
    responses((status = 200, description = "The person.", body = PersonRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn change(
    writer: Writer,
    PathKey(key): PathKey<Email>,
    _: NoParams,
    headers: HeaderMap,
    MergePatch(body): MergePatch,
) -> Result<Response> {
    update(writer, key, &headers, Fields::new(body, UpdateMode::Merge)).await
}

/// Deletes a person and the mappings of that person.
#[utoipa::path(
    delete, path = "/api/v2/data/people/{email}", tag = "people", operation_id = "end_person",
    params(("email" = EmailText, Path, description = "The person's email, percent-encoded."), IfMatch),
    responses((status = 204, description = "The person was deleted."), Changed, Written, Refused)
)]
pub(super) async fn end(
    writer: Writer,
    PathKey(key): PathKey<Email>,
    _: NoParams,
    headers: HeaderMap,
) -> Result<StatusCode> {
    let if_revision = expected(&writer, &key, &headers)?;
    let target = PersonRef::Email(key);
    writer.apply(Command::DeletePerson(Delete { target, if_revision })).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn update(writer: Writer, key: Email, headers: &HeaderMap, body: Fields) -> Result<Response> {
    let expected = expected(&writer, &key, headers);
    // Passed unevaluated: a fault of the body takes precedence over a failed condition.
    let (if_revision, fields) = etag::with_body(expected, person_fields(body))?;
    let update = Update { target: PersonRef::Email(key), fields, if_revision };
    written::<People>(&writer.apply(Command::UpdatePerson(update)).await?)
}

fn find(view: &View, key: &Email) -> Result<EntityId> {
    view.person_by_email(key).ok_or_else(|| not_found(view, Kind::Person, key.as_str()))
}

/// The revision that `If-Match` requires; 404 if the person does not exist in the caller's scope.
// The condition comes before the 404: `If-Match` fails with 412 where there is no record (RFC 9110, section 13.1.1).
fn expected(writer: &Writer, key: &Email, headers: &HeaderMap) -> Result<Option<Revision>> {
    // The view is dropped on return: kept while the writer works, it would keep an old revision of the graph alive.
    let view = writer.view();
    let found = find(&view, key);
    let current = found.as_ref().ok().and_then(|id| People::revision(&view, id));
    let expected = etag::if_revision(headers, current)?;
    found.map(|_| expected)
}
