//! Errors and answers as HTTP.

pub(super) mod compress;
pub(crate) mod problem;
pub(super) mod request_id;
pub(super) mod trace;
