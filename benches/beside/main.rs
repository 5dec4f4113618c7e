//! Load and attack benchmarks of a running server: latency of point reads under heavy load, conditional requests,
//! concurrent writers, and memory under attack.
//!
//! It starts the program (`CLADE_BIN`, default `target/dist/clade`) and talks HTTP to it with nothing but the
//! standard library, so that the same bench can compare two binaries. `cargo bench --bench beside -- PART...` prints
//! Markdown tables; so does `rustc -O --edition 2024 benches/beside/main.rs -o beside && ./beside PART...`. The parts
//! are `beside`, `conditional`, `writers` and `memory`; without a name all of them run.
//!
//! Variables, with their defaults: `CLADE_BENCH_ONLY` (all) names parts too, `CLADE_BENCH_ENTITIES` (100,000; the
//! goals for writers apply to a million) is the size of the organization, `CLADE_BENCH_MILLIS` (3,000) the length of
//! each row, `CLADE_BENCH_CLIENTS` (16) the number of clients that send heavy requests, `CLADE_BENCH_TOKENS=2` gives
//! those clients their own token, `CLADE_BENCH_ROWS` (all) is a part of the names of the loads and attacks to run,
//! `CLADE_BENCH_COUNT` (2,000) the number of conditional requests of each kind, and `CLADE_BENCH_DATA` the folder in
//! which stores are kept for the next run.

#![expect(clippy::unwrap_used, reason = "a bench that cannot continue fails")]

mod attacks;
mod beside;
mod conditional;
mod figures;
mod http;
mod limit;
mod load;
mod memory;
mod org;
mod probe;
mod program;
mod questions;
mod requests;
mod settings;
mod writers;

use std::{env, fs};

use settings::Settings;

/// The name of a part, and its function.
type Part = (&'static str, fn(&Settings));

const PARTS: [Part; 4] = [
    ("beside", beside::run),
    ("conditional", conditional::run),
    ("writers", writers::run),
    ("memory", memory::run),
];

fn main() {
    let settings = Settings::from_environment();
    let named = named();
    if let Some(unknown) = named.iter().find(|name| PARTS.iter().all(|(part, _)| part != name)) {
        panic!("unknown part {unknown:?}; the parts are beside, conditional, writers and memory");
    }
    heading(&settings, &named);
    for (name, run) in PARTS {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            run(&settings);
        }
    }
}

/// The parts that the command line or `CLADE_BENCH_ONLY` names. Flags are skipped: Cargo adds `--bench`.
fn named() -> Vec<String> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if !arguments.is_empty() {
        return arguments;
    }
    let only = env::var("CLADE_BENCH_ONLY").unwrap_or_default();
    only.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Prints the command that reproduces the tables, and the load of the machine.
fn heading(settings: &Settings, named: &[String]) {
    let is_setting = |name: &str| name.starts_with("CLADE_B") && name != "CLADE_BENCH_ONLY";
    let mut variables: Vec<_> = env::vars().filter(|(name, _)| is_setting(name)).collect();
    variables.sort_unstable();
    let mut command: Vec<_> = variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    command.push("cargo bench --bench beside --".to_owned());
    command.extend_from_slice(named);
    let command = command.join(" ");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    println!("`{command}`\n");
    println!(
        "{} on {cores} cores shared by clients and server; load average at the start {}",
        settings.binary.display(),
        load.join(" "),
    );
}
