//! GraphQL, asked over HTTP and WebSocket: the schema, what is read and changed, the transports, and what a request may
//! cost.

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
