//! Hostile inputs: each is refused with the right error, leaks no internals, and does not affect a normal client.
//!
//! `cargo test --release --test hostile -- --ignored --nocapture --test-threads 1` sends the same inputs to the
//! program with a memory limit of 512 MB, and of 768 MB with a crowd of slow clients, and prints the peak memory.
//!
//! A separate test binary, since those tests load the machine. It also runs the seeds of the fuzz targets.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod crowd;
mod fuzz_seeds;
mod http2;
mod inputs;
mod limit;
mod memory;
mod sockets;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use support::Server;

use crate::inputs::{Hostile, all};
use crate::wire::{Reply, ask};

/// Sends each input, and returns the unexpected outcomes.
fn faults(address: &str, inputs: &[Hostile]) -> Vec<String> {
    let faults = inputs.iter().filter_map(|hostile| {
        let reply = ask(address, &hostile.request, hostile.breaks_off);
        let why = fault(hostile, reply.as_ref())?;
        Some(format!("{}: {why}", hostile.name))
    });
    faults.collect()
}

fn fault(hostile: &Hostile, reply: Option<&Reply>) -> Option<String> {
    let Some(reply) = reply else {
        return (!hostile.breaks_off).then(|| "no answer".to_owned());
    };
    let body = String::from_utf8_lossy(&reply.body);
    let shown: String = body.chars().take(300).collect();
    if !hostile.statuses.contains(&reply.status) {
        return Some(format!("{} is not of {:?}: {shown}", reply.status, hostile.statuses));
    }
    // A request that the HTTP library itself refuses gets no body, so it cannot leak internals.
    if body.is_empty() {
        return None;
    }
    let says = |word: &str| body.contains(word);
    if let Some(inside) = ["src/", ".rs:", "panicked", "RUST_BACKTRACE", "redb", "hyper::", "serde"]
        .iter()
        .find(|word| says(word))
    {
        return Some(format!("it tells of {inside:?}: {shown}"));
    }
    if reply.body.len() > 64 << 10 {
        return Some(format!("{} bytes are no answer to that", reply.body.len()));
    }
    let is_graphql = reply.header("content-type").contains("graphql-response+json");
    if !is_graphql && reply.header("content-type") != "application/problem+json" {
        return Some(format!("it is no problem: {} {shown}", reply.header("content-type")));
    }
    if reply.header("x-content-type-options") != "nosniff" {
        return Some("it may be sniffed".to_owned());
    }
    None
}

/// Reads one person until `done`, and counts the responses, all of which must be correct.
fn normal_client(address: &str, token: &str, done: &AtomicBool) -> usize {
    let request = format!(
        "GET /api/v2/data/people/ada@corp.example HTTP/1.1\r\nHost: clade\r\nAuthorization: {token}\r\n\
         Connection: close\r\n\r\n"
    );
    let mut count = 0;
    loop {
        let reply = ask(address, request.as_bytes(), false).expect("an answer");
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let person: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(person["firstName"], "Ada");
        count += 1;
        if done.load(Ordering::Relaxed) {
            return count;
        }
    }
}

#[test]
fn every_hostile_input_is_refused_and_a_normal_client_is_served_meanwhile() {
    let server = Server::start();
    server.post("/people", &json!({"email": "ada@corp.example", "firstName": "Ada"})).ok();
    let (address, done) = (server.address.to_string(), AtomicBool::new(false));
    let inputs = all(&server.token);
    let faults = thread::scope(|scope| {
        let normal = scope.spawn(|| normal_client(&address, &server.token, &done));
        let faults = faults(&address, &inputs);
        done.store(true, Ordering::Relaxed);
        assert!(normal.join().unwrap() > 0);
        faults
    });
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(server.get("/people").ok()["count"], 1, "nothing was made");
}
