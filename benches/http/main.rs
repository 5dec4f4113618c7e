//! HTTP benchmark: requests per second and latency of REST and GraphQL, also as a ratio of `/healthz` on the same
//! server in the same run. `/healthz` is the cost of connections, HTTP and the middleware that every request passes.
//! The last two columns are the server's CPU time per response, and the same ratio by CPU time.
//!
//! `cargo bench --bench http` prints a Markdown table. Variables, with their defaults: `CLADE_BENCH_ENTITIES`
//! (100,000) is the size of the generated organization, `CLADE_BENCH_ROUNDS` (7) the number of rounds per request,
//! `CLADE_BENCH_MILLIS` (500) the length of a round, `CLADE_BENCH_CONNECTIONS` (32) the number of connections, and
//! `CLADE_BENCH_ONLY` (all) a part of the names of the requests to measure.

#![expect(clippy::unwrap_used, reason = "a bench that cannot continue fails")]

mod cpu;
mod load;
mod org;
mod questions;

use std::env;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use clade::server::{AppState, Exposure, serve_exposed};

use load::{Measured, load};
use mimalloc::MiMalloc;
use org::Trickle;

/// The program uses the same allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// One kind of request, and its results in each round.
struct Row {
    name: &'static str,
    address: SocketAddr,
    requests: Rc<[Vec<u8>]>,
    rounds: Vec<Measured>,
}

fn main() {
    let setting = |name: &str, default| match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")),
        Err(_) => default,
    };
    let entities = setting("CLADE_BENCH_ENTITIES", 100_000);
    let rounds = setting("CLADE_BENCH_ROUNDS", 7);
    let time = Duration::from_millis(setting("CLADE_BENCH_MILLIS", 500));
    let connections = usize::try_from(setting("CLADE_BENCH_CONNECTIONS", 32)).unwrap();
    let only = env::var("CLADE_BENCH_ONLY").unwrap_or_default();

    let directory = org::directory(entities);
    let token = org::token(&directory);
    let address = start(AppState::new(directory.clone()));
    let uncached = start(AppState::new(directory.clone()).with_response_cache(0));
    let address_of = |name: &str| if name.ends_with(questions::UNCACHED) { uncached } else { address };
    let mut rows: Vec<Row> = questions::all(address, &token)
        .into_iter()
        .filter(|(name, _)| *name == questions::HEALTHZ || name.contains(&only))
        .map(|(name, requests)| Row {
            name,
            address: address_of(name),
            requests: requests.into(),
            rounds: Vec::new(),
        })
        .collect();
    for round in 0..rounds {
        // A new revision invalidates the response cache of the round before.
        org::change(&directory, round);
        for row in &mut rows {
            let _writer = row.name.ends_with(questions::BESIDE_WRITES).then(|| Trickle::start(&directory));
            row.rounds.push(load(row.address, connections, time, &row.requests));
        }
    }
    print(&rows, entities, connections);
}

/// Starts a server like `clade serve --rate-limit 0`, which runs until the process ends.
fn start(state: AppState) -> SocketAddr {
    let (send_address, address) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().name(cpu::SERVER.to_owned());
    let serving = thread.spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.thread_name(cpu::SERVER).enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send_address.send(listener.local_addr().unwrap()).unwrap();
            let exposure = Exposure { requests_per_second: 0, ..Exposure::default() };
            serve_exposed(state, exposure, listener, std::future::pending()).await;
        });
    });
    serving.unwrap();
    address.recv().unwrap()
}

/// Prints the median of each figure over the rounds: a short disturbance of the machine affects one round only.
fn print(rows: &[Row], entities: u64, connections: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{entities} entities, {connections} connections, client and server on the same {cores} cores\n");
    println!(
        "| request | requests/s | p50 | p99 | ratio to /healthz | server's CPU time | ratio to /healthz |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let healthz = &rows[0];
    for row in rows {
        let median = |of: fn(&Measured) -> f64| median(row.rounds.iter().map(of));
        let ratio = |of: fn(&Measured) -> f64| {
            self::median(row.rounds.iter().zip(&healthz.rounds).map(|(this, healthz)| of(this) / of(healthz)))
        };
        println!(
            "| {} | {:.0} | {:.0} µs | {:.0} µs | {:.2} | {:.1} µs | {:.2} |",
            row.name,
            median(|round| round.a_second),
            median(|round| round.p50.as_secs_f64() * 1e6),
            median(|round| round.p99.as_secs_f64() * 1e6),
            ratio(|round| round.a_second),
            median(|round| round.server_time.as_secs_f64() * 1e6),
            ratio(|round| 1.0 / round.server_time.as_secs_f64()),
        );
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
