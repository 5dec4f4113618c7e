//! Relay connections over any kind of entity: one page, the count of all, and facets of what the filter matches.

use std::marker::PhantomData;

use async_graphql::{Context, InputType, Object, OutputType, SimpleObject, TypeName};
use axum::http::StatusCode;
use std::borrow::Cow;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind};
use crate::query::cost::Estimate;
use crate::query::facet::{self, FacetBy, facets};
use crate::query::page::{Page, PageRequest, cursor, page};
use crate::query::{Filter, Order, OrderBy, select};
use crate::server::graphql::execution::budget::{self, Budget};
use crate::server::graphql::execution::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::server::graphql::types::facet::{Bucket, Facet};
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::response::problem::{Problem, Result};

/// An object type whose entities come in connections.
pub(crate) trait Listed: OutputType + Clone + Sized {
    const KIND: Kind;
    const CONNECTION: &'static str;
    const EDGE: &'static str;
    /// What the kind can be counted by.
    type FacetBy: InputType + OutputType + Copy + Into<FacetBy>;

    fn at(view: &View, id: EntityId) -> Option<Self>;
}

/// Something that narrows a connection.
pub(crate) trait AsFilter {
    fn filter(&self, view: &View) -> Result<Filter>;
}

/// The four arguments of a connection.
#[derive(Debug, Default)]
pub(crate) struct PageArgs {
    pub(crate) first: Option<i64>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i64>,
    pub(crate) before: Option<String>,
}

impl PageArgs {
    /// The page that they ask for.
    pub(crate) fn request(self) -> Result<PageRequest> {
        let (mut first, last) = (page_size("first", self.first)?, page_size("last", self.last)?);
        if first.is_some() && last.is_some() {
            return Err(invalid("give first or last, not both").with("field", "last"));
        }
        if first.is_none() && last.is_none() {
            first = Some(PAGE_DEFAULT);
        }
        Ok(PageRequest { first, after: self.after, last, before: self.before })
    }
}

/// An argument that was read and cannot be what it asks for.
pub(crate) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
}

/// A page size within its limits.
pub(crate) fn page_size(name: &'static str, given: Option<i64>) -> Result<Option<usize>> {
    let Some(given) = given else { return Ok(None) };
    match usize::try_from(given) {
        Ok(size) if size <= PAGE_MAX => Ok(Some(size)),
        _ => Err(invalid(format!("{name} is {given}; it must be from 0 to {PAGE_MAX}"))
            .with("field", name)
            .with("limit", PAGE_MAX)),
    }
}

/// Some entities of one kind.
pub(crate) struct Connection<T> {
    view: View,
    filter: Filter,
    order: Order,
    total: u64,
    page: Page,
    of: PhantomData<fn() -> T>,
}

impl<T: Listed> Connection<T> {
    /// Those that `base` and the caller's filter match, in the caller's order.
    pub(crate) async fn new(
        context: &Context<'_>,
        view: &View,
        base: Filter,
        filter: Option<impl AsFilter>,
        order: Option<impl Into<Order>>,
        args: PageArgs,
    ) -> Result<Self> {
        let request = args.request()?;
        let mut filters = vec![base];
        if let Some(given) = filter {
            filters.push(given.filter(view)?);
        }
        let filter = Filter::And(filters).checked()?;
        let order = order.map(Into::into).unwrap_or_default();
        let Estimate { texts, matches } = filter.estimate(view, T::KIND);
        // Sorting looks at each match.
        let texts = if order.by == OrderBy::Created { texts } else { texts.saturating_add(matches) };
        let work = || {
            let matches = select(view, T::KIND, &filter);
            Ok((matches.len(), page(view, &matches, order, &request)?))
        };
        let (total, page) = Budget::of(context)?.look(view, texts, work).await?;
        Ok(Self { view: view.clone(), filter, order, total, page, of: PhantomData })
    }

    fn cursor(&self, id: EntityId) -> String {
        cursor(&self.view, self.order, id)
    }
}

impl<T: Listed> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        T::CONNECTION.into()
    }
}

/// A page of a list, with the count of all that it matches.
#[Object(name_type)]
impl<T: Listed> Connection<T> {
    /// The records of this page.
    async fn nodes(&self, context: &Context<'_>) -> Result<Vec<T>> {
        budget::page(context, &self.view, &self.page.ids).await?;
        Ok(self.page.ids.iter().filter_map(|id| T::at(&self.view, *id)).collect())
    }

    /// The records of this page, each with its cursor.
    async fn edges(&self, context: &Context<'_>) -> Result<Vec<Edge<T>>> {
        budget::page(context, &self.view, &self.page.ids).await?;
        let edge = |id: &EntityId| Some(Edge { node: T::at(&self.view, *id)?, cursor: self.cursor(*id) });
        Ok(self.page.ids.iter().filter_map(edge).collect())
    }

    /// Where this page stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.has_next,
            has_previous_page: self.page.has_previous,
            start_cursor: self.page.ids.first().map(|id| self.cursor(*id)),
            end_cursor: self.page.ids.last().map(|id| self.cursor(*id)),
        }
    }

    /// How many records the whole list has.
    async fn total_count(&self) -> u64 {
        self.total
    }

    /// The values of some dimensions among all that the filter matches, each with its count, rolled up: a record
    /// counts for every unit of a level above it, once.
    async fn facets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The dimensions to count by.")] by: Vec<T::FacetBy>,
        #[graphql(
            desc = "At most so many buckets a dimension, the largest first; up to 1,000, which is also the default."
        )]
        first: Option<i64>,
        #[graphql(
            desc = "A facet leaves out the filter's own conditions on its dimension, so that a drop-down does not narrow itself.",
            default = false
        )]
        disjunctive: bool,
    ) -> Result<Vec<Facet>> {
        let first = page_size("first", first)?.unwrap_or(PAGE_MAX);
        let dimensions: Vec<FacetBy> = by.into_iter().map(Into::into).collect();
        // Each dimension may ask for other records, and looks at a text or a neighbour of each.
        let once = self.filter.texts(&self.view, T::KIND).saturating_add(self.total);
        let texts = once.saturating_mul(dimensions.len() as u64);
        let count = || Ok(facets(&self.view, T::KIND, &self.filter, &dimensions, disjunctive));
        let counted = Budget::of(context)?.look(&self.view, texts, count).await?;
        let facets = dimensions.iter().zip(counted).map(|(by, buckets)| self.facet(*by, buckets, first));
        Ok(facets.collect())
    }
}

impl<T: Listed> Connection<T> {
    fn facet(&self, by: FacetBy, buckets: Vec<facet::Bucket>, first: usize) -> Facet {
        let buckets = buckets.into_iter().take(first).map(|bucket| Bucket {
            value: Metered(bucket.value),
            unit: bucket.unit.and_then(|unit| OrgUnit::at(&self.view, unit)),
            count: bucket.count,
        });
        Facet { by: by.into(), buckets: buckets.collect() }
    }
}

/// One record of a list.
pub(crate) struct Edge<T> {
    node: T,
    cursor: String,
}

impl<T: Listed> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        T::EDGE.into()
    }
}

/// One record of a list, with its cursor.
#[Object(name_type)]
impl<T: Listed> Edge<T> {
    /// The record.
    async fn node(&self) -> &T {
        &self.node
    }

    /// Where this edge stands in the list: opaque, and valid for this order alone.
    async fn cursor(&self) -> Metered<&str> {
        Metered(self.cursor.as_str())
    }
}

/// Where a page stands in its list.
#[derive(SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether more records come after this page.
    pub(crate) has_next_page: bool,
    /// Whether more records come before this page.
    pub(crate) has_previous_page: bool,
    /// The cursor of the first record.
    pub(crate) start_cursor: Option<String>,
    /// The cursor of the last record.
    pub(crate) end_cursor: Option<String>,
}
