//! Admission of WebSocket operations: they share the rate limits, concurrency permits and token guessing limits of
//! HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;

use clade::model::token::Role;
use clade::server::app::Exposure;
use serde_json::json;

use crate::support::Server;
use crate::support::socket::{Client, PROTOCOL};

fn exposed(exposure: Exposure) -> Server {
    Server::start_exposed(exposure, |state| state)
}

#[test]
fn sockets_and_http_share_one_rate_limit() {
    let server = exposed(Exposure { requests_per_second: 3, ..Exposure::default() });
    let token = server.token_with(Role::Read);
    let mut client = Client::let_in(server.address, &token);
    let refused = (0..1_000).find_map(|n| {
        let id = n.to_string();
        // Subscriptions count too.
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
    let server = exposed(Exposure { requests_at_once: 1, requests_per_second: 0, ..Exposure::default() });
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
    let server = exposed(Exposure { requests_per_second: 2, ..Exposure::default() });
    // Each with its own token, so that only the address can be limited.
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
    let server = exposed(Exposure { requests_per_second: 2, ..Exposure::default() });
    let open = |authorization| {
        let headers = [("sec-websocket-protocol", Some(PROTOCOL)), ("authorization", authorization)];
        Client::try_connect(server.address, &headers).map(|_| ())
    };
    assert_eq!(open(None), Ok(()));
    assert_eq!((0..1_000).find_map(|_| open(None).err()), Some(429));
    assert_eq!(open(Some(&server.token)), Ok(()), "a good token from the same address");
}
