//! Shutdown of `clade serve`: graceful on the first signal, immediate on the second.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::serve::send;
use crate::support::Folder;
use crate::support::process::{Running, clade};
use crate::support::socket::{Client, PROTOCOL};

#[test]
fn sigterm_shuts_down_gracefully() {
    let folder = Folder::new();
    let running = folder.serve(&["--data", "corp.redb"]);
    let token = running.token().unwrap();
    let person = json!({ "email": "ada@corp.example" });
    assert_eq!(send(&running, &token, "POST", "/api/v2/data/people", &person).0, 200);
    running.terminate();
    let (status, said) = running.ended();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    let exported = folder.clade(&["export", "--data", "corp.redb"]).ok();
    assert!(exported.contains("ada@corp.example"), "{exported}");
}

/// Begins a request without its body; returns once the server sends `100 Continue`.
fn begun(running: &Running, token: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(&running.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "POST /api/v2/data/people HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Sends SIGTERM; returns once the shutdown has begun.
fn told_to_end(running: &Running) {
    running.terminate();
    let stops = (0..1_000_000).any(|_| TcpStream::connect(&running.address).is_err());
    assert!(stops, "it goes on to listen");
}

/// Starts `clade serve` on a store; what it logs is in the file `log`.
fn logging(folder: &Folder) -> Running {
    let mut command = folder.command(clade());
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", "corp.redb"]);
    Running::start(command.stderr(File::create(folder.path("log")).unwrap()))
}

/// Checks that it shut down gracefully, without a timeout.
fn assert_in_order(running: Running, folder: &Folder) {
    assert_eq!(running.ended().0.code(), Some(0));
    assert_eq!(std::fs::read_to_string(folder.path("log")).unwrap(), "");
}

#[test]
fn sigterm_waits_for_a_body_that_is_being_sent() {
    let folder = Folder::new();
    let running = logging(&folder);
    let token = running.token().unwrap();
    let body = br#"{"email":"ada@corp.example"}"#;
    let mut stream = begun(&running, &token, body.len());
    told_to_end(&running);
    stream.write_all(body).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("ada@corp.example"), "{text}");
    assert_in_order(running, &folder);
    let exported = folder.clade(&["export", "--data", "corp.redb"]).ok();
    assert!(exported.contains("ada@corp.example"), "{exported}");
}

#[test]
fn sigterm_closes_sockets_with_a_code_and_completes_no_subscription() {
    let folder = Folder::new();
    let running = logging(&folder);
    let mut client = Client::let_in(running.address.as_str(), &running.token().unwrap());
    client.subscribe("r", "subscription { revision }");
    assert_eq!(client.hear()["type"], "next");
    // It must not be closed for the short authentication timeout.
    let silent = Client::connect(running.address.as_str(), PROTOCOL, None);
    running.terminate();
    // `complete` would tell clients not to subscribe again after they have reconnected.
    let going_away = (1001, "the server is shutting down; reconnect".to_owned());
    assert_eq!(client.closed(), going_away);
    assert_eq!(silent.closed(), going_away);
    assert_in_order(running, &folder);
}

#[test]
fn sigterm_waits_for_a_change_that_came_over_a_socket() {
    let folder = Folder::new();
    let running = logging(&folder);
    let mut client = Client::let_in(running.address.as_str(), &running.token().unwrap());
    let person = |n: usize| json!({"createPerson": {"email": format!("p{n}@x")}});
    let changes: Vec<_> = (0..5_000).map(person).collect();
    let query = "mutation ($c: [ChangeInput!]!) { apply(changes: $c) { revision } }";
    client.say(
        &json!({"id": "m", "type": "subscribe", "payload": {"query": query, "variables": {"c": changes}}}),
    );
    client.subscribe("r", "subscription { revision }");
    // Once this is answered, the message before it is being executed.
    client.say(&json!({"type": "ping"}));
    let mut heard = Vec::new();
    while heard.last() != Some(&json!({"type": "pong"})) {
        heard.push(client.hear());
    }
    running.terminate();
    let ended = json!({"id": "m", "type": "complete"});
    while !heard.contains(&ended) {
        heard.push(client.hear());
    }
    let answer = heard.iter().find(|message| message["id"] == "m").unwrap();
    assert!(answer["payload"]["data"]["apply"]["revision"].is_u64(), "{answer}");
    assert_eq!(client.closed().0, 1001);
    assert_in_order(running, &folder);
    let exported = folder.clade(&["export", "--data", "corp.redb"]).ok();
    assert!(exported.contains("p4999@x"), "the change is on disk");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new();
    let running = folder.serve(&["--demo"]);
    let open = begun(&running, &running.token().unwrap(), 10);
    told_to_end(&running);
    running.terminate();
    assert_eq!(running.ended().0.code(), Some(1));
    drop(open);
}

/// A named pipe that stays empty, from which the server tries to read keys.
fn unending_keys(running: &Running, pipe: PathBuf) -> File {
    std::fs::remove_file(&pipe).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Opening blocks until the server opens it too.
    let writer = thread::spawn(move || File::options().write(true).open(pipe).unwrap());
    while !writer.is_finished() {
        let mut stream = TcpStream::connect(&running.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.AAAA";
        let head = format!(
            "GET /api/v2/data/people HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Requests are answered until the server reads the keys again.
        let mut some = [0; 1024];
        while !writer.is_finished() && stream.read(&mut some).ok() != Some(0) {}
    }
    writer.join().unwrap()
}

#[test]
fn a_second_signal_ends_it_also_while_it_waits_for_more_than_connections() {
    let folder = Folder::new();
    let key = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "a",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    folder.write("jwks.json", json!({ "keys": [key] }).to_string());
    folder.write(
        "clade.toml",
        "[jwt]\nissuer = \"https://id.example\"\naudience = \"clade\"\njwks = \"jwks.json\"\n\
         role_claim = \"groups\"\nroles = { staff = \"read\" }\n",
    );
    let mut command = folder.command(clade());
    command.args(["serve", "--listen", "127.0.0.1:0", "--demo", "--log", "clade::cli=info"]);
    let running = Running::start(command.stderr(File::create(folder.path("log")).unwrap()));
    let held = unending_keys(&running, folder.path("jwks.json"));
    running.terminate();
    let log = || std::fs::read_to_string(folder.path("log")).unwrap();
    let is_drained = (0..1_000_000).any(|_| log().contains("closing the store"));
    assert!(is_drained, "{}", log());
    running.terminate();
    assert_eq!(running.ended().0.code(), Some(1));
    assert!(log().contains("exiting at once") && !log().contains("requests were still open"), "{}", log());
    drop(held);
}
