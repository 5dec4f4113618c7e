//! Refusals of requests whose body was not read: the client writes all of it and then reads the refusal.

use std::io::{Read, Write};
use std::net::TcpStream;

use clade::model::token::Role;
use clade::server::app::Exposure;

use crate::admission::without_its_body;
use crate::support::Server;
use crate::{exposed, unlimited};

const REFUSALS: usize = 200;
const BODY_BYTES: usize = 10_000_000;

/// Writes a whole request, then reads the status of its response and of one more request on the connection.
fn refused(server: &Server, token: &str, media_type: &str, body: &[u8]) -> [String; 2] {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /api/v2/data/people HTTP/1.1\r\nHost: x\r\n{token}Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).expect("the connection was closed while the body was being written");
    let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(last.as_bytes()).expect("the connection was closed after a whole body");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the connection was reset before the refusal was read");
    let statuses: Vec<_> = text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect();
    statuses.try_into().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn a_client_that_writes_its_whole_body_reads_the_refusal() {
    let server = exposed(unlimited());
    let busy = exposed(Exposure { requests_at_once: 1, ..unlimited() });
    let slow = without_its_body(&busy);
    let header = |token: &str| format!("Authorization: {token}\r\n");
    let (admin, read) = (header(&server.token), header(&server.token_with(Role::Read)));
    let busy_admin = header(&busy.token);
    let body = vec![b' '; BODY_BYTES];
    let kinds = [
        (&server, "", "application/json", "401"),
        (&server, read.as_str(), "application/json", "403"),
        (&server, admin.as_str(), "application/json", "413"),
        (&server, admin.as_str(), "text/plain", "415"),
        (&busy, busy_admin.as_str(), "application/json", "503"),
    ];
    for (server, token, media_type, status) in kinds.into_iter().cycle().take(REFUSALS) {
        let [refusal, next] = refused(server, token, media_type, &body);
        // A client that guesses tokens this fast may be told to wait instead.
        assert!(refusal == status || (status == "401" && refusal == "429"), "{refusal} instead of {status}");
        assert_eq!(next, "200", "the connection is still usable after {status}");
    }
    drop(slow);
}

#[test]
fn a_chunked_body_is_discarded_and_its_connection_closed() {
    let server = exposed(unlimited());
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = "POST /api/v2/data/people HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, " ".repeat(1 << 20));
    for _ in 0..10 {
        stream
            .write_all(chunk.as_bytes())
            .expect("the connection was closed while the body was being written");
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the connection was reset before the refusal was read");
    assert!(text.starts_with("HTTP/1.1 401 "), "{text}");
}
