//! The writer's backoff while a reader still uses the retired graph: first yield, then sleep, up to a timeout.

use std::thread;
use std::time::{Duration, Instant};

/// How many times the thread yields before it begins to sleep.
// Most reads end within microseconds, and the shortest sleep takes longer than that.
const YIELDS_MAX: u32 = 64;
/// The sleep between two checks: short beside a copy of a graph, long enough to leave the core to the reader.
const SLEEP: Duration = Duration::from_micros(50);

/// A function that waits a little at each call and returns `true`; `false` once `timeout` is over.
pub(super) fn wait_for(timeout: Duration) -> impl FnMut() -> bool {
    let deadline = Instant::now() + timeout;
    let mut yields = 0;
    move || {
        if Instant::now() >= deadline {
            return false;
        }
        if yields < YIELDS_MAX {
            yields += 1;
            thread::yield_now();
        } else {
            thread::sleep(SLEEP);
        }
        true
    }
}
