//! How much time the server's threads spent on a processor: on a machine that others use too, the steadiest figure.

use std::fs;
use std::time::Duration;

/// The name of the server's threads.
pub(crate) const SERVER: &str = "bench-server";

/// What all threads of the server have spent so far; nothing where the system does not tell.
pub(crate) fn spent() -> Option<Duration> {
    let threads = fs::read_dir("/proc/self/task").ok()?.filter_map(|thread| Some(thread.ok()?.path()));
    let servers = threads
        .filter(|thread| fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim_end() == SERVER));
    // The first number is the time on a processor, in nanoseconds.
    let nanos = servers.map(|thread| {
        let text = fs::read_to_string(thread.join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    nanos.sum::<Option<u64>>().map(Duration::from_nanos)
}
