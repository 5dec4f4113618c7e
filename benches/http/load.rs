//! An HTTP load generator: sends requests over keep-alive connections and records the latency of each response.
//!
//! It sends prebuilt requests and parses no more of a response than its status and length, so that the measurement is
//! of the server. It runs on its own thread.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::cpu;

/// Throughput, latency and CPU time of one run.
pub(crate) struct Measured {
    pub(crate) a_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// CPU time that the server spent per response; zero if the system does not report it.
    pub(crate) server_time: Duration,
}

/// Sends `requests` in turn over `connections` for `time`, starting over after the last one.
pub(crate) fn load(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    requests: &Rc<[Vec<u8>]>,
) -> Measured {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(LocalSet::new().run_until(async {
        let sent = Rc::new(Cell::new(0));
        let (began, worked) = (Instant::now(), cpu::spent());
        let asking: Vec<_> = (0..connections)
            .map(|_| {
                tokio::task::spawn_local(ask(address, began + time, Rc::clone(requests), Rc::clone(&sent)))
            })
            .collect();
        let mut took = Vec::new();
        for one in asking {
            took.extend(one.await.unwrap());
        }
        let time = began.elapsed();
        let worked = cpu::spent().zip(worked).map_or(Duration::ZERO, |(now, then)| now.saturating_sub(then));
        measured(took, time, worked)
    }))
}

fn measured(mut took: Vec<Duration>, time: Duration, worked: Duration) -> Measured {
    took.sort_unstable();
    let percentile = |per_mille: usize| took[(took.len() * per_mille / 1_000).min(took.len() - 1)];
    let answers = u32::try_from(took.len()).unwrap();
    Measured {
        a_second: f64::from(answers) / time.as_secs_f64(),
        p50: percentile(500),
        p99: percentile(990),
        server_time: worked / answers,
    }
}

/// Sends one request at a time over one connection; returns the latencies.
async fn ask(
    address: SocketAddr,
    until: Instant,
    requests: Rc<[Vec<u8>]>,
    sent: Rc<Cell<usize>>,
) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 2 << 20];
    let mut took = Vec::with_capacity(64 * 1024);
    loop {
        let next = sent.replace(sent.get() + 1);
        let began = Instant::now();
        if began >= until {
            return took;
        }
        answer(&mut stream, &requests[next % requests.len()], &mut buffer).await;
        took.push(began.elapsed());
    }
}

/// Sends a request and reads its response to the end; returns the body's range in the buffer. Panics if the status is
/// not 200.
pub(crate) async fn answer(stream: &mut TcpStream, request: &[u8], buffer: &mut [u8]) -> (usize, usize) {
    stream.write_all(request).await.unwrap();
    let mut filled = 0;
    loop {
        filled += read(stream, &mut buffer[filled..]).await;
        if let Some((begins, ends)) = extent(&buffer[..filled])
            && filled >= ends
        {
            assert_eq!(filled, ends, "one request gets exactly one response");
            return (begins, ends);
        }
    }
}

async fn read(stream: &mut TcpStream, into: &mut [u8]) -> usize {
    let count = stream.read(into).await.unwrap();
    assert!(count > 0, "the server closed the connection");
    count
}

/// The start and end of the body, once they are known.
fn extent(seen: &[u8]) -> Option<(usize, usize)> {
    let begins = seen.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&seen[..begins]).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}{}", String::from_utf8_lossy(&seen[begins..]));
    match head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        Some(length) => Some((begins, begins + length.parse::<usize>().unwrap())),
        // Chunked: the last chunk is empty.
        None => seen.ends_with(b"\r\n0\r\n\r\n").then_some((begins, seen.len())),
    }
}
