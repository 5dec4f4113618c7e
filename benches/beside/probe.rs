//! Reads at a fixed rate, each timed from when it was due: a server that falls behind is not asked less.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::figures::{Latencies, Outcomes};
use crate::http::{Client, ConnectionTimeouts};
use crate::requests::{NUMBER, Requests};

/// How many reads of one kind may be on their way; the next waits until one is answered, which counts as its time.
const CONNECTIONS: usize = 8;
/// How long after it was due an answer is waited for.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// What a right answer counts as.
pub(crate) const RIGHT: &str = "right";
/// What one counts as that does not come.
const NONE: &str = "none in time";

/// Reads of one kind.
pub(crate) struct Probe {
    pub(crate) requests: Requests,
    /// What the answer must hold, with the number of the request.
    pub(crate) expected: String,
}

/// What came of it.
pub(crate) struct Probed {
    /// Of right answers; and how long those were waited for that did not come.
    pub(crate) latencies: Latencies,
    pub(crate) outcomes: Outcomes,
}

impl Probed {
    /// How many answers were something other than what was asked for, by what they were.
    pub(crate) fn wrong(self) -> Outcomes {
        self.outcomes.without(RIGHT)
    }
}

impl Probe {
    /// Whether the server answers this read as it should.
    pub(crate) fn is_answered(&self, address: SocketAddr) -> bool {
        self.ask(&mut Client::new(address), 0, Instant::now()) == RIGHT
    }

    /// Reads every so often for a time.
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
            // A refusal is quick, and says nothing of how long a read takes.
            if outcome == RIGHT || outcome == NONE {
                took.push(time);
            }
            outcomes.count(outcome);
        }
        Probed { latencies: Latencies::of(took), outcomes }
    }

    /// One connection, which takes the next read when it has its answer.
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
        let patience = ConnectionTimeouts { until: due + RESPONSE_TIMEOUT, stop: None };
        if Instant::now() >= patience.until {
            return NONE.to_owned();
        }
        let expected = self.expected.replace(NUMBER, &(number % self.requests.numbers).to_string());
        match client.ask(&self.requests.nth(number), patience) {
            Ok(answer) if answer.status == 200 && answer.body.contains(&expected) => RIGHT.to_owned(),
            Ok(answer) if answer.status == 200 => "another record".to_owned(),
            Ok(answer) => answer.outcome(),
            Err(error) if error.kind() == ErrorKind::TimedOut => NONE.to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        }
    }
}
