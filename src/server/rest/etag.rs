//! Entity tags (`ETag`) and conditional requests (`If-Match`, `If-None-Match`).
//!
//! A tag is `"r{revision}-{scope}-{instance}-{record}"`; that of a list ends with `-q{request hash}` and the format. A
//! list's tag is compared before any record is selected: only a client that got a response to this request has it.
//!
//! Invariant: a tag for reading (`If-None-Match`) changes with every revision of the directory, because level fields
//! and totals are derived from other records. `If-Match` compares the record's own revision only, so that a change of
//! another record is no conflict.

use std::borrow::Cow;

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::directory::View;
use crate::error::Error;
use crate::exchange::Format;
use crate::model::entity::Revision;
use crate::server::request::accept::elements;
use crate::server::response::compressed;
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::format;

/// The tag of a response with one record, last changed in revision `record`.
// The instance id inside makes every tag void when the store is opened again: it may have been restored from a backup,
// and the same revision number then means other data.
pub(super) fn tag(view: &View, record: Option<Revision>) -> String {
    format!("\"{}-{}\"", view.identity(), record.unwrap_or_default())
}

/// The tag of the response to a list request.
// 32 bits of hash suffice: the tags are compared with those of one client, who cannot gain by making two collide.
pub(super) fn list_tag(view: &View, uri: &Uri, format: Format) -> String {
    let request = blake3::hash(uri.path_and_query().map_or("", PathAndQuery::as_str).as_bytes());
    let [a, b, c, d, ..] = *request.as_bytes();
    let request = u32::from_be_bytes([a, b, c, d]);
    format!("\"{}-q{request:08x}{}\"", view.identity(), format::tag(format))
}

/// Whether `If-None-Match` contains this tag.
// RFC 9110, section 13.1.2: compared weakly, so `W/` is ignored. Compression by a proxy makes tags weak.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    tags(headers, &header::IF_NONE_MATCH).any(|theirs| theirs.strip_prefix("W/").unwrap_or(&theirs) == tag)
}

/// Whether `If-None-Match` contains `*`, which matches any existing resource.
pub(super) fn matches_any(headers: &HeaderMap) -> bool {
    tags(headers, &header::IF_NONE_MATCH).any(|theirs| theirs == "*")
}

/// 304, with the tag.
pub(super) fn not_modified(tag: &str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    set(&mut response, tag);
    response
}

/// Sets the `ETag` header.
pub(super) fn set(response: &mut Response, tag: &str) {
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
}

/// The revision that `If-Match` requires the record to have; `None` for no condition. `current` is the record's
/// revision, `None` if it does not exist. 412 if the condition cannot hold, or if `If-None-Match` has the record.
pub(super) fn if_revision(headers: &HeaderMap, current: Option<Revision>) -> Result<Option<Revision>> {
    // RFC 9110, section 13.1.2: on a change a match is a failure, and tags are compared weakly.
    let has_current =
        |tag: Cow<'_, str>| tag == "*" || record_revision(tag.strip_prefix("W/").unwrap_or(&tag)) == current;
    if current.is_some() && tags(headers, &header::IF_NONE_MATCH).any(has_current) {
        return Err(failed("the record has a tag that If-None-Match excludes"));
    }
    // An empty list is a condition as well, which nothing matches.
    if !headers.contains_key(header::IF_MATCH) {
        return Ok(None);
    }
    let mut required = None;
    for tag in tags(headers, &header::IF_MATCH) {
        if tag == "*" && current.is_some() {
            return Ok(None);
        }
        let revision = record_revision(&tag);
        if revision.is_some() && revision == current {
            return Ok(revision);
        }
        required = required.or(revision);
    }
    if current.is_none() {
        return Err(failed("the record does not exist"));
    }
    match required {
        // Passed on although it does not match now: the writer compares again when it carries out the change, and its
        // error reports both revisions.
        Some(revision) => Ok(Some(revision)),
        None => Err(failed("If-Match must be * or the quoted ETag of an earlier response with this record")),
    }
}

/// Combines the outcome of a condition with the parsed body it applies to.
// RFC 9110, section 13.2.1: a condition is evaluated only for a request that would succeed without it. So an invalid
// body is reported before a failed condition.
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

/// The tags of a header. That of a compressed response is compared without its suffix.
fn tags<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = Cow<'h, str>> {
    elements(headers, name).map(compressed::without_suffix)
}

/// The record's revision in a strong tag of this server; `None` for other tags.
// RFC 9110, section 13.1.1: `If-Match` compares strongly, so a weak tag (`W/`) never matches.
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
    fn if_match_compares_the_record_revision_only() {
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
            let required = if_revision(&headers("if-match", value), now);
            assert_eq!(required.map_err(|problem| problem.status.as_u16()), expected, "{value}");
        }
        assert!(if_revision(&headers("if-match", "*"), None).is_err());
        assert_eq!(if_revision(&HeaderMap::new(), None).unwrap(), None);
    }

    #[test]
    fn a_change_fails_if_the_record_has_an_excluded_tag() {
        let now = Some(Revision(3));
        for (value, fails) in [
            ("*", true),
            ("\"r9-all-5f-3\"", true),
            ("W/\"r1-all-5f-3\"", true),
            ("\"r9-all-5f-3-gzip\"", true),
            ("\"r9-all-5f-2\"", false),
            ("\"a,*,b\"", false),
        ] {
            let required = if_revision(&headers("if-none-match", value), now);
            assert_eq!(required.is_err(), fails, "{value}");
            assert!(
                if_revision(&headers("if-none-match", value), None).is_ok(),
                "{value}: it does not exist"
            );
        }
    }

    #[test]
    fn if_none_match_recognizes_tags_and_star() {
        let tag = "\"r9-all-5f-3\"";
        for (value, known) in [
            (tag, true),
            ("W/\"r9-all-5f-3\"", true),
            ("\"r9-all-5f-3-br\"", true),
            ("\"x\", *", false),
            ("\"a,*,b\"", false),
            ("\"r9-all-5f-2\"", false),
        ] {
            assert_eq!(is_known(&headers("if-none-match", value), tag), known, "{value}");
            assert_eq!(matches_any(&headers("if-none-match", value)), value.ends_with('*'), "{value}");
        }
    }
}
