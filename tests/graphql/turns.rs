//! Long-running GraphQL requests: they time out, and do not delay other requests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use clade::server::app::GraphqlSettings as Settings;
use serde_json::{Value, json};

use crate::support::Server;
use crate::{code, many, projects, with};

#[test]
fn a_request_times_out() {
    let server = with(Settings { timeout: Duration::ZERO, ..Settings::default() });
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
    // Heavy work is refused before it starts.
    let large = "{ people(first: 1000) { nodes { a: email b: email c: email d: email e: email f: email g: email h: email i: email j: email k: email l: email m: email n: email o: email p: email q: email r: email s: email t: email } } }";
    server.error(large, "timeout");
    assert_eq!(server.data("{ revision }")["revision"], 1);
    // A change is not refused after it was applied.
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
    // Misspelled words are the most expensive searches.
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
