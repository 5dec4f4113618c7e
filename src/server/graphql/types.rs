//! GraphQL output types of the schema, and the resolvers of their fields.
//!
//! Invariant: resolvers read one view, the caller's, and charge what they return to the request's budget.

pub(super) mod connection;
mod context;
pub(super) mod descendants;
pub(super) mod doctor;
pub(super) mod facet;
pub(super) mod log;
pub(super) mod lookup;
pub(super) mod mapping;
pub(super) mod metered;
pub(super) mod mutation;
pub(in crate::server) mod node;
pub(super) mod org_unit;
pub(super) mod payload;
pub(super) mod person;
pub(super) mod project;
pub(super) mod query;
pub(super) mod repository;
pub(super) mod scalars;
pub(super) mod service;
pub(super) mod subscription;
pub(super) mod token;
