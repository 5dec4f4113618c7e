//! Tests of the library API, mostly without a server: rules of the model, hierarchy, indexes, queries, views, tokens,
//! audit trail, data-quality findings, examples.
//!
//! `cargo test --no-default-features --test library` runs the tests that need no server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit_conditions;
mod audit_pages;
mod closure;
mod concurrent_views;
#[cfg(feature = "server")]
mod doctor;
#[cfg(feature = "server")]
mod examples;
mod large_change_sets;
mod large_sets;
mod queries;
mod rules;
mod sorted_lists;
#[path = "../support/mod.rs"]
mod support;
mod text_index;
mod token_rules;
