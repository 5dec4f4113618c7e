//! Facets for filter drop-downs: `GET /api/v2/data/filters` returns the values of each facet with their record counts.

use std::collections::BTreeMap;

use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::model::entity::Kind;
use crate::model::level::Level;
use crate::query::cost::{Estimate, check_affordable};
use crate::query::facet::{Bucket, BucketPosition, FacetBy, FacetPage, facets};
use crate::query::{Filter, select};
use crate::server::request::params::{Param, ParamType, ParsedParams, unprocessable};
use crate::server::response::problem::Result;
use crate::server::rest::levels::LEVELS;
use crate::server::rest::levels::LevelParams;
use crate::server::rest::list::{JsonPage, ListRequest, unknown_cursor};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Listed, Refused};
use crate::server::rest::people::{self, PERSON_LIST};
use crate::server::rest::projects::{self, PROJECT_LIST};
use crate::wire::unit::unit_key;

/// The parameters of facets.
pub(super) const FILTERS: &[Param] = &[
    Param {
        name: "of",
        value_type: ParamType::OneOf(&["projects", "people"]),
        about: "The kind of records to count. Default: `projects`.",
    },
    Param {
        name: "q",
        value_type: ParamType::Text,
        about: "Only records that contain this text, ignoring case, in any of their own text fields: keys, names, email, URLs.",
    },
    Param {
        name: "limit",
        value_type: ParamType::Whole(1, VALUES_MAX),
        about: "The maximum number of values per facet, the most frequent first. Default: 1,000.",
    },
    Param {
        name: "facet",
        value_type: ParamType::Words(&FACETS),
        about: "Only this facet. May be repeated: only these. Default: all that the kind has.",
    },
    Param {
        name: "cursor",
        value_type: ParamType::Text,
        about: "Continues a facet that had more values: its text in `more` of the response. Use it with that one `facet` and the same filters.",
    },
];

/// The names of all facets.
const FACETS: [&str; 9] =
    ["organization", "business", "department", "group", "team", "platform", "owner", "member", "project"];
/// The default of `limit`.
const VALUES: usize = 1_000;
/// Maximum of `limit`.
const VALUES_MAX: usize = 100_000;

parameters!(FilterParams = FILTERS);

/// The values of the facets, the most frequent first. Facets that the kind does not have, or that are not asked for, are
/// absent.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Filters)]
pub(crate) struct FiltersRecord {
    /// The number of records that match all filters.
    count: u64,
    /// Organizations. Rolled up: a record counts for every organization above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<Vec<BucketRecord>>,
    /// Businesses, rolled up.
    #[serde(skip_serializing_if = "Option::is_none")]
    business: Option<Vec<BucketRecord>>,
    /// Departments, rolled up.
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<Vec<BucketRecord>>,
    /// Groups, rolled up.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Vec<BucketRecord>>,
    /// Teams, rolled up.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<Vec<BucketRecord>>,
    /// Projects only: the hosting platforms of their repositories.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Vec<BucketRecord>>,
    /// Projects only: the emails of their owners.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Vec<BucketRecord>>,
    /// Projects only: the emails of their members.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<Vec<BucketRecord>>,
    /// People only: the ids of the projects they work on.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Vec<BucketRecord>>,
    /// The facets with more values than `limit`, each with the `cursor` that continues it. Absent if there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    more: BTreeMap<&'static str, String>,
}

/// One value of a facet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bucket)]
pub(crate) struct BucketRecord {
    /// The value; for a level, the name of the unit.
    value: String,
    /// For a level, the key of the unit, since names need not be unique. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The number of records with this value.
    count: u64,
}

/// Counts the records per value of every facet, for filter drop-downs.
///
/// All filters apply, except that a facet ignores the filter on itself, so that its drop-down still offers the other
/// values. A facet with more values than `limit` is in `more`, with the cursor that continues it.
#[utoipa::path(
    get, path = "/api/v2/data/filters", tag = "hierarchy", operation_id = "show_filters",
    params(FilterParams, LevelParams, people::PeopleParams, projects::ProjectsParams),
    responses((status = 200, description = "The values of every facet.", body = FiltersRecord), Listed, Refused)
)]
pub(super) async fn show(request: ListRequest) -> Result<Response> {
    // The kind decides which parameters are valid, so it is read before they are parsed.
    let of_people = request.has("of", "people");
    let (own, others) = if of_people { (PERSON_LIST, PROJECT_LIST) } else { (PROJECT_LIST, PERSON_LIST) };
    request.without(&[others], if of_people { "of=people" } else { "of=projects" })?;
    let list = request.parse_only(&[FILTERS, LEVELS, own])?;
    let kind = if of_people { Kind::Person } else { Kind::Project };
    let wanted = wanted(kind, &list.params)?;
    let first = list.params.whole("limit").unwrap_or(VALUES);
    let after = match list.params.one("cursor") {
        None => None,
        Some(_) if wanted.len() != 1 => {
            return Err(unprocessable(
                "cursor",
                "a cursor continues one facet; name it alone, as in facet=team",
            ));
        }
        Some(cursor) => Some(BucketPosition::parse(cursor).ok_or_else(unknown_cursor)?),
    };
    let filter = if of_people { people::filter } else { projects::filter };
    let facets = wanted.len() as u64;
    list.json(
        move |view, params| {
            let filter = filter(view, params)?;
            // Each facet leaves out its own condition, so the filter is evaluated once per facet, and each evaluation
            // reads one text of every record.
            let Estimate { texts, .. } = filter.estimate(view, kind);
            check_affordable(view, texts)?;
            let per_facet = texts.saturating_add(view.all(kind).len());
            Ok((per_facet.saturating_mul(facets), filter))
        },
        move |view, filter| Ok(JsonPage::of(&count(view, kind, &filter, &wanted, first, after), None)),
    )
    .await
}

/// The facets of a kind that a request asks for, with their names.
fn wanted(kind: Kind, params: &ParsedParams) -> Result<Vec<(&'static str, FacetBy)>> {
    let known: Vec<_> = FACETS.into_iter().zip(dimensions()).filter(|(_, by)| is_of(kind, *by)).collect();
    let asked: Vec<_> = params.all("facet").collect();
    if let Some(other) = asked.iter().find(|name| !known.iter().any(|(known, _)| known == *name)) {
        return Err(unprocessable("facet", format!("facet {other:?} is not one of {}", kind.as_str())));
    }
    Ok(known.into_iter().filter(|(name, _)| asked.is_empty() || asked.contains(name)).collect())
}

/// The dimensions of [`FACETS`], in their order.
fn dimensions() -> impl Iterator<Item = FacetBy> {
    let others = [FacetBy::Platform, FacetBy::Owner, FacetBy::Member, FacetBy::Project];
    Level::ALL.into_iter().map(FacetBy::Level).chain(others)
}

fn is_of(kind: Kind, by: FacetBy) -> bool {
    match by {
        FacetBy::Platform | FacetBy::Owner | FacetBy::Member => kind == Kind::Project,
        FacetBy::Project => kind == Kind::Person,
        _ => true,
    }
}

fn count(
    view: &View,
    kind: Kind,
    filter: &Filter,
    wanted: &[(&'static str, FacetBy)],
    first: usize,
    after: Option<BucketPosition>,
) -> FiltersRecord {
    let dimensions: Vec<_> = wanted.iter().map(|(_, by)| *by).collect();
    // One more, which says whether there is more.
    let page = FacetPage { first: first + 1, after };
    let counted = facets(view, kind, filter, &dimensions, true, &page);
    let mut record = FiltersRecord { count: select(view, kind, filter).len(), ..FiltersRecord::default() };
    for ((name, by), mut buckets) in wanted.iter().zip(counted) {
        if buckets.len() > first {
            buckets.truncate(first);
            let last = buckets.last().map(|last| BucketPosition::of(view, last).cursor());
            record.more.extend(last.map(|cursor| (*name, cursor)));
        }
        let values = buckets.into_iter().map(|it| BucketRecord::of(view, it)).collect();
        if let Some(of_facet) = record.of(*by) {
            *of_facet = Some(values);
        }
    }
    record
}

impl FiltersRecord {
    /// Where the values of a facet are.
    fn of(&mut self, by: FacetBy) -> Option<&mut Option<Vec<BucketRecord>>> {
        Some(match by {
            FacetBy::Level(Level::Organization) => &mut self.organization,
            FacetBy::Level(Level::Business) => &mut self.business,
            FacetBy::Level(Level::Department) => &mut self.department,
            FacetBy::Level(Level::Group) => &mut self.group,
            FacetBy::Level(Level::Team) => &mut self.team,
            FacetBy::Platform => &mut self.platform,
            FacetBy::Owner => &mut self.owner,
            FacetBy::Member => &mut self.member,
            FacetBy::Project => &mut self.project,
            FacetBy::Type => return None,
        })
    }
}

impl BucketRecord {
    fn of(view: &View, bucket: Bucket) -> Self {
        let key = bucket.unit.and_then(|unit| unit_key(view, unit)).map(str::to_owned);
        Self { value: bucket.value, key, count: bucket.count }
    }
}
