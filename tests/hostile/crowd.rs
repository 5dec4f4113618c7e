//! Slow clients in numbers: unread responses and half-sent bodies over many connections. Each principal is limited to
//! its part of the memory budget, and other clients are served meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use clade::server::limits::{BULK_BODY_MAX_BYTES, MEMORY_MAX_BYTES, STREAM_BYTES};
use serde_json::{Value, json};

use crate::http2::Connection;
use crate::support::Folder;
use crate::support::process::Running;
use crate::wire::{Reply, ask, headed, request};

const JSON: &str = "Content-Type: application/json";
const NDJSON: &str = "Content-Type: application/x-ndjson";
const MIB: usize = 1 << 20;
/// Number and size of projects: together they exceed the buffers of two sockets.
const PROJECTS: usize = 800;
const PROJECT_BYTES: usize = 20_000;
/// Number of unread large responses, over HTTP/1 connections and as HTTP/2 streams.
const CONNECTIONS: usize = 60;
const STREAMS: usize = 100;
/// Number of half-sent bodies, and the bytes sent of each.
const BODIES: usize = 60;
const HALF_SENT_BYTES: usize = 2 * MIB;
/// Maximum attempts of a client until it is admitted.
const TRIES: usize = 10_000;
/// Read timeout of a check of one connection, and maximum rounds of checks.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 60;

/// A separate process, since the memory budget of bodies is per process, with projects and two tokens.
pub(crate) struct Crowded {
    pub(crate) running: Running,
    _folder: Folder,
    pub(crate) admin: String,
    pub(crate) greedy: String,
}

/// A request with a large response.
pub(crate) struct Large {
    target: &'static str,
    accept: &'static str,
    /// The part of the memory budget that one response takes.
    takes: usize,
}

pub(crate) const LARGE: [Large; 2] = [
    Large { target: "/api/v2/data/projects", accept: "application/json", takes: STREAM_BYTES },
    Large {
        target: "/graphql?query=%7Bprojects(first:1000)%7Bnodes%7Battributes%7D%7D%7D",
        accept: "application/graphql-response+json",
        takes: PROJECTS * PROJECT_BYTES,
    },
];

impl Crowded {
    fn start() -> Self {
        let folder = Folder::new();
        let running = folder.serve(&["--data", "corp.redb", "--rate-limit", "0"]);
        Self::with(folder, running)
    }

    /// Creates the projects in a new process.
    pub(crate) fn with(folder: Folder, running: Running) -> Self {
        let admin = running.token().unwrap();
        let filler = "x".repeat(PROJECT_BYTES);
        let project = |at: usize| {
            let (id, name) = (format!("p{at}"), "P");
            let line = json!({"kind": "project", "projectId": id, "projectName": name, "filler": filler});
            format!("{line}\n")
        };
        let lines: String = (0..PROJECTS).map(project).collect();
        let made = request(&admin, "POST", "/api/v2/data/bulk", &[NDJSON], lines.as_bytes());
        assert_eq!(ask(&running.address, &made, false).unwrap().status, 200);
        let query = json!({"query": "mutation { createToken(input: {role: WRITE}) { token } }"});
        let made = request(&admin, "POST", "/graphql", &[JSON], query.to_string().as_bytes());
        let made: Value = serde_json::from_slice(&ask(&running.address, &made, false).unwrap().body).unwrap();
        let greedy = made["data"]["createToken"]["token"].as_str().unwrap().to_owned();
        Self { running, _folder: folder, admin, greedy }
    }

    pub(crate) fn address(&self) -> &str {
        &self.running.address
    }

    /// Reads a large response completely.
    fn take(&self, token: &str, large: &Large) -> Reply {
        ask(self.address(), &large.request(token), false).expect("an answer")
    }

    /// Another token still gets a response as large as the unread ones.
    fn serves_others(&self, large: &Large) {
        let reply = self.take(&self.admin, large);
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        assert!(reply.body.len() > PROJECTS * PROJECT_BYTES);
    }

    /// Whether this token is admitted again, after some attempts.
    fn serves_again(&self, large: &Large) -> bool {
        (0..TRIES).any(|_| self.take(&self.greedy, large).status == 200)
    }
}

impl Large {
    fn request(&self, token: &str) -> Vec<u8> {
        request(token, "GET", self.target, &[&format!("Accept: {}", self.accept)], b"")
    }

    /// Maximum number of unread responses of one principal.
    fn share(&self) -> usize {
        MEMORY_MAX_BYTES / 2 / self.takes
    }
}

/// Opens connections, sends a request over each, and reads only the status of the response.
pub(crate) struct Unread {
    _open: Vec<TcpStream>,
    pub(crate) statuses: Vec<u16>,
}

impl Unread {
    fn ask(address: &str, request: &[u8], count: usize) -> Self {
        let mut open: Vec<_> = (0..count).map(|_| sent(address, request)).collect();
        let statuses = open.iter_mut().map(status).collect();
        Self { _open: open, statuses }
    }

    pub(crate) fn large(crowded: &Crowded, large: &Large) -> Self {
        Self::ask(crowded.address(), &large.request(&crowded.greedy), CONNECTIONS)
    }

    fn count(&self, status: u16) -> usize {
        self.statuses.iter().filter(|given| **given == status).count()
    }
}

fn sent(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// The status of a response.
fn status(stream: &mut TcpStream) -> u16 {
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    String::from_utf8_lossy(&line[9..]).parse().unwrap()
}

/// Opens streams over one HTTP/2 connection without reading; returns how many were not refused.
pub(crate) fn unread_streams(crowded: &Crowded, large: &Large) -> (Connection, usize) {
    let mut connection = Connection::open(crowded.address());
    let held = connection.ask(&crowded.greedy, large.target, large.accept, STREAMS);
    (connection, held)
}

/// Opens connections with half-sent bodies.
pub(crate) fn half_sent(crowded: &Crowded) -> Vec<TcpStream> {
    let length = format!("Content-Length: {BULK_BODY_MAX_BYTES}");
    let half = vec![b'\n'; HALF_SENT_BYTES];
    let bytes = headed(&crowded.greedy, "POST", "/api/v2/data/bulk", &[NDJSON, &length], &half);
    (0..BODIES).map(|_| sent(crowded.address(), &bytes)).collect()
}

/// Whether one of these gets the error that the memory budget is exhausted, after some checks.
fn any_is_refused(streams: &[TcpStream]) -> bool {
    let is_refused = |stream: &TcpStream| {
        let mut line = [0; 12];
        stream.set_read_timeout(Some(LOOK)).unwrap();
        matches!(stream.peek(&mut line), Ok(12)) && line.ends_with(b"503")
    };
    (0..LOOKS).any(|_| streams.iter().any(is_refused))
}

#[test]
fn unread_responses_are_limited_per_client_over_http1_and_http2() {
    let crowded = Crowded::start();
    for large in &LARGE {
        // A cached response counts against the budget too.
        assert!(crowded.serves_again(large), "before");
        let unread = Unread::large(&crowded, large);
        // Responses that are computed concurrently count against the budget too.
        let held = unread.count(200);
        assert!((1..=large.share()).contains(&held), "{}: {:?}", large.target, unread.statuses);
        assert_eq!(unread.count(503), CONNECTIONS - held, "{:?}", unread.statuses);
        crowded.serves_others(large);
        drop(unread);
        assert!(crowded.serves_again(large), "the room is free once nobody waits");
        let (connection, held) = unread_streams(&crowded, large);
        assert!((1..=large.share()).contains(&held), "{} as streams: {held}", large.target);
        crowded.serves_others(large);
        drop(connection);
        assert!(crowded.serves_again(large), "the room is free once the connection is gone");
    }
}

#[test]
fn slow_bodies_are_limited_per_client_and_time_out() {
    let crowded = Crowded::start();
    let person = br#"{"email":"ada@corp.example"}"#;
    let length = format!("Content-Length: {}", person.len());
    let slow = headed(&crowded.greedy, "POST", "/api/v2/data/people", &[JSON, &length], &person[..9]);
    let mut slow: Vec<_> = (0..BODIES).map(|_| sent(crowded.address(), &slow)).collect();
    let half = half_sent(&crowded);
    assert!(any_is_refused(&half), "more than a share is refused");
    let lines = format!("{{\"kind\":\"person\",\"email\":\"bob@corp.example\"}}\n{}", "\n".repeat(8 * MIB));
    let bulk = request(&crowded.admin, "POST", "/api/v2/data/bulk", &[NDJSON], lines.as_bytes());
    let others = ask(crowded.address(), &bulk, false).unwrap();
    assert_eq!(others.status, 200, "{}", String::from_utf8_lossy(&others.body));
    // A client that sent only a few bytes.
    assert!(slow.iter_mut().all(|stream| status(stream) == 408));
    drop(half);
    let quick = request(&crowded.greedy, "POST", "/api/v2/data/people", &[JSON], person);
    assert_eq!(ask(crowded.address(), &quick, false).unwrap().status, 200);
}
