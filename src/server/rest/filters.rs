//! Facets for filter drop-downs: `GET /api/v2/data/filters` returns the values of each facet with their record counts.

use std::collections::HashMap;

use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::model::entity::Kind;
use crate::model::level::Level;
use crate::query::cost::{Estimate, check_affordable};
use crate::query::facet::{Bucket, FacetBy, facets};
use crate::query::{Filter, select};
use crate::server::request::params::{Param, ParamType};
use crate::server::response::problem::Result;
use crate::server::rest::levels::LEVELS;
use crate::server::rest::levels::LevelParams;
use crate::server::rest::list::{JsonPage, ListRequest};
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
        value_type: ParamType::Whole(1, u32::MAX as usize),
        about: "The maximum number of values per facet, the most frequent first. Default: all.",
    },
];

parameters!(FilterParams = FILTERS);

/// The values of every facet, the most frequent first. Facets that the kind does not have are absent.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Filters)]
pub(crate) struct FiltersRecord {
    /// The number of records that match all filters.
    count: u64,
    /// Organizations. Rolled up: a record counts for every organization above it.
    organization: Vec<BucketRecord>,
    /// Businesses, rolled up.
    business: Vec<BucketRecord>,
    /// Departments, rolled up.
    department: Vec<BucketRecord>,
    /// Groups, rolled up.
    group: Vec<BucketRecord>,
    /// Teams, rolled up.
    team: Vec<BucketRecord>,
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
/// values.
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
    let limit = list.params.whole("limit").unwrap_or(usize::MAX);
    let filter = if of_people { people::filter } else { projects::filter };
    list.json(
        move |view, params| {
            let filter = filter(view, params)?;
            // Each facet leaves out its own condition, so the filter is evaluated once per facet, and each evaluation
            // reads one text of every record.
            let Estimate { texts, .. } = filter.estimate(view, kind);
            check_affordable(view, texts)?;
            let per_facet = texts.saturating_add(view.all(kind).len());
            Ok((per_facet.saturating_mul(dimensions(kind).len() as u64), filter))
        },
        move |view, filter| Ok(JsonPage::of(&count(view, kind, &filter, limit), None)),
    )
    .await
}

/// The facets of a kind.
fn dimensions(kind: Kind) -> Vec<FacetBy> {
    let mut dimensions: Vec<FacetBy> = Level::ALL.into_iter().map(FacetBy::Level).collect();
    dimensions.extend(match kind {
        Kind::Project => &[FacetBy::Platform, FacetBy::Owner, FacetBy::Member][..],
        _ => &[FacetBy::Project],
    });
    dimensions
}

fn count(view: &View, kind: Kind, filter: &Filter, limit: usize) -> FiltersRecord {
    let dimensions = dimensions(kind);
    let counted = facets(view, kind, filter, &dimensions, true, limit);
    // By facet rather than by position: the two kinds have different lists of facets.
    let mut counted: HashMap<FacetBy, Vec<Bucket>> = dimensions.into_iter().zip(counted).collect();
    let mut values = |by| -> Option<Vec<BucketRecord>> {
        Some(counted.remove(&by)?.into_iter().map(|it| BucketRecord::of(view, it)).collect())
    };
    let [organization, business, department, group, team] =
        Level::ALL.map(|level| values(FacetBy::Level(level)).unwrap_or_default());
    FiltersRecord {
        count: select(view, kind, filter).len(),
        organization,
        business,
        department,
        group,
        team,
        platform: values(FacetBy::Platform),
        owner: values(FacetBy::Owner),
        member: values(FacetBy::Member),
        project: values(FacetBy::Project),
    }
}

impl BucketRecord {
    fn of(view: &View, bucket: Bucket) -> Self {
        let key = bucket.unit.and_then(|unit| unit_key(view, unit)).map(str::to_owned);
        Self { value: bucket.value, key, count: bucket.count }
    }
}
