//! Load generator: clients that send a request as soon as the previous one is answered, until they are stopped.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::figures::{Latencies, Outcomes};
use crate::http::{Client, Deadline};
use crate::requests::Requests;

/// Timeout of a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(2);
/// Pause after a broken connection.
const AFTER_BREAK: Duration = Duration::from_millis(20);

/// The outcomes and latencies of all clients.
pub(crate) struct Answered {
    pub(crate) outcomes: Outcomes,
    pub(crate) latencies: Latencies,
    pub(crate) time: Duration,
}

/// The outcomes and latencies of one client.
#[derive(Default)]
struct Seen {
    outcomes: Outcomes,
    took: Vec<Duration>,
}

/// Runs `clients` until `stop`; they abandon responses that are still pending then. `numbers` counts the requests, so
/// that no two requests get the same number.
pub(crate) fn ask_until(
    address: SocketAddr,
    requests: &Requests,
    clients: usize,
    numbers: &AtomicUsize,
    stop: &AtomicBool,
) -> Answered {
    all(clients, || ask(&mut Client::new(address), requests, numbers, stop, Some(stop)))
}

/// Runs `clients` for `time`, then waits for their last responses.
pub(crate) fn ask_for(
    address: SocketAddr,
    requests: &Requests,
    clients: usize,
    numbers: &AtomicUsize,
    time: Duration,
) -> Answered {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let ask = || ask(&mut Client::new(address), requests, numbers, &stop, None);
        let asking = scope.spawn(move || all(clients, ask));
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    })
}

/// Runs each client on its own thread, and merges their results.
fn all(clients: usize, client: impl Fn() -> Seen + Sync) -> Answered {
    let began = Instant::now();
    let seen: Vec<Seen> = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(&client)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let time = began.elapsed();
    let (mut outcomes, mut took) = (Outcomes::default(), Vec::new());
    for one in seen {
        outcomes.add(one.outcomes);
        took.extend(one.took);
    }
    Answered { outcomes, latencies: Latencies::of(took), time }
}

/// Sends one request at a time until `stop`. Abandoned requests do not count.
fn ask(
    client: &mut Client,
    requests: &Requests,
    numbers: &AtomicUsize,
    stop: &AtomicBool,
    give_up: Option<&AtomicBool>,
) -> Seen {
    let mut seen = Seen::default();
    while !stop.load(Ordering::Relaxed) {
        let request = requests.nth(numbers.fetch_add(1, Ordering::Relaxed));
        let began = Instant::now();
        let timeouts = Deadline { until: began + RESPONSE_TIMEOUT, stop: give_up };
        match client.ask(&request, timeouts) {
            Ok(answer) => {
                seen.took.push(began.elapsed());
                seen.outcomes.count(answer.outcome());
            }
            Err(_) if give_up.is_some_and(|stop| stop.load(Ordering::Relaxed)) => {}
            Err(error) => {
                seen.outcomes.count(format!("{:?}", error.kind()));
                thread::sleep(AFTER_BREAK);
            }
        }
    }
    seen
}
