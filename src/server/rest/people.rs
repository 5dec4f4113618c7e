//! People: made, listed, shown, changed, ended.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::directory::View;
use crate::model::command::{Command, Create, Delete, IfExists, PersonRef, Update};
use crate::model::entity::{EntityId, Revision};
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
use crate::wire::fields::{Fields, Manner};
use crate::wire::person::person as given;
use crate::wire::text::EmailText;

/// The parameters of lists of people.
pub(super) const PERSON_LIST: &[Param] = &[Param {
    name: "project",
    shape: ParamType::Texts,
    about: "Only people who work on this project, by its id. Given several times: any of them.",
}];

parameters!(PeopleParams = PERSON_LIST);

/// The filter that the parameters of a list of people make.
pub(super) fn filter(view: &View, known: &ParsedParams) -> Result<Filter> {
    let projects: Vec<_> = known.all("project").map(str::to_owned).collect();
    let mut all = levels::conditions(view, known)?;
    if !projects.is_empty() {
        let is_one = Filter::Text(Field::ProjectId, TextTest::In(projects));
        all.push(Filter::Related(Relation::Project, Box::new(is_one)));
    }
    Ok(Filter::And(all))
}

/// Creates a person.
#[utoipa::path(
    post, path = "/api/v2/data/people", tag = "people", operation_id = "create_person",
    request_body(content = PersonInput, content_type = "application/json"),
    responses((status = 200, description = "The record.", body = PersonRecord), Bodied, Written, Refused)
)]
pub(super) async fn create(writer: Writer, _: NoParams, JsonBody(body): JsonBody) -> Result<Response> {
    let fields = given(Fields::new(body, Manner::Create))?;
    let command = Command::CreatePerson(Create { fields, if_exists: IfExists::Refuse });
    written::<People>(&writer.apply(command).await?)
}

/// Lists people.
#[utoipa::path(
    get, path = "/api/v2/data/people", tag = "people", operation_id = "list_people",
    params(LevelParams, PeopleParams, ListParams<People>),
    responses((status = 200, description = "The matches and their number.", content((PersonList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Refused)
)]
pub(super) async fn list(request: ListRequest) -> Result<Response> {
    request.known(&[LEVELS, PERSON_LIST])?.entities::<People>(filter).await
}

/// Shows a person.
#[utoipa::path(
    get, path = "/api/v2/data/people/{email}", tag = "people", operation_id = "show_person",
    params(("email" = EmailText, Path, description = "The person's key, percent-encoded.")),
    responses((status = 200, description = "The record.", body = PersonRecord), Found, Refused)
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

/// Replaces a person: what is not given goes, but for where it belongs.
#[utoipa::path(
    put, path = "/api/v2/data/people/{email}", tag = "people", operation_id = "replace_person",
    params(("email" = EmailText, Path, description = "The person's key, percent-encoded."), IfMatch),
    request_body(content = PersonPatch, content_type = "application/json"),
    responses((status = 200, description = "The record.", body = PersonRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn replace(
    writer: Writer,
    PathKey(key): PathKey<Email>,
    _: NoParams,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    update(writer, key, &headers, Fields::new(body, Manner::Replace)).await
}

/// Changes a person: what is not given stays, and null removes.
#[utoipa::path(
    patch, path = "/api/v2/data/people/{email}", tag = "people", operation_id = "change_person",
    params(("email" = EmailText, Path, description = "The person's key, percent-encoded."), IfMatch),
    request_body(content((PersonPatch = "application/merge-patch+json"), (PersonPatch = "application/json"))),
    responses((status = 200, description = "The record.", body = PersonRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn change(
    writer: Writer,
    PathKey(key): PathKey<Email>,
    _: NoParams,
    headers: HeaderMap,
    MergePatch(body): MergePatch,
) -> Result<Response> {
    update(writer, key, &headers, Fields::new(body, Manner::Merge)).await
}

/// Ends a person and the mappings that name it.
#[utoipa::path(
    delete, path = "/api/v2/data/people/{email}", tag = "people", operation_id = "end_person",
    params(("email" = EmailText, Path, description = "The person's key, percent-encoded."), IfMatch),
    responses((status = 204, description = "It is ended."), Changed, Written, Refused)
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
    let (if_revision, fields) = etag::with_body(expected, given(body))?;
    let update = Update { target: PersonRef::Email(key), fields, if_revision };
    written::<People>(&writer.apply(Command::UpdatePerson(update)).await?)
}

fn find(view: &View, key: &Email) -> Result<EntityId> {
    view.person_by_email(key).ok_or_else(|| not_found("person", key.as_str()))
}

/// The revision that the record must be of. What the caller cannot see is not there.
fn expected(writer: &Writer, key: &Email, headers: &HeaderMap) -> Result<Option<Revision>> {
    let view = writer.view();
    let found = find(&view, key);
    let current = found.as_ref().ok().and_then(|id| People::revision(&view, id));
    let expected = etag::if_revision(headers, current)?;
    found.map(|_| expected)
}
