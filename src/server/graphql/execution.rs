//! One way to carry a request out, whichever transport brought it.
//!
//! What must stay true: a request is counted against its limits before it is validated, and what is kept from one
//! request to the next changes no answer.

pub(super) mod budget;
pub(super) mod cache;
mod cost;
pub(super) mod document;
pub(super) mod endpoint;
mod fan_out;
pub(super) mod introspection;
mod lexical;
pub(super) mod limits;
mod operation;
pub(super) mod response;
pub(super) mod schedule;
mod typename;
pub(super) mod variables;
