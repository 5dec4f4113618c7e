//! Documents that graphql-js has judged: the server must find the same ones valid.

use serde_json::Value;

use crate::support::Server;

#[test]
fn documents_are_judged_as_by_graphql_js() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("corpus/corpus.json")).unwrap();
    assert!(cases.len() > 1_000, "only {}", cases.len());
    let server = Server::organisation();
    let mut wrong = Vec::new();
    for case in &cases {
        let document = case["document"].as_str().unwrap();
        let answer = server.ask(document, &case["variables"]);
        assert!([200, 400].contains(&answer.status), "{document}: {} {}", answer.status, answer.text());
        let is_valid = answer.status == 200;
        if Some(is_valid) != case["valid"].as_bool() {
            wrong.push(format!("{} {document} {}: {}", case["rule"], case["variables"], answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
