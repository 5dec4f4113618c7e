//! Entity tags: `"r{directory}-{scope}-{opening}-{record}"`, for a list `…-q{request}"`, and the conditions that clients
//! make of them.
//!
//! The tag of a list holds a hash of its request, so that whoever shows it has asked just this before, and been
//! answered: it is compared before anything is selected. The opening makes a tag void once the directory is opened
//! anew: it may have been restored from a backup, and revisions of the same numbers then hold something else.
//! A reader's tag changes with every revision, because level fields and totals are derived. A writer's
//! condition looks at the record's own revision alone: a neighbour's change is no conflict.

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::directory::View;
use crate::error::Error;
use crate::exchange::Format;
use crate::model::entity::Revision;
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::format;

/// The tag of an answer with one record.
pub(super) fn tag(view: &View, record: Option<Revision>) -> String {
    format!("\"{}-{}\"", view.identity(), record.unwrap_or_default())
}

/// The tag of an answer to just this request.
pub(super) fn list_tag(view: &View, uri: &Uri, format: Format) -> String {
    let request = blake3::hash(uri.path_and_query().map_or("", PathAndQuery::as_str).as_bytes());
    let [a, b, c, d, ..] = *request.as_bytes();
    let request = u32::from_be_bytes([a, b, c, d]);
    format!("\"{}-q{request:08x}{}\"", view.identity(), format::tag(format))
}

/// Whether the client has the answer of just this tag.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    given(headers, &header::IF_NONE_MATCH).any(|theirs| theirs.strip_prefix("W/").unwrap_or(theirs) == tag)
}

/// Whether any answer is known to the client: `*`, which holds only for what there is.
pub(super) fn any(headers: &HeaderMap) -> bool {
    given(headers, &header::IF_NONE_MATCH).any(|theirs| theirs == "*")
}

pub(super) fn not_modified(tag: &str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    set(&mut response, tag);
    response
}

/// Puts the tag on an answer.
pub(super) fn set(response: &mut Response, tag: &str) {
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
}

/// The revision that `If-Match` asks the record to be of. `current` is what it is of, if it exists.
pub(super) fn if_revision(headers: &HeaderMap, current: Option<Revision>) -> Result<Option<Revision>> {
    let mut tags = given(headers, &header::IF_MATCH).peekable();
    if tags.peek().is_none() {
        return Ok(None);
    }
    let mut asked = None;
    for tag in tags {
        if tag == "*" && current.is_some() {
            return Ok(None);
        }
        let revision = record_revision(tag);
        if revision.is_some() && revision == current {
            return Ok(revision);
        }
        asked = asked.or(revision);
    }
    if current.is_none() {
        return Err(failed("there is no such record"));
    }
    match asked {
        // The writer tells it again, should the record have become of this revision meanwhile.
        Some(revision) => Ok(Some(revision)),
        None => {
            Err(failed("If-Match holds no tag that an answer here was given with, in its quotes, and no *"))
        }
    }
}

/// A condition, and the body that it is a condition for. It decides only over a change that could be made.
pub(super) fn with_body<C, B>(condition: Result<C>, body: Result<B, Error>) -> Result<(C, B)> {
    match (condition, body) {
        (Err(failed), Err(refusal)) if failed.status == StatusCode::PRECONDITION_FAILED => {
            Err(refusal.into())
        }
        (condition, body) => Ok((condition?, body?)),
    }
}

fn failed(detail: &str) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition-failed",
        format!("{detail}; read the record again and repeat the change"),
    )
}

fn given<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// The last part of a strong tag of ours. A weak one never matches a writer's condition.
fn record_revision(tag: &str) -> Option<Revision> {
    let inner = tag.strip_prefix("\"r")?.strip_suffix('"')?;
    inner.rsplit('-').next()?.parse().ok().map(Revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn a_writers_condition_looks_at_the_record_alone() {
        let now = Some(Revision(3));
        for (value, expected) in [
            ("\"r9-all-5f-3\"", Ok(Some(Revision(3)))),
            ("\"r1-other-60-3\", \"r1-all-60-2\"", Ok(Some(Revision(3)))),
            ("\"r9-all-5f-2\"", Ok(Some(Revision(2)))),
            ("*", Ok(None)),
            ("W/\"r9-all-5f-3\"", Err(412)),
            ("\"mine\"", Err(412)),
            ("mine", Err(412)),
            ("", Err(412)),
        ] {
            let asked = if_revision(&headers("if-match", value), now);
            assert_eq!(asked.map_err(|problem| problem.status.as_u16()), expected, "{value}");
        }
        assert!(if_revision(&headers("if-match", "*"), None).is_err());
        assert_eq!(if_revision(&HeaderMap::new(), None).unwrap(), None);
    }

    #[test]
    fn a_reader_who_has_the_answer_is_told_so() {
        let tag = "\"r9-all-5f-3\"";
        for (value, known) in
            [(tag, true), ("W/\"r9-all-5f-3\"", true), ("\"x\", *", false), ("\"r9-all-5f-2\"", false)]
        {
            assert_eq!(is_known(&headers("if-none-match", value), tag), known, "{value}");
            assert_eq!(any(&headers("if-none-match", value)), value.contains('*'), "{value}");
        }
    }
}
