//! Latency of point reads while other clients send heavy requests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::figures::{Outcomes, row, table};
use crate::http::{Client, Deadline};
use crate::load::{Answered, ask_until};
use crate::org::{self, Store};
use crate::probe::{Probe, Probed};
use crate::program::Program;
use crate::questions::{self, Load};
use crate::requests::Requests;
use crate::settings::Settings;

/// Interval between the reads of each probe.
const EVERY: Duration = Duration::from_millis(10);
/// The load starts this much before the probes.
const LEAD: Duration = Duration::from_millis(300);
/// Timeout of the first request: some indexes are built on first use.
const FIRST_WITHIN: Duration = Duration::from_mins(2);

/// Measures every load in turn, each on its own server.
pub(crate) fn run(settings: &Settings) {
    let store = org::made_up(settings);
    let tokens = if settings.has_two_tokens { "their own token" } else { "the probes' token" };
    println!("\n## Point reads under the load of {} clients with {tokens}\n", settings.clients);
    println!(
        "{} entities; 100 reads a second of each kind, timed from when each was due; p50 / p99 / maximum in ms\n",
        settings.entities
    );
    table(&[
        "load",
        "`/healthz`",
        "REST: a person",
        "GraphQL: a project",
        "wrong responses",
        "responses to the load",
    ]);
    for load in questions::loads() {
        if load.0.contains(&settings.rows) {
            under_load(settings, &store, &load);
        }
    }
}

/// Measures and prints one row.
fn under_load(settings: &Settings, store: &Store, (name, questions): &Load) {
    let program = Program::start(&settings.binary, &store.path, None);
    let probes = probes(settings, &store.readers[0]);
    let token = &store.readers[usize::from(settings.has_two_tokens)];
    let load = Requests::new(token, questions.clone());
    warm(program.address, &probes, &load);
    let (stop, numbers) = (AtomicBool::new(false), AtomicUsize::new(1_000_000));
    let (answered, reads) = thread::scope(|scope| {
        let asking = (!questions.is_empty())
            .then(|| scope.spawn(|| ask_until(program.address, &load, settings.clients, &numbers, &stop)));
        thread::sleep(LEAD);
        let reads = read(program.address, &probes, settings.time);
        stop.store(true, Ordering::Relaxed);
        (asking.map(|asking| asking.join().unwrap()), reads)
    });
    print(name, reads, answered);
}

fn probes(settings: &Settings, token: &str) -> [Probe; 3] {
    // Of 100 entities 1 is a unit, 45 are people and 54 are projects; 44 and 53 stay within what exists.
    let (people, projects) = (settings.entities * 44 / 100, settings.entities * 53 / 100);
    [questions::healthz(), questions::person(token, people), questions::project(token, projects)]
}

/// Sends every request once, so that indexes are built and caches filled.
fn warm(address: SocketAddr, probes: &[Probe], load: &Requests) {
    assert!(probes.iter().all(|probe| probe.is_answered(address)), "a probe gets a wrong response");
    for number in 0..load.questions.len() {
        let answer = Client::new(address).ask(&load.nth(number), Deadline::of(FIRST_WITHIN)).unwrap();
        assert_eq!(answer.outcome(), "200", "{}", answer.body);
    }
}

/// Runs all probes at the same time.
fn read(address: SocketAddr, probes: &[Probe], time: Duration) -> Vec<Probed> {
    thread::scope(|scope| {
        let reading: Vec<_> =
            probes.iter().map(|probe| scope.spawn(|| probe.read(address, EVERY, time))).collect();
        reading.into_iter().map(|reading| reading.join().unwrap()).collect()
    })
}

fn print(name: &str, reads: Vec<Probed>, answered: Option<Answered>) {
    let mut cells = vec![name.to_owned()];
    let mut wrong = Outcomes::default();
    for one in reads {
        cells.push(one.latencies.in_ms());
        wrong.add(one.wrong());
    }
    cells.push(wrong.counts());
    cells.push(answered.map_or("–".to_owned(), |answered| answered.outcomes.a_second(answered.time)));
    row(&cells);
}
