//! The directory over HTTP: REST and GraphQL over the same directory and queries, in layers.
//!
//! Each layer may name those before it: `limits`, `quota`, `cache` → `connection` → `response` → `metrics` → `auth` →
//! `admission` → `request` → `rest` and `graphql`, which never name each other → `app`. `tests/tidy` holds that.

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
pub mod rest;

pub use app::{AppState, Exposure, router, serve, serve_exposed};
