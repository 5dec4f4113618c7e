//! Lists of a unit: its ancestors, children and descendants, and the people, projects and repositories in it.

use std::collections::HashMap;

use axum::response::Response;
use roaring::RoaringBitmap;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::reference::UnitRef;
use crate::query::cost::{check_affordable, serialization_cost};
use crate::query::page::{PageRequest, page};
use crate::query::subtree::descendants as walk;
use crate::query::{Filter, Order, select};
use crate::server::request::key::PathKey;
use crate::server::request::params::{Param, ParamType, ParsedParams, unprocessable_error};
use crate::server::response::problem::Result;
use crate::server::rest::levels::LevelParams;
use crate::server::rest::levels::{self, LEVELS};
use crate::server::rest::list::ListRequest;
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Found, ListParams, Listed, Referring, Refused};
use crate::server::rest::openapi::schemas::{
    DescendantList, PersonList, ProjectList, RepositoryList, UnitList,
};
use crate::server::rest::people::PeopleParams;
use crate::server::rest::people::{self, PERSON_LIST};
use crate::server::rest::projects::ProjectsParams;
use crate::server::rest::projects::{self, PROJECT_LIST};
use crate::server::rest::resource::{Descendants, People, Projects, Repositories, Units};
use crate::server::rest::units::UnitParams;
use crate::server::rest::units::{self, UNIT_LIST, find};
use crate::wire::text::UnitReferenceText;
use crate::wire::unit::unit_key;

/// The parameters of lists of people, projects and repositories in a unit.
pub(super) const PLACED: &[Param] = &[Param {
    name: "recursive",
    value_type: ParamType::Flag,
    about: "`true` (default): also records below the unit, at any depth. `false`: only records directly in the unit.",
}];

parameters!(PlacedParams = PLACED);

/// The parameters of lists of descendants.
pub(super) const DESCENDANTS: &[Param] = &[Param {
    name: "depth",
    value_type: ParamType::Whole(1, u32::MAX as usize),
    about: "The maximum number of levels below the unit; 1 is its children. Default: all levels.",
}];

parameters!(DescendantParams = DESCENDANTS);

/// Lists the ancestors of a unit, the root first.
///
/// Each ancestor once, even if several paths lead to it. Only units that the token sees are listed.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/ancestors", tag = "units", operation_id = "list_ancestors",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), LevelParams, UnitParams, ListParams<Units>),
    responses((status = 200, description = "The matching units and their total number. A `Link` header leads to the next page.", content((UnitList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn ancestors(PathKey(unit): PathKey<UnitRef>, request: ListRequest) -> Result<Response> {
    related_units(request, unit, View::ancestors).await
}

/// Lists the units directly below a unit, ordered by name.
///
/// With the numbers of records below each. For units at any depth, see its descendants.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/children", tag = "units", operation_id = "list_children",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), LevelParams, UnitParams, ListParams<Units>),
    responses((status = 200, description = "The matching units and their total number. A `Link` header leads to the next page.", content((UnitList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn children(PathKey(unit): PathKey<UnitRef>, request: ListRequest) -> Result<Response> {
    related_units(request, unit, View::children).await
}

/// Lists all units below a unit, each with its depth and its parent, in the order of a tree walk.
///
/// A unit with several parents is listed once, at its smallest depth.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/descendants", tag = "units", operation_id = "list_descendants",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), DescendantParams, LevelParams, UnitParams, ListParams<Descendants>),
    responses((status = 200, description = "The matching units and their total number. A `Link` header leads to the next page.", content((DescendantList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn descendants(PathKey(unit): PathKey<UnitRef>, request: ListRequest) -> Result<Response> {
    let list = request.parse(&[DESCENDANTS, LEVELS, UNIT_LIST])?;
    let order = list.params.one("sort").map(|_| list.order::<Units>()).transpose()?;
    let depth = list.params.whole("depth");
    list.in_order::<Descendants, _>(
        move |view, params| {
            let unit = find(view, &unit)?;
            let filter = Filter::And(levels::conditions(view, params)?);
            let texts = filter.estimate(view, Kind::OrgUnit).texts;
            check_affordable(view, texts)?;
            let cost = serialization_cost(view.below(unit, Kind::OrgUnit).len()).saturating_add(texts);
            Ok((cost, (unit, filter, units::types(params)?)))
        },
        move |view, (unit, filter, types)| {
            let mut below = walk(view, unit, depth, &types);
            let matches = select(view, Kind::OrgUnit, &filter).into_owned();
            below.retain(|found| matches.contains(found.id.0));
            // Only the order changes: depth and parent of each unit stay those of the walk.
            if let Some(order) = order {
                let positions = positions(view, &matches, order)?;
                below.sort_by_key(|found| positions.get(&found.id).copied());
            }
            Ok(below)
        },
        |view, found| unit_key(view, found.id).unwrap_or_default().to_owned(),
    )
    .await
}

/// Lists the people in a unit and below it.
///
/// Each person once, even if placed in several of these units. Takes the filters of the list of people.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/people", tag = "units", operation_id = "list_people_of_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), PlacedParams, LevelParams, PeopleParams, ListParams<People>),
    responses((status = 200, description = "The matching people and their total number. A `Link` header leads to the next page.", content((PersonList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn people(PathKey(unit): PathKey<UnitRef>, request: ListRequest) -> Result<Response> {
    let list = request.parse(&[PLACED, LEVELS, PERSON_LIST])?;
    list.entities::<People>(move |view, params| placed(view, params, &unit, people::filter(view, params)?))
        .await
}

/// Lists the projects in a unit and below it.
///
/// Each project once, even if placed in several of these units. Takes the filters of the list of projects.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/projects", tag = "units", operation_id = "list_projects_of_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), PlacedParams, LevelParams, ProjectsParams, ListParams<Projects>),
    responses((status = 200, description = "The matching projects and their total number. A `Link` header leads to the next page.", content((ProjectList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn projects(PathKey(unit): PathKey<UnitRef>, request: ListRequest) -> Result<Response> {
    let list = request.parse(&[PLACED, LEVELS, PROJECT_LIST])?;
    list.entities::<Projects>(move |view, params| {
        placed(view, params, &unit, projects::filter(view, params)?)
    })
    .await
}

/// Lists the repositories of the projects in a unit and below it.
///
/// Each repository once for each project that has it. Takes the filters of the list of repositories.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/repositories", tag = "units", operation_id = "list_repositories_of_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), PlacedParams, LevelParams, ListParams<Repositories>),
    responses((status = 200, description = "The matching repositories and their total number. A `Link` header leads to the next page.", content((RepositoryList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn repositories(PathKey(unit): PathKey<UnitRef>, request: ListRequest) -> Result<Response> {
    let list = request.parse(&[PLACED, LEVELS])?;
    let filter = move |view: &View, params: &ParsedParams| {
        placed(view, params, &unit, Filter::And(levels::conditions(view, params)?))
    };
    list.entities::<Repositories>(filter).await
}

/// The records placed in a unit that match `filter`.
fn placed(view: &View, params: &ParsedParams, unit: &UnitRef, filter: Filter) -> Result<Filter> {
    let unit = vec![find(view, unit)?];
    let is_recursive = params.flag("recursive").unwrap_or(true);
    let in_unit = if is_recursive { Filter::Within(unit) } else { Filter::DirectlyIn(unit) };
    Ok(Filter::And(vec![in_unit, filter]))
}

/// The position of each match in an order.
fn positions(view: &View, matches: &RoaringBitmap, order: Order) -> Result<HashMap<EntityId, usize>> {
    let all = page(view, matches, order, &PageRequest::default())
        .map_err(|refusal| unprocessable_error("sort", refusal))?;
    Ok(all.ids.into_iter().enumerate().map(|(position, id)| (id, position)).collect())
}

/// A list of the ancestors or children of a unit that match the parameters. Without `sort`, the order is that of
/// `related`.
async fn related_units(
    request: ListRequest,
    unit: UnitRef,
    related: fn(&View, EntityId) -> Vec<EntityId>,
) -> Result<Response> {
    let list = request.parse(&[LEVELS, UNIT_LIST])?;
    let order = list.params.one("sort").map(|_| list.order::<Units>()).transpose()?;
    list.in_order::<Units, _>(
        move |view, params| {
            let unit = find(view, &unit)?;
            let filter = units::filter(view, params)?;
            let texts = filter.estimate(view, Kind::OrgUnit).texts;
            check_affordable(view, texts)?;
            // An estimate for both operations: ancestors are few, and counting them exactly would need the walk itself.
            let units = view.directly_below(unit, Kind::OrgUnit).len() + view.parents(unit).len() as u64;
            Ok((serialization_cost(units).saturating_add(texts), (unit, filter)))
        },
        move |view, (unit, filter)| {
            let matches = select(view, Kind::OrgUnit, &filter);
            let mut ids = related(view, unit);
            ids.retain(|id| matches.contains(id.0));
            let Some(order) = order else { return Ok(ids) };
            let found = page(view, &ids.iter().map(|id| id.0).collect(), order, &PageRequest::default());
            Ok(found.map_err(|refusal| unprocessable_error("sort", refusal))?.ids)
        },
        |view, id| unit_key(view, *id).unwrap_or_default().to_owned(),
    )
    .await
}
