//! What handlers read from a request: bodies, query parameters, keys in paths, media ranges.

pub(super) mod accept;
pub(super) mod body;
pub(super) mod key;
pub(super) mod params;
