//! Mappings: create (in either edition of the published API), list, read, update and delete.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::directory::View;
use crate::error::Error;
use crate::model::command::{Command, Delete, IfExists, Update};
use crate::model::entity::Revision;
use crate::model::mapping::{Mapping, MappingId};
use crate::query::MappingFilter;
use crate::server::auth::extract::{Visible, Writer};
use crate::server::request::body::{JsonBody, MergePatch};
use crate::server::request::key::PathKey;
use crate::server::request::params::{NoParams, ParsedParams};
use crate::server::response::problem::Result;
use crate::server::rest::etag;
use crate::server::rest::levels::LEVELS;
use crate::server::rest::levels::LevelParams;
use crate::server::rest::list::ListRequest;
use crate::server::rest::mapping_list::MappingParams;
use crate::server::rest::mapping_list::{self, MAPPING_LIST};
use crate::server::rest::openapi::responses::{
    Bodied, Changed, Found, IfMatch, ListParams, Listed, Refused, Written,
};
use crate::server::rest::openapi::schemas::MappingList;
use crate::server::rest::openapi::schemas::MappingRecord;
use crate::server::rest::openapi::schemas::{MappingInput, MappingPatch};
use crate::server::rest::resource::MappingResource;
use crate::server::rest::single::{found, written_mapping};
use crate::wire::fields::{Fields, UpdateMode};
use crate::wire::mapping;
use crate::wire::text::MappingIdText;

/// Creates a mapping between two records.
///
/// Edition A of the published API names both ends, which must exist. Edition B names a parent and a child unit, which
/// are created if they do not exist.
#[utoipa::path(
    post, path = "/api/v2/data/mapping", tag = "mappings", operation_id = "create_mapping",
    request_body(content = MappingInput, content_type = "application/json"),
    responses((status = 200, description = "The mapping.", body = MappingRecord), Bodied, Written, Refused)
)]
pub(super) async fn create(writer: Writer, _: NoParams, JsonBody(body): JsonBody) -> Result<Response> {
    let command = mapping::created(Fields::new(body, UpdateMode::Create), IfExists::Refuse)?;
    written_mapping(&writer.apply(command).await?)
}

/// Lists mappings, filtered, sorted and paged.
#[utoipa::path(
    get, path = "/api/v2/data/mappings", tag = "mappings", operation_id = "list_mappings",
    params(LevelParams, MappingParams, ListParams<MappingResource>),
    responses((status = 200, description = "The matching mappings and their total number. A `Link` header leads to the next page.", content((MappingList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Refused)
)]
pub(super) async fn list(request: ListRequest) -> Result<Response> {
    let all = |_: &View, _: &ParsedParams| Ok(MappingFilter::default());
    mapping_list::respond(request.parse(&[LEVELS, MAPPING_LIST])?, all).await
}

/// Lists mappings. Older path of `GET /api/v2/data/mappings`.
#[utoipa::path(
    get, path = "/api/v2/data/mapping", tag = "mappings", operation_id = "list_mappings_at_older_path",
    params(LevelParams, MappingParams, ListParams<MappingResource>),
    responses((status = 200, description = "The matching mappings and their total number. A `Link` header leads to the next page.", content((MappingList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Refused)
)]
pub(super) async fn list_alias(request: ListRequest) -> Result<Response> {
    list(request).await
}

/// Reads a mapping.
#[utoipa::path(
    get, path = "/api/v2/data/mapping/{id}", tag = "mappings", operation_id = "show_mapping",
    params(("id" = MappingIdText, Path, description = "The mapping's id.")),
    responses((status = 200, description = "The mapping.", body = MappingRecord), Found, Refused)
)]
pub(super) async fn show(
    Visible(view): Visible,
    PathKey(id): PathKey<MappingId>,
    _: NoParams,
    headers: HeaderMap,
) -> Result<Response> {
    let mapping = find(&view, &id)?;
    found::<MappingResource>(&view, mapping, &headers)
}

/// Replaces a mapping. Fields that are absent are removed.
#[utoipa::path(
    put, path = "/api/v2/data/mapping/{id}", tag = "mappings", operation_id = "replace_mapping",
    params(("id" = MappingIdText, Path, description = "The mapping's id."), IfMatch),
    request_body(content = MappingInput, content_type = "application/json"),
    responses((status = 200, description = "The mapping.", body = MappingRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn replace(
    writer: Writer,
    PathKey(id): PathKey<MappingId>,
    _: NoParams,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    update(writer, id, &headers, Fields::new(body, UpdateMode::Replace)).await
}

/// Updates a mapping by a merge patch (RFC 7396). Fields that are absent stay; null removes a field.
#[utoipa::path(
    patch, path = "/api/v2/data/mapping/{id}", tag = "mappings", operation_id = "change_mapping",
    params(("id" = MappingIdText, Path, description = "The mapping's id."), IfMatch),
    request_body(content(
        (MappingPatch = "application/merge-patch+json"),
        (MappingPatch = "application/json")
    )),
    responses((status = 200, description = "The mapping.", body = MappingRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn change(
    writer: Writer,
    PathKey(id): PathKey<MappingId>,
    _: NoParams,
    headers: HeaderMap,
    MergePatch(body): MergePatch,
) -> Result<Response> {
    update(writer, id, &headers, Fields::new(body, UpdateMode::Merge)).await
}

/// Deletes a mapping.
#[utoipa::path(
    delete, path = "/api/v2/data/mapping/{id}", tag = "mappings", operation_id = "end_mapping",
    params(("id" = MappingIdText, Path, description = "The mapping's id."), IfMatch),
    responses((status = 204, description = "The mapping was deleted."), Changed, Written, Refused)
)]
pub(super) async fn end(
    writer: Writer,
    PathKey(id): PathKey<MappingId>,
    _: NoParams,
    headers: HeaderMap,
) -> Result<StatusCode> {
    let if_revision = expected(&writer, &id, &headers)?;
    writer.apply(Command::DeleteMapping(Delete { target: id, if_revision })).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn update(writer: Writer, id: MappingId, headers: &HeaderMap, body: Fields) -> Result<Response> {
    let expected = expected(&writer, &id, headers);
    let (if_revision, fields) = etag::with_body(expected, mapping::changed(body, id))?;
    let update = Update { target: id, fields, if_revision };
    written_mapping(&writer.apply(Command::UpdateMapping(update)).await?)
}

fn find<'v>(view: &'v View, id: &MappingId) -> Result<&'v Arc<Mapping>> {
    view.mapping(id).ok_or_else(|| Error::not_found("mapping", id.to_string()).into())
}

/// The revision that `If-Match` requires; 404 if the mapping does not exist in the caller's scope.
// A condition on a record that does not exist fails with 412 rather than 404 (RFC 9110, section 13.1.1), so it is
// evaluated before `found` is.
fn expected(writer: &Writer, id: &MappingId, headers: &HeaderMap) -> Result<Option<Revision>> {
    let view = writer.view();
    let found = find(&view, id);
    let current = found.as_ref().ok().map(|mapping| mapping.stamps.revision);
    let expected = etag::if_revision(headers, current)?;
    found.map(|_| expected)
}
