//! Lists of mappings: their parameters, translated into a filter, an order and a page of the query engine.

use axum::response::Response;

use crate::directory::View;
use crate::model::mapping::{MappingId, MappingType, Relationship};
use crate::query::cost::{check_affordable, serialization_cost};
use crate::query::{
    MappingFilter, MappingOrder, MappingOrderBy, MappingPageRequest, UnknownCursor, mappings,
};
use crate::server::request::params::{Param, ParamType, ParsedParams, unprocessable_error};
use crate::server::response::problem::Result;
use crate::server::rest::levels;
use crate::server::rest::list::{List, unknown_cursor, unsortable};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::resource::{MAPPING_SORTS, MappingResource};
use crate::server::rest::rows::Rows;

/// The parameters of lists of mappings. The level parameters select mappings with either end in the unit.
pub(super) const MAPPING_LIST: &[Param] = &[
    Param {
        name: "mappingType",
        value_type: ParamType::Words(&[
            "parent-child",
            "project-people",
            "project-member",
            "project-org",
            "people-org",
        ]),
        about: "Only mappings of this type. May be repeated: of any of the types.",
    },
    Param {
        name: "relationship",
        value_type: ParamType::Words(&[
            "many-to-many",
            "many-to-one",
            "one-to-one",
            "one-to-many",
            "org-hierarchy",
        ]),
        about: "Only mappings with this relationship. May be repeated: with any of them.",
    },
    Param {
        name: "attribute1",
        value_type: ParamType::Texts,
        about: "Only mappings whose first end has this key. May be repeated: any of the keys.",
    },
    Param {
        name: "attribute2",
        value_type: ParamType::Texts,
        about: "Only mappings whose second end has this key. May be repeated: any of the keys.",
    },
];

parameters!(MappingParams = MAPPING_LIST);

/// The response to a list request: the mappings that match both the parameters and the filter `base`.
pub(super) async fn respond(
    list: List,
    base: impl Fn(&View, &ParsedParams) -> Result<MappingFilter> + Send + 'static,
) -> Result<Response> {
    let order = order(list.params.one("sort"))?;
    let first = list.params.whole("limit");
    let after = list.params.one("cursor").map(str::to_owned);
    list.respond::<MappingResource, _>(
        move |view, params| {
            let filter = filter(view, params, base(view, params)?)?;
            let cost = filter.cost(view);
            check_affordable(view, cost)?;
            // Every mapping looked at may match, so the cost of the filter also bounds the number of rows.
            let listed = first.map_or(cost, |first| cost.min(first as u64));
            Ok((cost.saturating_add(serialization_cost(listed)), filter))
        },
        move |view, filter| {
            let after =
                after.as_deref().map(|cursor| id_of(cursor).ok_or_else(unknown_cursor)).transpose()?;
            let request = MappingPageRequest { first, after, ..MappingPageRequest::default() };
            let page =
                mappings(view, &filter, order, &request).map_err(|UnknownCursor { .. }| unknown_cursor())?;
            let next = page.mappings.last().filter(|_| page.has_next).map(|last| last.id.to_string());
            Ok(Rows { count: page.count, items: page.mappings, next })
        },
    )
    .await
}

/// `base`, narrowed by the parameters.
fn filter(view: &View, params: &ParsedParams, base: MappingFilter) -> Result<MappingFilter> {
    let types = params.all("mappingType").map(MappingType::parse).collect::<Result<Vec<_>, _>>();
    let relationships = params.all("relationship").map(Relationship::parse).collect::<Result<Vec<_>, _>>();
    // Keys are compared trimmed, as they are stored.
    let keys = |name| non_empty(params.all(name).map(|key| key.trim().to_owned()).collect());
    Ok(MappingFilter {
        types: non_empty(types.map_err(|refusal| unprocessable_error("mappingType", refusal))?),
        relationships: non_empty(
            relationships.map_err(|refusal| unprocessable_error("relationship", refusal))?,
        ),
        from_keys: keys("attribute1"),
        to_keys: keys("attribute2"),
        within: levels::units(view, params)?,
        text: params.one("q").map(str::to_owned),
        ..base
    })
}

/// `None` for an absent parameter: an empty list would match nothing, but absence must match everything.
fn non_empty<T>(values: Vec<T>) -> Option<Vec<T>> {
    Some(values).filter(|values| !values.is_empty())
}

fn order(sort: Option<&str>) -> Result<MappingOrder> {
    let Some(sort) = sort else { return Ok(MappingOrder::default()) };
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let by = match name {
        "createdAt" => MappingOrderBy::CreatedAt,
        "updatedAt" => MappingOrderBy::UpdatedAt,
        "attribute1" => MappingOrderBy::FromKey,
        "attribute2" => MappingOrderBy::ToKey,
        "mappingType" => MappingOrderBy::Type,
        "relationship" => MappingOrderBy::Relationship,
        _ => return Err(unsortable(sort, &MAPPING_SORTS)),
    };
    Ok(MappingOrder { by, descending })
}

/// The mapping id in a cursor; `None` unless it is exactly the text that a response contained.
// Ids parse leniently. Other spellings are refused so that a cursor stays opaque, and may change its form later.
fn id_of(cursor: &str) -> Option<MappingId> {
    MappingId::parse(cursor).ok().filter(|id| id.to_string() == cursor)
}
