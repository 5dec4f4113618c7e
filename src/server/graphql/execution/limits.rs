//! The limits of one GraphQL request, by name.

use std::time::Duration;

use crate::server::response::problem::Problem;
use crate::wire::json::JSON_VALUES_MAX;

/// The largest page, in records.
pub(crate) const PAGE_MAX: usize = 1_000;
/// A page where no size was given.
pub(crate) const PAGE_DEFAULT: usize = 100;
/// Findings of a search where no number was given.
pub(crate) const SEARCH_DEFAULT: usize = 20;
/// Changes in one `apply`.
pub(crate) const CHANGES_MAX: usize = 10_000;
/// The longest document, in bytes.
pub(crate) const DOCUMENT_MAX: usize = 64 * 1024;
/// Names, numbers, strings and punctuators of a document.
pub(crate) const TOKENS_MAX: usize = 20_000;
/// Values in a body: those of a large `apply`.
pub(crate) const BODY_VALUES_MAX: usize = JSON_VALUES_MAX;
/// Values in the variables of a query: twice what a filter may hold.
pub(crate) const QUERY_VALUES_MAX: usize = 20_000;
/// The longest text that search looks for, in bytes.
pub(crate) const SEARCH_TEXT_MAX: usize = 256;
/// A search takes about as long as looking at so many texts.
pub(crate) const SEARCH_TEXTS: u64 = 50_000;
/// How long a request may be worked on, where nothing else is said.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How many sockets may be open, where nothing else is said.
pub(crate) const SOCKETS_MAX: usize = 1_000;
/// A query of more fields takes longer than about a millisecond, and so a slot of heavy work.
pub(crate) const LARGE_FROM: u64 = 1_000;
/// What costs less is done before anyone could hang up.
pub(crate) const WATCHED_FROM: u64 = 500;
/// How deep the brackets of a document may nest.
pub(crate) const BRACKETS_MAX: usize = 128;
/// How deep fields and fragments may nest, once fragments are expanded.
pub(crate) const NESTING_MAX: u64 = 64;
/// How deep fields may nest. Introspection by common tools takes 15.
pub(super) const DEPTH_MAX: u64 = 24;
/// Fields after fragments are expanded, with all their aliases.
pub(super) const FIELDS_MAX: u64 = 2_000;
/// Fields at the root, fragments expanded.
pub(super) const ROOT_FIELDS_MAX: u64 = 50;
/// Fields under another name than their own, fragments expanded.
pub(super) const ALIASES_MAX: u64 = 500;
/// Directives in the document.
pub(super) const DIRECTIVES_MAX: u64 = 100;
/// Operations in the document.
pub(super) const OPERATIONS_MAX: u64 = 50;
/// Records in the lists of one answer that have no page size.
pub(crate) const LISTED_MAX: u64 = 100_000;
/// Memory that attributes and other JSON of the records in one answer take.
pub(crate) const JSON_MAX_BYTES: u64 = 32 << 20;
/// Texts of the records in one answer, each as often as it is asked for.
pub(crate) const TEXT_MAX_BYTES: u64 = 32 << 20;
/// Fields answered, counted with page sizes.
pub(crate) const COST_MAX: u64 = 500_000;

/// The longest alias, in bytes.
pub(crate) const ALIAS_MAX_BYTES: usize = 128;

/// The one answer to a document that asks for too much.
pub(crate) fn over(what: &str, count: u64, limit: u64) -> Problem {
    let detail =
        format!("the document has {count} {what}; at most {limit} are taken: ask for less at a time");
    Problem::new(axum::http::StatusCode::BAD_REQUEST, "too-complex", detail).with("limit", limit)
}
