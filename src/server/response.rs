//! Errors and answers as HTTP.

pub(super) mod compress;
pub(super) mod problem;
pub(super) mod refused;
pub(super) mod request_id;
pub(super) mod trace;
