//! Units: create, list, read, update and delete.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::error::Error;
use crate::model::command::{Beneath, BeneathCounts, Command, Create, DeleteUnit, IfExists, Update};
use crate::model::entity::{EntityId, Kind, Revision};
use crate::model::key::UnitKey;
use crate::model::level::UnitType;
use crate::model::reference::UnitRef;
use crate::query::{Field, Filter, TextTest};
use crate::server::auth::extract::{Visible, Writer};
use crate::server::request::body::{JsonBody, MergePatch};
use crate::server::request::key::PathKey;
use crate::server::request::params::{NoParams, Param, ParamType, Params, ParsedParams, unprocessable_error};
use crate::server::response::problem::Result;
use crate::server::rest::etag;
use crate::server::rest::levels::LevelParams;
use crate::server::rest::levels::{self, LEVELS};
use crate::server::rest::list::ListRequest;
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{
    Bodied, Changed, Found, IfMatch, ListParams, Listed, Referring, Refused, Written,
};
use crate::server::rest::openapi::schemas::UnitList;
use crate::server::rest::openapi::schemas::UnitRecord;
use crate::server::rest::openapi::schemas::{UnitInput, UnitPatch};
use crate::server::rest::resource::Resource;
use crate::server::rest::resource::Units;
use crate::server::rest::single::{found, not_found, written};
use crate::wire::fields::{Fields, UpdateMode};
use crate::wire::text::UnitReferenceText;
use crate::wire::unit::unit as unit_fields;

/// The parameters of lists of units, beside those of every list.
pub(super) const UNIT_LIST: &[Param] = &[Param {
    name: "type",
    value_type: ParamType::Texts,
    about: "Only units of this type, a level or any other word. May be repeated: of any of the types.",
}];

parameters!(UnitParams = UNIT_LIST);

/// The parameters of deleting a unit.
const END: &[Param] = &[Param {
    name: "children",
    value_type: ParamType::OneOf(&["refuse", "lift", "end"]),
    about: "What becomes of its child units, people and projects: `refuse` (the default) deletes nothing if there are any, `lift` places them under the unit's parents, `end` deletes child units that no other unit holds.",
}];

parameters!(EndParams = END);

/// The unit types in the parameters; empty if there is no condition on the type.
pub(super) fn types(params: &ParsedParams) -> Result<Vec<UnitType>> {
    let types = params.all("type").map(UnitType::parse).collect::<Result<_, _>>();
    types.map_err(|refusal| unprocessable_error("type", refusal))
}

/// The filter of a list of units: all parameters combined with AND.
pub(super) fn filter(view: &View, params: &ParsedParams) -> Result<Filter> {
    let mut all = levels::conditions(view, params)?;
    let types: Vec<_> = types(params)?.iter().map(|kind| kind.as_str().to_owned()).collect();
    if !types.is_empty() {
        all.push(Filter::Text(Field::Type, TextTest::In(types)));
    }
    Ok(Filter::And(all))
}

/// The unit that a reference in a path identifies: by key, external id, path or unique name.
pub(super) fn find(view: &View, reference: &UnitRef) -> Result<EntityId> {
    view.find_unit(reference).map_err(|refusal| match refusal {
        // In the path a missing unit is a missing resource, reported like other records; `find_unit` words it as a
        // faulty reference.
        Error::NotFound { .. } => not_found(view, Kind::OrgUnit, &reference.shown()),
        other => other.into(),
    })
}

/// Creates a unit.
#[utoipa::path(
    post, path = "/api/v2/data/units", tag = "units", operation_id = "create_unit",
    request_body(content = UnitInput, content_type = "application/json"),
    responses((status = 200, description = "The unit.", body = UnitRecord), Bodied, Written, Refused)
)]
pub(super) async fn create(writer: Writer, _: NoParams, JsonBody(body): JsonBody) -> Result<Response> {
    let fields = unit_fields(Fields::new(body, UpdateMode::Create))?;
    let command = Command::CreateUnit(Create { fields, if_exists: IfExists::Refuse });
    written::<Units>(&writer.apply(command).await?)
}

/// Lists units, filtered, sorted and paged.
#[utoipa::path(
    get, path = "/api/v2/data/units", tag = "units", operation_id = "list_units",
    params(LevelParams, UnitParams, ListParams<Units>),
    responses((status = 200, description = "The matching units and their total number. A `Link` header leads to the next page.", content((UnitList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Refused)
)]
pub(super) async fn list(request: ListRequest) -> Result<Response> {
    request.parse(&[LEVELS, UNIT_LIST])?.entities::<Units>(filter).await
}

/// Reads a unit, with the numbers of records below it.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}", tag = "units", operation_id = "show_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded.")),
    responses((status = 200, description = "The unit.", body = UnitRecord), Found, Referring, Refused)
)]
pub(super) async fn show(
    Visible(view): Visible,
    PathKey(reference): PathKey<UnitRef>,
    _: NoParams,
    headers: HeaderMap,
) -> Result<Response> {
    let id = find(&view, &reference)?;
    found::<Units>(&view, &id, &headers)
}

/// Replaces a unit. Fields that are absent are removed, except those that place it in the hierarchy.
#[utoipa::path(
    put, path = "/api/v2/data/units/{key}", tag = "units", operation_id = "replace_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), IfMatch),
    request_body(content = UnitPatch, content_type = "application/json"),
    responses((status = 200, description = "The unit.", body = UnitRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn replace(
    writer: Writer,
    PathKey(reference): PathKey<UnitRef>,
    _: NoParams,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    update(writer, &reference, &headers, Fields::new(body, UpdateMode::Replace)).await
}

/// Updates a unit by a merge patch (RFC 7396). Fields that are absent stay; null removes a field.
#[utoipa::path(
    patch, path = "/api/v2/data/units/{key}", tag = "units", operation_id = "change_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), IfMatch),
    request_body(content((UnitPatch = "application/merge-patch+json"), (UnitPatch = "application/json"))),
    responses((status = 200, description = "The unit.", body = UnitRecord), Bodied, Changed, Written, Refused)
)]
pub(super) async fn change(
    writer: Writer,
    PathKey(reference): PathKey<UnitRef>,
    _: NoParams,
    headers: HeaderMap,
    MergePatch(body): MergePatch,
) -> Result<Response> {
    update(writer, &reference, &headers, Fields::new(body, UpdateMode::Merge)).await
}

/// Deletes a unit and its mappings.
///
/// With `children=lift` its child units, people and projects are placed under its parents; with `children=end` child
/// units that no other unit holds are deleted as well, at any depth, and people and projects lose their place in what is
/// deleted. By default a unit that has any of these is refused with 409 `not-empty`.
#[utoipa::path(
    delete, path = "/api/v2/data/units/{key}", tag = "units", operation_id = "end_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), EndParams, IfMatch),
    responses(
        (status = 200, description = "The unit was deleted; with `children=lift` or `children=end`.", body = EndedUnit),
        (status = 204, description = "The unit was deleted, and had nothing beneath it."),
        Changed, Written, Refused
    )
)]
pub(super) async fn end(
    writer: Writer,
    PathKey(reference): PathKey<UnitRef>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response> {
    let params = params.parse(&[END])?;
    let beneath = match params.one("children") {
        Some("lift") => Beneath::Lift,
        Some("end") => Beneath::End,
        _ => Beneath::Refuse,
    };
    let (key, if_revision) = expected(&writer, &reference, &headers)?;
    let target = UnitRef::Key(key);
    let written = writer.apply(Command::DeleteUnit(DeleteUnit { target, if_revision, beneath })).await?;
    if beneath == Beneath::Refuse {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let counts = written.outcomes.first().map(|outcome| outcome.beneath).unwrap_or_default();
    let BeneathCounts { lifted, ended_units, ended_placements } = counts;
    Ok(Json(EndedUnit { lifted, ended_units, ended_placements }).into_response())
}

/// What became of the records beneath a deleted unit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EndedUnit {
    /// Records that were placed under the unit's parents.
    lifted: usize,
    /// Other units that were deleted.
    ended_units: usize,
    /// Places of people and projects that ended.
    ended_placements: usize,
}

async fn update(writer: Writer, reference: &UnitRef, headers: &HeaderMap, body: Fields) -> Result<Response> {
    let expected = expected(&writer, reference, headers);
    // Passed unevaluated: a fault of the body takes precedence over a failed condition.
    let ((key, if_revision), fields) = etag::with_body(expected, unit_fields(body))?;
    let update = Update { target: UnitRef::Key(key), fields, if_revision };
    written::<Units>(&writer.apply(Command::UpdateUnit(update)).await?)
}

/// The unit's key, and the revision that `If-Match` requires; 404 if the unit does not exist in the caller's scope.
// The key, not the reference, is passed on: a name or path may identify another unit by the time the change is carried
// out, and the condition was evaluated for this one.
fn expected(
    writer: &Writer,
    reference: &UnitRef,
    headers: &HeaderMap,
) -> Result<(UnitKey, Option<Revision>)> {
    // The view is dropped on return: kept while the writer works, it would keep an old revision of the graph alive.
    let view = writer.view();
    let found = find(&view, reference);
    let current = found.as_ref().ok().and_then(|id| Units::revision(&view, id));
    let expected = etag::if_revision(headers, current)?;
    let unit = view.entity(found?).and_then(|entity| entity.as_org_unit());
    let unit = unit.ok_or_else(|| not_found(&view, Kind::OrgUnit, &reference.shown()))?;
    Ok((unit.key.clone(), expected))
}
