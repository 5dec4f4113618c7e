//! Lists of mappings: their parameters, read into what the query engine is asked for.

use axum::response::Response;

use crate::directory::View;
use crate::model::mapping::{MappingId, MappingType, Relationship};
use crate::query::cost::{affordable, cost_of};
use crate::query::{
    MappingFilter, MappingOrder, MappingOrderBy, MappingPageRequest, UnknownCursor, mappings,
};
use crate::server::request::params::{Param, ParamType, ParsedParams, refused_as};
use crate::server::response::problem::Result;
use crate::server::rest::levels;
use crate::server::rest::list::{List, no_cursor, unsortable};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::resource::{MAPPING_SORTS, MappingResource};
use crate::server::rest::rows::Rows;

/// The parameters of lists of mappings. The level parameters ask for mappings with either end in the unit.
pub(super) const MAPPING_LIST: &[Param] = &[
    Param {
        name: "mappingType",
        shape: ParamType::Words(&[
            "parent-child",
            "project-people",
            "project-member",
            "project-org",
            "people-org",
        ]),
        about: "Only mappings of this type. Given several times: any of them.",
    },
    Param {
        name: "relationship",
        shape: ParamType::Words(&[
            "many-to-many",
            "many-to-one",
            "one-to-one",
            "one-to-many",
            "org-hierarchy",
        ]),
        about: "Only mappings of this relationship. Given several times: any of them.",
    },
    Param {
        name: "attribute1",
        shape: ParamType::Texts,
        about: "Only mappings whose first end has this key. Given several times: any of them.",
    },
    Param {
        name: "attribute2",
        shape: ParamType::Texts,
        about: "Only mappings whose second end has this key. Given several times: any of them.",
    },
];

parameters!(MappingParams = MAPPING_LIST);

/// Answers with the mappings that the parameters ask for, of those that `base` matches.
pub(super) async fn answer(
    list: List,
    base: impl Fn(&View, &ParsedParams) -> Result<MappingFilter> + Send + 'static,
) -> Result<Response> {
    let order = order(list.known.one("sort"))?;
    let first = list.known.whole("limit");
    let after = list.known.one("cursor").map(str::to_owned);
    list.answer::<MappingResource, _>(
        move |view, known| {
            let filter = filter(view, known, base(view, known)?)?;
            let cost = filter.cost(view);
            affordable(view, cost)?;
            let listed = first.map_or(cost, |first| cost.min(first as u64));
            Ok((cost.saturating_add(cost_of(listed)), filter))
        },
        move |view, filter| {
            let after = after.as_deref().map(|cursor| id_of(cursor).ok_or_else(no_cursor)).transpose()?;
            let request = MappingPageRequest { first, after, ..MappingPageRequest::default() };
            let page =
                mappings(view, &filter, order, &request).map_err(|UnknownCursor { .. }| no_cursor())?;
            let next = page.mappings.last().filter(|_| page.has_next).map(|last| last.id.to_string());
            Ok(Rows { count: page.count, items: page.mappings, next })
        },
    )
    .await
}

/// What the parameters ask for, of what `base` matches.
fn filter(view: &View, known: &ParsedParams, base: MappingFilter) -> Result<MappingFilter> {
    let types = known.all("mappingType").map(MappingType::parse).collect::<Result<Vec<_>, _>>();
    let relationships = known.all("relationship").map(Relationship::parse).collect::<Result<Vec<_>, _>>();
    let keys = |name| given(known.all(name).map(|key| key.trim().to_owned()).collect());
    Ok(MappingFilter {
        types: given(types.map_err(|no| refused_as("mappingType", no))?),
        relationships: given(relationships.map_err(|no| refused_as("relationship", no))?),
        from_keys: keys("attribute1"),
        to_keys: keys("attribute2"),
        within: levels::units(view, known)?,
        text: known.one("q").map(str::to_owned),
        ..base
    })
}

/// A parameter without values does not narrow.
fn given<T>(values: Vec<T>) -> Option<Vec<T>> {
    Some(values).filter(|values| !values.is_empty())
}

fn order(sort: Option<&str>) -> Result<MappingOrder> {
    let Some(given) = sort else { return Ok(MappingOrder::default()) };
    let (name, descending) = given.strip_prefix('-').map_or((given, false), |name| (name, true));
    let by = match name {
        "createdAt" => MappingOrderBy::CreatedAt,
        "updatedAt" => MappingOrderBy::UpdatedAt,
        "attribute1" => MappingOrderBy::FromKey,
        "attribute2" => MappingOrderBy::ToKey,
        "mappingType" => MappingOrderBy::Type,
        "relationship" => MappingOrderBy::Relationship,
        _ => return Err(unsortable(given, &MAPPING_SORTS)),
    };
    Ok(MappingOrder { by, descending })
}

/// The mapping at which a cursor stands: its id, just as it was given out.
fn id_of(cursor: &str) -> Option<MappingId> {
    MappingId::parse(cursor).ok().filter(|id| id.to_string() == cursor)
}
