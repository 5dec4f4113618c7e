//! Documents that graphql-js has judged: the server must find the same ones valid.

use serde_json::Value;

use crate::support::Server;

/// Documents that are judged otherwise: custom scalars are of this server, where graphql-js takes any value; a null for a
/// condition that has a default is an error of the field, and not of the document; and `apollo-compiler` lets a list of
/// nullable texts through where none may be null.
const KNOWN: [&str; 3] = [
    "{ log(before: [[]]) { next } } {}",
    "query($a: Boolean = true) { revision @skip(if: $a) } {\"a\":null}",
    "query($a: [String]) { people(filter: { email: { in: $a } }) { totalCount } } {}",
];

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
        // Limits of this server, and no rule of the language.
        if answer.text().contains("too-complex") {
            continue;
        }
        let is_valid = answer.status == 200;
        let is_right = Some(is_valid) == case["valid"].as_bool();
        if KNOWN.contains(&format!("{document} {}", case["variables"]).as_str()) {
            assert!(!is_right, "{document} is judged rightly now; take it off the list");
        } else if !is_right {
            wrong.push(format!("{} {document} {}: {}", case["rule"], case["variables"], answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
