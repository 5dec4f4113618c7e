//! Request parsing: bodies, query parameters, keys in paths, and `Accept`.
//!
//! Invariant: input is parsed here into types that cannot be invalid; a request with anything unknown is refused, since
//! an ignored typo in a filter would return the wrong records.

pub(super) mod accept;
pub(super) mod body;
pub(super) mod key;
pub(super) mod params;
