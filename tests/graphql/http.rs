//! GraphQL over HTTP, by the specification: methods, media types, status codes, parameters, compression.

use serde_json::{Value, json};

use crate::code;
use crate::support::{Answer, Server};

const RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

fn post_as(server: &Server, accept: &str, content_type: &str, body: &str) -> Answer {
    let mut headers = vec![("content-type", content_type)];
    if !accept.is_empty() {
        headers.push(("accept", accept));
    }
    server.send("POST", "!/graphql", &headers, Some(body.as_bytes()))
}

fn post(server: &Server, accept: &str, body: &Value) -> Answer {
    post_as(server, accept, JSON, &body.to_string())
}

fn get(server: &Server, accept: &str, query: &str) -> Answer {
    server.send("GET", &format!("!/graphql?{query}"), &[("accept", accept)], None)
}

fn ok(answer: &Answer) {
    assert_eq!(answer.ok(), json!({"data": {"__typename": "Query"}}));
}

#[test]
fn the_answer_has_the_media_type_that_is_accepted() {
    let server = Server::start();
    let query = json!({"query": "{ __typename }"});
    for (accept, given) in [
        (RESPONSE, RESPONSE),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", RESPONSE),
        ("application/graphql-response+json, application/json;q=0.9", RESPONSE),
        ("application/json;q=0.5, application/graphql-response+json", RESPONSE),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("", JSON),
        ("text/html, */*;q=0.1", JSON),
    ] {
        let answer = post(&server, accept, &query);
        ok(&answer);
        assert_eq!(answer.header("content-type"), format!("{given}; charset=utf-8"), "{accept}");
        assert_eq!(answer.header("vary"), "Authorization, Accept");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
    }
    post(&server, "image/png", &query).problem(406, "not-acceptable");
    post(&server, "application/json;q=0", &query).problem(406, "not-acceptable");
}

#[test]
fn bodies_are_json_in_utf_8_and_nothing_else() {
    let server = Server::start();
    let body = r#"{"query":"{ __typename }"}"#;
    for content_type in [JSON, "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"] {
        ok(&post_as(&server, "", content_type, body));
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=utf-16",
        "nonsense",
    ] {
        post_as(&server, "", content_type, body).problem(415, "unsupported-media-type");
    }
    let none = server.send("POST", "!/graphql", &[], Some(body.as_bytes()));
    none.problem(415, "unsupported-media-type");
    let encoded = [("content-type", JSON), ("content-encoding", "gzip")];
    let encoded = server.send("POST", "!/graphql", &encoded, Some(body.as_bytes()));
    encoded.problem(415, "unsupported-media-type");
}

#[test]
fn an_invalid_request_is_a_400_in_either_media_type() {
    let server = Server::start();
    let ill = [b"{\"query\":\"{ a(b: \\\"".as_slice(), &[0xff], b"\\\") }\"}"].concat();
    for accept in [JSON, RESPONSE] {
        for body in [
            "",
            "{",
            "null",
            "5",
            "\"{ __typename }\"",
            "{\"query\":\"{ __typename }\"",
            "{}",
            r#"{"query":null}"#,
            r#"{"query":5}"#,
            r#"{"query":["{ __typename }"]}"#,
            r#"{"query":{}}"#,
            r#"{"query":true}"#,
            r#"{"quary":"{ __typename }"}"#,
            r#"{"query":"{ __typename }","query":"{ revision }"}"#,
            r#"{"query":"{ __typename }","operationName":5}"#,
            r#"{"query":"{ __typename }","operationName":{}}"#,
            r#"{"query":"{ __typename }","variables":"{}"}"#,
            r#"{"query":"{ __typename }","variables":[]}"#,
            r#"{"query":"{ __typename }","variables":0}"#,
            r#"{"query":"{ __typename }","extensions":"x"}"#,
            r#"{"query":"{ __typename }","extensions":[]}"#,
        ] {
            let answer = post_as(&server, accept, JSON, body);
            refused(&answer, 400, "malformed", body);
            assert!(answer.header("content-type").starts_with(accept), "{body}");
        }
        let headers = [("content-type", JSON), ("accept", accept)];
        let answer = server.send("POST", "!/graphql", &headers, Some(&ill));
        refused(&answer, 400, "malformed", "not UTF-8");
    }
}

fn refused(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    let body = answer.value();
    assert!(body.get("data").is_none(), "{what}: {body}");
    let error = &body["errors"][0];
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}: {body}");
    assert_eq!(error["extensions"]["code"], code, "{what}: {body}");
    assert_eq!(error["extensions"]["classification"], "ValidationError", "{what}: {body}");
}

#[test]
fn null_parameters_are_absent_parameters() {
    let server = Server::start();
    for accept in [JSON, RESPONSE] {
        for body in [
            json!({"query": "{ __typename }", "operationName": null, "variables": null, "extensions": null}),
            json!({"query": "{ __typename }", "operationName": "", "variables": {}, "extensions": {"a": 1}}),
            json!({"query": "query Q { __typename }", "operationName": "Q", "more": "is ignored"}),
            json!({"query": "query Q { __typename } query R { revision }", "operationName": "Q"}),
            json!({"query": "query Q($a: Boolean!) { __typename @include(if: $a) }", "variables": {"a": true, "b": 1}}),
        ] {
            ok(&post(&server, accept, &body));
        }
    }
}

#[test]
fn parse_validation_and_coercion_errors_are_a_400_or_in_json_a_200() {
    let server = Server::start();
    for (body, code) in [
        (json!({"query": "{"}), "syntax-error"),
        (json!({"query": ""}), "syntax-error"),
        (json!({"query": "type A { a: Int }"}), "syntax-error"),
        (json!({"query": "{ a } { b }"}), "syntax-error"),
        (json!({"query": "{ nothing }"}), "invalid-query"),
        (json!({"query": "{ roots }"}), "invalid-query"),
        (json!({"query": "{ person { id } }"}), "invalid-query"),
        (json!({"query": "{ people(first: \"x\") { totalCount } }"}), "invalid-query"),
        (json!({"query": "query A { __typename } query B { __typename }"}), "invalid-query"),
        (json!({"query": "query A { __typename }", "operationName": "B"}), "invalid-query"),
        (json!({"query": "subscription { revision }"}), "invalid-query"),
        (json!({"query": "query ($e: String!) { person(email: $e) { id } }"}), "invalid-variables"),
        (
            json!({"query": "query ($e: String!) { person(email: $e) { id } }", "variables": {"e": null}}),
            "invalid-variables",
        ),
        (
            json!({"query": "query ($e: String!) { person(email: $e) { id } }", "variables": {"e": 5}}),
            "invalid-variables",
        ),
        (
            json!({"query": "query ($f: PersonFilter) { people(filter: $f) { totalCount } }", "variables": {"f": {"x": 1}}}),
            "invalid-variables",
        ),
        (
            json!({"query": "mutation ($d: DateTime) { createToken(input: {role: READ, expiresAt: $d}) { token } }", "variables": {"d": "soon"}}),
            "invalid-query",
        ),
        (
            json!({"query": "query ($b: [ProjectFacet!]!) { projects { facets(by: $b) { by } } }", "variables": {"b": ["NOPE"]}}),
            "invalid-variables",
        ),
    ] {
        refused(&post(&server, RESPONSE, &body), 400, code, &body.to_string());
        for accept in [JSON, "*/*", ""] {
            refused(&post(&server, accept, &body), 200, code, &body.to_string());
        }
    }
    assert_eq!(server.data("{ tokens { tokenId } }")["tokens"].as_array().unwrap().len(), 1);
}

#[test]
fn a_syntax_error_says_where_and_not_more() {
    let server = Server::start();
    let padding = "# a long line\n".repeat(100);
    let error = server.refusal(&format!("{padding}{{ roots {{ name }}"), "syntax-error");
    assert_eq!(error["locations"], json!([{"line": 101, "column": 17}]));
    assert!(error["message"].as_str().unwrap().len() < 200, "{error}");
    let error = server.refusal("{ nothing }", "invalid-query");
    assert_eq!(error["locations"], json!([{"line": 1, "column": 3}]));
}

#[test]
fn an_error_of_a_field_leaves_the_rest_of_the_answer() {
    let server = Server::start();
    for accept in [JSON, RESPONSE] {
        let answer =
            post(&server, accept, &json!({"query": "{ revision person(email: \"nobody\") { id } }"}));
        let text = answer.text();
        let body = answer.ok();
        assert!(body["data"]["revision"].is_number(), "{body}");
        assert_eq!(body["data"]["person"], Value::Null);
        assert_eq!(body["errors"][0]["path"], json!(["person"]));
        assert_eq!(body["errors"][0]["extensions"]["code"], "invalid");
        assert_eq!(body["errors"][0]["extensions"]["field"], "email");
        assert!(text.starts_with("{\"errors\":"), "errors come first: {text}");
    }
}

#[test]
fn skipped_fields_leave_an_empty_object() {
    let server = Server::start();
    assert_eq!(server.data("{ revision @skip(if: true) }"), json!({}));
}

#[test]
fn get_runs_queries_and_no_mutations() {
    let server = Server::start();
    for accept in [JSON, RESPONSE] {
        ok(&get(&server, accept, "query=%7B__typename%7D"));
        ok(&get(&server, accept, "query=query+Q+%7B__typename%7D&operationName=Q&variables=&extensions="));
        let query = "query%20Q(%24a%3ABoolean!)%7B__typename%20%40include(if%3A%24a)%7D";
        ok(&get(&server, accept, &format!("query={query}&variables=%7B%22a%22%3Atrue%7D")));
        refused(&get(&server, accept, "operationName=Q"), 400, "malformed", "no query");
        refused(&get(&server, accept, "query=%7B__typename%7D&variables=%7B"), 400, "malformed", "variables");
        refused(&get(&server, accept, "query=%7B__typename%7D&variables=5"), 400, "malformed", "variables");
        let mutation = "query=mutation%7BcreateOrgUnit(input%3A%7Bkey%3A%22a%22%7D)%7Brevision%7D%7D";
        let refused = get(&server, accept, mutation);
        refused.problem(405, "method-not-allowed");
        assert_eq!(refused.header("allow"), "POST");
        // Which operation is asked for decides, not which are there.
        let both = "query=query+Q%7B__typename%7D+mutation+M%7BcreateOrgUnit(input%3A%7Bkey%3A%22a%22%7D)%7Brevision%7D%7D";
        ok(&get(&server, accept, &format!("{both}&operationName=Q")));
        get(&server, accept, &format!("{both}&operationName=M")).problem(405, "method-not-allowed");
    }
    refused(&get(&server, RESPONSE, "query=%7Bnothing%7D"), 400, "invalid-query", "GET");
    refused(&get(&server, JSON, "query=%7Bnothing%7D"), 200, "invalid-query", "GET");
    assert_eq!(server.data("{ orgUnits { totalCount } }")["orgUnits"]["totalCount"], 0);
    let head = server.send("HEAD", "!/graphql?query=%7B__typename%7D", &[("accept", JSON)], None);
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn other_methods_get_the_allow_header() {
    let server = Server::start();
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS"] {
        let answer = server.send(method, "!/graphql", &[], None);
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), "GET, HEAD, POST", "{method}");
    }
    // Which method comes before which media type.
    let body = [("content-type", "text/plain")];
    server.send("PUT", "!/graphql", &body, Some(b"x")).problem(405, "method-not-allowed");
}

#[test]
fn batches_are_refused() {
    let server = Server::start();
    let batch = json!([{"query": "{ __typename }"}, {"query": "{ __typename }"}]);
    for accept in [JSON, RESPONSE] {
        let answer = post(&server, accept, &batch);
        refused(&answer, 400, "malformed", "batch");
        assert!(answer.text().contains("batching is disabled"));
    }
}

#[test]
fn without_a_token_nothing_is_revealed() {
    let server = Server::start();
    let expected = server.send_as("GET", "!/graphql?query=%7B__typename%7D", &[], None);
    expected.problem(401, "unauthorized");
    let wrong = format!("Bearer {}x", server.token);
    let headers = [("authorization", wrong.as_str()), ("content-type", "text/plain")];
    for answer in [
        server.send_as("GET", "!/graphql?query=mutation%7Ba%7D", &[], None),
        server.send_as("GET", "!/graphql", &[], None),
        server.send_as("POST", "!/graphql", &[("content-type", JSON)], Some(b"{")),
        server.send_as("POST", "!/graphql", &headers, Some(b"{")),
        server.send_as("POST", "!/graphql", &[("accept", "image/png")], Some(b"{}")),
        server.send_as("PUT", "!/graphql", &[], Some(b"{}")),
        server.send("GET", "!/graphql?query=%7B__typename%7D", &[("authorization", "x")], None),
    ] {
        answer.problem(401, "unauthorized");
        assert_eq!(answer.body, expected.body);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(answer.header("vary"), "Authorization, Accept");
    }
    for form in ["", "Bearer ", "bearer ", "BEARER  "] {
        let given = format!("{form}{}", server.token);
        let headers = [("authorization", given.as_str()), ("accept", RESPONSE)];
        ok(&server.send_as("GET", "!/graphql?query=%7B__typename%7D", &headers, None));
    }
}

#[test]
fn large_bodies_are_refused_and_large_answers_come_compressed() {
    let server = Server::start();
    let large = json!({"query": "{ __typename }", "variables": {"a": "x".repeat(9 << 20)}});
    assert_eq!(post(&server, JSON, &large).problem(413, "too-large")["limit"], 8 << 20);
    // The client has unpacked it; `Vary` still tells.
    let answer = post(&server, JSON, &json!({"query": "{ __schema { types { name description } } }"}));
    assert!(answer.ok()["data"]["__schema"]["types"].as_array().unwrap().len() > 50);
    let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(vary.join(", ").to_lowercase(), "authorization, accept, accept-encoding");
}

#[test]
fn browsers_get_a_page_that_needs_no_other_host() {
    let server = Server::start();
    let accept = [("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];
    let page = server.send_as("GET", "!/graphql", &accept, None);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    for rule in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    let text = page.text();
    assert_eq!(text.matches("<script").count(), text.matches(&format!("<script nonce=\"{nonce}\">")).count());
    assert_eq!(text.matches("<style").count(), text.matches(&format!("<style nonce=\"{nonce}\">")).count());
    for foreign in ["http://", "https://", "src=", "@import", "<link rel=\"stylesheet\"", "style=", "onclick"]
    {
        assert!(!text.contains(foreign), "{foreign}");
    }
    assert!(!text.contains("{{nonce}}") && !text.contains(&server.token));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let again = server.send_as("GET", "!/graphql", &accept, None);
    assert_ne!(again.header("content-security-policy"), policy, "a nonce is used once");
    // With a query it is a request like any other.
    let query = server.send_as("GET", "!/graphql?query=%7B__typename%7D", &accept, None);
    query.problem(401, "unauthorized");
}

#[test]
fn a_name_given_twice_is_refused_in_a_url_too() {
    let server = Server::start();
    let twice = "!/graphql?query=%7Brevision%7D&variables=%7B%22a%22%3A1%2C%22a%22%3A2%7D";
    let answer = server.get(twice);
    assert_eq!((answer.status, code(&answer.value())), (400, "malformed"), "{}", answer.text());
}
