//! A clock that steps and stands still, shared by all directories of this process.

use std::sync::atomic::{AtomicI64, Ordering};

use clade::model::Timestamp;
use rand::Rng;
use rand::rngs::StdRng;

/// Milliseconds that it is ahead of the system's clock.
static AHEAD: AtomicI64 = AtomicI64::new(0);
/// Where it stands still, in milliseconds; 0 if it does not.
static FROZEN: AtomicI64 = AtomicI64::new(0);

const DAY: i64 = 24 * 3_600 * 1_000;

pub(crate) fn now() -> Timestamp {
    match FROZEN.load(Ordering::SeqCst) {
        0 => Timestamp::now().later_by(AHEAD.load(Ordering::SeqCst)),
        frozen => Timestamp::from_millis(frozen),
    }
}

/// Steps to any time within four weeks of the system's, or stands still; returns what it did.
pub(crate) fn step(random: &mut StdRng) -> String {
    if random.random_ratio(1, 3) {
        FROZEN.store(now().as_millis(), Ordering::SeqCst);
        return format!("the clock stands still at {}", now());
    }
    let reach = [1_000, 3_600 * 1_000, 28 * DAY][random.random_range(0..3)];
    let ahead = random.random_range(-reach..=reach);
    AHEAD.store(ahead, Ordering::SeqCst);
    FROZEN.store(0, Ordering::SeqCst);
    format!("the clock steps to {}", now())
}
