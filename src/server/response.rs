//! HTTP responses: problems (errors), compression, request ids and trace spans.
//!
//! Invariant: error causes and panics go to the log, never into a response.

pub(super) mod compress;
pub(super) mod compressed;
pub(super) mod problem;
pub(super) mod refused;
pub(super) mod request_id;
pub(super) mod trace;
