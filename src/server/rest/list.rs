//! What every list takes: format, fields, order and page; and the answer with its count, tag and next page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::directory::View;
use crate::exchange::Format;
use crate::query::cost::{Estimate, affordable, cost_of};
use crate::query::page::{PageRequest, cursor, page};
use crate::query::{Filter, select};
use crate::query::{Order, OrderBy};
use crate::server::admission::slots::HeavySlots;
use crate::server::admission::work::RequestWork;
use crate::server::auth::extract::Visible;
use crate::server::request::params::{Param, ParamType, Params, ParsedParams, refused, refused_as, unfit};
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::etag;
use crate::server::rest::format::{accepted, json_response, to_json};
use crate::server::rest::resource::{Entities, Resource};
use crate::server::rest::rows::{RowFormat, Rows, StartedList};
use crate::wire::column::{Column, CsvColumn};

/// The parameters of every list.
pub(super) const LIST: &[Param] = &[
    Param {
        name: "q",
        shape: ParamType::Text,
        about: "Only records that contain this, without case, in any of their own texts: keys, names, email, urls.",
    },
    Param {
        name: "fields",
        shape: ParamType::Text,
        about: "Only these fields of each record, separated by commas.",
    },
    Param {
        name: "sort",
        shape: ParamType::Text,
        about: "The field to sort by; a minus before it for the greatest first. In the order of their making when not given.",
    },
    Param {
        name: "limit",
        shape: ParamType::Whole(1, u32::MAX as usize),
        about: "At most so many records. All of them, streamed, when not given.",
    },
    Param {
        name: "cursor",
        shape: ParamType::Text,
        about: "Only the records after this point: the cursor of the answer before, with the same filters and order.",
    },
    Param {
        name: "format",
        shape: ParamType::OneOf(&Format::NAMES),
        about: "The format of the answer, whatever the Accept header says. In CSV a dotted column is a member of an object, other objects and lists are JSON, and a text that a spreadsheet could take for a formula has a ' before it.",
    },
];

/// A request for a list, read but for its parameters.
pub(super) struct ListRequest {
    params: Params,
    request: ListContext,
}

/// A request for a list.
pub(super) struct List {
    /// Its parameters.
    pub known: ParsedParams,
    format: Format,
    request: ListContext,
}

/// One JSON text.
pub(super) struct JsonPage {
    text: Vec<u8>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

impl JsonPage {
    pub(super) fn of(answer: &impl Serialize, next: Option<String>) -> Self {
        Self { text: to_json(answer), next }
    }
}

/// What comes of a request for a list.
enum Made<T> {
    /// The client has the answer of this tag.
    Unchanged(String),
    Answer {
        tag: String,
        uri: Uri,
        next: Option<String>,
        answer: T,
    },
}

impl<T> Made<T> {
    fn respond(self, response: impl FnOnce(T) -> Result<Response>) -> Result<Response> {
        match self {
            Self::Unchanged(tag) => Ok(etag::not_modified(&tag)),
            Self::Answer { tag, uri, next, answer } => {
                let mut response = response(answer)?;
                etag::set(&mut response, &tag);
                if let Some(link) = next.and_then(|next| link_to(&uri, &next)) {
                    response.headers_mut().insert(header::LINK, link);
                }
                Ok(response)
            }
        }
    }
}

/// What every list is made from.
struct ListContext {
    view: View,
    work: RequestWork,
    uri: Uri,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for ListRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Visible(view) = Visible::from_request_parts(parts, state).await?;
        let work = RequestWork::from_request_parts(parts, state).await?;
        let params = Params::from_request_parts(parts, state).await?;
        let request = ListContext { view, work, uri: parts.uri.clone(), headers: parts.headers.clone() };
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
    /// Answers with the entities that a filter matches, sorted and paged by the query engine. The filter is made once
    /// it is known that the client has not this answer already.
    pub(super) async fn entities<R: Entities>(
        self,
        filter: impl Fn(&View, &ParsedParams) -> Result<Filter> + Send + 'static,
    ) -> Result<Response> {
        let order = self.order::<R>()?;
        let first = self.known.whole("limit");
        let asked = PageRequest {
            first,
            after: self.known.one("cursor").map(str::to_owned),
            ..PageRequest::default()
        };
        self.answer::<R, _>(
            move |view, known| {
                let filter = filter(view, known)?.checked()?;
                let Estimate { texts, matches } = filter.estimate(view, R::KIND);
                let texts = if order.by == OrderBy::Created { texts } else { texts.saturating_add(matches) };
                affordable(view, texts)?;
                let listed = first.map_or(matches, |first| matches.min(first as u64));
                Ok((texts.saturating_add(cost_of(listed)), filter))
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
        prepare: impl Fn(&View, &ParsedParams) -> Result<(u64, P)> + Send + 'static,
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
    /// `prepare` reads what they are found by, and says about how many texts could be looked at while they are found and
    /// written.
    pub(super) async fn answer<R: Resource, P: Send + 'static>(
        self,
        prepare: impl Fn(&View, &ParsedParams) -> Result<(u64, P)> + Send + 'static,
        find: impl FnOnce(&View, P) -> Result<Rows<R::Item>> + Send + 'static,
    ) -> Result<Response> {
        let shape = self.shape::<R>()?;
        let work = self.request.work.clone();
        let list = self.made(prepare, move |view, prepared| {
            let rows = find(view, prepared)?;
            let next = rows.next.clone();
            Ok((next, (view.clone(), StartedList::begin::<R>(view.clone(), rows, shape))))
        });
        list.await?.respond(|(view, written)| written.into_response(&work, &view))
    }

    /// Answers with one JSON text, which may have a next page. `prepare` is as that of [`List::answer`].
    pub(super) async fn json<P: Send + 'static>(
        self,
        prepare: impl Fn(&View, &ParsedParams) -> Result<(u64, P)> + Send + 'static,
        make: impl FnOnce(&View, P) -> Result<JsonPage> + Send + 'static,
    ) -> Result<Response> {
        let page = self.made(prepare, move |view, prepared| {
            let JsonPage { text, next } = make(view, prepared)?;
            Ok((next, text))
        });
        page.await?.respond(|text| Ok(json_response(text)))
    }

    /// Makes an answer, at once where that takes no time, or else with a slot. Nobody who waits for one keeps a view, so
    /// what takes long is prepared anew when its turn comes.
    async fn made<P, T: Send + 'static>(
        self,
        prepare: impl Fn(&View, &ParsedParams) -> Result<(u64, P)> + Send + 'static,
        make: impl FnOnce(&View, P) -> Result<(Option<String>, T)> + Send + 'static,
    ) -> Result<Made<T>> {
        let Self { known, format, request: ListContext { view, work, uri, headers } } = self;
        let tag = etag::list_tag(&view, &uri, format);
        if etag::is_known(&headers, &tag) {
            return Ok(Made::Unchanged(tag));
        }
        let (cost, prepared) = prepare(&view, &known)?;
        if etag::any(&headers) {
            return Ok(Made::Unchanged(tag));
        }
        if HeavySlots::is_light(cost) {
            let (next, answer) = make(&view, prepared)?;
            return Ok(Made::Answer { tag, uri, next, answer });
        }
        drop((view, prepared));
        let caller = work.caller().clone();
        let answer = work.run_heavy(move || {
            let view = caller.view();
            let (_, prepared) = prepare(&view, &known)?;
            let (next, answer) = make(&view, prepared)?;
            Ok(Made::Answer { tag: etag::list_tag(&view, &uri, format), uri, next, answer })
        });
        answer.await
    }

    /// The order that `sort` asks for.
    pub(super) fn order<R: Entities>(&self) -> Result<Order> {
        let Some(given) = self.known.one("sort") else { return Ok(Order::default()) };
        let (name, descending) = given.strip_prefix('-').map_or((given, false), |name| (name, true));
        let sorts = R::columns().sorts();
        let found = sorts.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, by)| Order { by, descending }).ok_or_else(|| unsortable(given, &R::sorts()))
    }

    fn shape<R: Resource>(&self) -> Result<RowFormat> {
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
        Ok(RowFormat { format: self.format, fields, csv })
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
