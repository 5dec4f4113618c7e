//! The library, without a process or a socket of its own: the rules of the model, the hierarchy, indexes and queries,
//! views, tokens and the audit trail; the doctor, also as the server and the command line show it; and the examples.
//!
//! `cargo test --no-default-features --test library` runs what needs no server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit_pages;
mod closure;
mod concurrent_views;
#[cfg(feature = "server")]
mod doctor;
#[cfg(feature = "server")]
mod examples;
mod large_change_sets;
mod queries;
mod rules;
mod sorted_lists;
#[path = "../support/mod.rs"]
mod support;
mod text_index;
mod token_rules;
