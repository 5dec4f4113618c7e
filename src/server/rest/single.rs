//! One record, bare, with its tag.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::directory::{Applied, View};
use crate::model::command::Subject;
use crate::server::auth::extract::subject;
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::etag;
use crate::server::rest::resource::{Entities, MappingResource, Resource};
use crate::wire::column::RowObject;

/// The record that `item` stands for, or 304.
pub(super) fn found<R: Resource>(view: &View, item: &R::Item, headers: &HeaderMap) -> Result<Response> {
    let tag = etag::tag(view, R::revision(view, item));
    let is_known = etag::is_known(headers, &tag) || etag::any(headers);
    if is_known { Ok(etag::not_modified(&tag)) } else { shown::<R>(view, item) }
}

/// The record, as it stands after a write.
pub(super) fn written<R: Entities>(written: &Applied) -> Result<Response> {
    match subject(written) {
        Subject::Entity(id) => shown::<R>(&written.view, id),
        Subject::Mapping(_) | Subject::Token(_) => Err(out_of_sight()),
    }
}

/// The mapping, as it stands after a write.
pub(super) fn written_mapping(written: &Applied) -> Result<Response> {
    let Subject::Mapping(id) = subject(written) else { return Err(out_of_sight()) };
    let mapping = written.view.mapping(id).ok_or_else(out_of_sight)?;
    shown::<MappingResource>(&written.view, mapping)
}

fn shown<R: Resource>(view: &View, item: &R::Item) -> Result<Response> {
    let row = R::row(view, item).ok_or_else(out_of_sight)?;
    let mut response = Json(RowObject { row: &row, columns: &R::columns().all }).into_response();
    etag::set(&mut response, &etag::tag(view, R::revision(view, item)));
    Ok(response)
}

/// The write was made, but the record is not where this token sees it, or has gone again since.
fn out_of_sight() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "the record is not, or no longer, in sight of this token",
    )
}

/// There is no such record.
pub(super) fn not_found(kind: &str, reference: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", format!("there is no {kind} {reference:?}"))
}
