//! What every list takes: format, fields, order and page; and the answer with its count, tag and next page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::directory::View;
use crate::exchange::Format;
use crate::query::cost::cost_of;
use crate::query::page::{PageRequest, cursor, page};
use crate::query::{Filter, select};
use crate::query::{Order, OrderBy};
use crate::server::admission::work::Work;
use crate::server::auth::extract::Visible;
use crate::server::request::params::{Known, Param, Params, Shape as Looks, refused, refused_as, unfit};
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::etag;
use crate::server::rest::format::accepted;
use crate::server::rest::resource::{Entities, Resource};
use crate::server::rest::rows::{Rows, Shape, Written};
use crate::wire::column::{Column, CsvColumn};

/// The parameters of every list.
pub(super) const LIST: &[Param] = &[
    Param {
        name: "q",
        shape: Looks::Text,
        about: "Only records that contain this, without case, in any of their own texts: keys, names, email, urls.",
    },
    Param {
        name: "fields",
        shape: Looks::Text,
        about: "Only these fields of each record, separated by commas.",
    },
    Param {
        name: "sort",
        shape: Looks::Text,
        about: "The field to sort by; a minus before it for the greatest first. In the order of their making when not given.",
    },
    Param {
        name: "limit",
        shape: Looks::Whole(1, u32::MAX as usize),
        about: "At most so many records. All of them, streamed, when not given.",
    },
    Param {
        name: "cursor",
        shape: Looks::Text,
        about: "Only the records after this point: the cursor of the answer before, with the same filters and order.",
    },
    Param {
        name: "format",
        shape: Looks::OneOf(&Format::NAMES),
        about: "The format of the answer, whatever the Accept header says. In CSV a dotted column is a member of an object, other objects and lists are JSON, and a text that a spreadsheet could take for a formula has a ' before it.",
    },
];

/// A request for a list, read but for its parameters.
pub(super) struct ListRequest {
    params: Params,
    request: Asked,
}

/// A request for a list.
pub(super) struct List {
    /// Its parameters.
    pub known: Known,
    format: Format,
    request: Asked,
}

/// One JSON text.
pub(super) struct JsonPage {
    text: Vec<u8>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

impl JsonPage {
    pub(super) fn of(answer: &impl Serialize, next: Option<String>) -> Self {
        let text = serde_json::to_vec(answer).expect("an answer's names are texts and its numbers finite");
        Self { text, next }
    }
}

/// What every list is made from.
struct Asked {
    view: View,
    work: Work,
    uri: Uri,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for ListRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Visible(view) = Visible::from_request_parts(parts, state).await?;
        let work = Work::from_request_parts(parts, state).await?;
        let params = Params::from_request_parts(parts, state).await?;
        let request = Asked { view, work, uri: parts.uri.clone(), headers: parts.headers.clone() };
        Ok(Self { params, request })
    }
}

impl ListRequest {
    /// Whether a parameter is given with just this value.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.params.has(name, value)
    }

    /// Reads the parameters against `table` alone, since `because` the answer is no list after all; `others` are taken
    /// where it is.
    pub(super) fn only(
        self,
        table: &'static [Param],
        others: &[&'static [Param]],
        because: &str,
    ) -> Result<List> {
        self.params.without(others, because)?;
        self.params.without(&[LIST], because)?;
        self.just(&[table])
    }

    /// Refuses the parameters of `others`, since they do not go with `because`.
    pub(super) fn without(&self, others: &[&'static [Param]], because: &str) -> Result<()> {
        self.params.without(others, because)
    }

    /// Reads the parameters against these tables alone: the answer is JSON, and no list of records.
    pub(super) fn just(self, tables: &[&'static [Param]]) -> Result<List> {
        Ok(List { known: self.params.known(tables)?, format: Format::Json, request: self.request })
    }

    /// Reads the parameters against these tables and that of every list.
    pub(super) fn known(self, tables: &[&'static [Param]]) -> Result<List> {
        let mut all = tables.to_vec();
        all.push(LIST);
        let known = self.params.known(&all)?;
        let format = match known.one("format").and_then(Format::named) {
            Some(format) => format,
            None => accepted(&self.request.headers)?,
        };
        Ok(List { known, format, request: self.request })
    }
}

impl List {
    pub(super) fn view(&self) -> &View {
        &self.request.view
    }

    /// Answers with the entities that a filter matches, sorted and paged by the query engine. The filter is made once
    /// it is known that the client has not this answer already.
    pub(super) async fn entities<R: Entities>(
        self,
        filter: impl FnOnce(&View, &Known) -> Result<Filter>,
    ) -> Result<Response> {
        let order = self.order::<R>()?;
        let first = self.known.whole("limit");
        let asked = PageRequest {
            first,
            after: self.known.one("cursor").map(str::to_owned),
            ..PageRequest::default()
        };
        self.answer::<R, _>(
            |list| {
                let view = list.view();
                let filter = filter(view, &list.known)?.checked()?;
                let estimate = filter.estimate(view, R::KIND);
                let sorted = if order.by == OrderBy::Created { 0 } else { estimate.matches };
                let listed = first.map_or(estimate.matches, |first| estimate.matches.min(first as u64));
                Ok((estimate.texts.saturating_add(sorted).saturating_add(cost_of(listed)), filter))
            },
            move |view, filter| {
                let matches = select(view, R::KIND, &filter);
                let found = page(view, &matches, order, &asked).map_err(|no| refused_as("cursor", no))?;
                let last = found.ids.last().filter(|_| found.has_next);
                let next = last.map(|last| cursor(view, order, *last));
                Ok(Rows { count: matches.len(), items: found.ids, next })
            },
        )
        .await
    }

    /// Answers with what comes in an order of its own. `prepare` says what making it costs, and reads what `all` makes it
    /// from; `name` tells one from all others.
    pub(super) async fn in_order<R: Resource, P: Send + 'static>(
        self,
        prepare: impl FnOnce(&Self) -> Result<(u64, P)>,
        all: impl FnOnce(&View, P) -> Result<Vec<R::Item>> + Send + 'static,
        name: fn(&View, &R::Item) -> String,
    ) -> Result<Response> {
        let limit = self.known.whole("limit").unwrap_or(usize::MAX);
        let after = self.known.one("cursor").map(str::to_owned);
        self.answer::<R, _>(prepare, move |view, prepared| {
            let all = all(view, prepared)?;
            let count = all.len() as u64;
            let begin = match after {
                None => 0,
                Some(after) => {
                    1 + all.iter().position(|item| name(view, item) == after).ok_or_else(no_cursor)?
                }
            };
            let mut items: Vec<_> = all.into_iter().skip(begin).collect();
            let has_more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| has_more).map(|last| name(view, last));
            Ok(Rows { count, items, next })
        })
        .await
    }

    /// 304 where the client has the answer, or else the rows that `find` finds, written where that holds up nobody.
    /// `prepare` says what that costs, in texts looked at, and reads what it is made from.
    pub(super) async fn answer<R: Resource, P: Send + 'static>(
        self,
        prepare: impl FnOnce(&Self) -> Result<(u64, P)>,
        find: impl FnOnce(&View, P) -> Result<Rows<R::Item>> + Send + 'static,
    ) -> Result<Response> {
        let shape = self.shape::<R>()?;
        let tag = self.tag();
        if let Some(unchanged) = etag::unchanged(&self.request.headers, &tag) {
            return Ok(unchanged);
        }
        let (cost, prepared) = prepare(&self)?;
        if etag::any(&self.request.headers) {
            return Ok(etag::not_modified(&tag));
        }
        let Asked { view, work, uri, .. } = self.request;
        let made = work.run(view.clone(), cost, move |view| -> Result<_> {
            let rows = find(&view, prepared)?;
            let link = rows.next.as_ref().and_then(|next| link_to(&uri, next));
            Ok((link, Written::begin::<R>(view, rows, shape)))
        });
        let (link, written) = made.await??;
        let mut response = written.into_response(&work, &view)?;
        etag::set(&mut response, &tag);
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }

    /// Answers with one JSON text, which may have a next page.
    pub(super) async fn json<P: Send + 'static>(
        self,
        prepare: impl FnOnce(&Self) -> Result<(u64, P)>,
        make: impl FnOnce(&View, P) -> Result<JsonPage> + Send + 'static,
    ) -> Result<Response> {
        let tag = self.tag();
        if let Some(unchanged) = etag::unchanged(&self.request.headers, &tag) {
            return Ok(unchanged);
        }
        let (cost, prepared) = prepare(&self)?;
        if etag::any(&self.request.headers) {
            return Ok(etag::not_modified(&tag));
        }
        let Asked { view, work, uri, .. } = self.request;
        let JsonPage { text, next } = work.run(view, cost, move |view| make(&view, prepared)).await??;
        let media_type = HeaderValue::from_static(Format::Json.media_type());
        let mut response = ([(header::CONTENT_TYPE, media_type)], text).into_response();
        etag::set(&mut response, &tag);
        if let Some(link) = next.and_then(|next| link_to(&uri, &next)) {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }

    /// The tag of the answer to just this request.
    fn tag(&self) -> String {
        etag::list_tag(&self.request.view, &self.request.uri, self.format)
    }

    /// The order that `sort` asks for.
    pub(super) fn order<R: Entities>(&self) -> Result<Order> {
        let Some(given) = self.known.one("sort") else { return Ok(Order::default()) };
        let (name, descending) = given.strip_prefix('-').map_or((given, false), |name| (name, true));
        let sorts = R::columns().sorts();
        let found = sorts.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, by)| Order { by, descending }).ok_or_else(|| unsortable(given, &R::sorts()))
    }

    fn shape<R: Resource>(&self) -> Result<Shape> {
        let given = self.known.one("fields").unwrap_or_default();
        let wanted: Vec<_> = given.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let columns = R::columns();
        let fits = |wanted: &str, column: &CsvColumn| wanted == column.name || wanted == column.field.name;
        if let Some(unknown) = wanted.iter().find(|name| !columns.csv.iter().any(|column| fits(name, column)))
        {
            let known: Vec<_> = columns.csv.iter().map(|column| &*column.name).collect();
            let known = known.join(", ");
            return Err(refused("fields", format!("fields {unknown:?} must be among {known}")));
        }
        let is_wanted =
            |column: &&CsvColumn| wanted.is_empty() || wanted.iter().any(|name| fits(name, column));
        let csv: Vec<_> = columns.csv.iter().filter(is_wanted).collect();
        let is_shown = |field: &&&Column| csv.iter().any(|column| column.field.name == field.name);
        let fields = columns.all.iter().filter(is_shown).copied().collect();
        Ok(Shape { format: self.format, fields, csv })
    }
}

/// The header that leads to the same request for the next page.
pub(super) fn link_to(uri: &Uri, next: &str) -> Option<HeaderValue> {
    let query = uri.query().unwrap_or_default();
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let next = format!("cursor={}", utf8_percent_encode(next, NON_ALPHANUMERIC));
    let query = kept.chain([next.as_str()]).collect::<Vec<_>>().join("&");
    HeaderValue::from_str(&format!("<{}?{query}>; rel=\"next\"", uri.path())).ok()
}

/// A cursor that stands at no record of the list.
pub(super) fn no_cursor() -> Problem {
    unfit("cursor", "cursor is none of this list, or its record has gone; begin again without it")
}

/// A list that comes in just the orders of these names.
pub(super) fn unsortable(given: &str, names: &[&str]) -> Problem {
    refused(
        "sort",
        format!("sort {given:?} must be one of {}, or one of them with a - before it", names.join(", ")),
    )
}
