//! OpenTelemetry traces: spans from the request through the writer to the commit, exported to a test collector.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::json;

use crate::support::Folder;

/// A span that the collector received.
#[derive(Debug, Clone)]
struct Span {
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
}

/// A collector that receives requests until the test ends; returns their bodies.
struct Collector {
    url: String,
    bodies: JoinHandle<Vec<Vec<u8>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bodies = std::thread::spawn(move || {
            let mut bodies = Vec::new();
            for stream in listener.incoming() {
                if !take_all(stream.unwrap(), &mut bodies) {
                    break;
                }
            }
            bodies
        });
        Self { url, bodies }
    }

    /// All received spans.
    fn end(self) -> Vec<Vec<u8>> {
        let address = self.url.strip_prefix("http://").unwrap();
        TcpStream::connect(address).unwrap().write_all(b"END\r\n").unwrap();
        self.bodies.join().unwrap()
    }
}

/// The bodies of all requests of a connection; false at the end of the test.
fn take_all(stream: TcpStream, bodies: &mut Vec<Vec<u8>>) -> bool {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        match first.trim_end() {
            "" => return true,
            "END" => return false,
            line => assert_eq!(line, "POST /v1/traces HTTP/1.1"),
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(given) = line.strip_prefix("content-length: ") {
                length = given.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        bodies.push(body);
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
}

/// The length-delimited fields of a protobuf message, with their numbers.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        match key % 8 {
            0 => _ = varint(&mut message),
            1 => message = &message[8..],
            5 => message = &message[4..],
            2 => {
                let length = usize::try_from(varint(&mut message)).unwrap();
                let (value, rest) = message.split_at(length);
                found.push((key / 8, value));
                message = rest;
            }
            other => panic!("{other} is no type of a field"),
        }
    }
    found
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

/// `ExportTraceServiceRequest`, then `ResourceSpans`, `ScopeSpans` and `Span`.
fn spans(body: &[u8]) -> Vec<Span> {
    let of = |message, number| fields(message).into_iter().filter(move |(field, _)| *field == number);
    let scopes = of(body, 1).flat_map(|(_, resource)| of(resource, 2));
    let all = scopes.flat_map(|(_, scope)| of(scope, 2));
    all.map(|(_, span)| {
        let one = |number| of(span, number).next().map(|(_, bytes)| bytes.to_vec()).unwrap_or_default();
        let name = String::from_utf8(one(5)).unwrap();
        Span { trace: one(1), id: one(2), parent: one(4), name }
    })
    .collect()
}

/// The names of spans from a span up to the client's parent span.
fn up(all: &[Span], from: &Span) -> Vec<String> {
    let mut names = vec![from.name.clone()];
    let mut at = from;
    while let Some(parent) = all.iter().find(|span| span.id == at.parent) {
        names.push(parent.name.clone());
        at = parent;
    }
    names
}

#[test]
fn a_trace_leads_from_the_request_to_the_disk() {
    let folder = Folder::new();
    let collector = Collector::start();
    let running = folder.serve(&["--data", "corp.redb", "--otlp-endpoint", &collector.url]);
    let token = running.token().unwrap();
    let (trace, client) = (0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128, 0xb7ad_6b71_6920_3331_u64);
    let headers = |request: ureq::RequestBuilder<_>| {
        request
            .header("authorization", &token)
            .header("traceparent", format!("00-{trace:032x}-{client:016x}-01"))
    };
    let people = format!("{}/api/v2/data/people", running.url());
    headers(ureq::post(&people)).send_json(json!({ "email": "ada@corp.example" })).unwrap();
    let graphql = json!({ "query": "mutation Grow { createPerson(input: { email: \"bob@corp.example\" }) { __typename } }" });
    headers(ureq::post(format!("{}/graphql", running.url()))).send_json(graphql).unwrap();
    ureq::get(format!("{people}?q=secret-word")).header("authorization", &token).call().unwrap();
    running.terminate();
    let (status, _) = running.ended();
    assert_eq!(status.code(), Some(0));

    let bodies = collector.end();
    let all: Vec<Span> = bodies.iter().flat_map(|body| spans(body)).collect();
    let named = |name: &str| all.iter().filter(|span| span.name == name).collect::<Vec<_>>();

    let post = named("POST /api/v2/data/people")[0];
    assert_eq!((&post.trace[..], &post.parent[..]), (&trace.to_be_bytes()[..], &client.to_be_bytes()[..]));
    let ways: Vec<String> = ["commit", "publish", "plan", "apply"]
        .iter()
        .flat_map(|step| named(step))
        .map(|span| up(&all, span).join(" < "))
        .collect();
    for way in [
        "commit < POST /api/v2/data/people",
        "publish < POST /api/v2/data/people",
        "plan < POST /api/v2/data/people",
        "apply < plan < POST /api/v2/data/people",
        "commit < mutation Grow < POST /graphql",
    ] {
        assert!(ways.iter().any(|found| found == way), "{way}: {ways:#?}");
    }
    let get = named("GET /api/v2/data/people")[0];
    assert!(get.parent.is_empty() && get.trace != trace.to_be_bytes(), "{get:?}");
    for secret in [token.as_str(), "secret-word"] {
        let has = |body: &Vec<u8>| body.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!bodies.iter().any(has), "{secret}");
    }
}

#[test]
fn a_missing_collector_does_not_delay_requests() {
    let folder = Folder::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    folder.write("clade.toml", format!("otlp_endpoint = \"http://{nobody}\"\n"));
    let running = folder.serve(&["--demo"]);
    let token = running.token().unwrap();
    let people = format!("{}/api/v2/data/people", running.url());
    ureq::get(&people).header("authorization", &token).call().unwrap();
    running.terminate();
    assert_eq!(running.ended().0.code(), Some(0));
}

#[test]
fn an_invalid_endpoint_is_refused() {
    let folder = Folder::new();
    let refusal = folder.clade(&["serve", "--demo", "--otlp-endpoint", "not a url"]).refusal(2);
    assert!(refusal.contains("--otlp-endpoint \"not a url\" cannot be used"), "{refusal}");
}
