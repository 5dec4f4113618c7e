//! GraphQL limits and isolation: introspection settings, batches, work and time budgets, concurrency permits, rate
//! limits of HTTP and WebSocket requests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::socket::{Client, PROTOCOL};
use crate::support::{Answer, Server};
use clade::model::token::Role;
use clade::server::app::{Exposure, GraphqlSettings as Settings};
use serde_json::{Value, json};

fn with(settings: Settings) -> Server {
    Server::start_with(|state| state.with_graphql(settings))
}

fn batch(server: &Server, token: &str, requests: &Value) -> Answer {
    let headers = [
        ("authorization", token),
        ("content-type", "application/json"),
        ("accept", "application/graphql-response+json"),
    ];
    server.send_as("POST", "!/graphql", &headers, Some(requests.to_string().as_bytes()))
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

/// Creates projects with the same name.
fn projects(server: &Server, count: usize) {
    let line =
        |at: usize| format!("{{\"kind\": \"project\", \"projectId\": \"p{at}\", \"projectName\": \"P\"}}\n");
    server.bulk("", &(0..count).map(line).collect::<String>()).ok();
}

/// Repeats a text.
fn many(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().concat()
}

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
    assert!(!answer.contains("PersonFilter") && answer.contains("invalid-query"), "{answer}");
    // What the client itself gave wrong in a value is told.
    let error = server.error("{ person(email: \"nobody\") { id } }", "invalid");
    assert!(error["message"].as_str().unwrap().contains("nobody"), "{error}");
}

#[test]
fn suggestions_are_made_only_if_enabled() {
    let wrong = "{ peopl { totalCount } }";
    let told =
        |server: &Server| server.refusal(wrong, "invalid-query")["message"].as_str().unwrap().to_owned();
    let quiet = told(&Server::start());
    assert!(quiet.contains("peopl\"") && !quiet.contains("people"), "{quiet}");
    let server = with(Settings { suggestions: true, ..Settings::default() });
    assert!(told(&server).contains("Did you mean \"people\""));
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
    // Texts to look at are counted together as well.
    let any: Vec<_> = (0..1_000).map(|_| json!({ "projectName": { "contains": "p" } })).collect();
    let slow = json!({ "query": "query ($f: ProjectFilter) { projects(filter: $f) { totalCount } }", "variables": { "f": { "or": any } } });
    let all = batch(&server, &server.token, &json!(vec![slow; 3])).ok();
    let codes: Vec<_> = all.as_array().unwrap().iter().map(code).collect();
    assert_eq!(codes, ["none", "none", "too-costly"]);
}

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
fn a_request_times_out() {
    let server = with(Settings { answer_within: Duration::ZERO, ..Settings::default() });
    let error = server.error("{ people { totalCount } }", "timeout");
    assert_eq!(error["extensions"]["limitMs"], 0);
    for query in [
        "{ projects { facets(by: [TEAM]) { by } } }",
        "{ search(text: \"x\") { score } }",
        "{ mappings { totalCount } }",
        "{ roots { name } }",
        "{ nodes(ids: [\"x\"]) { id } }",
    ] {
        server.error(query, "timeout");
    }
    // What takes a place among those that take long is refused before it begins.
    let large = "{ people(first: 1000) { nodes { a: email b: email c: email d: email e: email f: email g: email h: email i: email j: email k: email l: email m: email n: email o: email p: email q: email r: email s: email t: email } } }";
    server.error(large, "timeout");
    assert_eq!(server.data("{ revision }")["revision"], 1);
    // A change is not refused after it was made.
    let made = server
        .ask("mutation { createOrgUnit(input: {key: \"a\"}) { revision orgUnit { key } } }", &Value::Null);
    assert_eq!(code(&made.value()), "none", "{}", made.text());
}

#[test]
fn a_slow_request_does_not_delay_others() {
    let server = Server::start();
    let line = |at: usize| {
        format!(
            "{{\"kind\": \"project\", \"projectId\": \"p{at}\", \"projectName\": \"checkout {at}\"}}
"
        )
    };
    server.bulk("", &many(10_000, line)).ok();
    // Words that are spelled wrong are looked for longest.
    let searches = many(48, |at| format!("a{at}: search(text: \"chekcuot {at}\") {{ score }} "));
    let body = json!({ "query": format!("{{ {searches} }}") }).to_string();
    // The server has one thread for all connections.
    let mut slow = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1
Host: x
Authorization: {}
Content-Type: application/json
\
         Content-Length: {}

",
        server.token,
        body.len()
    );
    slow.write_all((head + &body).as_bytes()).unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let (mut asked, mut first) = (0, [0; 1]);
    while slow.read(&mut first).is_err() {
        assert_eq!(server.data("{ revision }")["revision"], 2);
        asked += 1;
    }
    assert!(asked > 1, "others were answered meanwhile: {asked}");
}

#[test]
fn fields_come_in_the_order_in_which_they_are_asked_for_however_long_they_take() {
    let server = Server::start();
    let lines: Vec<_> = (0..1_000).map(|at| format!("{{\"kind\":\"orgUnit\",\"name\":\"U{at}\"}}")).collect();
    server.bulk("", &lines.join("\n")).ok();
    let fields = ["people", "name", "projects", "key", "totals", "repositories"];
    let query = "{ orgUnits(first: 1000) { nodes { people { totalCount } name projects { totalCount } key
        totals { people } repositories { totalCount } } } }";
    let data = server.data(query);
    for unit in data["orgUnits"]["nodes"].as_array().unwrap() {
        let names: Vec<_> = unit.as_object().unwrap().keys().collect();
        assert_eq!(names, fields);
    }
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

/// Enough requests to block every thread of the runtime, if each occupied one.
#[test]
fn a_crowd_that_waits_for_heavy_work_blocks_nobody() {
    let server = Server::start();
    projects(&server, 2_000);
    let query = many(40, |at| format!("a{at}: search(text: \"Shop{at}\") {{ score }} "));
    std::thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                let answer = server.ask(&format!("{{ {query} }}"), &Value::Null);
                assert!([200, 503].contains(&answer.status), "{}", answer.text());
            });
        }
        for _ in 0..20 {
            server.send_as("GET", "!/healthz", &[], None).ok();
        }
    });
    server.data("{ search(text: \"Shop\") { score } }");
}

#[test]
fn a_name_given_twice_is_refused_in_a_url_too() {
    let server = Server::start();
    let twice = "!/graphql?query=%7Brevision%7D&variables=%7B%22a%22%3A1%2C%22a%22%3A2%7D";
    let answer = server.get(twice);
    assert_eq!((answer.status, code(&answer.value())), (400, "malformed"), "{}", answer.text());
}

fn exposed(exposure: Exposure) -> Server {
    Server::start_exposed(exposure, |state| state)
}

#[test]
fn sockets_and_http_share_one_rate_limit() {
    let server = exposed(Exposure { requests_a_second: 3, ..Exposure::default() });
    let token = server.token_with(Role::Read);
    let mut client = Client::let_in(server.address, &token);
    let refused = (0..1_000).find_map(|n| {
        let id = n.to_string();
        // What stays open is counted too.
        client.subscribe(&id, if n % 2 == 0 { "{ __typename }" } else { "subscription { revision }" });
        let first = client.hear();
        match first["type"].as_str().unwrap() {
            "next" if n % 2 == 0 => assert_eq!(client.hear(), json!({"id": id, "type": "complete"})),
            "next" => client.say(&json!({"id": id, "type": "complete"})),
            _ => return Some(first),
        }
        None
    });
    let refused = refused.unwrap();
    assert_eq!(refused["type"], "error", "{refused}");
    let extensions = &refused["payload"][0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["retryAfter"]), (&json!("rate-limited"), &json!(1)));
    client.say(&json!({"type": "ping"}));
    assert_eq!(client.hear(), json!({"type": "pong"}), "the socket stays open");
    let over_http = (0..1_000).map(|_| server.ask_as(&token, "{ __typename }", &json!({})));
    let refused = over_http.into_iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(refused.problem(429, "rate-limited")["retryAfter"], 1);
    server.data("{ revision }");
}

/// A request whose body does not arrive occupies the only permit.
#[test]
fn an_operation_over_a_socket_takes_a_permit_and_an_idle_subscription_none() {
    let server = exposed(Exposure { requests_at_once: 1, requests_a_second: 0, ..Exposure::default() });
    let mut client = Client::let_in(server.address, &server.token);
    let mut slow = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 9\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        server.token
    );
    slow.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    slow.read_exact(&mut go_on).unwrap();
    client.subscribe("r", "subscription { revision }");
    assert_eq!(client.hear()["type"], "next");
    for query in ["{ __typename }", "mutation { createOrgUnit(input: {key: \"a\"}) { revision } }"] {
        client.subscribe("q", query);
        let refused = client.hear();
        assert_eq!((&refused["id"], &refused["type"]), (&json!("q"), &json!("error")), "{refused}");
        assert_eq!(refused["payload"][0]["extensions"]["code"], "busy", "{refused}");
    }
    slow.write_all(b"{\"a\": 1 }").unwrap();
    slow.read_to_end(&mut Vec::new()).unwrap();
    client.subscribe("q", "{ __typename }");
    assert_eq!(client.hear()["type"], "next");
}

#[test]
fn guessing_tokens_over_sockets_is_rate_limited_by_address() {
    let server = exposed(Exposure { requests_a_second: 2, ..Exposure::default() });
    // Opened with a token of its own each, so that it is the attempts that count.
    let attempt = || {
        let mut client = Client::connect(server.address, PROTOCOL, Some(&server.token_with(Role::Read)));
        client.say(&json!({"type": "connection_init", "payload": {"Authorization": "clade_guess"}}));
        client.closed()
    };
    assert_eq!(attempt(), (4403, "Forbidden".to_owned()));
    let (code, reason) = (0..1_000).map(|_| attempt()).find(|(code, _)| *code != 4403).unwrap();
    assert!(code == 4429 && reason.contains("too many requests"), "{code} {reason}");
    let mut good = Client::connect(server.address, PROTOCOL, Some(&server.token));
    good.say(&json!({"type": "connection_init"}));
    assert_eq!(good.hear(), json!({"type": "connection_ack"}));
}

#[test]
fn sockets_without_a_token_are_rate_limited() {
    let server = exposed(Exposure { requests_a_second: 2, ..Exposure::default() });
    let open = |authorization| {
        let headers = [("sec-websocket-protocol", Some(PROTOCOL)), ("authorization", authorization)];
        Client::try_connect(server.address, &headers).map(|_| ())
    };
    assert_eq!(open(None), Ok(()));
    assert_eq!((0..1_000).find_map(|_| open(None).err()), Some(429));
    assert_eq!(open(Some(&server.token)), Ok(()), "a good token from the same address");
}
