//! Execution of a GraphQL request, independent of the transport: parsing, limits, caching, scheduling and budget.
//!
//! Invariant: a request is checked against its limits before it is validated, and nothing that is cached between
//! requests changes a response.

mod absent;
pub(super) mod budget;
mod cost;
pub(super) mod document;
pub(super) mod endpoint;
mod escapes;
pub(in crate::server) mod fan_out;
pub(super) mod introspection;
mod lexical;
pub(super) mod limits;
mod operation;
pub(super) mod response;
mod response_key;
pub(super) mod schedule;
mod typename;
mod validation;
pub(super) mod variables;
