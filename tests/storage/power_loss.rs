//! Crash consistency: simulated power loss at any moment and disk failure at any call. Every acknowledged write is
//! durable and complete, and no write is applied in part.
//!
//! `CLADE_CUTS` is the number of power losses, `CLADE_SEED` the first seed. With a single writer thread, a seed
//! reproduces the same calls.

mod disk;
mod faults;
mod history;
#[cfg(feature = "server")]
mod serving;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use history::{History, Told};

/// Default number of power losses.
const CUTS: u64 = 60;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a whole number"))
}

/// Runs `round` with the seed, and prints how to reproduce a failure.
fn seeded<T>(test: &str, seed: u64, round: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(round)).unwrap_or_else(|cause| {
        eprintln!("again: CLADE_SEED={seed} CLADE_CUTS=1 cargo test --test storage {test} -- --nocapture");
        resume_unwind(cause)
    })
}

#[test]
fn whenever_the_power_fails_acknowledged_writes_are_there() {
    let cuts = variable("CLADE_CUTS").unwrap_or(CUTS);
    let first = variable("CLADE_SEED").unwrap_or(1);
    let mut told = Told::default();
    for seed in first.. {
        let test = "whenever_the_power_fails_acknowledged_writes_are_there";
        told += seeded(test, seed, || History::begin(seed).run());
        if told.cuts >= cuts {
            break;
        }
    }
    println!("{told:?}");
}
