//! Relay connections over any kind of entity: pagination, total count and facets.
//!
//! Invariant: filters are bounded, estimated and charged to the budget before they are evaluated, and the records of a
//! page before they are resolved.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    Context, ContextSelectionSet, ID, InputType, Object, OutputType, Positioned, ServerResult, SimpleObject,
    TypeName, Value as ConstValue,
};
use axum::http::StatusCode;
use roaring::RoaringBitmap;

use crate::directory::View;
use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::repo_url::RepoUrl;
use crate::query::cost::Estimate;
use crate::query::facet::{self, FacetBy, FacetPage, facets_of};
use crate::query::page::{Page, PageRequest, cursor, page};
use crate::query::{Filter, Order, OrderBy, select};
use crate::server::graphql::execution::budget::{self, Budget};
use crate::server::graphql::execution::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::server::graphql::plan::{EntityType, FieldRequest, Planned, Run, Writer, array, now, visible};
use crate::server::graphql::types::facet::{Bucket, Facet};
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::response::problem::{Problem, Result};
use crate::wire::id::entity_id;

/// An object type that connections list.
pub(crate) trait Listed: OutputType + EntityType + Clone {
    const KIND: Kind;
    const CONNECTION: &'static str;
    const EDGE: &'static str;
    /// The filter of the kind.
    type Filter: InputType + AsFilter + Send;
    /// The sort order of the kind.
    type OrderBy: InputType + Into<Order> + Send;
    /// The facet dimensions of the kind.
    type FacetBy: InputType + OutputType + Copy + Into<FacetBy>;

    fn at(view: &View, id: EntityId) -> Option<Self>;
}

/// A filter input of a connection.
pub(crate) trait AsFilter {
    fn filter(&self, view: &View) -> Result<Filter>;
}

/// The four pagination arguments of a connection.
#[derive(Debug, Default)]
pub(crate) struct PageArgs {
    pub(crate) first: Option<i64>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i64>,
    pub(crate) before: Option<String>,
}

impl PageArgs {
    /// Checks the arguments and sets the default page size.
    ///
    /// # Errors
    /// A page size is out of range, or both `first` and `last` are present.
    pub(crate) fn request(self) -> Result<PageRequest> {
        let (mut first, last) = (page_size("first", self.first)?, page_size("last", self.last)?);
        // Relay permits both and discourages it, because clients disagree about what it means. Refusing is clearer.
        if first.is_some() && last.is_some() {
            return Err(invalid("first and last exclude each other; send one of them").with("field", "last"));
        }
        if first.is_none() && last.is_none() {
            first = Some(PAGE_DEFAULT);
        }
        Ok(PageRequest { first, after: self.after, last, before: self.before })
    }
}

/// A problem with code `invalid` (HTTP 422): an argument of the right type with an invalid value.
pub(crate) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
}

/// Checks the page size in the argument `name`: from 0 to [`PAGE_MAX`].
pub(crate) fn page_size(name: &'static str, value: Option<i64>) -> Result<Option<usize>> {
    let Some(value) = value else { return Ok(None) };
    match usize::try_from(value) {
        // 0 is legal: a client that wants `totalCount` or `facets` alone pays for no records.
        Ok(size) if size <= PAGE_MAX => Ok(Some(size)),
        _ => Err(invalid(format!("{name} is {value}; it must be from 0 to {PAGE_MAX}"))
            .with("field", name)
            .with("limit", PAGE_MAX)),
    }
}

/// A page of the entities of one kind that match a filter.
// The filter is kept, because `facets` evaluates it again, for each dimension without the conditions on that dimension.
pub(crate) struct Connection<T> {
    view: View,
    filter: Filter,
    /// The matches of the filter, unless the graph has them.
    matches: Option<RoaringBitmap>,
    order: Order,
    total: u64,
    page: Page,
    of: PhantomData<fn() -> T>,
}

impl<T: Listed> Connection<T> {
    /// Evaluates `base` and the client's filter, and cuts the page in the client's order.
    pub(crate) async fn new(
        context: &Context<'_>,
        view: &View,
        base: Filter,
        filter: Option<T::Filter>,
        order: Option<T::OrderBy>,
        args: PageArgs,
    ) -> Result<Self> {
        let (request, order) = (args.request()?, order.map(Into::into).unwrap_or_default());
        Self::select(Budget::of(context)?, view, base, filter.as_ref(), order, &request).await
    }

    /// As [`Self::new`], with the arguments checked.
    pub(crate) async fn select(
        budget: &Budget,
        view: &View,
        base: Filter,
        filter: Option<&T::Filter>,
        order: Order,
        request: &PageRequest,
    ) -> Result<Self> {
        let mut filters = vec![base];
        if let Some(input) = filter {
            filters.push(input.filter(view)?);
        }
        // Before the estimate, which recurses into the filter: depth and size must be bounded by then.
        let filter = Filter::And(filters).checked()?;
        let Estimate { texts, matches } = filter.estimate(view, T::KIND);
        // Matches come as a bitmap in creation order. Any other order may have to read the sort key of every match.
        let texts = if order.by == OrderBy::Created { texts } else { texts.saturating_add(matches) };
        let work = || {
            let matches = select(view, T::KIND, &filter);
            let page = page(view, &matches, order, request)?;
            let total = matches.len();
            // What the graph has as a bitmap is found again at once.
            let matches = if let Cow::Owned(matches) = matches { Some(matches) } else { None };
            Ok((matches, total, page))
        };
        let (matches, total, page) = budget.run_read(view, texts, work).await?;
        Ok(Self { view: view.clone(), filter, matches, order, total, page, of: PhantomData })
    }

    fn cursor(&self, id: EntityId) -> String {
        cursor(&self.view, self.order, id)
    }

    fn position(&self) -> PageInfo {
        // From the ids of the page, and not from its edges: no record is resolved or charged for.
        PageInfo {
            has_next_page: self.page.has_next,
            has_previous_page: self.page.has_previous,
            start_cursor: self.page.ids.first().map(|id| self.cursor(*id)),
            end_cursor: self.page.ids.last().map(|id| self.cursor(*id)),
        }
    }
}

impl<T: Listed> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        T::CONNECTION.into()
    }
}

/// A page of a list, with total count and facets.
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

    /// Position of this page in the list.
    async fn page_info(&self) -> PageInfo {
        self.position()
    }

    /// Global ids of all records that match, on all pages, in creation order. At most 32 MiB of text in one response.
    async fn ids(&self, context: &Context<'_>) -> Result<WholeList<ID>> {
        let budget = Budget::of(context)?;
        budget.count_values(self.total)?;
        let read = |all: &mut dyn Iterator<Item = &Entity>| {
            WholeList::charged(budget, all.map(|entity| entity_id(&self.view, entity)))
        };
        self.read_all(budget, read).await
    }

    /// Keys of all records that match, on all pages, in creation order: emails of people, project ids, keys of units,
    /// URLs of repositories (names of those without). At most 32 MiB of text in one response.
    async fn keys(&self, context: &Context<'_>) -> Result<WholeList<String>> {
        let budget = Budget::of(context)?;
        budget.count_values(self.total)?;
        let read = |all: &mut dyn Iterator<Item = &Entity>| {
            WholeList::charged(budget, all.map(|entity| key(entity).to_owned()))
        };
        self.read_all(budget, read).await
    }

    /// Number of records that match, on all pages.
    async fn total_count(&self) -> u64 {
        self.total
    }

    /// Values and counts of the requested dimensions over all records that match the filter, on all pages. Levels are
    /// rolled up: a record counts once for each of its ancestor units of that level.
    async fn facets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The dimensions to count.")] by: Vec<T::FacetBy>,
        #[graphql(
            desc = "Maximum number of buckets per dimension, the largest first: 0 to 1,000. Default: 1,000."
        )]
        first: Option<i64>,
        #[graphql(
            desc = "Ignore the filter's conditions on a facet's own dimension, so that a drop-down keeps its other choices.",
            default = false
        )]
        disjunctive: bool,
    ) -> Result<Vec<Facet>> {
        let by: Vec<FacetBy> = by.into_iter().map(Into::into).collect();
        self.count(Budget::of(context)?, &by, first, disjunctive).await
    }
}

impl<T: Listed> Connection<T> {
    /// The facets of the dimensions `by`, at most `first` buckets of each.
    async fn count(
        &self,
        budget: &Budget,
        by: &[FacetBy],
        first: Option<i64>,
        disjunctive: bool,
    ) -> Result<Vec<Facet>> {
        let first = page_size("first", first)?.unwrap_or(PAGE_MAX);
        // With `disjunctive`, each dimension evaluates a filter of its own; and each reads a text or a neighbour of
        // every match. Hence both terms are paid once per dimension.
        let once = self.filter.estimate(&self.view, T::KIND).texts.saturating_add(self.total);
        let texts = once.saturating_mul(by.len() as u64);
        let page = FacetPage { first, after: None };
        let (view, filter, matches) = (&self.view, &self.filter, self.matches.as_ref());
        let count = || Ok(facets_of(view, T::KIND, filter, matches, by, disjunctive, &page));
        let counted = budget.run_read(&self.view, texts, count).await?;
        Ok(by.iter().zip(counted).map(|(by, buckets)| self.facet(*by, buckets)).collect())
    }

    /// Reads all records that match, on all pages.
    async fn read_all<R>(
        &self,
        budget: &Budget,
        read: impl FnOnce(&mut dyn Iterator<Item = &Entity>) -> Result<R>,
    ) -> Result<R> {
        let ids = || match &self.matches {
            Some(ids) => Cow::Borrowed(ids),
            None => select(&self.view, T::KIND, &self.filter),
        };
        let read = || {
            let ids = ids();
            read(&mut ids.iter().filter_map(|id| self.view.entity(EntityId(id)).map(AsRef::as_ref)))
        };
        budget.run_read(&self.view, self.total, read).await
    }

    fn facet(&self, by: FacetBy, buckets: Vec<facet::Bucket>) -> Facet {
        let buckets = buckets.into_iter().map(|bucket| Bucket {
            value: Metered(bucket.value),
            unit: bucket.unit.and_then(|unit| OrgUnit::at(&self.view, unit)),
            count: bucket.count,
        });
        Facet { by: by.into(), buckets: buckets.collect() }
    }
}

/// The writer of a field that is a connection of the records that match a filter made of the value.
pub(crate) fn connection<'p, E: Listed, T: Planned>(
    field: &mut FieldRequest<'p>,
    base: impl for<'r> Fn(&Run<'r>, T::Value<'r>) -> Filter + 'p,
) -> Option<Writer<'p, T>> {
    let filter = field.argument::<Option<E::Filter>>("filter")?;
    let order = field.argument::<Option<E::OrderBy>>("orderBy")?.map(Into::into).unwrap_or_default();
    let (first, after) = (field.argument("first")?, field.argument("after")?);
    let (last, before) = (field.argument("last")?, field.argument("before")?);
    let page = PageArgs { first, after, last, before }.request().ok()?;
    let fields = field.fields::<Connection<E>>()?;
    Some(T::written(move |run, outline, value, out| {
        let base = base(run, value);
        let selected = Connection::<E>::select(run.budget, run.view, base, filter.as_ref(), order, &page);
        fields.write(run, outline, &now(selected)?, out)
    }))
}

impl<E: Listed> Planned for Connection<E> {
    const NAME: &'static str = E::CONNECTION;
    type Value<'r> = &'r Self;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "nodes" => {
                let fields = field.fields::<E>()?;
                Self::written(move |run, outline, connection, out| {
                    let ids = &connection.page.ids;
                    run.page(outline, ids, || {
                        let visible = ids.iter().filter_map(|id| visible::<E>(run, *id));
                        array(visible, out, |visible, out| fields.write(run, outline, visible, out))
                    })
                })
            }
            "edges" => {
                let fields = field.fields::<Edge<E>>()?;
                Self::written(move |run, outline, connection, out| {
                    let ids = &connection.page.ids;
                    run.page(outline, ids, || {
                        array(ids, out, |id, out| fields.write(run, outline, (connection, *id), out))
                    })
                })
            }
            "ids" => Self::written(|run, _, connection, out| {
                now(connection.read_all(run.budget, |all| {
                    array(all, out, |entity, out| run.text(&entity_id(run.view, entity), out))
                }))
            }),
            "keys" => Self::written(|run, _, connection, out| {
                now(connection
                    .read_all(run.budget, |all| array(all, out, |entity, out| run.text(key(entity), out))))
            }),
            "pageInfo" => field.object::<PageInfo, Self>(|_, connection| connection.position())?,
            "totalCount" => Self::json(|connection| connection.total),
            "facets" => {
                let by: Vec<E::FacetBy> = field.argument("by")?;
                let by: Vec<FacetBy> = by.into_iter().map(Into::into).collect();
                let (first, disjunctive) =
                    (field.argument("first")?, field.argument_or("disjunctive", false)?);
                let fields = field.fields::<Facet>()?;
                Self::written(move |run, outline, connection, out| {
                    let facets = now(connection.count(run.budget, &by, first, disjunctive))?;
                    array(&facets, out, |facet, out| fields.write(run, outline, facet, out))
                })
            }
            _ => return None,
        })
    }
}

impl<E: Listed> Planned for Edge<E> {
    const NAME: &'static str = E::EDGE;
    type Value<'r> = (&'r Connection<E>, EntityId);

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "node" => field.entity::<E, Self>(|_, (_, id)| Some(id))?,
            "cursor" => Self::leaf(|run, (connection, id), out| run.text(&connection.cursor(id), out)),
            _ => return None,
        })
    }
}

impl Planned for PageInfo {
    const NAME: &'static str = "PageInfo";
    type Value<'r> = &'r Self;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "hasNextPage" => Self::json(|info| info.has_next_page),
            "hasPreviousPage" => Self::json(|info| info.has_previous_page),
            "startCursor" => Self::json(|info| info.start_cursor.clone()),
            "endCursor" => Self::json(|info| info.end_cursor.clone()),
            _ => return None,
        })
    }
}

/// The text of an entity in a list of keys.
fn key(entity: &Entity) -> &str {
    let url = entity.as_repository().and_then(|repository| repository.url.as_ref());
    url.map_or_else(|| entity.label(), RepoUrl::as_str)
}

/// A list of texts without pagination, which may have hundreds of thousands.
// As a type of its own: async-graphql would make a future for each text of a `Vec`.
pub(crate) struct WholeList<T> {
    /// Taken when the list is resolved, which happens once.
    texts: Mutex<Vec<ConstValue>>,
    of: PhantomData<fn() -> T>,
}

impl<T> WholeList<T> {
    fn charged(budget: &Budget, texts: impl Iterator<Item = String>) -> Result<Self> {
        let charged = texts.map(|text| budget.count_text(text.len()).map(|()| ConstValue::String(text)));
        let texts = charged.collect::<Result<Vec<_>>>()?;
        Ok(Self { texts: Mutex::new(texts), of: PhantomData })
    }
}

impl<T: OutputType> OutputType for WholeList<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<ConstValue> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ConstValue::List(std::mem::take(&mut texts)))
    }
}

/// An edge of a connection.
// The cursor is made with the edge, as it depends on the view and order of the connection.
pub(crate) struct Edge<T> {
    node: T,
    cursor: String,
}

impl<T: Listed> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        T::EDGE.into()
    }
}

/// A record in a list, with its cursor.
#[Object(name_type)]
impl<T: Listed> Edge<T> {
    /// The record.
    async fn node(&self) -> &T {
        &self.node
    }

    /// Opaque cursor of this edge. Valid for the same sort order only.
    async fn cursor(&self) -> Metered<&str> {
        Metered(self.cursor.as_str())
    }
}

/// Position of a page in its list.
#[derive(SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether the list has records after this page.
    pub(crate) has_next_page: bool,
    /// Whether the list has records before this page.
    pub(crate) has_previous_page: bool,
    /// Cursor of the page's first record. Null if the page is empty.
    pub(crate) start_cursor: Option<String>,
    /// Cursor of the page's last record. Null if the page is empty.
    pub(crate) end_cursor: Option<String>,
}
