//! How the writer waits for a reader to go.

use std::thread;
use std::time::{Duration, Instant};

/// So often it only lets others run before it sleeps between two looks.
const LOOKS_AWAKE: u32 = 64;
const SLEEP: Duration = Duration::from_micros(50);

/// Waits a little each time it is asked, until `patience` is over: then it says so.
pub(super) fn wait_for(patience: Duration) -> impl FnMut() -> bool {
    let deadline = Instant::now() + patience;
    let mut looks = 0;
    move || {
        if Instant::now() >= deadline {
            return false;
        }
        if looks < LOOKS_AWAKE {
            looks += 1;
            thread::yield_now();
        } else {
            thread::sleep(SLEEP);
        }
        true
    }
}
