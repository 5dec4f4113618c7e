//! HTTP connections: silent and slow clients, pipelining, and shutdown while connections are open.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::Server;
use clade::server::app::{ConnectionTimeouts, Exposure};
use clade::server::limits::DRAIN_WITHIN;

#[test]
fn a_silent_client_does_not_delay_shutdown() {
    let an_hour = Duration::from_hours(1);
    let patience = ConnectionTimeouts { headers: an_hour, stalled: an_hour };
    let server = Server::start_exposed(Exposure { patience, ..Exposure::default() }, |state| state);
    let silent = TcpStream::connect(server.address).unwrap();
    let mut half = TcpStream::connect(server.address).unwrap();
    half.write_all(b"PRI * HT").unwrap();
    assert_eq!(server.get("/people").status, 200);
    let began = Instant::now();
    drop(server);
    // It would have been waited for so long.
    assert!(began.elapsed() < DRAIN_WITHIN, "{:?}", began.elapsed());
    drop((silent, half));
}

#[test]
fn requests_on_one_connection_are_answered_in_turn() {
    let server = Server::start();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{request}{request}{last}").as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "200", "404"]);
}

#[test]
fn a_body_with_a_too_large_content_length_is_refused_unread() {
    let server = Server::start();
    for (path, media_type, length, expect) in [
        ("/api/v2/data/people", "application/json", 999_999_999_999_u64, ""),
        ("/api/v2/data/people", "application/json", 11 << 20, "Expect: 100-continue\r\n"),
        ("/api/v2/data/bulk", "application/x-ndjson", 65 << 20, "Expect: 100-continue\r\n"),
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: {media_type}\r\n\
             Content-Length: {length}\r\n{expect}\r\n",
            server.token
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).unwrap();
        assert_eq!(std::str::from_utf8(&begin), Ok("HTTP/1.1 413"), "{path} {length}");
    }
}
