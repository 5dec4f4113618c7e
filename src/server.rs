//! The HTTP server: REST and GraphQL over the same directory and the same queries, in layers.
//!
//! Invariant: a layer uses only the layers before it: `limits`, `quota`, `cache` → `connection` → `response` →
//! `metrics` → `auth` → `admission` → `request` → `rest` and `graphql`, which never use each other → `app`.
//! `tests/tidy` checks this.

// `app` and `limits` are public for the command line and for library users who embed the server; the other layers are
// internal, so their interfaces may change in any release.
mod admission;
pub mod app;
mod auth;
mod cache;
mod connection;
mod graphql;
pub mod limits;
mod metrics;
mod quota;
mod request;
mod response;
mod response_cache;
pub mod rest;

pub use app::{AppState, Exposure, router, serve, serve_exposed};
