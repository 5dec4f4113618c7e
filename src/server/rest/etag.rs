//! Entity tags (`ETag`) and conditional requests (`If-Match`, `If-None-Match`).
//!
//! A tag is `"r{revision}-{scope}-{instance}-{record}.{lineage}"`; that of a list ends with `-q{request hash}` and the format. A
//! list's tag is compared before any record is selected: only a client that got a response to this request has it.
//!
//! Invariant: a tag for reading (`If-None-Match`) changes with every revision of the directory, because level fields
//! and totals are derived from other records. `If-Match` compares the record's own revision and the lineage of the store
//! only, so that neither a change of another record nor a restart is a conflict, and a restore is one.

use std::borrow::Cow;

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::directory::View;
use crate::error::Error;
use crate::exchange::Format;
use crate::model::entity::Revision;
use crate::model::version::ExpectedRevision;
use crate::server::request::accept::elements;
use crate::server::response::compressed;
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::format;

/// The version of a record that was last changed in `revision`, in the lineage of the view.
pub(super) fn version_of(view: &View, revision: Revision) -> ExpectedRevision {
    ExpectedRevision::of(revision, view.lineage())
}

/// The tag of a response with one record, last changed in revision `record`.
// The instance id inside makes every tag void when the store is opened again: it may have been restored from a backup,
// and the same revision number then means other data.
pub(super) fn tag(view: &View, record: Option<Revision>) -> String {
    format!("\"{}-{}\"", view.identity(), version_of(view, record.unwrap_or_default()))
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

/// The version that `If-Match` requires the record to have; `None` for no condition. `current` is the record's version.
/// 412 if the condition cannot hold, or if `If-None-Match` has the record.
pub(super) fn if_revision(
    headers: &HeaderMap,
    current: ExpectedRevision,
) -> Result<Option<ExpectedRevision>> {
    // RFC 9110, section 13.1.2: on a change a match is a failure, and tags are compared weakly.
    let has_current =
        |tag: Cow<'_, str>| tag == "*" || version(tag.strip_prefix("W/").unwrap_or(&tag)) == Some(current);
    if tags(headers, &header::IF_NONE_MATCH).any(has_current) {
        return Err(failed("the record has a tag that If-None-Match excludes"));
    }
    // An empty list is a condition as well, which nothing matches.
    if !headers.contains_key(header::IF_MATCH) {
        return Ok(None);
    }
    let mut required = None;
    for tag in tags(headers, &header::IF_MATCH) {
        if tag == "*" {
            return Ok(None);
        }
        let version = version(&tag);
        if version == Some(current) {
            return Ok(version);
        }
        required = required.or(version);
    }
    match required {
        // Passed on although it does not match now: the writer compares again when it carries out the change, and its
        // error says what differs.
        Some(version) => Ok(Some(version)),
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

/// The record's version in a strong tag of this server; `None` for other tags.
// RFC 9110, section 13.1.1: `If-Match` compares strongly, so a weak tag (`W/`) never matches.
fn version(tag: &str) -> Option<ExpectedRevision> {
    let inner = tag.strip_prefix("\"r")?.strip_suffix('"')?;
    inner.rsplit('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::Lineage;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    fn seen(revision: u64, lineage: u32) -> ExpectedRevision {
        ExpectedRevision::of(Revision(revision), Lineage(lineage))
    }

    #[test]
    fn if_match_compares_the_record_revision_and_the_lineage_only() {
        let now = seen(3, 0xa);
        for (value, expected) in [
            ("\"r9-all-5f-3.0000000a\"", Ok(Some(now))),
            ("\"r1-other-60-3.0000000a\", \"r1-all-60-2.0000000a\"", Ok(Some(now))),
            ("\"r9-all-5f-3.0000000b\", \"r1-all-60-3.0000000a\"", Ok(Some(now))),
            ("\"r9-all-5f-2.0000000a\"", Ok(Some(seen(2, 0xa)))),
            ("\"r9-all-5f-3.0000000b\"", Ok(Some(seen(3, 0xb)))),
            ("*", Ok(None)),
            ("W/\"r9-all-5f-3.0000000a\"", Err(412)),
            ("\"r9-all-5f-3\"", Err(412)),
            ("\"mine\"", Err(412)),
            ("mine", Err(412)),
            ("", Err(412)),
        ] {
            let required = if_revision(&headers("if-match", value), now);
            assert_eq!(required.map_err(|problem| problem.status.as_u16()), expected, "{value}");
        }
        assert_eq!(if_revision(&HeaderMap::new(), now).unwrap(), None);
    }

    #[test]
    fn a_change_fails_if_the_record_has_an_excluded_tag() {
        let now = seen(3, 0xa);
        for (value, fails) in [
            ("*", true),
            ("\"r9-all-5f-3.0000000a\"", true),
            ("W/\"r1-all-5f-3.0000000a\"", true),
            ("\"r9-all-5f-3.0000000a-gzip\"", true),
            ("\"r9-all-5f-3.0000000b\"", false),
            ("\"r9-all-5f-2.0000000a\"", false),
            ("\"a,*,b\"", false),
        ] {
            let required = if_revision(&headers("if-none-match", value), now);
            assert_eq!(required.is_err(), fails, "{value}");
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
