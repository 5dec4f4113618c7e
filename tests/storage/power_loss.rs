//! The power goes at any moment, and the disk fails at any call: what was answered is there, whole, and nothing in part.
//!
//! `CLADE_CUTS` says how often the power goes, `CLADE_SEED` with which seed to begin. Where only one thread writes, a seed
//! gives the same calls each time.

mod disk;
mod faults;
mod history;
#[cfg(feature = "server")]
mod serving;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use history::{History, Told};

/// So often the power goes where nothing else is said.
const CUTS: u64 = 60;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a whole number"))
}

/// Runs `round` with the seed, and says how to repeat that where it fails.
fn seeded<T>(test: &str, seed: u64, round: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(round)).unwrap_or_else(|cause| {
        eprintln!("again: CLADE_SEED={seed} CLADE_CUTS=1 cargo test --test storage {test} -- --nocapture");
        resume_unwind(cause)
    })
}

#[test]
fn whenever_the_power_goes_what_was_answered_is_there() {
    let cuts = variable("CLADE_CUTS").unwrap_or(CUTS);
    let first = variable("CLADE_SEED").unwrap_or(1);
    let mut told = Told::default();
    for seed in first.. {
        let test = "whenever_the_power_goes_what_was_answered_is_there";
        told += seeded(test, seed, || History::begin(seed).run());
        if told.cuts >= cuts {
            break;
        }
    }
    println!("{told:?}");
}
