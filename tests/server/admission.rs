//! Admission control: limits per token, per address and in total of request rate, concurrency permits and memory for
//! responses.

use std::io::{Read, Write};
use std::net::TcpStream;

use clade::server::app::Exposure;
use clade::server::limits::{MEMORY_MAX_BYTES, REVISION_MIN_BYTES, STREAM_BYTES};
use serde_json::json;

use crate::support::{Folder, Server};
use crate::{exposed, unlimited};

#[test]
fn a_token_has_its_number_of_requests_a_second() {
    let server = exposed(Exposure { requests_per_second: 3, ..Exposure::default() });
    let first = server.get("/people");
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit-policy"), "\"token\";q=3;w=1");
    assert_eq!(first.header("ratelimit"), "\"token\";r=2;t=1");
    let refused = (0..1_000).map(|_| server.get("/people")).find(|answer| answer.status != 200).unwrap();
    let problem = refused.problem(429, "rate-limited");
    assert!(problem["detail"].as_str().unwrap().contains("1 s"), "{problem}");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit"), "\"token\";r=0;t=1");
    // Another token has its own rate limit, which covers GraphQL too; probes have none.
    let other = server.token_with(clade::model::token::Role::Read);
    assert_eq!(server.ask_as(&other, "{ revision }", &json!({})).status, 200);
    assert_eq!(server.send_as("GET", "!/healthz", &[], None).status, 200);
}

#[test]
fn guessing_tokens_is_rate_limited_by_address() {
    let server = exposed(Exposure { requests_per_second: 2, ..Exposure::default() });
    let attempt = || server.send_as("GET", "/people", &[("authorization", "Bearer clade_guess")], None);
    attempt().problem(401, "unauthorized");
    let refused = (0..1_000).map(|_| attempt()).find(|answer| answer.status != 401).unwrap();
    refused.problem(429, "rate-limited");
    assert_eq!(refused.header("ratelimit-policy"), "\"refused\";q=2;w=1");
    assert_eq!(server.get("/people").status, 200, "a good token from the same address");
}

#[test]
fn without_a_rate_limit_no_headers_mention_one_but_guessing_tokens_is_limited() {
    let server = exposed(unlimited());
    let attempt = || server.send_as("GET", "/people", &[("authorization", "Bearer clade_guess")], None);
    let refused = (0..10_000).map(|_| attempt()).find(|answer| answer.status != 401).unwrap();
    refused.problem(429, "rate-limited");
    let answer = server.get("/people");
    assert_eq!(
        (answer.header("ratelimit"), answer.header("ratelimit-policy")),
        (String::new(), String::new())
    );
}

/// A request that was admitted and whose body is not sent yet.
pub(crate) fn without_its_body(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /api/v2/data/people HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 23\r\nExpect: 100-continue\r\n\r\n",
        server.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server sends `100 Continue` once the request is admitted.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// A request whose body does not arrive occupies the only permit.
#[test]
fn requests_beyond_the_concurrency_limit_get_retry_after() {
    let server = exposed(Exposure { requests_at_once: 1, ..unlimited() });
    let mut slow = without_its_body(&server);
    let refused = server.get("/people");
    refused.problem(503, "busy");
    assert_eq!(refused.header("retry-after"), "1");
    for probe in ["!/healthz", "!/readyz"] {
        assert_eq!(server.send_as("GET", probe, &[], None).status, 200);
    }
    slow.write_all(b"{\"email\":\"ada@x.example\"").unwrap();
    slow.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = String::new();
    slow.read_to_string(&mut rest).unwrap();
    assert_eq!(server.get("/people").status, 200, "the place is free again");
}

/// A request whose body does not arrive occupies this token's half of the permits.
#[test]
fn one_token_takes_at_most_half_of_the_concurrency_limit() {
    let server = exposed(Exposure { requests_at_once: 2, ..unlimited() });
    let _slow = without_its_body(&server);
    let problem = server.get("/people").problem(503, "busy");
    assert!(problem["detail"].as_str().unwrap().contains("this token"), "{problem}");
    let other = server.token_with(clade::model::token::Role::Read);
    assert_eq!(server.send_as("GET", "/people", &[("authorization", &other)], None).status, 200);
    assert_eq!(server.send_as("GET", "!/", &[], None).status, 200);
    server.send_as("GET", "/people", &[], None).problem(401, "unauthorized");
}

#[test]
fn graphql_by_get_without_a_token_is_rate_limited() {
    let server = exposed(Exposure { requests_per_second: 2, ..Exposure::default() });
    let ask = || server.send_as("GET", "!/graphql?query=%7Brevision%7D", &[("accept", "text/html")], None);
    ask().problem(401, "unauthorized");
    let refused = (0..1_000).map(|_| ask()).find(|answer| answer.status != 401).unwrap();
    refused.problem(429, "rate-limited");
    assert_eq!(server.send_as("GET", "!/graphql", &[("accept", "text/html")], None).status, 200);
    assert_eq!(server.get("!/graphql?query=%7Brevision%7D").status, 200);
}

#[test]
fn the_rate_limit_is_a_setting() {
    let folder = Folder::new();
    folder.write("clade.toml", "rate_limit = 70\nrequests_at_once = 9\nconnections_per_peer = 9\n");
    let policy = |args: &[&str]| {
        let running = folder.serve(args);
        let url = format!("{}/api/v2/data/people", running.url());
        let answer = ureq::get(url).header("authorization", running.token().unwrap()).call().unwrap();
        answer.headers().get("ratelimit-policy").map(|policy| policy.to_str().unwrap().to_owned())
    };
    assert_eq!(policy(&["--demo"]).as_deref(), Some("\"token\";q=70;w=1"));
    assert_eq!(policy(&["--demo", "--rate-limit", "80"]).as_deref(), Some("\"token\";q=80;w=1"));
    assert_eq!(policy(&["--demo", "--rate-limit", "0"]), None);
}

/// Connections that request everything and read nothing.
fn readers_of_nothing(server: &Server, token: &str, count: usize) -> Vec<TcpStream> {
    let head = format!(
        "GET /api/v2/data/projects HTTP/1.1\r\nHost: {}\r\nAuthorization: {token}\r\n\r\n",
        server.address
    );
    let asking = |_| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut first = [0];
        // The response has begun.
        stream.peek(&mut first).unwrap();
        stream
    };
    (0..count).map(asking).collect()
}

#[test]
fn unread_responses_of_one_client_are_limited_to_its_memory_quota() {
    let server = exposed(unlimited());
    let filler = "x".repeat(20_000);
    let line = |at: usize| {
        let name =
            json!({"kind": "project", "projectId": format!("p{at}"), "projectName": "P", "filler": filler});
        format!("{name}\n")
    };
    server.bulk("", &(0..1_500).map(line).collect::<String>()).ok();
    let greedy = server.token_with(clade::model::token::Role::Read);
    let ask = |token: &str| server.send_as("GET", "/projects", &[("authorization", token)], None);
    let unread =
        readers_of_nothing(&server, &greedy, (MEMORY_MAX_BYTES / 2 - REVISION_MIN_BYTES) / STREAM_BYTES);
    let refused = ask(&greedy);
    let problem = refused.problem(503, "busy");
    assert!(problem["detail"].as_str().unwrap().contains("read the open ones"), "{problem}");
    let few = server.send_as("GET", "/projects?limit=1", &[("authorization", &greedy)], None);
    assert_eq!(few.status, 200, "small answers take no room");
    assert_eq!(ask(&server.token).ok()["count"], 1_500, "nobody else is kept from theirs");
    drop(unread);
    let mut again = ask(&greedy);
    for _ in 0..10_000 {
        if again.status == 200 {
            break;
        }
        again = ask(&greedy);
    }
    assert_eq!(again.status, 200, "once nobody waits for them, their room is free");
}

#[test]
fn an_address_is_that_of_the_client_behind_a_trusted_proxy_only() {
    let exposure = |trusted: &[&str]| Exposure {
        requests_per_second: 2,
        trusted_proxies: trusted.iter().map(|network| network.parse().unwrap()).collect(),
        ..Exposure::default()
    };
    let guess = |server: &Server, client: &str| {
        server.send_as("GET", "/people", &[("x-forwarded-for", client)], None).status
    };
    for (trusted, others_are_refused) in [(&["127.0.0.0/8"][..], false), (&["10.0.0.0/8"], true), (&[], true)]
    {
        let server = exposed(exposure(trusted));
        // Whenever one address has used up its rate, another one asks for the first time.
        let is_refused = |other: u8| {
            let used_up = (0..1_000).any(|_| guess(&server, "192.0.2.1") == 429);
            assert!(used_up);
            guess(&server, &format!("198.51.100.{other}")) == 429
        };
        assert_eq!((0..100).any(is_refused), others_are_refused, "{trusted:?}");
    }
}

#[test]
fn invalid_networks_of_proxies_are_refused() {
    let folder = Folder::new();
    let refusal =
        folder.clade(&["serve", "--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "proxy"]).refusal(2);
    assert!(refusal.contains("\"proxy\" is not a network") && refusal.contains("10.0.0.0/8"), "{refusal}");
}
