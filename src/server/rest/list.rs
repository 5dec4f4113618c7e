//! What every list takes: format, fields, order and page; and the answer with its count, tag and next page.

use std::collections::HashMap;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use roaring::RoaringBitmap;

use crate::directory::View;
use crate::model::entity::EntityId;
use crate::query::page::{PageRequest, cursor, page};
use crate::query::{Order, OrderBy};
use crate::server::params::{Known, Param, Params, Shape as Looks, refused, refused_as, unfit};
use crate::server::problem::{Problem, Result};
use crate::server::rest::etag;
use crate::server::rest::format::Format;
use crate::server::rest::resource::{Entities, Resource};
use crate::server::rest::rows::{Rows, Shape, answer, field_of};

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
    uri: Uri,
    headers: HeaderMap,
}

/// A request for a list.
pub(super) struct List {
    /// Its parameters.
    pub known: Known,
    uri: Uri,
    headers: HeaderMap,
    format: Format,
}

impl<S: Send + Sync> FromRequestParts<S> for ListRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = Params::from_request_parts(parts, state).await?;
        Ok(Self { params, uri: parts.uri.clone(), headers: parts.headers.clone() })
    }
}

impl ListRequest {
    /// Whether a parameter is given with just this value.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.params.has(name, value)
    }

    /// The headers of the request.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Reads the parameters against `table` alone, since `because` the answer is no list after all; `others` are taken
    /// where it is.
    pub(super) fn only(
        self,
        table: &'static [Param],
        others: &[&'static [Param]],
        because: &str,
    ) -> Result<Known> {
        self.params.without(others, because)?;
        self.params.without(&[LIST], because)?;
        self.params.known(&[table])
    }

    /// Reads the parameters against these tables and that of every list.
    pub(super) fn known(self, tables: &[&'static [Param]]) -> Result<List> {
        let mut all = tables.to_vec();
        all.push(LIST);
        let known = self.params.known(&all)?;
        let format = match known.one("format").and_then(Format::named) {
            Some(format) => format,
            None => Format::accepted(&self.headers)?,
        };
        Ok(List { known, uri: self.uri, headers: self.headers, format })
    }
}

impl List {
    /// Answers with entities, sorted and paged by the query engine.
    pub(super) fn entities<R: Entities>(self, view: View, matches: &RoaringBitmap) -> Result<Response> {
        let order = self.order::<R>()?;
        let asked = PageRequest {
            first: self.known.whole("limit"),
            after: self.known.one("cursor").map(str::to_owned),
            ..PageRequest::default()
        };
        self.respond::<R>(view, |view| {
            let found = page(view, matches, order, &asked).map_err(|no| refused_as("cursor", no))?;
            let last = found.ids.last().filter(|_| found.has_next);
            let next = last.map(|last| cursor(view, order, *last));
            Ok(Rows { count: matches.len(), items: found.ids, next })
        })
    }

    /// The place of each match in the order that is asked for.
    pub(super) fn places<R: Entities>(
        &self,
        view: &View,
        matches: &RoaringBitmap,
    ) -> Result<HashMap<EntityId, usize>> {
        let all = page(view, matches, self.order::<R>()?, &PageRequest::default())
            .map_err(|no| refused_as("sort", no))?;
        Ok(all.ids.into_iter().enumerate().map(|(place, id)| (id, place)).collect())
    }

    /// Answers with rows that come in an order of their own. `name` tells one from all others.
    pub(super) fn in_order<R: Resource>(
        self,
        view: View,
        all: Vec<R::Item>,
        name: impl Fn(&R::Item) -> String,
    ) -> Result<Response> {
        let limit = self.known.whole("limit").unwrap_or(usize::MAX);
        let after = self.known.one("cursor").map(str::to_owned);
        self.respond::<R>(view, |_| {
            let count = all.len() as u64;
            let begin = match after {
                None => 0,
                Some(after) => {
                    1 + all.iter().position(|item| name(item) == after).ok_or_else(|| {
                        unfit(
                            "cursor",
                            "cursor is none of this list, or its record has gone; begin again without it",
                        )
                    })?
                }
            };
            let mut items: Vec<_> = all.into_iter().skip(begin).collect();
            let has_more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| has_more).map(&name);
            Ok(Rows { count, items, next })
        })
    }

    /// 304 where the client has the answer, or else the rows that `find` finds.
    fn respond<R: Resource>(
        self,
        view: View,
        find: impl FnOnce(&View) -> Result<Rows<R::Item>>,
    ) -> Result<Response> {
        let shape = self.shape::<R>()?;
        let tag = etag::tag(&view, None, self.format);
        if let Some(unchanged) = etag::unchanged(&self.headers, &tag) {
            return Ok(unchanged);
        }
        let rows = find(&view)?;
        let link = rows.next.as_ref().and_then(|next| link_to(&self.uri, next));
        let mut response = answer::<R>(view, rows, shape);
        etag::set(&mut response, &tag);
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }

    fn order<R: Entities>(&self) -> Result<Order> {
        let Some(given) = self.known.one("sort") else { return Ok(Order::default()) };
        let (name, descending) = given.strip_prefix('-').map_or((given, false), |name| (name, true));
        let by = |(known, by): &(&str, OrderBy)| (*known == name).then_some(*by);
        R::SORTS
            .iter()
            .find_map(by)
            .map(|by| Order { by, descending })
            .ok_or_else(|| unsortable(given, &R::sorts()))
    }

    fn shape<R: Resource>(&self) -> Result<Shape> {
        let given = self.known.one("fields").unwrap_or_default();
        let wanted: Vec<_> = given.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let fits = |wanted: &str, column: &str| wanted == column || wanted == field_of(column);
        if wanted.is_empty() {
            return Ok(Shape { format: self.format, columns: R::COLUMNS.to_vec(), narrowed: false });
        }
        if let Some(unknown) = wanted.iter().find(|name| !R::COLUMNS.iter().any(|column| fits(name, column)))
        {
            let known = R::COLUMNS.join(", ");
            return Err(refused("fields", format!("fields {unknown:?} must be among {known}")));
        }
        let is_wanted = |column: &&'static str| wanted.iter().any(|name| fits(name, column));
        let columns = R::COLUMNS.iter().copied().filter(is_wanted).collect();
        Ok(Shape { format: self.format, columns, narrowed: true })
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

/// A list that comes in just the orders of these names.
pub(super) fn unsortable(given: &str, names: &[&str]) -> Problem {
    refused(
        "sort",
        format!("sort {given:?} must be one of {}, or one of them with a - before it", names.join(", ")),
    )
}
