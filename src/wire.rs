//! The JSON representation (serialization, parsing, schemas) of records, shared by REST, GraphQL inputs, the command
//! line, exports and the audit log.
//!
//! Invariant: nothing here depends on HTTP or GraphQL; invalid input is an [`Error`](crate::error::Error).

pub(crate) mod asset;
pub mod change;
pub mod check;
pub(crate) mod column;
pub(crate) mod columns;
mod describe;
pub(crate) mod field;
pub(crate) mod fields;
pub mod finding;
pub(crate) mod id;
pub mod json;
pub(crate) mod json_text;
pub(crate) mod level;
pub(crate) mod log_message;
pub mod log_request;
pub(crate) mod mapping;
pub(crate) mod person;
pub(crate) mod project;
pub(crate) mod row;
pub(crate) mod schema;
pub(crate) mod stamps;
pub(crate) mod text;
pub(crate) mod unit;
