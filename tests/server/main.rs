//! End-to-end tests of the server apart from its APIs: authentication, tokens and scopes, rate limits, connections,
//! TLS, response headers, audit trail, metrics, traces, and the files of `deploy/`.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admission;
mod audit_trail;
mod connections;
mod deploy_files;
mod exposure;
mod jwt;
mod metrics;
mod similar;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod tokens;
mod traces;
mod visibility;

use std::io::{Read, Write};
use std::net::TcpStream;

use clade::server::app::Exposure;

use crate::support::Server;

fn exposed(exposure: Exposure) -> Server {
    Server::start_exposed(exposure, |state| state)
}

fn unlimited() -> Exposure {
    Exposure { requests_per_second: 0, ..Exposure::default() }
}

/// Sends these bytes and reads until the server closes.
fn raw(server: &Server, bytes: &str) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut text = Vec::new();
    // A server that closes with unread data resets the connection.
    let _reset = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}
