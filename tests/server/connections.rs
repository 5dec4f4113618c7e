//! HTTP connections: timeouts of silent and slow clients, the limit per address, pipelining, request smuggling, and
//! shutdown while connections are open.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use clade::server::app::{ConnectionTimeouts, Exposure};
use clade::server::limits::DRAIN_TIMEOUT;
use serde_json::json;

use crate::support::Server;
use crate::{exposed, raw, unlimited};

#[test]
fn a_silent_client_does_not_delay_shutdown() {
    let an_hour = Duration::from_hours(1);
    let timeouts = ConnectionTimeouts { headers: an_hour, stalled: an_hour };
    let server = Server::start_exposed(Exposure { timeouts, ..Exposure::default() }, |state| state);
    let silent = TcpStream::connect(server.address).unwrap();
    let mut half = TcpStream::connect(server.address).unwrap();
    half.write_all(b"PRI * HT").unwrap();
    assert_eq!(server.get("/people").status, 200);
    let began = Instant::now();
    drop(server);
    // With these timeouts it would have waited until the drain timeout.
    assert!(began.elapsed() < DRAIN_TIMEOUT, "{:?}", began.elapsed());
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

#[test]
fn a_request_that_does_not_name_its_host_once_is_refused() {
    let server = exposed(unlimited());
    for path in ["/healthz", "/", "/api/v2/data/people", "/graphql/ws"] {
        for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a b\r\n"] {
            let text = raw(&server, &format!("GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n"));
            assert!(
                text.starts_with("HTTP/1.1 400 ") && text.contains("\"malformed\""),
                "{path} {hosts}: {text}"
            );
            assert!(text.contains("x-request-id: ") && text.contains("nosniff"), "{text}");
        }
    }
    let old = raw(&server, "GET /healthz HTTP/1.0\r\n\r\n");
    assert!(old.starts_with("HTTP/1.0 200 "), "{old}");
}

#[test]
fn one_address_has_its_number_of_connections() {
    let server = exposed(Exposure { connections_per_peer: 1, ..unlimited() });
    let ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut first = TcpStream::connect(server.address).unwrap();
    first.write_all(ask).unwrap();
    let mut begun = [0; 15];
    first.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200 OK");
    let mut second = TcpStream::connect(server.address).unwrap();
    let _may_be_closed_already = second.write_all(ask);
    assert_eq!(second.read(&mut [0; 16]).unwrap_or(0), 0, "closed without a word");
    drop(first);
}

#[test]
fn slow_headers_close_the_connection() {
    let timeouts = ConnectionTimeouts { headers: Duration::from_millis(50), stalled: Duration::from_mins(1) };
    let server = exposed(Exposure { timeouts, ..unlimited() });
    for begun in ["", "G", "PRI * HTT", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: "] {
        let text = raw(&server, begun);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{begun:?}: {text}");
    }
}

#[test]
fn no_request_is_smuggled_behind_a_chunked_body() {
    let server = exposed(unlimited());
    let next = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    for lengths in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        let head = format!(
            "POST /api/v2/data/people HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\
             Content-Type: application/json\r\n{lengths}Transfer-Encoding: chunked\r\n\r\n",
            server.token
        );
        let text = raw(&server, &format!("{head}2\r\n{{}}\r\n0\r\n\r\n{next}"));
        assert!(
            text.contains("missing-field") && text.matches("HTTP/1.1 ").count() == 1,
            "{lengths}: {text}"
        );
    }
}

/// The client neither sends nor reads any more.
#[test]
fn an_idle_connection_is_closed() {
    let timeouts =
        ConnectionTimeouts { headers: Duration::from_mins(1), stalled: Duration::from_millis(100) };
    let server = exposed(Exposure { timeouts, connections_per_peer: 1, ..unlimited() });
    let idle = raw(&server, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(idle.starts_with("HTTP/1.1 200"), "{idle}");
    // The preface and SETTINGS of HTTP/2, and then nothing.
    let idle = raw(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    assert!(!idle.is_empty());
    assert_eq!(server.get("/people").status, 200, "the only place is free again");
}

/// A GET of a list that is far larger than the socket buffers, whose response the client does not read.
#[test]
fn a_client_that_does_not_read_is_disconnected() {
    let timeouts =
        ConnectionTimeouts { headers: Duration::from_mins(1), stalled: Duration::from_millis(200) };
    let server = exposed(Exposure { timeouts, ..unlimited() });
    let note = "x".repeat(900_000);
    let lines: Vec<String> = (0..40)
        .map(|n| json!({"kind": "person", "email": format!("p{n}@x.example"), "note": note}).to_string())
        .collect();
    server.bulk("", &lines.join("\n")).ok();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let ask =
        format!("GET /api/v2/data/people HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\r\n", server.token);
    stream.write_all(ask.as_bytes()).unwrap();
    let whole = lines.len() * note.len();
    // Reads nothing until the server has given up, which shows when it accepts no more data.
    while stream.write_all(b"\r\n").is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut taken = Vec::new();
    let _broken_off = stream.read_to_end(&mut taken);
    assert!(taken.len() < whole, "{} of {whole}", taken.len());
}

/// Such an HTTP/2 client sends no window updates, so the server has no pending socket write that could time out.
#[test]
fn an_http2_client_without_window_updates_is_disconnected() {
    let timeouts =
        ConnectionTimeouts { headers: Duration::from_mins(1), stalled: Duration::from_millis(100) };
    let server = exposed(Exposure { timeouts, ..unlimited() });
    // SETTINGS: a window of no bytes. Then HEADERS of stream 1: GET, http, path, authority, authorization.
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
    let mut fields = b"\x82\x86\x04\x13/api/v2/data/people\x01\x01x\x0f\x08".to_vec();
    fields.push(u8::try_from(server.token.len()).unwrap());
    fields.extend_from_slice(server.token.as_bytes());
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend_from_slice(settings);
    sent.extend_from_slice(&[0, 0, u8::try_from(fields.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    sent.extend_from_slice(&fields);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(&sent).unwrap();
    let mut text = Vec::new();
    // The connection is closed.
    let _reset = stream.read_to_end(&mut text);
    let is_answer = |frame: &[u8]| frame[3] == 1 && frame[8] == 1 && frame[9] == 0x88;
    assert!(text.windows(10).any(is_answer), "the head of a 200 came: {text:?}");
    assert!(!text.windows(5).any(|five| five == b"count"), "and nothing of the body");
}
