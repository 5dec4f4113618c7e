//! The directory over HTTP: REST and GraphQL, two dresses of the same directory and queries.

pub mod problem;
pub mod state;
