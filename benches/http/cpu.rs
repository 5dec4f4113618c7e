//! CPU time of the server's threads: the most stable figure on a machine that is shared with other work.

use std::fs;
use std::time::Duration;

/// The name of the server's threads.
pub(crate) const SERVER: &str = "bench-server";

/// The CPU time of all server threads so far; `None` if the system has no `/proc` with `schedstat`.
pub(crate) fn spent() -> Option<Duration> {
    let threads = fs::read_dir("/proc/self/task").ok()?.filter_map(|thread| Some(thread.ok()?.path()));
    let servers = threads
        .filter(|thread| fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim_end() == SERVER));
    // The first number of `schedstat` is the time on a CPU, in nanoseconds.
    let nanos = servers.map(|thread| {
        let text = fs::read_to_string(thread.join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    nanos.sum::<Option<u64>>().map(Duration::from_nanos)
}
