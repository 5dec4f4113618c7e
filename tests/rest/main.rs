//! End-to-end tests of the REST API over HTTP: every route with its responses and errors.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod bulk;
mod conditional_requests;
mod contract;
mod filters;
mod lists;
#[path = "../support/mod.rs"]
mod support;
mod texts;
mod units;
