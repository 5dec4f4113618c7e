//! GraphQL cost during execution: scanned texts, fields of lists, JSON values and variables count against the limit of
//! the whole request.

use serde_json::json;

use crate::support::Server;
use crate::{code, many, projects};

#[test]
fn scanned_texts_are_counted_over_the_whole_request() {
    let server = Server::start();
    projects(&server, 4_000);
    let any: Vec<_> = (0..1_000).map(|_| json!({ "projectName": { "contains": "p" } })).collect();
    let fields = |count: usize| -> String {
        many(count, |at| format!("a{at}: projects(filter: $f) {{ totalCount }} "))
    };
    let query = |count| format!("query ($f: ProjectFilter) {{ {} }}", fields(count));
    let variables = json!({ "f": { "or": any } });
    server.data_with(&query(2), &variables);
    let error = server.error_with(&query(3), &variables, "too-costly");
    assert_eq!(
        (&error["extensions"]["cost"], &error["extensions"]["limit"]),
        (&json!(12_000_000), &json!(10_000_000))
    );
}

#[test]
fn fields_of_lists_are_counted_as_they_are_answered() {
    let server = Server::start();
    let unit = |n: usize| format!("{{\"kind\":\"orgUnit\",\"name\":\"u{n}\",\"parent\":\"top\"}}\n");
    let units: String = (0..1_000).map(unit).collect();
    server.bulk("", &format!("{{\"kind\":\"orgUnit\",\"name\":\"top\"}}\n{units}")).ok();
    let fields = |count: usize| -> String { many(count, |at| format!("a{at}: name ")) };
    // A thousand children, where five were guessed.
    server.data(&format!("{{ roots {{ children {{ {} }} }} }}", fields(400)));
    let wide = format!(
        "{{ roots {{ a: children {{ {} }} b: children {{ {} }} }} }}",
        fields(240),
        fields(240).replace('a', "b").replace("nbme", "name")
    );
    server.data(&wide);
    let deep = format!(
        "{{ roots {{ children {{ parents {{ {} }} children {{ key }} {} }} }} }}",
        fields(240),
        fields(200)
    );
    let error = server.error(&deep, "too-complex");
    assert_eq!(error["extensions"]["limit"], 500_000, "{error}");
    let pages = format!(
        "{{ roots {{ children {{ people(first: 1000) {{ nodes {{ id }} }} parents {{ {} }} parents2: parents {{ {} }} }} }} }}",
        fields(240),
        fields(240)
    );
    server.error(&pages, "too-complex");
}

#[test]
fn json_of_records_is_counted_however_often_it_is_asked_for() {
    let server = Server::start();
    let create = "mutation ($a: JSON!) { createProject(input: {projectId: \"p\", projectName: \"P\", attributes: $a}) { revision } }";
    server.data_with(create, &json!({ "a": { "text": "x".repeat(6 << 20) } }));
    let fields = |count: usize| -> String {
        many(count, |at| format!("a{at}: project(projectId: \"p\") {{ attributes }} "))
    };
    server.data(&format!("{{ {} }}", fields(2)));
    let error = server.error(&format!("{{ {} }}", fields(50)), "too-complex");
    assert_eq!(error["extensions"]["limit"], 32 << 20);
}

#[test]
fn variables_have_a_limit() {
    let server = Server::start();
    let query = "query ($ids: [ID!]!) { people(filter: {within: $ids}) { totalCount } }";
    for count in [20_001, 200_000] {
        let error = server.refusal_with(query, &json!({ "ids": vec!["x"; count] }), "too-complex");
        assert_eq!(error["extensions"]["limit"], 20_000);
    }
    server.refusal_with(query, &json!({ "ids": vec![1; 1_000_000] }), "too-complex");
    let nested = json!({ "ids": vec![vec![Vec::<u8>::new(); 9]; 3_000] });
    server.refusal_with(query, &nested, "too-complex");
    let one = "query ($ids: [ID!]!) { projects(filter: {projectId: {in: $ids}}) { totalCount } }";
    server.refusal_with(&one.replace("ID!", "String!"), &json!({ "ids": vec!["x"; 20_001] }), "too-complex");
    server.error_with(&one.replace("ID!", "String!"), &json!({ "ids": vec!["x"; 10_001] }), "too-large");
    let deep = |depth: usize| {
        format!(
            "{{\"query\": \"{{ revision }}\", \"variables\": {{\"a\": {}{}}}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let headers = [("content-type", "application/json")];
    for depth in [130, 100_000] {
        let answer = server.send("POST", "!/graphql", &headers, Some(deep(depth).as_bytes()));
        assert_eq!((answer.status, code(&answer.value())), (400, "malformed"), "{}", answer.text());
    }
    let text = "x".repeat(7 << 20);
    let answer = server.ask("query ($e: String!) { person(email: $e) { id } }", &json!({ "e": text }));
    assert_eq!(code(&answer.value()), "invalid");
    assert!(answer.body.len() < 2_000, "a long value is not sent back");
    server.data("{ revision }");
}

#[test]
fn search_text_has_a_maximum_length() {
    let server = Server::organisation();
    let query = "query ($t: String!) { search(text: $t) { score } }";
    server.data_with(query, &json!({ "t": "é".repeat(128) }));
    let error = server.error_with(query, &json!({ "t": "é".repeat(129) }), "invalid");
    assert_eq!(error["extensions"]["limit"], 256);
    let searches = many(50, |at| format!("a{at}: search(text: \"Shop\") {{ score }} "));
    server.data(&format!("{{ {searches} }}"));
}

#[test]
fn an_alias_has_a_maximum_length() {
    let server = Server::start();
    server.data(&format!("{{ {}: revision }}", "a".repeat(128)));
    server.refusal(&format!("{{ {}: revision }}", "a".repeat(129)), "too-complex");
}

#[test]
fn long_lists_in_variables_cost_no_more_for_being_named_often() {
    let server = Server::start();
    let document =
        format!("query ($c: [ID!]!) {{ {} }}", many(400, |at| format!("a{at}: nodes(ids: $c) {{ id }} ")));
    let ids = json!({ "c": vec!["x"; 19_000] });
    server.refusal_with(&document, &ids, "too-complex");
}
