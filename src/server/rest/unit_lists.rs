//! What is above and beneath a unit, as lists.

use axum::response::Response;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::reference::UnitRef;
use crate::query::tree::descendants as walk;
use crate::query::{Filter, select};
use crate::server::extract::Visible;
use crate::server::key::Key;
use crate::server::params::{Known, Param, Shape};
use crate::server::problem::Result;
use crate::server::rest::docs::{
    DescendantParams, Found, LevelParams, ListParams, Listed, PeopleParams, PlacedParams, ProjectsParams,
    Referring, Refused, UnitParams,
};
use crate::server::rest::levels::{self, LEVELS};
use crate::server::rest::list::{List, ListRequest};
use crate::server::rest::people::{self, PERSON_LIST};
use crate::server::rest::project::{self, PROJECT_LIST};
use crate::server::rest::resource::{Entities, People, Projects, Repositories};
use crate::server::rest::schema_answer::{DescendantList, PersonList, ProjectList, RepositoryList, UnitList};
use crate::server::rest::schema_text::UnitReferenceText;
use crate::server::rest::unit_record::{Descendants, Units, unit_key};
use crate::server::rest::units::{self, UNIT_LIST, find};

/// The parameters of lists of what is placed in a unit.
pub(super) const PLACED: &[Param] = &[Param {
    name: "recursive",
    shape: Shape::Flag,
    about: "false: only what is placed directly in the unit, not beneath it.",
}];

/// The parameters of lists of descendants.
pub(super) const DESCENDANTS: &[Param] = &[Param {
    name: "depth",
    shape: Shape::Whole(1, u32::MAX as usize),
    about: "Only so many levels beneath the unit.",
}];

/// Lists the units above a unit, root first.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/ancestors", tag = "units", operation_id = "list_ancestors",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), LevelParams, UnitParams, ListParams<Units>),
    responses((status = 200, description = "The matches and their number.", content((UnitList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn ancestors(
    Visible(view): Visible,
    Key(unit): Key<UnitRef>,
    request: ListRequest,
) -> Result<Response> {
    let list = request.known(&[LEVELS, UNIT_LIST])?;
    let above = view.ancestors(find(&view, &unit)?);
    some_units(list, view, above)
}

/// Lists the units directly beneath a unit, by name.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/children", tag = "units", operation_id = "list_children",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), LevelParams, UnitParams, ListParams<Units>),
    responses((status = 200, description = "The matches and their number.", content((UnitList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn children(
    Visible(view): Visible,
    Key(unit): Key<UnitRef>,
    request: ListRequest,
) -> Result<Response> {
    let list = request.known(&[LEVELS, UNIT_LIST])?;
    let below = view.children(find(&view, &unit)?);
    some_units(list, view, below)
}

/// Lists every unit beneath a unit, each with its depth and the unit above it, in the order of a walk.
///
/// A unit with several parents is listed once, at its least depth.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/descendants", tag = "units", operation_id = "list_descendants",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), DescendantParams, LevelParams, UnitParams, ListParams<Descendants>),
    responses((status = 200, description = "The matches and their number.", content((DescendantList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn descendants(
    Visible(view): Visible,
    Key(unit): Key<UnitRef>,
    request: ListRequest,
) -> Result<Response> {
    let list = request.known(&[DESCENDANTS, LEVELS, UNIT_LIST])?;
    let unit = find(&view, &unit)?;
    let depth = list.known.whole("depth");
    let mut below = walk(&view, unit, depth, &units::types(&list.known)?);
    let matches =
        select(&view, Kind::OrgUnit, &Filter::And(levels::conditions(&view, &list.known)?)).into_owned();
    below.retain(|found| matches.contains(found.id.0));
    if list.known.one("sort").is_some() {
        let places = list.places::<Units>(&view, &matches)?;
        below.sort_by_key(|found| places.get(&found.id).copied());
    }
    let named = view.clone();
    list.in_order::<Descendants>(view, below, |found| {
        unit_key(&named, found.id).unwrap_or_default().to_owned()
    })
}

/// Lists the people in a unit and beneath it.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/people", tag = "units", operation_id = "list_people_of_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), PlacedParams, LevelParams, PeopleParams, ListParams<People>),
    responses((status = 200, description = "The matches and their number.", content((PersonList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn people(
    Visible(view): Visible,
    Key(unit): Key<UnitRef>,
    request: ListRequest,
) -> Result<Response> {
    let list = request.known(&[PLACED, LEVELS, PERSON_LIST])?;
    let filter = people::filter(&view, &list.known)?;
    placed::<People>(list, view, &unit, filter)
}

/// Lists the projects in a unit and beneath it.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/projects", tag = "units", operation_id = "list_projects_of_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), PlacedParams, LevelParams, ProjectsParams, ListParams<Projects>),
    responses((status = 200, description = "The matches and their number.", content((ProjectList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn projects(
    Visible(view): Visible,
    Key(unit): Key<UnitRef>,
    request: ListRequest,
) -> Result<Response> {
    let list = request.known(&[PLACED, LEVELS, PROJECT_LIST])?;
    let filter = project::filter(&view, &list.known)?;
    placed::<Projects>(list, view, &unit, filter)
}

/// Lists the repositories of the projects in a unit and beneath it.
#[utoipa::path(
    get, path = "/api/v2/data/units/{key}/repositories", tag = "units", operation_id = "list_repositories_of_unit",
    params(("key" = UnitReferenceText, Path, description = "The unit's key, external id, path or unique name, percent-encoded."), PlacedParams, LevelParams, ListParams<Repositories>),
    responses((status = 200, description = "The matches and their number.", content((RepositoryList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Found, Referring, Refused)
)]
pub(super) async fn repositories(
    Visible(view): Visible,
    Key(unit): Key<UnitRef>,
    request: ListRequest,
) -> Result<Response> {
    let list = request.known(&[PLACED, LEVELS])?;
    let filter = Filter::And(levels::conditions(&view, &list.known)?);
    placed::<Repositories>(list, view, &unit, filter)
}

fn placed<R: Entities>(list: List, view: View, unit: &UnitRef, filter: Filter) -> Result<Response> {
    let unit = find(&view, unit)?;
    let here =
        if is_recursive(&list.known) { Filter::Within(vec![unit]) } else { Filter::DirectlyIn(vec![unit]) };
    let matches = select(&view, R::KIND, &Filter::And(vec![here, filter])).into_owned();
    list.entities::<R>(view, &matches)
}

fn is_recursive(known: &Known) -> bool {
    known.flag("recursive").unwrap_or(true)
}

/// Those of `ids` that the parameters ask for, as they come or sorted.
fn some_units(list: List, view: View, mut ids: Vec<EntityId>) -> Result<Response> {
    let mut matches = select(&view, Kind::OrgUnit, &units::filter(&view, &list.known)?).into_owned();
    if list.known.one("sort").is_some() {
        matches &= ids.iter().map(|id| id.0).collect::<roaring::RoaringBitmap>();
        return list.entities::<Units>(view, &matches);
    }
    ids.retain(|id| matches.contains(id.0));
    let named = view.clone();
    list.in_order::<Units>(view, ids, |id| unit_key(&named, *id).unwrap_or_default().to_owned())
}
