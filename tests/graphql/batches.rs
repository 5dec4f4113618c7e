//! GraphQL batches: several operations in one HTTP request, in order, within the cost limit of one.

use clade::model::token::Role;
use clade::server::app::GraphqlSettings as Settings;
use serde_json::{Value, json};

use crate::support::{Answer, Server};
use crate::{code, projects, with};

fn batch(server: &Server, token: &str, requests: &Value) -> Answer {
    let headers = [
        ("authorization", token),
        ("content-type", "application/json"),
        ("accept", "application/graphql-response+json"),
    ];
    server.send_as("POST", "!/graphql", &headers, Some(requests.to_string().as_bytes()))
}

#[test]
fn an_enabled_batch_is_answered_in_order() {
    let server = with(Settings { batch_max: 4, ..Settings::default() });
    let answer = batch(
        &server,
        &server.token,
        &json!([
            { "query": "{ orgUnits { totalCount } }" },
            { "query": "mutation { createOrgUnit(input: {key: \"a\"}) { orgUnit { key } } }" },
            { "query": "query ($k: String!) { orgUnit(by: {key: $k}) { name } }", "variables": { "k": "a" } },
            { "query": "{ nothing }" },
        ]),
    );
    let all = answer.ok();
    assert_eq!(all.as_array().map(Vec::len), Some(4));
    assert_eq!(all[0]["data"]["orgUnits"]["totalCount"], 0);
    assert_eq!(all[1]["data"]["createOrgUnit"]["orgUnit"]["key"], "a");
    assert_eq!(all[2]["data"]["orgUnit"]["name"], "a", "what a change before it made is seen");
    assert_eq!(code(&all[3]), "invalid-query");
    let mixed = batch(
        &server,
        &server.token_with(Role::Read),
        &json!([5, {}, { "query": "subscription { revision }" }, { "query": "mutation { deleteOrgUnit(input: {id: \"a\"}) { revision } }" }]),
    );
    let mixed = mixed.ok();
    let codes: Vec<_> = mixed.as_array().unwrap().iter().map(code).collect();
    assert_eq!(codes, ["malformed", "malformed", "invalid-query", "forbidden"]);
    for wrong in [json!([]), json!([{ "query": "{ revision }" }, {}, {}, {}, {}])] {
        let refused = batch(&server, &server.token, &wrong);
        assert_eq!((refused.status, code(&refused.value())), (400, "malformed"), "{}", refused.text());
    }
    batch(&server, "", &json!([{ "query": "{ revision }" }])).problem(401, "unauthorized");
}

#[test]
fn a_batch_may_cost_no_more_than_a_request() {
    let server = with(Settings { batch_max: 10, ..Settings::default() });
    projects(&server, 4_000);
    let page = json!({ "query": "{ projects(first: 1000) { nodes { members(first: 100) { totalCount nodes { email } } } } }" });
    let one = batch(&server, &server.token, &json!([page])).ok();
    assert_eq!(code(&one[0]), "none");
    let refused = batch(&server, &server.token, &json!(vec![page; 5]));
    assert_eq!((refused.status, code(&refused.value())), (400, "too-complex"));
    // Scanned texts are counted over the whole batch too.
    let any: Vec<_> = (0..1_000).map(|_| json!({ "projectName": { "contains": "p" } })).collect();
    let slow = json!({ "query": "query ($f: ProjectFilter) { projects(filter: $f) { totalCount } }", "variables": { "f": { "or": any } } });
    let all = batch(&server, &server.token, &json!(vec![slow; 3])).ok();
    let codes: Vec<_> = all.as_array().unwrap().iter().map(code).collect();
    assert_eq!(codes, ["none", "none", "too-costly"]);
}
