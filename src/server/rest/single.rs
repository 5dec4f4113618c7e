//! Responses with a single record: the bare JSON object, with its `ETag`.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::directory::{Applied, View};
use crate::error::Error;
use crate::exchange::made_units;
use crate::model::command::Subject;
use crate::model::entity::Kind;
use crate::query::with_similar;
use crate::server::auth::extract::subject;
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::etag;
use crate::server::rest::format::json_response;
use crate::server::rest::resource::{Entities, MappingResource, Resource};
use crate::wire::column::write_object;

/// The response header with the units that a write made besides.
const CLADE_MADE: HeaderName = HeaderName::from_static("clade-made");
/// What is percent-encoded in an entry of a list in a header, besides what is not ASCII.
const LISTED: &AsciiSet = &CONTROLS.add(b'%').add(b';');

/// The response to a read: the record, or 304 if `If-None-Match` matches.
pub(super) fn found<R: Resource>(view: &View, item: &R::Item, headers: &HeaderMap) -> Result<Response> {
    let tag = etag::tag(view, R::revision(view, item));
    let is_known = etag::is_known(headers, &tag) || etag::matches_any(headers);
    if is_known { Ok(etag::not_modified(&tag)) } else { respond::<R>(view, item) }
}

/// The response to a write of an entity: the record as the write left it.
pub(super) fn written<R: Entities>(written: &Applied) -> Result<Response> {
    match subject(written) {
        Subject::Entity(id) => {
            let mut response = respond::<R>(&written.view, id)?;
            add_made(&mut response, written);
            Ok(response)
        }
        Subject::Mapping(_) | Subject::Token(_) => Err(Problem::written_but_not_visible()),
    }
}

/// The response to a write of a mapping: the mapping as the write left it.
pub(super) fn written_mapping(written: &Applied) -> Result<Response> {
    let Subject::Mapping(id) = subject(written) else { return Err(Problem::written_but_not_visible()) };
    let mapping = written.view.mapping(id).ok_or_else(Problem::written_but_not_visible)?;
    respond::<MappingResource>(&written.view, mapping)
}

fn respond<R: Resource>(view: &View, item: &R::Item) -> Result<Response> {
    let row = R::row(view, item).ok_or_else(Problem::written_but_not_visible)?;
    let mut text = Vec::new();
    write_object(&row, R::columns().all.iter().copied(), &mut text);
    let mut response = json_response(text);
    etag::set(&mut response, &etag::tag(view, R::revision(view, item)));
    Ok(response)
}

/// Adds `Clade-Made`, the units that a write created because a name led to them, percent-encoded where they are not ASCII.
// A header and not a member of the record: clients send records back as they got them.
fn add_made(response: &mut Response, Applied { view, summary, .. }: &Applied) {
    let made = made_units(view, summary);
    let made: Vec<String> = made.iter().map(|unit| utf8_percent_encode(unit, LISTED).to_string()).collect();
    if let Ok(value) = HeaderValue::from_str(&made.join("; "))
        && !made.is_empty()
    {
        response.headers_mut().insert(CLADE_MADE, value);
    }
}

/// 404: the record does not exist in the caller's scope.
// The text does not mention the scope: it has to be the same for records outside of it and for those that do not exist.
pub(super) fn not_found(view: &View, kind: Kind, reference: &str) -> Problem {
    with_similar(view, Error::not_found(kind.as_str(), reference)).into()
}
