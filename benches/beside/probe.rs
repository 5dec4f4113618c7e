//! Probes: point reads at a fixed rate, each timed from when it was due, so that a slow server does not lower the
//! rate and hide its own latency (coordinated omission).

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::figures::{Latencies, Outcomes};
use crate::http::{Client, Deadline};
use crate::requests::{NUMBER, Requests};

/// Maximum reads in flight per probe. A read that waits for a free connection counts that time in its latency.
const CONNECTIONS: usize = 8;
/// Timeout of a response, from when the read was due.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The outcome of a correct response.
pub(crate) const RIGHT: &str = "right";
/// The outcome of a read that timed out.
const TIMED_OUT: &str = "timed out";

/// A kind of read that is repeated at a fixed rate.
pub(crate) struct Probe {
    pub(crate) requests: Requests,
    /// Text that a correct response contains; [`NUMBER`] stands for the number of the request.
    pub(crate) expected: String,
}

/// The latencies and outcomes of a probe.
pub(crate) struct Probed {
    /// Of correct responses and of timeouts.
    pub(crate) latencies: Latencies,
    pub(crate) outcomes: Outcomes,
}

impl Probed {
    /// The wrong responses, by outcome.
    pub(crate) fn wrong(self) -> Outcomes {
        self.outcomes.without(RIGHT)
    }
}

impl Probe {
    /// Whether the server responds to this read correctly.
    pub(crate) fn is_answered(&self, address: SocketAddr) -> bool {
        self.ask(&mut Client::new(address), 0, Instant::now()) == RIGHT
    }

    /// Reads at the interval `every` for `time`.
    pub(crate) fn read(&self, address: SocketAddr, every: Duration, time: Duration) -> Probed {
        let reads = usize::try_from(time.as_nanos() / every.as_nanos()).unwrap();
        let (next, began) = (AtomicUsize::new(0), Instant::now());
        let read = || self.read_in_turn(address, &next, reads, |number| began + every * number);
        let read: Vec<_> = thread::scope(|scope| {
            let readers: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(read)).collect();
            readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
        });
        let mut outcomes = Outcomes::default();
        let mut took = Vec::with_capacity(read.len());
        for (time, outcome) in read {
            // An error response is quick, and would lower the percentiles of reads.
            if outcome == RIGHT || outcome == TIMED_OUT {
                took.push(time);
            }
            outcomes.count(outcome);
        }
        Probed { latencies: Latencies::of(took), outcomes }
    }

    /// Sends reads over one connection, the next as soon as the previous is answered and it is due.
    fn read_in_turn(
        &self,
        address: SocketAddr,
        next: &AtomicUsize,
        reads: usize,
        due: impl Fn(u32) -> Instant,
    ) -> Vec<(Duration, String)> {
        let mut client = Client::new(address);
        let mut read = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= reads {
                return read;
            }
            let due = due(u32::try_from(number).unwrap());
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let outcome = self.ask(&mut client, number, due);
            read.push((due.elapsed(), outcome));
        }
    }

    fn ask(&self, client: &mut Client, number: usize, due: Instant) -> String {
        let timeouts = Deadline { until: due + RESPONSE_TIMEOUT, stop: None };
        if Instant::now() >= timeouts.until {
            return TIMED_OUT.to_owned();
        }
        let expected = self.expected.replace(NUMBER, &(number % self.requests.numbers).to_string());
        match client.ask(&self.requests.nth(number), timeouts) {
            Ok(answer) if answer.status == 200 && answer.body.contains(&expected) => RIGHT.to_owned(),
            Ok(answer) if answer.status == 200 => "another record".to_owned(),
            Ok(answer) => answer.outcome(),
            Err(error) if error.kind() == ErrorKind::TimedOut => TIMED_OUT.to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        }
    }
}
