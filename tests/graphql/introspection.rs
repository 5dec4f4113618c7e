//! GraphQL introspection, and suggestions of names in errors: both can be disabled.

use clade::server::app::GraphqlSettings as Settings;
use serde_json::{Value, json};

use crate::support::Server;
use crate::{code, with};

#[test]
fn introspection_works_unless_disabled() {
    let asks = [
        "{ __schema { types { name } } }",
        "{ __type(name: \"Query\") { name } }",
        "{ ...F } fragment F on Query { ... { a: __schema { queryType { name } } } }",
        "query A { revision } fragment F on Query { __schema { queryType { name } } }",
    ];
    let server = Server::start();
    for query in &asks[..3] {
        server.data(query);
    }
    let server = with(Settings { introspection: false, suggestions: true, ..Settings::default() });
    for query in asks {
        server.refusal(query, "introspection-off");
    }
    assert_eq!(server.data("{ __typename revision }")["__typename"], "Query");
}

#[test]
fn without_introspection_errors_reveal_no_other_names() {
    let server = with(Settings { introspection: false, ..Settings::default() });
    for (query, hidden) in [
        ("{ peopl { totalCount } }", "people"),
        ("{ orgUnit { id } }", "by"),
        ("{ orgUnit(by: {kay: 5}) { id } }", "key"),
        ("{ people(frist: 1) { totalCount } }", "first"),
        ("{ people(orderBy: {}) { totalCount } }", "field"),
        ("{ people(orderBy: {field: NAME}) { totalCount } }", "PersonOrderField"),
        ("{ people(first: true) { totalCount } }", "Int"),
        ("{ people }", "PersonConnection"),
        ("mutation { createPerson { revision } }", "input"),
        ("mutation { createPerson(input: {}) { revision } }", "email"),
        ("mutation { createToken(input: {role: ROOT}) { secret } }", "Role"),
        ("{ revision ... on Person { id } }", "Query"),
    ] {
        let answer = server.ask(query, &Value::Null);
        assert_eq!((answer.status, code(&answer.value())), (400, "invalid-query"), "{query}");
        let text = answer.text();
        assert!(!text.contains(hidden), "{query}: {text}");
        assert!(text.contains("locations"), "{query}: {text}");
    }
    let filter = json!({ "f": { "name": { "eq": "x" } } });
    let query = "query ($f: PersonFilter) { people(filter: $f) { totalCount } }";
    let answer = server.ask(query, &filter).text();
    assert!(!answer.contains("PersonFilter") && answer.contains("invalid-variables"), "{answer}");
    // Names that the client itself sent may appear in errors.
    let error = server.error("{ person(email: \"nobody\") { id } }", "invalid");
    assert!(error["message"].as_str().unwrap().contains("nobody"), "{error}");
}

#[test]
fn suggestions_are_made_only_if_enabled() {
    let wrong = "{ peopl { totalCount } }";
    let told =
        |server: &Server| server.refusal(wrong, "invalid-query")["message"].as_str().unwrap().to_owned();
    let quiet = told(&Server::start());
    assert!(quiet.contains("peopl`") && !quiet.contains("people"), "{quiet}");
    let server = with(Settings { suggestions: true, ..Settings::default() });
    assert!(told(&server).contains("Did you mean \"people\""));
}

#[test]
fn cyclic_introspection_is_counted() {
    let server = Server::start();
    let (mut open, mut close) = (String::new(), String::new());
    for _ in 0..5 {
        open.push_str("possibleTypes { interfaces { ");
        close.push_str("} } ");
    }
    server.refusal(&format!("{{ __type(name: \"Node\") {{ {open} name {close} }} }}"), "too-complex");
    server.data("{ __type(name: \"Node\") { possibleTypes { interfaces { name } } } }");
}
