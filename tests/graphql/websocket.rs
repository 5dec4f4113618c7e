//! GraphQL over WebSocket: the protocol graphql-transport-ws with its messages, close codes, limits and subscriptions.

use std::net::TcpStream;

use clade::access::Secret;
use clade::model::command::{Command, NewToken};
use clade::model::time::Timestamp;
use clade::model::token::Role;
use clade::server::app::GraphqlSettings as Settings;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message, client};

use crate::support::Server;
use crate::support::socket::{Client, PROTOCOL};

#[test]
fn a_token_authenticates_by_payload_or_header() {
    let server = Server::start();
    let bearer = format!("bearer {}", server.token);
    for payload in [
        json!({"Authorization": server.token}),
        json!({"authorization": server.token}),
        json!({"Authorization": bearer, "more": 1}),
    ] {
        let mut client = Client::connect(server.address, PROTOCOL, None);
        client.say(&json!({"type": "connection_init", "payload": payload}));
        assert_eq!(client.hear(), json!({"type": "connection_ack"}));
    }
    for init in [json!({"type": "connection_init"}), json!({"type": "connection_init", "payload": {}})] {
        let mut client = Client::connect(server.address, PROTOCOL, Some(&bearer));
        client.say(&init);
        assert_eq!(client.hear(), json!({"type": "connection_ack"}));
    }
}

#[test]
fn a_socket_without_a_token_is_closed() {
    let server = Server::start();
    for payload in [json!(null), json!({}), json!({"Authorization": "nonsense"}), json!({"Authorization": 5})]
    {
        let mut client = Client::connect(server.address, PROTOCOL, None);
        client.say(&json!({"type": "connection_init", "payload": payload}));
        assert_eq!(client.closed(), (4403, "Forbidden".to_owned()), "{payload}");
    }
    let mut early = Client::connect(server.address, PROTOCOL, Some(&server.token));
    early.subscribe("1", "{ revision }");
    assert_eq!(early.closed(), (4401, "Unauthorized".to_owned()));
}

#[test]
fn a_silent_socket_is_closed() {
    let server = Server::start();
    let silent = Client::connect(server.address, PROTOCOL, Some(&server.token));
    assert_eq!(silent.closed(), (4408, "Connection initialisation timeout".to_owned()));
}

#[test]
fn other_protocols_are_not_spoken() {
    let server = Server::start();
    let mut request = format!("ws://{}/graphql/ws", server.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-ws".parse().unwrap());
    // This client ends a handshake in which the server chooses none of its protocols.
    let stream = TcpStream::connect(server.address).unwrap();
    assert!(client(request, stream).is_err());
    let request = format!("ws://{}/graphql/ws", server.address).into_client_request().unwrap();
    let stream = TcpStream::connect(server.address).unwrap();
    let none = Client(client(request, stream).unwrap().0);
    assert_eq!(none.closed(), (4406, "Subprotocol not acceptable".to_owned()));
    server.send("GET", "!/graphql/ws", &[], None).problem(426, "upgrade-required");
}

#[test]
fn an_invalid_message_closes_the_socket() {
    let server = Server::start();
    for text in [
        "",
        "{",
        "5",
        "[]",
        "null",
        "{}",
        r#"{"type":"nothing"}"#,
        r#"{"type":5}"#,
        r#"{"type":"next"}"#,
        r#"{"type":"subscribe"}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":"1","payload":"x"}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":5}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
        r#"{"type":"complete"}"#,
    ] {
        let mut client = Client::let_in(server.address, &server.token);
        client.say_text(text);
        assert_eq!(client.closed().0, 4400, "{text}");
    }
    let mut binary = Client::let_in(server.address, &server.token);
    binary.0.send(Message::binary(b"{\"type\":\"ping\"}".to_vec())).unwrap();
    assert_eq!(binary.closed().0, 4400);
    let mut payload = Client::connect(server.address, PROTOCOL, None);
    payload.say(&json!({"type": "connection_init", "payload": "x"}));
    assert_eq!(payload.closed().0, 4400);
}

#[test]
fn a_second_init_closes_the_socket() {
    let server = Server::start();
    let mut client = Client::let_in(server.address, &server.token);
    client.say(&json!({"type": "connection_init", "payload": {"Authorization": server.token}}));
    assert_eq!(client.closed(), (4429, "Too many initialisation requests".to_owned()));
}

#[test]
fn an_id_is_used_once_at_a_time() {
    let server = Server::start();
    let mut client = Client::let_in(server.address, &server.token);
    client.subscribe("a", "{ revision }");
    assert_eq!(client.hear()["type"], "next");
    assert_eq!(client.hear(), json!({"id": "a", "type": "complete"}));
    client.subscribe("a", "subscription { revision }");
    assert_eq!(client.hear()["type"], "next");
    client.subscribe("a", "{ revision }");
    assert_eq!(client.closed(), (4409, "Subscriber for a already exists".to_owned()));
    // A reason has no room for a long id.
    let mut client = Client::let_in(server.address, &server.token);
    let long = "é".repeat(64);
    for _ in 0..2 {
        client.subscribe(&long, "subscription { revision }");
    }
    let (code, reason) = client.closed();
    assert!(code == 4409 && reason.starts_with("Subscriber for éé"), "{code} {reason}");
    // What is held for as long as an operation is open is bounded.
    let mut client = Client::let_in(server.address, &server.token);
    client.subscribe(&"x".repeat(129), "{ revision }");
    assert_eq!(client.closed(), (4400, "an id must have at most 128 bytes".to_owned()));
    let mut client = Client::let_in(server.address, &server.token);
    let (query, unused) = ("subscription { revision }", "x".repeat(100_000));
    for id in 0..3 {
        let payload = json!({"query": query, "variables": {"unused": unused}});
        client.say(&json!({"id": id.to_string(), "type": "subscribe", "payload": payload}));
    }
    let (code, reason) = client.closed();
    assert!(code == 4400 && reason.contains("together"), "{code} {reason}");
}

#[test]
fn unread_responses_wait_for_each_other_or_are_refused() {
    let server = Server::start();
    let note = "x".repeat(30_000);
    let line = |at: usize| {
        let project =
            json!({"kind": "project", "projectId": format!("p{at}"), "projectName": "P", "note": note});
        format!("{project}\n")
    };
    server.bulk("", &(0..1_000).map(line).collect::<String>()).ok();
    let mut client = Client::let_in(server.address, &server.token);
    // Each answer has 15 MB, and none is heard until all were asked for.
    for id in 0..30 {
        client.subscribe(&id.to_string(), "{ projects(first: 500) { nodes { attributes } } }");
    }
    let mut told = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..30 {
        let mut message = client.hear();
        while message["type"] == "complete" {
            message = client.hear();
        }
        let errors =
            message["payload"].get("errors").or(message["payload"].as_array().map(|_| &message["payload"]));
        let code = errors.map_or("whole", |errors| errors[0]["extensions"]["code"].as_str().unwrap());
        *told.entry(code.to_owned()).or_default() += 1;
    }
    assert!(told["whole"] > 0 && told.keys().all(|code| ["whole", "busy"].contains(&&**code)), "{told:?}");
}

#[test]
fn every_commit_ticks_for_every_subscriber() {
    let server = Server::start();
    let revision = |message: &Value| message["payload"]["data"]["revision"].as_u64().unwrap();
    let mut clients =
        [Client::let_in(server.address, &server.token), Client::let_in(server.address, &server.token)];
    let mut first = Vec::new();
    for client in &mut clients {
        client.subscribe("r", "subscription { revision }");
        let message = client.hear();
        assert_eq!((&message["id"], &message["type"]), (&json!("r"), &json!("next")));
        first.push(revision(&message));
    }
    assert_eq!(first[0], first[1]);
    for n in 1..=3 {
        server.data(&format!("mutation {{ createOrgUnit(input: {{key: \"u{n}\"}}) {{ revision }} }}"));
        for client in &mut clients {
            assert_eq!(revision(&client.hear()), first[0] + n);
        }
    }
    assert_eq!(
        server.directory.statistics().revisions_retained,
        0,
        "a subscription that waits keeps no graph"
    );
    let [mut one, _] = clients;
    one.say(&json!({"id": "r", "type": "complete"}));
    one.say(&json!({"type": "ping"}));
    assert_eq!(one.hear(), json!({"type": "pong"}), "the server has heard that");
    server.data("mutation { createOrgUnit(input: {key: \"last\"}) { revision } }");
    one.subscribe("q", "{ revision }");
    let answer = one.hear();
    assert_eq!((&answer["id"], revision(&answer)), (&json!("q"), first[0] + 4), "no tick after complete");
}

#[test]
fn queries_and_mutations_are_executed_too() {
    let server = Server::organisation();
    let mut client = Client::let_in(server.address, &server.token);
    client.subscribe("1", "mutation { createOrgUnit(input: {key: \"new\"}) { orgUnit { key } } }");
    assert_eq!(
        client.hear(),
        json!({"id": "1", "type": "next", "payload": {"data": {"createOrgUnit": {"orgUnit": {"key": "new"}}}}})
    );
    assert_eq!(client.hear(), json!({"id": "1", "type": "complete"}));
    client.say(&json!({"id": "2", "type": "subscribe", "payload": {
        "query": "query Q($k: String!) { orgUnit(by: {key: $k}) { key } }", "operationName": "Q", "variables": {"k": "new"}}}));
    assert_eq!(
        client.hear()["payload"]["data"]["orgUnit"]["key"],
        "new",
        "each operation reads the latest revision"
    );
    assert_eq!(client.hear()["type"], "complete");
    // An error of a field comes with the answer.
    client.subscribe("3", "{ revision person(email: \"nobody\") { id } }");
    let message = client.hear();
    assert_eq!(
        (&message["type"], &message["payload"]["errors"][0]["extensions"]["code"]),
        (&json!("next"), &json!("invalid"))
    );
    assert_eq!(client.hear()["type"], "complete");
}

#[test]
fn a_document_that_is_refused_is_an_error_and_not_an_answer() {
    let server = Server::start();
    let mut client = Client::let_in(server.address, &server.token);
    for (n, (query, code)) in [
        ("{", "syntax-error"),
        ("{ nothing }", "invalid-query"),
        ("subscription { nothing }", "invalid-query"),
        ("query ($a: Int!) { people(first: $a) { totalCount } }", "invalid-variables"),
        ("{ people(first: 1000) { nodes { projects(first: 1000) { nodes { id } } } } }", "too-complex"),
        ("{ ...A } fragment A on Query { ...A }", "invalid-query"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = n.to_string();
        client.subscribe(&id, query);
        let message = client.hear();
        assert_eq!((&message["id"], &message["type"]), (&json!(id), &json!("error")), "{query}: {message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{message}");
    }
    // Nothing more came of them, and their ids are free again.
    client.subscribe("0", "{ __typename }");
    assert_eq!(
        client.hear(),
        json!({"id": "0", "type": "next", "payload": {"data": {"__typename": "Query"}}})
    );
}

#[test]
fn a_ping_gets_a_pong() {
    let server = Server::start();
    let mut client = Client::connect(server.address, PROTOCOL, None);
    client.say(&json!({"type": "ping"}));
    assert_eq!(client.hear(), json!({"type": "pong"}));
    client.say(&json!({"type": "pong", "payload": {"unasked": true}}));
    client.say(&json!({"type": "ping", "payload": {"n": 1}}));
    assert_eq!(client.hear(), json!({"type": "pong", "payload": {"n": 1}}));
    client.0.send(Message::Ping(b"frame".to_vec().into())).unwrap();
    assert!(matches!(client.0.read().unwrap(), Message::Pong(bytes) if &bytes[..] == b"frame"));
}

#[test]
fn a_message_that_is_too_large_is_refused() {
    let server = Server::start();
    let mut client = Client::let_in(server.address, &server.token);
    client.subscribe("fits", &format!("{{ __typename }} # {}", "x".repeat(60 << 10)));
    assert_eq!(client.hear()["type"], "next");
    assert_eq!(client.hear()["type"], "complete");
    client.subscribe("long", &format!("{{ __typename }} # {}", "x".repeat(70 << 10)));
    assert_eq!(client.hear()["payload"][0]["extensions"]["code"], "too-complex");
    client.subscribe("large", &format!("{{ __typename }} # {}", "x".repeat(260 << 10)));
    let (code, reason) = client.closed();
    assert!(code == 4400 && reason.contains("262144 bytes"), "{code} {reason}");
    // Who sends much more may be cut off while sending; the server goes on.
    let mut client = Client::let_in(server.address, &server.token);
    let sent = client.0.send(Message::text("x".repeat(5 << 20)));
    assert!(
        sent.is_err()
            || matches!(client.0.read(), Ok(Message::Close(_)) | Err(Error::Io(_) | Error::Protocol(_)))
    );
    server.data("{ revision }");
}

#[test]
fn too_many_operations_close_the_socket() {
    let server = Server::start();
    let mut client = Client::let_in(server.address, &server.token);
    for n in 0..101 {
        client.subscribe(&n.to_string(), "subscription { revision }");
    }
    let (code, reason) = client.closed();
    assert!(code == 4400 && reason.contains("100 open operations"), "{code} {reason}");
}

#[test]
fn a_revoked_token_receives_no_more_events() {
    let server = Server::start();
    let token = server.token_with(Role::Read);
    let id = token.split('_').nth(1).unwrap().to_owned();
    let revoke = |id: &str| {
        server.data_with(
            "mutation ($id: String!) { deleteToken(tokenId: $id) { revision } }",
            &json!({"id": id}),
        )
    };
    let mut client = Client::connect(server.address, PROTOCOL, Some(&token));
    client.say(&json!({"type": "connection_init"}));
    assert_eq!(client.hear()["type"], "connection_ack");
    client.subscribe("r", "subscription { revision }");
    assert_eq!(client.hear()["type"], "next");
    client.subscribe("m", "mutation { createOrgUnit(input: {key: \"a\"}) { revision } }");
    assert_eq!(client.hear()["payload"]["errors"][0]["extensions"]["code"], "forbidden");
    assert_eq!(client.hear(), json!({"id": "m", "type": "complete"}));
    revoke(&id);
    assert_eq!(client.closed(), (4403, "Forbidden".to_owned()));
}

#[test]
fn an_expired_token_receives_no_more_events() {
    let server = Server::start();
    let secret = Secret::generate();
    let soon = Timestamp::from_millis(Timestamp::now().as_millis() + 4_000);
    let token = NewToken {
        id: secret.id().clone(),
        hash: secret.hash(),
        role: Role::Read,
        description: None,
        units: None,
        expires_at: Some(soon),
    };
    server.directory.apply(Command::CreateToken(token)).unwrap();
    let mut client = Client::connect(server.address, PROTOCOL, Some(secret.reveal()));
    client.say(&json!({"type": "connection_init"}));
    assert_eq!(client.hear()["type"], "connection_ack");
    for id in ["a", "b"] {
        client.subscribe(id, "subscription { revision }");
        assert_eq!(client.hear()["type"], "next");
    }
    // Nothing is committed from here on.
    assert_eq!(client.closed(), (4403, "Forbidden".to_owned()));
}

#[test]
fn sockets_from_other_origins_are_refused() {
    let origins = vec!["https://dash.example".parse().unwrap()];
    let server = Server::start_with(|state| state.with_graphql(Settings { origins, ..Settings::default() }));
    let own = format!("http://{}", server.address);
    let connect = |origin: &str| {
        let headers = [("origin", Some(origin)), ("sec-websocket-protocol", Some(PROTOCOL))];
        Client::try_connect(server.address, &headers).map(|_| ())
    };
    assert_eq!(connect(&own), Ok(()));
    assert_eq!(connect("https://dash.example"), Ok(()));
    for other in ["https://evil.example", "http://127.0.0.1", "null", "https://dash.example.evil.example"] {
        assert_eq!(connect(other), Err(403), "{other}");
    }
}

#[test]
fn sockets_have_a_limit() {
    let server =
        Server::start_with(|state| state.with_graphql(Settings { sockets_max: 2, ..Settings::default() }));
    let one = Client::let_in(server.address, &server.token);
    let sent_away = |token: &str| {
        let mut client = Client::connect(server.address, PROTOCOL, Some(token));
        client.say(&json!({"type": "connection_init"}));
        client.0.read().map(|message| message.into_text().unwrap_or_default().to_string())
    };
    // Half of them are all that one token has.
    let mut own = Client::connect(server.address, PROTOCOL, Some(&server.token));
    own.say(&json!({"type": "connection_init"}));
    let (code, reason) = own.closed();
    assert!(code == 1013 && reason.contains("this token"), "{code} {reason}");
    let mut two = Client::let_in(server.address, &server.token_with(Role::Read));
    let third = server.token_with(Role::Read);
    let mut other = Client::connect(server.address, PROTOCOL, Some(&third));
    other.say(&json!({"type": "connection_init"}));
    let (code, reason) = other.closed();
    assert!(code == 1013 && reason.contains("too many sockets are open"), "{code} {reason}");
    two.say(&json!({"type": "ping"}));
    assert_eq!(two.hear()["type"], "pong");
    drop(one);
    // The server hears of it a little later.
    let again = (0..1_000).any(|_| sent_away(&third).is_ok_and(|said| said.contains("connection_ack")));
    assert!(again, "a socket that is closed makes room");
}

#[test]
fn unauthenticated_sockets_have_a_small_limit_of_their_own() {
    let settings = Settings { sockets_max: 2, sockets_per_peer: 3, ..Settings::default() };
    let server = Server::start_with(|state| state.with_graphql(settings));
    let mut known = Client::let_in(server.address, &server.token);
    let headers = [("sec-websocket-protocol", Some(PROTOCOL))];
    let mut strangers = Vec::new();
    let refused = (0..1_000).find_map(|_| {
        let stranger = Client::try_connect(server.address, &headers);
        stranger.map(|stranger| strangers.push(stranger)).err()
    });
    assert_eq!(refused, Some(503));
    assert!((3..32).contains(&strangers.len()), "{}", strangers.len());
    known.subscribe("1", "{ __typename }");
    assert_eq!(known.hear()["type"], "next");
    drop(strangers);
    let again = (0..1_000).any(|_| Client::try_connect(server.address, &headers).is_ok());
    assert!(again, "one that went makes room");
}

#[test]
fn a_close_frame_is_answered() {
    let server = Server::start();
    let mut client = Client::let_in(server.address, &server.token);
    client.subscribe("r", "subscription { revision }");
    assert_eq!(client.hear()["type"], "next");
    client.0.close(None).unwrap();
    let answer = client.0.read();
    assert!(matches!(answer, Ok(Message::Close(_))), "{answer:?}");
    assert!(matches!(client.0.read(), Err(Error::ConnectionClosed)));
}
