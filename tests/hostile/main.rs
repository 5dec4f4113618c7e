//! Hostile inputs: each gets its refusal, nothing of the inside, and takes nothing from a normal client.
//!
//! `cargo test --release --test hostile -- --ignored --nocapture` does the same to the program itself, with 512 MB of
//! memory, and tells the most that it had.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod inputs;
mod limit;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use support::Server;
use support::process::{Folder, Running, clade};

use crate::inputs::{Hostile, all};
use crate::limit::Limit;
use crate::wire::{Reply, ask};

/// How many send everything at the same time, and how often.
const ATTACKERS: usize = 16;
const ROUNDS: usize = 3;

/// Sends each input, and says of each what it should not have come to.
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
    // What the HTTP library refuses by itself has no body, and no words to give anything away.
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

/// Asks for one person until `done`, and counts the answers, every one of which must be right.
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

/// As a container with little memory runs it.
#[test]
#[ignore = "loads the machine for a minute; see the head of this file"]
fn the_program_survives_them_all_at_once_in_512_mb() {
    const LIMIT_KB: usize = 512 << 10;
    let folder = Folder::new();
    let limit = Limit::of(LIMIT_KB << 10);
    let mut command = match &limit {
        Some(limit) => limit.command(folder.command("sh"), clade()),
        None => folder.command(clade()),
    };
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", "corp.redb", "--rate-limit", "0"]);
    let running = Running::start(&mut command);
    let token = running.token().unwrap();
    let body = br#"{"email":"ada@corp.example","firstName":"Ada"}"#;
    let made =
        wire::request(&token, "POST", "/api/v2/data/people", &["Content-Type: application/json"], body);
    assert_eq!(ask(&running.address, &made, false).unwrap().status, 200);
    let before = running.memory_kb("VmHWM");
    let mut inputs = all(&token);
    // All at once there may be no room for one.
    for hostile in &mut inputs {
        hostile.statuses.push(503);
    }
    let done = AtomicBool::new(false);
    let (address, inputs) = (&running.address, &inputs);
    let (faults, answers) = thread::scope(|scope| {
        let normal = scope.spawn(|| normal_client(address, &token, &done));
        let attack = || (0..ROUNDS).flat_map(|_| faults(address, inputs)).collect::<Vec<_>>();
        let attackers: Vec<_> = (0..ATTACKERS).map(|_| scope.spawn(attack)).collect();
        let faults: Vec<_> = attackers.into_iter().flat_map(|attacker| attacker.join().unwrap()).collect();
        done.store(true, Ordering::Relaxed);
        (faults, normal.join().unwrap())
    });
    let most = running.memory_kb("VmHWM");
    println!(
        "{} inputs, {ROUNDS} times by {ATTACKERS} at once; memory at most {most} kB (before: {before} kB), \
         now {} kB; {}; meanwhile the normal client had {answers} right answers",
        inputs.len(),
        running.memory_kb("VmRSS"),
        if limit.is_some() { "under a limit" } else { "no limit could be set" },
    );
    drop(running);
    assert_eq!(faults, Vec::<String>::new());
    assert!(most < LIMIT_KB);
}
