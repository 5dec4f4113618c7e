//! How many requests a second the server answers, and how fast, as a share of what the same server gives for
//! `/healthz` in the same run: what is left once connections, HTTP and every layer around all answers are paid.
//! The last two columns are the time on a processor that the server spent on an answer, and the share by that.
//!
//! `cargo bench --bench http` prints a Markdown table. `CLADE_BENCH_ENTITIES` says how large the made-up
//! organisation is (100,000), `CLADE_BENCH_ROUNDS` how many times each question has its turn (7),
//! `CLADE_BENCH_MILLIS` for how long (500), `CLADE_BENCH_CONNECTIONS` over how many connections (32), and
//! `CLADE_BENCH_ONLY` which questions: those with this in their name.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]

mod cpu;
mod load;
mod org;
mod questions;

use std::env;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use clade::Directory;
use clade::server::{AppState, Exposure, serve_exposed};

use load::{Measured, load};
use mimalloc::MiMalloc;

/// As the program does.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// One question, and what came of it in each round.
struct Row {
    name: &'static str,
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
    let address = start(directory.clone());
    let mut rows: Vec<Row> = questions::all(address, &token)
        .into_iter()
        .filter(|(name, _)| *name == questions::HEALTHZ || name.contains(&only))
        .map(|(name, requests)| Row { name, requests: requests.into(), rounds: Vec::new() })
        .collect();
    for round in 0..rounds {
        // Another revision: no answer of the round before is of use any more.
        org::change(&directory, round);
        for row in &mut rows {
            row.rounds.push(load(address, connections, time, &row.requests));
        }
    }
    print(&rows, entities, connections);
}

/// Serves as `clade serve --rate-limit 0` does, until the process ends.
fn start(directory: Directory) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().name(cpu::SERVER.to_owned());
    let serving = thread.spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.thread_name(cpu::SERVER).enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let exposure = Exposure { requests_per_second: 0, ..Exposure::default() };
            serve_exposed(AppState::new(directory), exposure, listener, std::future::pending()).await;
        });
    });
    serving.unwrap();
    told.recv().unwrap()
}

/// The median of each figure over the rounds: a busy moment of the machine is in one round alone.
fn print(rows: &[Row], entities: u64, connections: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{entities} entities, {connections} connections, client and server on the same {cores} cores\n");
    println!("| question | requests/s | p50 | p99 | of /healthz | server's time | of /healthz |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let alive = &rows[0];
    for row in rows {
        let median = |of: fn(&Measured) -> f64| median(row.rounds.iter().map(of));
        let share = |of: fn(&Measured) -> f64| {
            self::median(row.rounds.iter().zip(&alive.rounds).map(|(this, alive)| of(this) / of(alive)))
        };
        println!(
            "| {} | {:.0} | {:.0} µs | {:.0} µs | {:.2} | {:.1} µs | {:.2} |",
            row.name,
            median(|round| round.a_second),
            median(|round| round.p50.as_secs_f64() * 1e6),
            median(|round| round.p99.as_secs_f64() * 1e6),
            share(|round| round.a_second),
            median(|round| round.server_time.as_secs_f64() * 1e6),
            share(|round| 1.0 / round.server_time.as_secs_f64()),
        );
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
