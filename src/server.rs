//! The directory over HTTP: REST and GraphQL, two dresses of the same directory and queries.

pub mod graphql;
pub mod problem;
pub mod state;
