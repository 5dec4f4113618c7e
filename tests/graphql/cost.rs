//! GraphQL query cost: limits of depth, nesting, fragments, page sizes, document size and estimated cost are checked
//! before execution.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::support::Server;

const TOO_COMPLEX: &str = "too-complex";
/// Maximum cost of one operation, in fields.
const COST: u64 = 500_000;

fn too_complex(server: &Server, query: &str, limit: u64) {
    let error = server.refusal(query, TOO_COMPLEX);
    assert_eq!(error["extensions"]["limit"], limit, "{error}");
    assert_eq!(error["extensions"]["classification"], "ValidationError");
}

/// `field { field { … last … } }`, `times` deep.
fn nested(field: &str, times: usize, last: &str) -> String {
    format!("{}{last}{}", format!("{field} {{ ").repeat(times), " }".repeat(times))
}

/// Repeats a part of a document.
fn joined(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// Fragments, each of which spreads the next one `spreads` times.
fn chain(length: usize, spreads: usize) -> String {
    let mut text = String::new();
    for n in 0..length {
        let next = format!("...F{} ", n + 1).repeat(spreads);
        write!(text, " fragment F{n} on Query {{ {next}}}").unwrap();
    }
    text + &format!(" fragment F{length} on Query {{ revision }}")
}

#[test]
fn depth_has_a_limit() {
    let server = Server::organisation();
    // One field more is the root, and one the name.
    let deep =
        |times| format!("{{ orgUnits {{ nodes {{ {} }} }} }}", nested("parents: totals", times, "units"));
    server.refusal(&deep(2), "invalid-query");
    let query = |times| format!("{{ {} }}", nested("a", times, "b"));
    server.refusal(&query(23), "invalid-query");
    too_complex(&server, &query(24), 24);
    let typename = format!("{{ ...A }} fragment A on Query {{ {} }}", nested("a", 24, "__typename"));
    too_complex(&server, &typename, 24);
}

#[test]
fn nesting_has_a_limit_before_the_stack_overflows() {
    let server = Server::start();
    for n in [128, 1_000, 8_000] {
        too_complex(&server, &format!("{{ {} }}", nested("a", n, "b")), 128);
        too_complex(&server, &format!("{{ {} }}", nested("...", n, "b")), 128);
        let lists = format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(n), "]".repeat(n));
        too_complex(&server, &lists, 128);
        let objects =
            format!("{{ people(filter: {}{}) {{ totalCount }} }}", "{not:".repeat(n), "}".repeat(n));
        too_complex(&server, &objects, 128);
        let of = format!("query ($a: {}Int{}) {{ revision }}", "[".repeat(n), "]".repeat(n));
        too_complex(&server, &of, 128);
        too_complex(&server, &format!("{{ ...F0 }}{}", chain(n.min(1_000), 1)), 64);
        too_complex(&server, &format!("{{ revision }}{}", chain(n.min(1_000), 1)), 64);
    }
    // Just within the limit of brackets: what is wrong is told, and the server lives.
    let lists = format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(126), "]".repeat(126));
    server.refusal(&lists, "invalid-query");
    let objects =
        format!("{{ people(filter: {}{{}}{}) {{ totalCount }} }}", "{not:".repeat(125), "}".repeat(125));
    server.error(&objects, "too-large");
    let mut filter = json!({});
    for _ in 0..120 {
        filter = json!({ "not": filter });
    }
    let query = "query ($f: PersonFilter) { people(filter: $f) { totalCount } }";
    server.error_with(query, &json!({ "f": filter }), "too-large");
    server.data(&format!("{{ search(text: \"{}\") {{ score }} }}", "{".repeat(200)));
}

#[test]
fn an_expensive_filter_is_refused_with_its_cost() {
    let server = Server::start();
    let line =
        |at: usize| format!("{{\"kind\": \"project\", \"projectId\": \"p{at}\", \"projectName\": \"P\"}}\n");
    server.bulk("", &(0..4_000).map(line).collect::<String>()).ok();
    let query = "query ($f: ProjectFilter) { projects(filter: $f) { totalCount } }";
    let any =
        |count: usize| json!({ "f": { "or": vec![json!({ "projectName": { "contains": "p" } }); count] } });
    assert_eq!(server.data_with(query, &any(100))["projects"]["totalCount"], 4_000);
    let refusal = server.error_with(query, &any(3_000), "too-costly");
    assert_eq!(refusal["extensions"]["cost"], 12_000_000);
    assert_eq!(refusal["extensions"]["limit"], 10_000_000);
}

#[test]
fn fragments_that_spread_the_next_one_twice_are_counted_and_not_expanded() {
    let server = Server::start();
    let spread = chain(26, 2);
    too_complex(&server, &format!("{{ ...F0 }}{spread}"), 50);
    let below = format!(
        "{{ roots {{ ...G }} }} fragment G on OrgUnit {{ parents {{ ...H }} }} {}",
        chain(26, 2).replace("on Query", "on OrgUnit").replace("revision", "id").replace("F0 ", "H ")
    );
    server.refusal(&below, TOO_COMPLEX);
    // Also where it is not what is asked for.
    let aside =
        json!({"query": format!("query A {{ revision }} query B {{ ...F0 }}{spread}"), "operationName": "A"});
    let headers = [("content-type", "application/json"), ("accept", "application/graphql-response+json")];
    let answer = server.send("POST", "!/graphql", &headers, Some(aside.to_string().as_bytes()));
    assert_eq!(answer.status, 400);
    assert_eq!(answer.value()["errors"][0]["extensions"]["code"], TOO_COMPLEX);
    too_complex(&server, &format!("{{ revision }}{spread}"), 2_000);
}

#[test]
fn fragment_cycles_are_refused() {
    let server = Server::start();
    for circle in [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...A } fragment A on Query { roots { ...B } } fragment B on OrgUnit { parents { ...B } }",
        "{ revision } fragment A on Query { ...B } fragment B on Query { ...A }",
        "query A { revision } query B { ...C } fragment C on Query { ... { ...C } }",
    ] {
        let error = server.refusal(circle, "invalid-query");
        assert!(error["message"].as_str().unwrap().contains("spreads itself"), "{error}");
    }
}

#[test]
fn unknown_fields_count_too() {
    let server = Server::organisation();
    let many = |count: usize, field: &str| joined(count, |n| format!("a{n}: {field} "));
    too_complex(&server, &format!("{{ {} }}", many(51, "__typename")), 50);
    too_complex(&server, &format!("{{ roots {{ {} }} }}", many(501, "__typename")), 500);
    too_complex(&server, &format!("{{ roots {{ {} }} }}", "__typename ".repeat(2_000)), 2_000);
    too_complex(
        &server,
        &format!("{{ roots {{ id {} }} }}", "__typename @skip(if: false) ".repeat(101)),
        100,
    );
    too_complex(
        &server,
        &format!("{{ roots {{ id {} }} }}", "... @include(if: true) { id } ".repeat(101)),
        100,
    );
    let on_one = format!("{{ revision {} }}", "@include(if: true) ".repeat(101));
    too_complex(&server, &on_one, 100);
    too_complex(&server, &joined(51, |n| format!("query Q{n} {{ revision }} ")), 50);
    assert_eq!(server.data("{ a: __typename b: __typename @skip(if: true) }"), json!({"a": "Query"}));
}

#[test]
fn typename_is_validated_like_any_field() {
    let server = Server::start();
    for wrong in [
        "{ __typename @nothing }",
        "{ __typename @include }",
        "{ __typename @include(if: 5) }",
        "{ __typename @include(if: $unknown) }",
        "{ __typename @include(if: true) @include(if: true) }",
        "{ __typename(a: 1) }",
        "{ __typename { name } }",
        "{ ...F } fragment F on Query { roots { x: __typename(a: 1) } }",
    ] {
        server.refusal(wrong, "invalid-query");
    }
    let query = "query ($yes: Boolean!, $no: Boolean!) { a: __typename @include(if: $yes) b: __typename @include(if: $no) }";
    assert_eq!(server.data_with(query, &json!({"yes": true, "no": false})), json!({"a": "Query"}));
}

#[test]
fn many_errors_are_counted_and_not_listed() {
    let server = Server::start();
    let unknown = |count: usize| joined(count, |n| format!("x{n} "));
    too_complex(&server, &format!("{{ roots {{ {} }} }}", unknown(3_000)), 2_000);
    too_complex(&server, &format!("{{ revision }} fragment F on Query {{ {} }}", unknown(3_000)), 2_000);
    let answer = server.ask(&format!("{{ roots {{ {} }} }}", unknown(1_900)), &Value::Null);
    assert_eq!(answer.status, 400);
    let errors = answer.value()["errors"].as_array().unwrap().clone();
    assert_eq!(errors.len(), 21);
    assert!(errors[20]["message"].as_str().unwrap().ends_with("more errors"), "{}", errors[20]);
    assert!(errors.iter().all(|error| error["extensions"]["code"] == "invalid-query"));
}

#[test]
fn pages_have_a_limit_that_is_named() {
    let server = Server::organisation();
    for wrong in [
        "people(first: 1001) { totalCount }",
        "people(last: 1001) { totalCount }",
        "projects(first: -1) { totalCount }",
        "mappings(first: 1001) { totalCount }",
        "search(text: \"a\", first: 1001) { score }",
        "people(first: 2147483647) { nodes { id } }",
    ] {
        let error = server.error(&format!("{{ {wrong} }}"), "invalid");
        assert_eq!(error["extensions"]["limit"], 1_000, "{wrong}");
    }
    let error = server.error("{ people(first: 1, last: 1) { totalCount } }", "invalid");
    assert_eq!(error["extensions"]["field"], "last");
    server.error("{ roots { descendants(first: 1001) { totalCount } } }", "invalid");
    server.error("{ projects { facets(by: [TEAM], first: 1001) { by } } }", "invalid");
    let ids = vec!["x"; 1_001];
    server.error_with("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", &json!({ "ids": ids }), "invalid");
    server.data("{ people(first: 1000) { nodes { email units { name } } } }");
    server.data("{ people(first: 0) { totalCount nodes { id } } }");
}

#[test]
fn page_sizes_count_wherever_they_come_from() {
    let server = Server::organisation();
    let thousand = "people(first: 1000) { nodes { projects(first: 1000) { nodes { id } } } }";
    too_complex(&server, &format!("{{ {thousand} }}"), COST);
    let spread = "{ ...A } fragment A on Query { people(first: 1000) { ...B } } fragment B on PersonConnection { edges { node { ...C } } } fragment C on Person { projects(last: 1000) { nodes { id } } }";
    too_complex(&server, spread, COST);
    let query = "query ($n: Int) { people(first: $n) { nodes { projects(first: $n) { nodes { id } } } } }";
    let error = server.refusal_with(query, &json!({"n": 1000}), TOO_COMPLEX);
    assert_eq!(error["extensions"]["limit"], COST);
    server.data_with(query, &json!({"n": 100}));
    too_complex(&server, &query.replace("Int)", "Int = 1000)"), COST);
    // A page of none still counts what is asked beside it.
    let facets = |count: usize| {
        format!("{{ projects(first: 0) {{ facets(by: [{}]) {{ by }} }} }}", "MEMBER ".repeat(count))
    };
    too_complex(&server, &facets(251), COST);
    server.data(&facets(8));
    too_complex(
        &server,
        &format!("{{ {} }}", nested("roots: roots", 1, &nested("children", 10, "id"))),
        COST,
    );
    let apply = "mutation ($c: [ChangeInput!]!) { apply(changes: $c) { results { node { id ... on OrgUnit { name key type level externalId attributes totals { units people projects repositories services } } } } } }";
    let changes: Vec<_> = (0..10_000).map(|n| json!({"deletePerson": {"id": format!("{n}@b")}})).collect();
    let big = apply.replace("totals {", &format!("{} totals {{", joined(40, |n| format!("a{n}: name "))));
    server.refusal_with(&big, &json!({ "c": changes }), TOO_COMPLEX);
}

#[test]
fn documents_have_a_limit() {
    let server = Server::start();
    let document = format!("{{ revision }} # {}", "x".repeat(64 << 10));
    too_complex(&server, &document, 64 << 10);
    server.data(&format!("{{ revision }} # {}", "x".repeat(60 << 10)));
    let commas = format!("{{ revision {} }}", ",".repeat(60 << 10));
    server.data(&commas);
    let tokens = |count: usize| format!("{{ revision(a: [{}]) }}", "1 ".repeat(count));
    too_complex(&server, &tokens(20_000), 20_000);
    server.refusal(&tokens(19_000), "invalid-query");
}

#[test]
fn tools_may_ask_for_the_whole_schema() {
    let server = Server::start();
    let reference = nested("ofType", 9, "kind name");
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }} subscriptionType {{ name kind }}
            types {{ ...FullType }} directives {{ name description isRepeatable locations args(includeDeprecated: true) {{ ...InputValue }} }} }} }}
        fragment FullType on __Type {{ kind name description specifiedByURL isOneOf
            fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ ...InputValue }} type {{ ...TypeRef }} isDeprecated deprecationReason }}
            inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }}
            enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} possibleTypes {{ ...TypeRef }} }}
        fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated deprecationReason }}
        fragment TypeRef on __Type {{ kind name {reference} }}"
    );
    let schema = server.data(&query);
    assert_eq!(schema["__schema"]["queryType"]["name"], "Query");
}

#[test]
fn lists_without_a_page_size_are_counted_as_they_are_answered() {
    let server = Server::start();
    let unit = |n: usize| format!("{{\"kind\":\"orgUnit\",\"name\":\"u{n}\",\"parent\":\"top\"}}\n");
    server.bulk("", &format!("{{\"kind\":\"orgUnit\",\"name\":\"top\"}}\n{}", joined(400, unit))).ok();
    let all = server.data("{ roots { children { parents { key } } } }");
    assert_eq!(all["roots"][0]["children"].as_array().map(Vec::len), Some(400));
    // 400 times 400 children, where 5 times 5 were guessed.
    let around = "{ roots { children { parents { children { key } } } } }";
    let error = server.error(around, TOO_COMPLEX);
    assert_eq!(error["extensions"]["limit"], 100_000, "{error}");
    assert_eq!(server.data("{ revision }")["revision"], 2, "each request has its own count");
}

#[test]
fn the_text_of_one_response_has_a_limit() {
    let server = Server::start();
    let name = "🦀".repeat(500);
    let person = |at: usize| {
        let line = json!({"kind": "person", "email": format!("p{at}@x.example"), "displayName": name});
        format!("{line}\n")
    };
    server.bulk("", &joined(200, person)).ok();
    let named = |times| {
        let names = joined(times, |at| format!("a{at}: displayName "));
        format!("{{ people(first: 200) {{ nodes {{ {names} }} }} }}")
    };
    let limit = 32 << 20;
    assert!(200 * 80 * name.len() <= limit && 200 * 90 * name.len() > limit);
    let answered = server.data(&named(80));
    assert_eq!(answered["people"]["nodes"][199]["a79"], name);
    let error = server.refusal(&named(90), TOO_COMPLEX);
    assert_eq!(error["extensions"]["limit"], limit, "{error}");
}
