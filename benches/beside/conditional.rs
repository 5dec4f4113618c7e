//! Latency of conditional requests (`If-None-Match`, 304), compared with a bad token (401, 429) and a missing record
//! (404), one request after another.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::figures::{Latencies, row, table};
use crate::http::{Client, Deadline};
use crate::org;
use crate::program::Program;
use crate::requests::get;
use crate::settings::Settings;

const NARROWED: &str = "/api/v2/data/projects?department=d0&q=y&limit=50";
const WHOLE: &str = "/api/v2/data/projects";
const MISSING: &str = "/api/v2/data/people/nobody@corp.example";
/// Timeout of a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);

/// A kind of request, and its latencies.
struct Kind {
    name: String,
    request: Vec<u8>,
    /// By outcome: after some attempts with a bad token the server answers 429 instead of 401, which takes less time.
    took: BTreeMap<String, Vec<Duration>>,
}

/// Sends each kind in turn over one connection, again and again.
pub(crate) fn run(settings: &Settings) {
    let store = org::made_up(settings);
    let program = Program::start(&settings.binary, &store.path, None);
    let mut kinds = kinds(program.address, &store.readers[0]);
    let mut client = Client::new(program.address);
    for _ in 0..settings.count {
        for kind in &mut kinds {
            let began = Instant::now();
            let answer = client.ask(&kind.request, Deadline::of(RESPONSE_TIMEOUT)).unwrap();
            kind.took.entry(answer.outcome()).or_default().push(began.elapsed());
        }
    }
    print(settings, kinds);
}

fn kinds(address: SocketAddr, token: &str) -> Vec<Kind> {
    let conditional = |path: &str| {
        let answer = Client::new(address).ask(&get(path, token, ""), Deadline::of(RESPONSE_TIMEOUT)).unwrap();
        let etag = answer.etag.unwrap_or_else(|| panic!("{path} has no ETag"));
        kind(
            format!("`{path}` with `If-None-Match`"),
            get(path, token, &format!("If-None-Match: {etag}\r\n")),
        )
    };
    vec![
        conditional(NARROWED),
        conditional(WHOLE),
        kind("a bad token".to_owned(), get(WHOLE, "clade_bad", "")),
        kind("a person that does not exist".to_owned(), get(MISSING, token, "")),
    ]
}

fn kind(name: String, request: Vec<u8>) -> Kind {
    Kind { name, request, took: BTreeMap::new() }
}

fn print(settings: &Settings, kinds: Vec<Kind>) {
    println!("\n## Conditional requests\n");
    println!(
        "{} entities, one connection, {} requests of each kind in turn\n",
        settings.entities, settings.count
    );
    table(&["request", "response", "count", "median µs", "p99 µs"]);
    for kind in kinds {
        for (outcome, took) in kind.took {
            let count = took.len().to_string();
            let latencies = Latencies::of(took);
            let us = |per_mille| format!("{:.0}", latencies.at(per_mille).as_secs_f64() * 1e6);
            row(&[kind.name.clone(), outcome, count, us(500), us(990)]);
        }
    }
}
