//! Facets for filter drop-downs: the values there are, and how many records each would leave.

use std::collections::HashMap;

use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::model::entity::Kind;
use crate::model::level::Level;
use crate::query::cost::{Estimate, affordable};
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
        shape: ParamType::OneOf(&["projects", "people"]),
        about: "What is counted; projects when not given.",
    },
    Param {
        name: "q",
        shape: ParamType::Text,
        about: "Only records that contain this, without case, in any of their own texts.",
    },
    Param {
        name: "limit",
        shape: ParamType::Whole(1, u32::MAX as usize),
        about: "At most so many values of each facet, the most frequent first. All when not given.",
    },
];

parameters!(FilterParams = FILTERS);

/// The values of every facet, the most frequent first.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Filters)]
pub(crate) struct FiltersRecord {
    /// How many records the filters leave.
    count: u64,
    /// Counted rolled up: a record counts for every organization above it.
    organization: Vec<BucketRecord>,
    /// Counted rolled up.
    business: Vec<BucketRecord>,
    /// Counted rolled up.
    department: Vec<BucketRecord>,
    /// Counted rolled up.
    group: Vec<BucketRecord>,
    /// Counted rolled up.
    team: Vec<BucketRecord>,
    /// Where their repositories are hosted; of projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Vec<BucketRecord>>,
    /// The emails of their owners; of projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Vec<BucketRecord>>,
    /// The emails of their members; of projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<Vec<BucketRecord>>,
    /// The ids of the projects they work on; of people.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Vec<BucketRecord>>,
}

/// One value of a facet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bucket)]
pub(crate) struct BucketRecord {
    /// The value: for a level, the name of the unit.
    value: String,
    /// The key of the unit, for a level: names need not be unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// How many records have it.
    count: u64,
}

/// Counts the values of every facet, for drop-downs: a facet's own choice does not limit it.
#[utoipa::path(
    get, path = "/api/v2/data/filters", tag = "hierarchy", operation_id = "show_filters",
    params(FilterParams, LevelParams, people::PeopleParams, projects::ProjectsParams),
    responses((status = 200, description = "The values of every facet.", body = FiltersRecord), Listed, Refused)
)]
pub(super) async fn show(request: ListRequest) -> Result<Response> {
    let of_people = request.has("of", "people");
    let (own, others) = if of_people { (PERSON_LIST, PROJECT_LIST) } else { (PROJECT_LIST, PERSON_LIST) };
    request.without(&[others], if of_people { "of=people" } else { "of=projects" })?;
    let list = request.just(&[FILTERS, LEVELS, own])?;
    let kind = if of_people { Kind::Person } else { Kind::Project };
    let most = list.known.whole("limit").unwrap_or(usize::MAX);
    let filter = if of_people { people::filter } else { projects::filter };
    list.json(
        move |view, known| {
            let filter = filter(view, known)?;
            // Each dimension leaves out its own condition, and so asks for other records, and looks at one text of each.
            let Estimate { texts, .. } = filter.estimate(view, kind);
            affordable(view, texts)?;
            let once = texts.saturating_add(view.all(kind).len());
            Ok((once.saturating_mul(dimensions(kind).len() as u64), filter))
        },
        move |view, filter| Ok(JsonPage::of(&counted(view, kind, &filter, most), None)),
    )
    .await
}

/// What a kind is counted by.
fn dimensions(kind: Kind) -> Vec<FacetBy> {
    let mut dimensions: Vec<FacetBy> = Level::ALL.into_iter().map(FacetBy::Level).collect();
    dimensions.extend(match kind {
        Kind::Project => &[FacetBy::Platform, FacetBy::Owner, FacetBy::Member][..],
        _ => &[FacetBy::Project],
    });
    dimensions
}

fn counted(view: &View, kind: Kind, filter: &Filter, most: usize) -> FiltersRecord {
    let dimensions = dimensions(kind);
    let counted = facets(view, kind, filter, &dimensions, true);
    let mut counted: HashMap<FacetBy, Vec<Bucket>> = dimensions.into_iter().zip(counted).collect();
    let mut values = |by| -> Option<Vec<BucketRecord>> {
        let buckets = counted.remove(&by)?;
        Some(buckets.into_iter().take(most).map(|it| BucketRecord::of(view, it)).collect())
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
