//! What others notice while some clients ask for much, and what the program survives: point reads beside heavy reads,
//! conditional requests, many writers, and memory under attack.
//!
//! It starts the program itself (`CLADE_BIN`, else `target/release/clade`) and talks to it over HTTP with nothing but the
//! standard library, so that two binaries can be compared by the same bench. `cargo bench --bench beside -- PART...`
//! prints Markdown tables; so does `rustc -O --edition 2024 benches/beside/main.rs -o beside && ./beside PART...`.
//! Parts are `beside`, `conditional`, `writers` and `memory`; all of them when none is named.
//!
//! `CLADE_BENCH_ONLY` names parts too. `CLADE_BENCH_ENTITIES` is the size of the organisation (100,000; a million for
//! the goals on writers), `CLADE_BENCH_MILLIS` how long each row lasts (3,000), `CLADE_BENCH_CLIENTS` how many clients
//! ask for much (16), `CLADE_BENCH_TOKENS=2` gives them a token of their own, `CLADE_BENCH_ROWS` takes only loads and
//! attacks with this in their name, `CLADE_BENCH_COUNT` is the number of conditional requests of a kind (2,000), and
//! `CLADE_BENCH_DATA` the folder in which stores are kept for the next run.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]

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

/// A part by its name.
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
        panic!("there is no part {unknown:?}; there are beside, conditional, writers and memory");
    }
    heading(&settings, &named);
    for (name, run) in PARTS {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            run(&settings);
        }
    }
}

/// The parts that the command line or the variable names. Cargo adds a flag of its own.
fn named() -> Vec<String> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if !arguments.is_empty() {
        return arguments;
    }
    let only = env::var("CLADE_BENCH_ONLY").unwrap_or_default();
    only.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The command that made the tables, and the state of the machine.
fn heading(settings: &Settings, named: &[String]) {
    let tells = |name: &str| name.starts_with("CLADE_B") && name != "CLADE_BENCH_ONLY";
    let mut variables: Vec<_> = env::vars().filter(|(name, _)| tells(name)).collect();
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
