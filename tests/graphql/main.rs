//! End-to-end tests of GraphQL over HTTP and WebSocket: schema, queries, mutations, transports, cost limits, caches.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod budget;
mod cache;
mod cost;
mod http;
mod mutations;
mod reads;
mod schema;
#[path = "../support/mod.rs"]
mod support;
mod websocket;
