//! A record's outside shape, once for REST, GraphQL's inputs, the command line, exports and the audit log.
//!
//! Nothing here knows HTTP or GraphQL: what is refused is an [`Error`](crate::Error).

pub(crate) mod asset;
pub mod change;
pub mod check;
pub(crate) mod fields;
pub mod finding;
pub(crate) mod id;
pub mod json;
pub(crate) mod level;
pub(crate) mod mapping;
pub(crate) mod person;
pub(crate) mod project;
pub(crate) mod stamps;
pub(crate) mod unit;
