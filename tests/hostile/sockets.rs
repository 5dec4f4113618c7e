//! Hostile WebSocket frames and messages: each gets an error, or the socket is closed with the right close code.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::Server;
use crate::support::socket::Client;

const MIB: usize = 1 << 20;
/// More operations than one socket may have open.
const SUBSCRIPTIONS: usize = 5_000;

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// The close code of a new socket after these messages; `None` if it is not closed with a code.
fn closed_for(server: &Server, messages: impl IntoIterator<Item = Message>) -> Option<u16> {
    let mut client = Client::let_in(server.address, &server.token);
    client.0.get_mut().set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    for message in messages {
        // The server may already have closed the socket.
        if client.0.send(message).is_err() {
            break;
        }
    }
    loop {
        match client.0.read() {
            Ok(Message::Close(Some(frame))) => return Some(frame.code.into()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

/// The text of a subscribe message with this id.
fn subscription(id: usize) -> Message {
    let payload = json!({"query": "subscription { revision }"});
    Message::text(json!({"id": id.to_string(), "type": "subscribe", "payload": payload}).to_string())
}

/// Messages, each with the expected close code.
fn hostile() -> Vec<(&'static str, Vec<Message>)> {
    let with = |id: &str, payload: &str| {
        Message::text(format!("{{\"type\":\"subscribe\",\"id\":{id},\"payload\":{payload}}}"))
    };
    let query = |rest: &str| format!("{{\"query\":\"{{revision}}\"{rest}}}");
    vec![
        ("1 MB of text", vec![Message::text("x".repeat(MIB))]),
        ("1 MB of spaces", vec![Message::text(" ".repeat(MIB))]),
        (
            "16 MB in a ping",
            vec![Message::text(json!({"type": "ping", "payload": "x".repeat(16 * MIB)}).to_string())],
        ),
        ("bytes", vec![Message::binary(vec![0; 1_000])]),
        ("1 MB of bytes", vec![Message::binary(vec![0; MIB])]),
        ("nested JSON", vec![Message::text(nested(100_000))]),
        ("nested JSON that never closes", vec![Message::text("[".repeat(200_000))]),
        (
            "nested variables",
            vec![with("\"1\"", &query(&format!(",\"variables\":{{\"a\":{}}}", nested(50_000))))],
        ),
        (
            "nested JSON in a ping",
            vec![Message::text(format!("{{\"type\":\"ping\",\"payload\":{}}}", nested(50_000)))],
        ),
        ("duplicate keys", vec![Message::text(r#"{"type":"ping","type":"subscribe"}"#)]),
        ("a lone surrogate", vec![Message::text(r#"{"type":"ping","payload":"\ud800"}"#)]),
        ("a number for an id", vec![with("1", &query(""))]),
        ("an object for an id", vec![with("{}", &query(""))]),
        ("a list for a payload", vec![with("\"1\"", "[]")]),
        ("a number for a query", vec![with("\"1\"", "{\"query\":1}")]),
        ("a text for variables", vec![with("\"1\"", &query(",\"variables\":\"x\""))]),
        ("a number for a name", vec![with("\"1\"", &query(",\"operationName\":1"))]),
        ("thousands of subscriptions", (0..SUBSCRIPTIONS).map(subscription).collect()),
    ]
}

#[test]
fn a_hostile_socket_is_closed_and_the_next_one_served() {
    let server = Server::start();
    let faults: Vec<_> = hostile()
        .into_iter()
        .filter_map(|(name, messages)| {
            let code = closed_for(&server, messages);
            (code != Some(4400)).then(|| format!("{name}: {code:?}"))
        })
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    let mut client = Client::let_in(server.address, &server.token);
    client.subscribe("1", "{ revision }");
    assert_eq!(client.hear()["payload"]["data"]["revision"], server.data("{ revision }")["revision"]);
}

/// A refused operation leaves the socket open for the next one.
#[test]
fn a_hostile_document_over_a_socket_is_refused_and_the_next_one_answered() {
    let server = Server::start();
    let mut client = Client::let_in(server.address, &server.token);
    let aliases = (0..10_000).map(|at| format!("a{at}:revision")).collect::<Vec<_>>().join(" ");
    for (query, code) in [
        (format!("{{{aliases}}}"), "too-complex"),
        ("{".repeat(10_000), "too-complex"),
        (format!("{{{}}}", "revision ".repeat(20_000)), "too-complex"),
        ("{...a} fragment a on Query{...b} fragment b on Query{...a}".to_owned(), "invalid-query"),
    ] {
        client.subscribe("1", &query);
        let refused: Value = client.hear();
        assert_eq!(refused["type"], "error", "{refused}");
        assert_eq!(refused["payload"][0]["extensions"]["code"], code, "{refused}");
    }
    client.subscribe("1", "{ revision }");
    assert_eq!(client.hear()["type"], "next");
}
