//! Prometheus metrics at `/metrics`: values, bounded label cardinality, and access only for tokens without a unit
//! limit.

#![expect(clippy::float_cmp, reason = "what is counted is a whole number")]

mod exposition;

use std::collections::BTreeSet;

use clade::model::token::Role;
use clade::server::app::{Exposure, GraphqlSettings};
use exposition::Exposition;
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::socket::Client;

pub(crate) fn told(server: &Server) -> Exposition {
    let answer = server.get("!/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    Exposition::read(std::str::from_utf8(&answer.body).unwrap())
}

#[test]
fn metrics_count_what_was_done() {
    let server = Server::organisation();
    let before = told(&server);
    server.get("/people/ada@aurora.example").ok();
    server.get("/people/nobody@aurora.example").problem(404, "not-found");
    server.post("/people", &json!({ "email": "new@aurora.example" })).ok();
    let query = json!({ "query": "query Revision { revision }" });
    let again = json!({ "query": "query Revision { revision }", "operationName": null });
    assert_eq!(server.post("!/graphql", &query).header("cache-status"), "clade; fwd=miss; stored");
    assert_eq!(server.post("!/graphql", &again).header("cache-status"), "clade; hit");
    server.ask_as(&server.token, "query A { nothing }", &Value::Null);
    server.send("TRACE", "!/nowhere", &[], None).problem(404, "not-found");
    let after = told(&server);
    let route = |route: &str, method: &str, status: &str| {
        let labels = [("route", route), ("method", method), ("status", status)];
        after.value("clade_http_request_duration_seconds_count", &labels)
    };
    assert_eq!(route("/api/v2/data/people/{email}", "GET", "2xx"), 1.0);
    assert_eq!(route("/api/v2/data/people/{email}", "GET", "4xx"), 1.0);
    assert_eq!(route("/api/v2/data/people", "POST", "2xx"), 1.0);
    assert_eq!(route("none", "other", "4xx"), 1.0);
    assert_eq!(after.value("clade_http_refusals_total", &[("code", "not-found")]), 2.0);
    let asked = |result: &str| {
        let labels = [("operation", "Revision"), ("kind", "query"), ("result", result)];
        after.value("clade_graphql_duration_seconds_count", &labels)
    };
    assert_eq!((asked("good"), asked("errors")), (2.0, 0.0));
    assert_eq!(after.value("clade_graphql_response_cache_hits_total", &[]), 1.0);
    assert!(after.value("clade_graphql_response_cache_bytes", &[]) > 0.0);
    let grown = |name: &str| after.value(name, &[]) - before.value(name, &[]);
    for name in ["clade_revision", "clade_commit_duration_seconds_count", "clade_commit_commands_sum"] {
        assert_eq!(grown(name), 1.0, "{name}");
    }
    let people = |of: &Exposition| of.value("clade_entities", &[("kind", "person")]);
    assert_eq!(people(&after), people(&before) + 1.0);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(after.value("clade_build_info", &version), 1.0);
    for name in ["clade_writer_ready", "clade_http_connections"] {
        assert!(after.value(name, &[]) >= 1.0, "{name}");
    }
    if cfg!(target_os = "linux") {
        assert!(after.value("process_resident_memory_bytes", &[]) > 1e6);
        assert!(after.value("process_cpu_seconds_total", &[]) > 0.0);
        assert!(after.value("process_open_fds", &[]) > 3.0);
    }
}

#[test]
fn each_server_counts_for_itself() {
    let (one, other) = (Server::start(), Server::start());
    one.get("/people").ok();
    let labels = [("route", "/api/v2/data/people"), ("method", "GET"), ("status", "2xx")];
    let people = |server| told(server).value("clade_http_request_duration_seconds_count", &labels);
    assert_eq!((people(&one), people(&other)), (1.0, 0.0));
}

#[test]
fn only_unscoped_tokens_may_read_it() {
    let server = Server::organisation();
    for role in [Role::Read, Role::Write, Role::Admin] {
        let whole = format!("Bearer {}", server.token_with(role));
        let narrow = format!("Bearer {}", server.token_within(role, &["Bikes"]));
        let ask = |token: &str| server.send_as("GET", "!/metrics", &[("authorization", token)], None);
        assert_eq!(ask(&whole).status, 200);
        ask(&narrow).problem(403, "forbidden");
    }
    server.send_as("GET", "!/metrics", &[], None).problem(401, "unauthorized");
    server.send("POST", "!/metrics", &[], None).problem(405, "method-not-allowed");
}

#[test]
fn ten_thousand_operation_names_become_a_hundred_and_other() {
    let settings = GraphqlSettings { batch_max: 1_000, ..GraphqlSettings::default() };
    let server = Server::start_with(|state| state.with_graphql(settings));
    let ask = |at: usize| json!({ "query": format!("query O{at} {{ __typename }}") });
    for batch in 0..10 {
        let all: Vec<Value> = (0..1_000).map(|at| ask(batch * 1_000 + at)).collect();
        let answers = server.post("!/graphql", &Value::Array(all)).ok();
        assert!(answers.as_array().unwrap().iter().all(|answer| answer["errors"].is_null()));
    }
    let told = told(&server);
    let labels = |series: &exposition::Series| series.labels["operation"].clone();
    let counts = told.series("clade_graphql_duration_seconds_count");
    let names: BTreeSet<String> = counts.iter().map(|series| labels(series)).collect();
    assert_eq!(names.len(), 101);
    assert!(names.contains("other"));
    let all: f64 = counts.iter().map(|series| series.value).sum();
    assert_eq!(all, 10_000.0);
}

#[test]
fn labels_hold_no_secret_and_no_key() {
    let server = Server::organisation();
    let narrow = server.token_within(Role::Read, &["Bikes"]);
    for token in [server.token.as_str(), &narrow, "clade_guessed"] {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("x-request-id", "trace-of-mine")];
        for path in ["/people/ada@aurora.example", "/people?team=Carbon", "/projects/gearbox", "/x/hunter2"] {
            server.send_as("GET", path, &headers, None);
        }
    }
    let text = String::from_utf8(server.get("!/metrics").body).unwrap();
    for word in [&server.token, &narrow, "guessed", "ada@", "Carbon", "gearbox", "hunter2", "trace-of-mine"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn refused_requests_are_counted() {
    let server =
        Server::start_exposed(Exposure { requests_per_second: 2, ..Exposure::default() }, |state| state);
    let refused = (0..1_000).any(|_| server.get("/people").status == 429);
    assert!(refused);
    let other = format!("Bearer {}", server.token_with(Role::Read));
    let text = server.send_as("GET", "!/metrics", &[("authorization", &other)], None).body;
    let told = Exposition::read(std::str::from_utf8(&text).unwrap());
    assert_eq!(told.value("clade_http_refusals_total", &[("code", "rate-limited")]), 1.0);
}

#[test]
fn sockets_and_subscriptions_are_counted_while_they_are_open() {
    let server = Server::start();
    let is_told = |name: &str, count: f64| {
        let within = (0..10_000).any(|_| (told(&server).value(name, &[]) - count).abs() < 0.5);
        assert!(within, "{name} does not become {count}");
    };
    let mut client = Client::let_in(server.address, &format!("Bearer {}", server.token));
    is_told("clade_graphql_sockets", 1.0);
    is_told("clade_graphql_subscriptions", 0.0);
    client.subscribe("a", "subscription { revision }");
    client.subscribe("b", "subscription { revision }");
    is_told("clade_graphql_subscriptions", 2.0);
    client.say(&json!({"id": "a", "type": "complete"}));
    is_told("clade_graphql_subscriptions", 1.0);
    drop(client);
    is_told("clade_graphql_subscriptions", 0.0);
    is_told("clade_graphql_sockets", 0.0);
}
