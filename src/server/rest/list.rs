//! Lists: the parameters `q`, `fields`, `sort`, `limit`, `cursor` and `format`, and the response with count, `ETag`,
//! cursor and `Link` header.
//!
//! Invariant: an expensive list is computed on the blocking pool, and no request keeps a view of the graph while it
//! waits for its slot there.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::directory::View;
use crate::exchange::Format;
use crate::query::cost::{Estimate, check_affordable, serialization_cost};
use crate::query::page::{PageRequest, cursor, page};
use crate::query::{Filter, select};
use crate::query::{Order, OrderBy};
use crate::server::admission::slots::HeavySlots;
use crate::server::admission::work::RequestWork;
use crate::server::auth::extract::Visible;
use crate::server::request::params::{
    Param, ParamType, Params, ParsedParams, invalid, unprocessable, unprocessable_error,
};
use crate::server::response::problem::{Problem, Result};
use crate::server::response_cache::{CacheLookup, CacheStatus, ResponseCache, ResponseKey, text};
use crate::server::rest::etag;
use crate::server::rest::format::{accepted, file_name, to_json};
use crate::server::rest::resource::{Entities, Resource};
use crate::server::rest::rows::{RowFormat, Rows, StartedList};
use crate::wire::column::Column;
use crate::wire::columns::CsvColumn;

/// Equal requests for at most this many records are computed once.
const SHARED_MAX: usize = 1_000;

/// The parameters of every list.
pub(super) const LIST: &[Param] = &[
    Param {
        name: "q",
        value_type: ParamType::Text,
        about: "Only records that contain this text, ignoring case, in any of their own text fields: keys, names, email, URLs.",
    },
    Param {
        name: "fields",
        value_type: ParamType::Text,
        about: "Only these fields of each record: names separated by commas. Default: all fields.",
    },
    Param {
        name: "sort",
        value_type: ParamType::Text,
        about: "The field to sort by; with a leading `-` in descending order. Default: the order of creation; ancestors, children and descendants of a unit have an order of their own.",
    },
    Param {
        name: "limit",
        value_type: ParamType::Whole(1, u32::MAX as usize),
        about: "The maximum number of records to return. Default: all, streamed.",
    },
    Param {
        name: "cursor",
        value_type: ParamType::Text,
        about: "Continues after an earlier page: the `cursor` of its response. Use it with the same filters and `sort`.",
    },
    Param {
        name: "format",
        value_type: ParamType::OneOf(&Format::NAMES),
        about: "The format of the response; overrides the Accept header. In CSV, a column with a dot is a member of an object, other objects and arrays are JSON, and text that a spreadsheet could read as a formula starts with `'`.",
    },
    Param {
        name: "excel",
        value_type: ParamType::OneOf(&["1"]),
        about: "`1`: begin a CSV with a byte order mark, so that Excel reads it as UTF-8.",
    },
];

/// Extractor of a list request whose parameters are not parsed yet.
pub(super) struct ListRequest {
    params: Params,
    request: ListContext,
}

/// A list request with parsed parameters.
pub(super) struct List {
    /// The parameters.
    pub params: ParsedParams,
    format: Format,
    request: ListContext,
}

/// A page of a JSON response.
pub(super) struct JsonPage {
    text: Vec<u8>,
    /// The cursor of the next page, if there is one.
    next: Option<String>,
}

impl JsonPage {
    /// Serializes `body`; `next` is the cursor of the next page.
    // At once, not in the response: `body` may borrow from a view, which must not live as long as the response.
    pub(super) fn of(body: &impl Serialize, next: Option<String>) -> Self {
        Self { text: to_json(body), next }
    }
}

/// A list that was computed from a view.
struct ComputedList {
    view: View,
    tag: String,
    /// The `Link` to the next page, if there is one.
    link: Option<HeaderValue>,
    /// The name of the file, if it is one to be saved.
    file: Option<HeaderValue>,
    content: StartedList,
}

impl ComputedList {
    fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let tag = HeaderValue::from_str(&self.tag).ok().map(|tag| (header::ETAG, tag));
        let link = self.link.clone().map(|link| (header::LINK, link));
        let file = self.file.clone().map(|file| (header::CONTENT_DISPOSITION, file));
        tag.into_iter().chain(link).chain(file)
    }

    fn into_response(self, work: &RequestWork) -> Result<Response> {
        let headers: Vec<_> = self.headers().collect();
        let mut response = self.content.into_response(work, &self.view)?;
        response.headers_mut().extend(headers);
        Ok(response)
    }
}

/// What a list is computed from.
struct ListContext {
    view: View,
    work: RequestWork,
    cache: ResponseCache,
    uri: Uri,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for ListRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Visible(view) = Visible::from_request_parts(parts, state).await?;
        let work = RequestWork::from_request_parts(parts, state).await?;
        let params = Params::from_request_parts(parts, state).await?;
        let cache = parts.extensions.get().cloned().ok_or_else(Problem::internal)?;
        let request =
            ListContext { view, work, cache, uri: parts.uri.clone(), headers: parts.headers.clone() };
        Ok(Self { params, request })
    }
}

impl ListRequest {
    /// Whether a parameter has exactly this value.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.params.has(name, value)
    }

    /// Parses the parameters for a response that is no list because of the parameter `because`. Only `table` is valid;
    /// the parameters of lists and of `others` are refused with that reason.
    pub(super) fn only(
        self,
        table: &'static [Param],
        others: &[&'static [Param]],
        because: &str,
    ) -> Result<List> {
        self.params.without(others, because)?;
        self.params.without(&[LIST], because)?;
        self.parse_only(&[table])
    }

    /// Refuses the parameters of `others`, which cannot be combined with `because`.
    pub(super) fn without(&self, others: &[&'static [Param]], because: &str) -> Result<()> {
        self.params.without(others, because)
    }

    /// Parses the parameters of these tables only, without those of lists. The response is JSON.
    pub(super) fn parse_only(self, tables: &[&'static [Param]]) -> Result<List> {
        Ok(List { params: self.params.parse(tables)?, format: Format::Json, request: self.request })
    }

    /// Parses the parameters of these tables and those of every list, and negotiates the format.
    pub(super) fn parse(self, tables: &[&'static [Param]]) -> Result<List> {
        let mut all = tables.to_vec();
        all.push(LIST);
        let params = self.params.parse(&all)?;
        let format = match params.one("format").and_then(Format::named) {
            Some(format) => format,
            None => accepted(&self.request.headers)?,
        };
        Ok(List { params, format, request: self.request })
    }
}

impl List {
    /// The list of entities that match a filter, sorted and paged by the query engine.
    pub(super) async fn entities<R: Entities>(
        self,
        // A function, not a filter: it runs after the tag was compared, and once more if the list had to wait for a
        // slot.
        filter: impl Fn(&View, &ParsedParams) -> Result<Filter> + Send + 'static,
    ) -> Result<Response> {
        let order = self.order::<R>()?;
        let first = self.params.whole("limit");
        let request = PageRequest {
            first,
            after: self.params.one("cursor").map(str::to_owned),
            ..PageRequest::default()
        };
        self.respond::<R, _>(
            move |view, params| {
                let filter = filter(view, params)?.checked()?;
                let Estimate { texts, matches } = filter.estimate(view, R::KIND);
                // Any other order reads the sort field of every match, also of those on other pages.
                let texts = if order.by == OrderBy::Created { texts } else { texts.saturating_add(matches) };
                check_affordable(view, texts)?;
                // Refused by what finding costs alone: writing a long list is slow, but streamed in chunks.
                let listed = first.map_or(matches, |first| matches.min(first as u64));
                Ok((texts.saturating_add(serialization_cost(listed)), filter))
            },
            move |view, filter| {
                let matches = select(view, R::KIND, &filter);
                let found = page(view, &matches, order, &request)
                    .map_err(|refusal| unprocessable_error("cursor", refusal))?;
                let last = found.ids.last().filter(|_| found.has_next);
                let next = last.map(|last| cursor(view, order, *last));
                Ok(Rows { count: matches.len(), items: found.ids, next })
            },
        )
        .await
    }

    /// A list with an order of its own. `prepare` returns the cost and the input of `all`, which returns all items;
    /// `key` is an item's unique key, used as its cursor.
    pub(super) async fn in_order<R: Resource, P: Send + 'static>(
        self,
        prepare: impl Fn(&View, &ParsedParams) -> Result<(u64, P)> + Send + 'static,
        all: impl FnOnce(&View, P) -> Result<Vec<R::Item>> + Send + 'static,
        key: fn(&View, &R::Item) -> String,
    ) -> Result<Response> {
        let limit = self.params.whole("limit").unwrap_or(usize::MAX);
        let after = self.params.one("cursor").map(str::to_owned);
        self.respond::<R, _>(prepare, move |view, prepared| {
            let all = all(view, prepared)?;
            let count = all.len() as u64;
            // A linear search: the order is computed anew for each page, which is linear as well.
            let begin = match after {
                None => 0,
                Some(after) => {
                    1 + all.iter().position(|item| key(view, item) == after).ok_or_else(unknown_cursor)?
                }
            };
            let mut items: Vec<_> = all.into_iter().skip(begin).collect();
            let has_more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| has_more).map(|last| key(view, last));
            Ok(Rows { count, items, next })
        })
        .await
    }

    /// 304 if the client has the response, otherwise the rows that `find` returns. `prepare` returns the cost, as the
    /// number of texts that finding and writing the rows is worth (see `query::cost`), and the input of `find`.
    pub(super) async fn respond<R: Resource, P: Send + 'static>(
        self,
        prepare: impl Fn(&View, &ParsedParams) -> Result<(u64, P)> + Send + 'static,
        find: impl FnOnce(&View, P) -> Result<Rows<R::Item>> + Send + 'static,
    ) -> Result<Response> {
        let row_format = self.row_format::<R>()?;
        // A longer list may be streamed, and is then not cached.
        let is_short = self.params.whole("limit").is_some_and(|limit| limit <= SHARED_MAX);
        self.compute(is_short, prepare, move |view, prepared| {
            let rows = find(view, prepared)?;
            let next = rows.next.clone();
            // The first chunk is written here, on the same thread and slot, so a list of usual size is complete by
            // then.
            Ok((next, StartedList::begin::<R>(view.clone(), rows, row_format)))
        })
        .await
    }

    /// A JSON response that is not a list of records. `prepare` is as in [`List::respond`].
    pub(super) async fn json<P: Send + 'static>(
        self,
        prepare: impl Fn(&View, &ParsedParams) -> Result<(u64, P)> + Send + 'static,
        make: impl FnOnce(&View, P) -> Result<JsonPage> + Send + 'static,
    ) -> Result<Response> {
        self.compute(true, prepare, move |view, prepared| {
            let JsonPage { text, next } = make(view, prepared)?;
            Ok((next, StartedList::complete(Format::Json, text)))
        })
        .await
    }

    /// Computes a response: inline if it is cheap. Otherwise it is taken from the response cache, or computed on the
    /// blocking pool with a slot for heavy work. With `is_short`, equal requests wait for one of them.
    async fn compute<P>(
        self,
        is_short: bool,
        prepare: impl Fn(&View, &ParsedParams) -> Result<(u64, P)> + Send + 'static,
        make: impl FnOnce(&View, P) -> Result<(Option<String>, StartedList)> + Send + 'static,
    ) -> Result<Response> {
        let Self { params, format, request: ListContext { view, work, cache, uri, headers } } = self;
        let tag = etag::list_tag(&view, &uri, format);
        // Before anything is evaluated: polling an unchanged list costs a hash and a comparison.
        if etag::is_known(&headers, &tag) {
            return Ok(etag::not_modified(&tag));
        }
        let (cost, prepared) = prepare(&view, &params)?;
        // `*` matches only what exists, so an unknown unit in the path or in a filter has to be reported first.
        if etag::matches_any(&headers) {
            return Ok(etag::not_modified(&tag));
        }
        let is_heavy = !HeavySlots::is_light(cost);
        let key = if is_heavy { list_key(&cache, &view, &uri, format) } else { None };
        let compute = move |view: View, prepared: P| -> Result<ComputedList> {
            let (next, content) = make(&view, prepared)?;
            let link = next.and_then(|next| link_to(&uri, &next));
            let file = file_name(uri.path(), format);
            Ok(ComputedList { tag: etag::list_tag(&view, &uri, format), view, link, file, content })
        };
        if !is_heavy {
            return compute(view, prepared)?.into_response(&work);
        }
        // A view keeps a revision of the whole graph in memory, and waiting may take long: many waiting requests would
        // keep as many revisions. So the view is given up and everything is prepared again when the slot is there.
        drop((view, prepared));
        let mut making = None;
        if let Some(key) = key {
            let found = if is_short {
                cache.find(key, || ()).await
            } else {
                cache.get(key).map_or(CacheLookup::Missing, CacheLookup::Hit)
            };
            match found {
                CacheLookup::Hit(cached) => return Ok(CacheStatus::Hit.on(cached.into_response())),
                // Others do not wait for a request that waits for a slot itself: it may be of a busier caller.
                CacheLookup::First(first) => making = Some(first).filter(|_| work.has_free_slot()),
                CacheLookup::Missing => {}
            }
        }
        let caller = work.caller().clone();
        let computed = work.run_heavy(move || {
            let view = caller.view();
            let (_, prepared) = prepare(&view, &params)?;
            compute(view, prepared)
        });
        let computed = computed.await?;
        let Some(key) = key else { return computed.into_response(&work) };
        // A list of a newer revision than the key, or one that is not complete at once, is not cached.
        let list = if computed.tag == tag { computed.content.cached(computed.headers()) } else { None };
        let is_kept = match list {
            None => false,
            Some(list) => {
                if let Some(making) = making {
                    making.made(list.clone());
                }
                cache.insert(key, list).is_some()
            }
        };
        let status = if is_kept { CacheStatus::Stored } else { CacheStatus::Miss };
        Ok(status.on(computed.into_response(&work)?))
    }

    /// The order in `sort`; the order of creation if it is absent. 400 if the field cannot be sorted by.
    pub(super) fn order<R: Entities>(&self) -> Result<Order> {
        let Some(sort) = self.params.one("sort") else { return Ok(Order::default()) };
        let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        let sorts = R::columns().sorts();
        let found = sorts.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, by)| Order { by, descending }).ok_or_else(|| unsortable(sort, &R::sorts()))
    }

    /// The format of the rows, with the fields and columns that `fields` selects.
    fn row_format<R: Resource>(&self) -> Result<RowFormat> {
        let fields = self.params.one("fields").unwrap_or_default();
        let wanted: Vec<_> = fields.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let has_mark = self.params.one("excel").is_some();
        if has_mark && self.format != Format::Csv {
            return Err(unprocessable("excel", "excel=1 is for CSV; add format=csv, or leave it out"));
        }
        let columns = R::columns();
        // JSON has no columns that CSV alone has.
        let is_known = |column: &&CsvColumn| {
            self.format == Format::Csv || columns.all.iter().any(|field| field.name == column.field.name)
        };
        let known: Vec<&CsvColumn> = columns.csv.iter().filter(is_known).collect();
        // A name selects a CSV column (`owner.email`) or all columns of a field (`owner`).
        let fits = |wanted: &str, column: &CsvColumn| wanted == column.name || wanted == column.field.name;
        if let Some(unknown) = wanted.iter().find(|name| !known.iter().any(|column| fits(name, column))) {
            if columns.csv.iter().any(|column| fits(unknown, column)) {
                let detail = format!(
                    "fields contains {unknown:?}, a column of CSV alone; add format=csv, or leave it out"
                );
                return Err(unprocessable("fields", detail));
            }
            let known: Vec<_> = known.iter().map(|column| &*column.name).collect();
            let known = known.join(", ");
            return Err(invalid("fields", format!("fields contains {unknown:?}; the fields are {known}")));
        }
        let is_wanted =
            |column: &&CsvColumn| wanted.is_empty() || wanted.iter().any(|name| fits(name, column));
        let csv: Vec<_> = columns.csv.iter().filter(is_wanted).collect();
        // JSON has no columns: one column of an object selects the whole object.
        let is_selected = |field: &&&Column| csv.iter().any(|column| column.field.name == field.name);
        let fields = columns.all.iter().filter(is_selected).copied().collect();
        Ok(RowFormat { format: self.format, fields, csv, has_mark })
    }
}

/// The key of a list in the response cache.
fn list_key(cache: &ResponseCache, view: &View, uri: &Uri, format: Format) -> Option<ResponseKey> {
    cache.key(view, "rest", |key| {
        text(key, uri.path());
        text(key, uri.query().unwrap_or_default());
        text(key, format.media_type());
        Some(())
    })
}

/// The `Link` header (RFC 8288) with the same request for the next page; `None` if it is no valid header value.
// Built from the raw query: decoding and encoding it again could change what the client sent.
pub(super) fn link_to(uri: &Uri, next: &str) -> Option<HeaderValue> {
    let query = uri.query().unwrap_or_default();
    let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let next = format!("cursor={}", utf8_percent_encode(next, NON_ALPHANUMERIC));
    let query = others.chain([next.as_str()]).collect::<Vec<_>>().join("&");
    HeaderValue::from_str(&format!("<{}?{query}>; rel=\"next\"", uri.path())).ok()
}

/// 422: the cursor is not at a record of the list.
// Refused rather than guessed: resuming elsewhere would silently skip or repeat records.
pub(super) fn unknown_cursor() -> Problem {
    unprocessable(
        "cursor",
        "the cursor does not belong to this list, or its record was deleted; start again without it",
    )
}

/// 400: the list can only be sorted by the fields with these names.
pub(super) fn unsortable(sort: &str, names: &[&str]) -> Problem {
    invalid("sort", format!("sort {sort:?} must be one of {}, optionally with a leading -", names.join(", ")))
}
