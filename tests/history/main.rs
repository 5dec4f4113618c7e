//! Histories: clients of both APIs record what they ask and hear while the server is killed, its disk fails, and its
//! clock steps. A search then decides whether one order of all operations explains every answer, and prints the shortest
//! part that none does.
//!
//! `CLADE_SEED` is the first seed, `CLADE_HISTORIES` the number of runs of each kind. A seed gives the same requests and
//! faults, but not the same interleaving. `just torture` runs new seeds until one fails.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod clients;
mod clock;
#[path = "../storage/power_loss/disk.rs"]
mod disk;
mod doors;
mod faults;
mod kills;
mod model;
mod moments;
mod record;
mod report;
mod search;
#[path = "../support/mod.rs"]
mod support;
mod verdicts;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use record::Explained;

const KILLS: usize = 4;
const LIVES: usize = 4;
/// Requests of each client in a life of the simulated server.
const REQUESTS: usize = 80;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a whole number"))
}

/// Runs `history` with each seed; panics with the counterexample.
fn explained(test: &str, history: impl Fn(u64) -> Result<Explained, String>) {
    let (first, runs) = (variable("CLADE_SEED").unwrap_or(1), variable("CLADE_HISTORIES").unwrap_or(1));
    let mut total = Explained::default();
    for seed in first..first + runs {
        total += run(test, seed, &history);
    }
    println!("{total:?}");
}

fn run(test: &str, seed: u64, history: impl Fn(u64) -> Result<Explained, String>) -> Explained {
    let again = || eprintln!("again: CLADE_SEED={seed} cargo test --test history {test} -- --nocapture");
    match catch_unwind(AssertUnwindSafe(|| history(seed))) {
        Ok(Ok(explained)) => explained,
        Ok(Err(fault)) => {
            again();
            panic!("{fault}");
        }
        Err(cause) => {
            again();
            resume_unwind(cause)
        }
    }
}

#[test]
fn kills_leave_a_linearizable_history() {
    explained("kills_leave", |seed| kills::history_of_kills(seed, KILLS));
}

#[test]
fn failing_disks_and_stepping_clocks_leave_a_linearizable_history() {
    explained("failing_disks", |seed| faults::history_of_faults(seed, LIVES, REQUESTS));
}

/// Runs both with new seeds until one fails.
#[test]
#[ignore = "has no end: just torture"]
fn torture() {
    let mut seed = variable("CLADE_SEED").unwrap_or_else(|| rand::random_range(0..1 << 32));
    let mut total = Explained::default();
    let began = std::time::Instant::now();
    for round in 1_u64.. {
        println!("round {round}, seed {seed}");
        total += run("kills_leave", seed, |seed| kills::history_of_kills(seed, 10));
        total += run("failing_disks", seed, |seed| faults::history_of_faults(seed, 10, 200));
        println!("{total:?} in {} s", began.elapsed().as_secs());
        seed = seed.wrapping_add(1);
    }
}
