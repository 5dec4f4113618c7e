//! GraphQL caches: parsed documents by hash, persisted queries, and the response cache.
//!
//! Invariant: a cache never changes a response.

use std::sync::atomic::{AtomicBool, Ordering};

use clade::model::token::Role;
use clade::{CreatePerson, CreateProject, Directory};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Answer, Server};

const JSON: &str = "application/json";
const RESPONSE: &str = "application/graphql-response+json";

fn hash(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

fn post(server: &Server, body: &Value) -> Answer {
    let headers = [("content-type", JSON), ("accept", RESPONSE)];
    server.send("POST", "!/graphql", &headers, Some(body.to_string().as_bytes()))
}

fn get(server: &Server, parameters: &[(&str, &str)]) -> Answer {
    let encode = |text| percent_encode(text, NON_ALPHANUMERIC);
    let pairs: Vec<_> =
        parameters.iter().map(|(name, text)| format!("{name}={}", encode(text.as_bytes()))).collect();
    server.send("GET", &format!("!/graphql?{}", pairs.join("&")), &[("accept", RESPONSE)], None)
}

/// Whether the response came from the cache.
fn is_kept(answer: &Answer) -> bool {
    match answer.header("cache-status").as_str() {
        "clade; hit" => true,
        "clade; fwd=miss; stored" => false,
        other => panic!("{other:?} says neither: {}", answer.text()),
    }
}

/// Sends a request twice and checks that the first response is computed, the second cached, and both are equal.
fn twice(ask: impl Fn() -> Answer) -> Value {
    let (first, second) = (ask(), ask());
    assert!(!is_kept(&first), "{}", first.text());
    assert!(is_kept(&second), "{}", second.text());
    assert_eq!(first.body, second.body);
    for name in ["content-type", "cache-control", "vary", "content-length"] {
        assert_eq!(first.header(name), second.header(name), "{name}");
    }
    second.ok()["data"].clone()
}

#[test]
fn the_same_query_gets_the_same_bytes_cached_or_not() {
    let kept = Server::organisation();
    for query in [
        "{ roots { name totals { people } } }",
        "{ projects(first: 2) { totalCount nodes { projectName attributes } } }",
        "{ __schema { types { name description } } }",
        "{ revision @skip(if: true) }",
    ] {
        let answer = twice(|| kept.ask(query, &Value::Null));
        assert_eq!(answer, kept.data(query), "{query}");
    }
}

#[test]
fn a_cached_response_is_shared_by_get_and_post() {
    let server = Server::organisation();
    let query = "{ roots { name } }";
    let expected = twice(|| post(&server, &json!({ "query": query })));
    let by_url = get(&server, &[("query", query)]);
    assert!(is_kept(&by_url));
    assert_eq!(by_url.ok()["data"], expected);
    let as_json =
        server.send("GET", "!/graphql?query=%7B%20roots%20%7B%20name%20%7D%20%7D", &[("accept", JSON)], None);
    assert!(is_kept(&as_json));
    assert_eq!(as_json.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(as_json.ok()["data"], expected);
}

#[test]
fn clients_that_accept_gzip_get_it_from_the_cache() {
    let server = Server::organisation();
    let body = json!({ "query": "{ __schema { types { name description } } }" }).to_string();
    let ask = |encoding: &str| {
        let headers = [("content-type", JSON), ("accept", JSON), ("accept-encoding", encoding)];
        server.send("POST", "!/graphql", &headers, Some(body.as_bytes()))
    };
    let plain = ask("identity");
    for encoding in ["gzip", "gzip, br", "br, gzip;q=0.5"] {
        // The client unpacks it, and takes away the header that says so; `Vary` stays.
        for (round, answer) in [ask(encoding), ask(encoding)].iter().enumerate() {
            assert_eq!(answer.ok(), plain.value(), "{encoding} {round}");
            let vary: Vec<_> =
                answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
            assert_eq!(vary.join(", ").to_lowercase(), "authorization, accept, accept-encoding");
        }
    }
    assert!(is_kept(&ask("gzip")) && is_kept(&ask("identity")));
    assert_eq!(ask("identity").body, plain.body);
}

#[test]
fn a_change_is_seen_by_the_next_request() {
    let server = Server::organisation();
    let count = || server.data("{ people { totalCount } }")["people"]["totalCount"].as_u64().unwrap();
    let before = count();
    for made in 1..=20 {
        server.directory.apply(CreatePerson::new(&format!("new{made}@aurora.example"))).unwrap();
        assert_eq!((count(), count()), (before + made, before + made));
    }
    let rename =
        "mutation { updateOrgUnit(input: { id: \"Bikes\", name: \"Wheels\" }) { orgUnit { name } } }";
    let name = || server.data("{ orgUnit(by: { key: \"Bikes\" }) { name } }")["orgUnit"]["name"].clone();
    assert_eq!((name(), name()), (json!("Bikes"), json!("Bikes")));
    server.data(rename);
    assert_eq!(name(), "Wheels");
}

#[test]
fn another_query_gets_its_own_response() {
    let server = Server::organisation();
    let query = "query A($id: String!) { project(projectId: $id) { projectName } }
                 query B($id: String!) { project(projectId: $id) { projectId } }";
    let ask = |operation: &str, variables: Value| {
        post(&server, &json!({ "query": query, "operationName": operation, "variables": variables }))
    };
    assert_eq!(twice(|| ask("A", json!({"id": "shop"}))), json!({"project": {"projectName": "Shop"}}));
    assert_eq!(twice(|| ask("B", json!({"id": "shop"}))), json!({"project": {"projectId": "shop"}}));
    assert_eq!(twice(|| ask("A", json!({"id": "site"}))), json!({"project": {"projectName": "Site"}}));
    assert_eq!(twice(|| ask("A", json!({"id": "none"}))), json!({"project": null}));
    let commented = format!("{query} # the same, said in another way");
    let other =
        post(&server, &json!({"query": commented, "operationName": "A", "variables": {"id": "shop"}}));
    assert!(!is_kept(&other));
    // Which of two texts a value belongs to is part of the question.
    let search = "query ($a: String!, $b: String) { a: search(text: $a) { matched } b: people(after: $b) { totalCount } }";
    let moved = |a: &str, b: Value| post(&server, &json!({"query": search, "variables": {"a": a, "b": b}}));
    twice(|| moved("site", Value::Null));
    assert!(!is_kept(&moved("sitenull", Value::Null)));
}

#[test]
fn another_role_gets_its_own_response() {
    let server = Server::organisation();
    let (read, other_read) = (server.token_with(Role::Read), server.token_with(Role::Read));
    let admins = "{ tokens { role } }";
    assert_eq!(twice(|| server.ask(admins, &Value::Null))["tokens"].as_array().unwrap().len(), 3);
    for _ in 0..2 {
        let answer = server.ask_as(&read, admins, &Value::Null);
        assert_eq!(answer.value()["errors"][0]["extensions"]["code"], "forbidden", "{}", answer.text());
        assert_eq!(answer.header("cache-status"), "clade; fwd=miss", "what has errors is not kept");
    }
    let query = "{ roots { name } }";
    twice(|| server.ask_as(&read, query, &Value::Null));
    assert!(is_kept(&server.ask_as(&other_read, query, &Value::Null)), "the same role and scope");
    assert!(!is_kept(&server.ask(query, &Value::Null)), "another role");
    server.ask_as("clade_none", query, &Value::Null).problem(401, "unauthorized");
}

#[test]
fn mutations_and_errors_are_never_cached() {
    let server = Server::organisation();
    for n in 1..=3 {
        // The very same text each time.
        let answer = server.ask(
            "mutation { createPerson(input: { email: \"x@y.example\" }) { person { email } } }",
            &Value::Null,
        );
        assert_eq!(answer.header("cache-status"), "", "{}", answer.text());
        assert_eq!(answer.value().get("errors").is_some(), n > 1, "{}", answer.text());
    }
    for query in
        ["{ person(email: \"nobody\") { email } }", "{ nothing }", "{ people(first: 1001) { totalCount } }"]
    {
        let answers = [server.ask(query, &Value::Null), server.ask(query, &Value::Null)];
        assert!(answers.iter().all(|answer| !answer.header("cache-status").contains("hit")));
        assert_eq!(answers[0].body, answers[1].body);
        assert_eq!(answers[0].status, answers[1].status);
    }
}

#[test]
fn a_document_that_is_known_is_counted_with_the_variables_of_each_request() {
    let server = Server::organisation();
    let query = "query ($n: Int, $m: Int = 1) {
        people(first: $n) { nodes { projects(first: $n) { nodes { id } } } }
        more: people(first: $m) { nodes { projects(first: $m) { nodes { id } } } }
    }";
    server.data_with(query, &json!({ "n": 10 }));
    for variables in [json!({ "n": 1000 }), json!({ "n": 1, "m": 1000 })] {
        let error = server.refusal_with(query, &variables, "too-complex");
        assert_eq!(error["extensions"]["limit"], 500_000);
    }
    server.data_with(query, &json!({ "n": 11 }));
    server.refusal_with("query ($id: ID!) { node(id: $id) { id } }", &json!({}), "invalid-variables");
    server.data_with("query ($id: ID!) { node(id: $id) { id } }", &json!({ "id": "x" }));
    server.refusal_with("query ($id: ID!) { node(id: $id) { id } }", &json!({}), "invalid-variables");
    server.refusal_with(
        "query ($id: ID!) { node(id: $id) { id } }",
        &json!({ "id": [1] }),
        "invalid-variables",
    );
}

#[test]
fn a_disabled_cache_keeps_nothing() {
    let server = Server::start_with(|state| state.with_response_cache(0));
    let query = "{ revision }";
    for _ in 0..3 {
        let answer = server.ask(query, &Value::Null);
        assert_eq!(answer.header("cache-status"), "");
        assert_eq!(answer.ok(), json!({"data": {"revision": server.directory.view().revision().0}}));
    }
    // Documents are still known by their hashes.
    let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(query) } });
    post(&server, &json!({ "extensions": persisted })).ok();
}

#[test]
fn equal_requests_at_once_are_executed_once() {
    let server = Server::start();
    server.directory.apply((0..900).map(|at| CreateProject::new(&format!("p{at}"), "P"))).unwrap();
    let body = json!({ "query": "{ projects(first: 900) { nodes { projectId projectName revision } } }" })
        .to_string();
    for round in 0..5 {
        server.directory.apply(CreatePerson::new(&format!("p{round}@corp.example"))).unwrap();
        let ask = || server.send("POST", "!/graphql", &[("content-type", JSON)], Some(body.as_bytes()));
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| answer.body == answers[0].body));
        let executed = answers.iter().filter(|answer| !is_kept(answer)).count();
        assert_eq!(executed, 1, "round {round}");
    }
}

#[test]
fn the_response_cache_has_a_maximum_size() {
    let server = Server::start_with(|state| state.with_response_cache(16 << 10));
    let ask = |n: usize| {
        server.ask(
            "query ($id: String!) { project(projectId: $id) { projectId } }",
            &json!({"id": n.to_string()}),
        )
    };
    for n in 0..1_000 {
        assert!(!is_kept(&ask(n)));
    }
    let kept = (0..1_000).filter(|n| is_kept(&ask(*n))).count();
    assert!(kept < 150, "{kept} answers cannot be kept in 16 KiB");
    // What is larger than the room is answered all the same, each time anew.
    let large = "{ __schema { types { name description fields { name description } } } }";
    let body = json!({ "query": large }).to_string();
    for _ in 0..2 {
        let headers = [("content-type", JSON), ("accept-encoding", "identity")];
        let answer = server.send("POST", "!/graphql", &headers, Some(body.as_bytes()));
        assert!(answer.body.len() > 16 << 10);
        assert_eq!(answer.header("cache-status"), "clade; fwd=miss");
    }
}

fn not_found(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let error = &answer.value()["errors"][0];
    assert_eq!(error["message"], "PersistedQueryNotFound");
    assert_eq!(error["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
    assert!(answer.value().get("data").is_none());
}

#[test]
fn a_persisted_query_is_asked_for_by_its_hash_once_it_was_sent() {
    let server = Server::organisation();
    let query = "query Names($id: String!) { project(projectId: $id) { projectName } }";
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(query) } });
    let by_hash = |id: &str| post(&server, &json!({ "extensions": extensions, "variables": { "id": id } }));
    not_found(&by_hash("shop"), 400);
    let body = json!({ "extensions": extensions }).to_string();
    let plain = [("content-type", JSON), ("accept", JSON)];
    not_found(&server.send("POST", "!/graphql", &plain, Some(body.as_bytes())), 200);

    let sent =
        post(&server, &json!({ "query": query, "extensions": extensions, "variables": { "id": "shop" } }));
    assert_eq!(sent.ok()["data"]["project"]["projectName"], "Shop");
    assert_eq!(by_hash("shop").ok(), sent.value());
    assert_eq!(by_hash("site").ok()["data"]["project"]["projectName"], "Site");
    // Known to everyone who may ask; what they see is their own.
    let named = json!({ "extensions": extensions, "variables": { "id": "shop" }, "operationName": "Names" });
    assert_eq!(post(&server, &named).ok(), sent.value());
}

#[test]
fn persisted_queries_work_by_get_too() {
    let server = Server::organisation();
    let query = "{ roots { name } }";
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(query) } }).to_string();
    not_found(&get(&server, &[("extensions", &extensions)]), 400);
    let sent = get(&server, &[("query", query), ("extensions", &extensions)]);
    assert_eq!(sent.ok()["data"]["roots"][0]["name"], "Aurora");
    assert_eq!(get(&server, &[("extensions", &extensions)]).ok(), sent.value());
    // A browser that asks for a page and names a document means the document.
    let html = [("accept", "text/html, application/json;q=0.9")];
    let by_browser = server.send("GET", "!/graphql?extensions=%7B%7D", &html, None);
    assert_eq!(by_browser.status, 400, "{}", by_browser.text());

    let mutation =
        "mutation { createOrgUnit(input: { name: \"Late\", type: \"team\" }) { orgUnit { name } } }";
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(mutation) } });
    post(&server, &json!({ "query": mutation, "extensions": extensions })).ok();
    get(&server, &[("extensions", &extensions.to_string())]).problem(405, "method-not-allowed");
}

#[test]
fn a_wrong_hash_is_refused_and_not_cached() {
    let server = Server::organisation();
    let (harmless, other) = ("{ revision }", "{ roots { name } }");
    let extensions = |text: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(text) } });
    let wrong = json!({ "query": other, "extensions": extensions(harmless) });
    for body in [
        wrong.clone(),
        json!({ "query": harmless, "extensions": { "persistedQuery": { "version": 2, "sha256Hash": hash(harmless) } } }),
        json!({ "query": harmless, "extensions": { "persistedQuery": { "version": 1 } } }),
    ] {
        let answer = post(&server, &body);
        assert_eq!(answer.status, 400, "{}", answer.text());
        let error = &answer.value()["errors"][0]["extensions"];
        assert_eq!((&error["code"], &error["field"]), (&json!("malformed"), &json!("extensions")), "{body}");
    }
    not_found(&post(&server, &json!({ "extensions": extensions(harmless) })), 400);
    not_found(&post(&server, &json!({ "extensions": extensions(other) })), 400);
    // Neither does what cannot be carried out at all.
    server.refusal("{ roots {", "syntax-error");
    not_found(&post(&server, &json!({ "extensions": extensions("{ roots {") })), 400);
    // Once the right text is known, the wrong one is still refused.
    post(&server, &json!({ "query": harmless, "extensions": extensions(harmless) })).ok();
    assert_eq!(post(&server, &wrong).status, 400);
}

#[test]
fn concurrent_readers_and_a_writer_get_no_stale_response() {
    let server = Server::start();
    let directory: &Directory = &server.directory;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut before = 0;
                while !done.load(Ordering::Relaxed) {
                    let known = directory.view().revision().0;
                    let query = "{ revision people(first: 0) { totalCount } }";
                    let data = server.ask(query, &Value::Null).ok()["data"].clone();
                    let revision = data["revision"].as_u64().unwrap();
                    assert!(revision >= known.max(before), "{revision} was answered when {known} was known");
                    // The token was the first revision, each person one more.
                    assert_eq!(data["people"]["totalCount"].as_u64().unwrap(), revision - 1);
                    before = revision;
                }
            });
        }
        for made in 0..200 {
            directory.apply(CreatePerson::new(&format!("p{made}@corp.example"))).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}
