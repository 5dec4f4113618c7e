//! Not-found errors over REST and GraphQL: what was asked for, and what it may have meant, within the token's scope.

use clade::model::token::Role;
use serde_json::{Value, json};

use crate::support::Server;

fn keys(problem: &Value) -> Vec<&str> {
    let similar = problem["similar"].as_array().unwrap_or_else(|| panic!("{problem}"));
    similar.iter().map(|similar| similar["key"].as_str().unwrap()).collect()
}

#[test]
fn a_not_found_names_similar_records_in_scope() {
    let server = Server::organisation();
    let unit = server.get("/units/carbn").problem(404, "not-found");
    assert_eq!((&unit["kind"], &unit["reference"]), (&json!("unit"), &json!("carbn")));
    assert_eq!(keys(&unit), ["Carbon"], "{unit}");
    assert!(unit["detail"].as_str().unwrap().contains("; did you mean \""), "{unit}");
    let person = server.get("/people/adaa@aurora.example").problem(404, "not-found");
    assert_eq!(keys(&person), ["Ada@aurora.example"], "{person}");
    assert_eq!(keys(&server.get("/project/gearbx").problem(404, "not-found"))[0], "gearbox");
    let within = server.error(r#"{ search(text: "a", within: "carbn") { score } }"#, "not-found");
    assert_eq!(keys(&within["extensions"]), keys(&unit), "{within}");

    let narrow = server.token_within(Role::Read, &["Digital"]);
    let headers = [("authorization", narrow.as_str())];
    let unit = server.send_as("GET", "/units/carbn", &headers, None).problem(404, "not-found");
    assert_eq!(keys(&unit), [""; 0], "{unit}");
}

#[test]
fn a_person_where_a_unit_is_expected_is_told_apart() {
    let server = Server::organisation();
    let problem = server.get("/units/ada@aurora.example").problem(404, "not-found");
    assert!(problem["detail"].as_str().unwrap().contains("that is a person, in: "), "{problem}");
    assert!(!problem["personIn"].as_array().unwrap().is_empty(), "{problem}");
}

#[test]
fn mappings_are_filtered_by_kind_and_key() {
    let server = Server::organisation();
    let count = |node: &str| {
        let query = "query ($node: ID) { mappings(filter: { node: $node }) { totalCount } }";
        server.data_with(query, &json!({ "node": node }))["mappings"]["totalCount"].as_u64().unwrap()
    };
    assert!(count("person:ada@aurora.example") > 0);
    assert!(count("project:gearbox") > 0);
    assert_eq!(count("orgUnit:bikes"), count("bikes"));
    let query = r#"{ mappings(filter: { node: "person:adaa@aurora.example" }) { totalCount } }"#;
    let error = server.error(query, "not-found");
    assert_eq!(keys(&error["extensions"]), ["Ada@aurora.example"], "{error}");
}

#[test]
fn lookup_finds_records_of_all_kinds() {
    let server = Server::organisation();
    let query = "query ($text: String!) { lookup(text: $text) { kind key paths units { key } } }";
    let found = |text: &str| server.data_with(query, &json!({ "text": text }))["lookup"].clone();
    assert_eq!(found("bikes")[0]["kind"], "ORG_UNIT");
    assert_eq!(found("ADA@aurora.example")[0]["key"], "Ada@aurora.example");
    assert_eq!(found("nothing at all"), json!([]));
    let viewer = server.data("{ viewer { actor role units { key } } }")["viewer"].clone();
    assert_eq!((&viewer["role"], &viewer["units"]), (&json!("ADMIN"), &Value::Null));
    server.error(&format!("{{ lookup(text: {:?}) {{ key }} }}", "x".repeat(257)), "invalid");
}
