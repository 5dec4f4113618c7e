//! End-to-end tests of GraphQL over HTTP and WebSocket: schema, queries, mutations, transports, cost limits, caches.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod batches;
mod budget;
mod cache;
mod change_sets;
mod corpus;
mod cost;
mod http;
mod introspection;
mod lists;
mod mutations;
mod reads;
mod schema;
mod shared_commit;
mod socket_admission;
#[path = "../support/mod.rs"]
mod support;
mod turns;
mod websocket;

use clade::server::app::GraphqlSettings as Settings;
use serde_json::Value;

use crate::support::Server;

fn with(settings: Settings) -> Server {
    Server::start_with(|state| state.with_graphql(settings))
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

/// Creates projects with the same name.
fn projects(server: &Server, count: usize) {
    let line =
        |at: usize| format!("{{\"kind\": \"project\", \"projectId\": \"p{at}\", \"projectName\": \"P\"}}\n");
    server.bulk("", &(0..count).map(line).collect::<String>()).ok();
}

/// Repeats a text.
fn many(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().concat()
}
