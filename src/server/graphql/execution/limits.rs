//! The limits of a GraphQL request: document size, complexity, page sizes, timeout, and response memory.

use std::time::Duration;

use crate::server::response::problem::Problem;
use crate::wire::json::JSON_VALUES_MAX;

/// Maximum page size, in records.
pub(crate) const PAGE_MAX: usize = 1_000;
/// Default page size, in records.
pub(crate) const PAGE_DEFAULT: usize = 100;
/// Default number of search results.
pub(crate) const SEARCH_DEFAULT: usize = 20;
/// Maximum number of changes in one `apply`.
pub(crate) const CHANGES_MAX: usize = 10_000;
/// Maximum size of a document, in bytes.
pub(crate) const DOCUMENT_MAX: usize = 64 * 1024;
/// Maximum number of lexical tokens in a document.
pub(crate) const TOKENS_MAX: usize = 20_000;
/// Maximum number of JSON values in a body: enough for the largest `apply`.
pub(crate) const BODY_VALUES_MAX: usize = JSON_VALUES_MAX;
/// Maximum number of JSON values in the variables of a query: twice [`crate::query::Filter::MAX_NODES`].
pub(crate) const QUERY_VALUES_MAX: usize = 20_000;
/// Maximum length of a search text, in bytes.
pub(crate) const SEARCH_TEXT_MAX: usize = 256;
/// Cost of a search, in texts read.
pub(crate) const SEARCH_TEXTS: u64 = 50_000;
/// Default timeout of a request's execution.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Default maximum number of open WebSockets.
pub(crate) const SOCKETS_MAX: usize = 1_000;
/// Requests of this cost or more, in fields, are heavy work and need a slot: about a millisecond.
pub(crate) const LARGE_FROM: u64 = 1_000;
/// Requests of this cost or more, in fields, run in a task that ends when the client disconnects. Others run inline.
pub(crate) const WATCHED_FROM: u64 = 500;
/// Maximum nesting of brackets in a document.
// More than `NESTING_MAX`, since lists and objects in arguments nest as well. Each level costs stack in the parser.
pub(crate) const BRACKETS_MAX: usize = 128;
/// Maximum nesting of fields and fragments, with fragments expanded.
pub(crate) const NESTING_MAX: u64 = 64;
/// Maximum nesting of fields. Introspection by common tools takes 15.
pub(super) const DEPTH_MAX: u64 = 24;
/// Maximum number of fields, with fragments expanded and each alias counted.
pub(super) const FIELDS_MAX: u64 = 2_000;
/// Maximum number of root fields, with fragments expanded.
pub(super) const ROOT_FIELDS_MAX: u64 = 50;
/// Maximum number of aliases, with fragments expanded.
pub(super) const ALIASES_MAX: u64 = 500;
/// Maximum number of directives in a document.
pub(super) const DIRECTIVES_MAX: u64 = 100;
/// Maximum number of operations in a document.
pub(super) const OPERATIONS_MAX: u64 = 50;
/// Maximum number of records in lists without pagination in one response.
pub(crate) const LISTED_MAX: u64 = 100_000;
/// Maximum size of attributes and other JSON in one response, in bytes.
// With `TEXT_MAX_BYTES` it adds up to `ANSWER_MAX_BYTES`, the largest response in one piece.
pub(crate) const JSON_MAX_BYTES: u64 = 32 << 20;
/// Maximum size of the records' texts in one response, in bytes. A repeated text counts each time.
pub(crate) const TEXT_MAX_BYTES: u64 = 32 << 20;
/// Maximum number of fields in a response, estimated by page sizes.
pub(crate) const COST_MAX: u64 = 500_000;

/// Maximum length of an alias, in bytes.
pub(crate) const ALIAS_MAX_BYTES: usize = 128;

/// The problem `too-complex`: a document exceeds a limit.
pub(crate) fn over(what: &str, count: u64, limit: u64) -> Problem {
    let detail = format!("the document has {count} {what}; the maximum is {limit}. Split the request");
    Problem::new(axum::http::StatusCode::BAD_REQUEST, "too-complex", detail).with("limit", limit)
}
