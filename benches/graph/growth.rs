//! Latency growth by organization size: the table in `BENCHMARKS.md`, and the data of the plot.
//!
//! Invariant: only a complete run is written, so that the table never mixes figures of two runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, thread};

use serde_json::Value;

use crate::plot;

const TABLE_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/BENCHMARKS.md");
const PLOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/growth.svg");
/// The bench rewrites the part of the page between these two lines.
const BEGIN: &str = "<!-- written by `cargo bench --bench graph` -->";
const END: &str = "<!-- until here -->";

/// The folder in which criterion stores its results.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion")
}

/// Every benchmark of this run, in the order of running.
pub(crate) struct Growth {
    began: SystemTime,
    benchmarks: Vec<Benchmark>,
}

struct Benchmark {
    kind: &'static str,
    name: String,
    sizes: Vec<u64>,
}

/// A benchmark with its median in seconds at each organization size.
pub(crate) struct Line {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) measured: Vec<(u64, f64)>,
}

impl Growth {
    pub(crate) fn new() -> Self {
        Self { began: SystemTime::now(), benchmarks: Vec::new() }
    }

    /// Records a benchmark. A filtered run may still skip it; then it has no result.
    pub(crate) fn add(&mut self, kind: &'static str, name: &str, size: u64) {
        match self.benchmarks.iter_mut().find(|known| (known.kind, &*known.name) == (kind, name)) {
            Some(known) => known.sizes.push(size),
            None => self.benchmarks.push(Benchmark { kind, name: name.to_owned(), sizes: vec![size] }),
        }
    }

    /// Prints the table, and writes it and the plot if every benchmark was measured at all `sizes` in this run.
    pub(crate) fn write(&self, sizes: &[u64]) {
        let lines: Vec<Line> = self.benchmarks.iter().map(|benchmark| self.line(benchmark)).collect();
        let table = table(&lines, sizes);
        println!("{table}");
        let is_whole = |line: &Line| line.measured.iter().map(|(size, _)| size).eq(sizes);
        if !lines.iter().all(is_whole) {
            println!("Not every benchmark was measured at all sizes: {TABLE_IN} and {PLOT} are unchanged.");
            return;
        }
        let page = fs::read_to_string(TABLE_IN).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        fs::write(TABLE_IN, format!("{before}{BEGIN}\n\n{}\n\n{table}\n{END}{after}", machine())).unwrap();
        fs::write(PLOT, plot::draw(&lines, sizes)).unwrap();
        println!("Wrote {TABLE_IN} and {PLOT}.");
    }

    fn line(&self, benchmark: &Benchmark) -> Line {
        let seconds = |size: &u64| Some((*size, self.seconds(benchmark, *size)?));
        let measured = benchmark.sizes.iter().filter_map(seconds).collect();
        Line { kind: benchmark.kind, name: benchmark.name.replace('_', " "), measured }
    }

    /// Criterion's median in seconds. `None` if this run did not measure the benchmark: older results do not count.
    fn seconds(&self, benchmark: &Benchmark, size: u64) -> Option<f64> {
        let results = folder().join(benchmark.kind).join(&benchmark.name).join(size.to_string());
        let estimates = results.join("new/estimates.json");
        if fs::metadata(&estimates).ok()?.modified().unwrap() < self.began {
            return None;
        }
        let estimates: Value = serde_json::from_slice(&fs::read(&estimates).unwrap()).unwrap();
        Some(estimates["median"]["point_estimate"].as_f64().unwrap() / 1e9)
    }
}

fn table(lines: &[Line], sizes: &[u64]) -> String {
    let heads: Vec<_> = sizes.iter().map(|size| format!("{} entities", plot::count(*size))).collect();
    let mut table =
        format!("| | query | {} |\n|---|---|{}\n", heads.join(" | "), "---:|".repeat(sizes.len()));
    let mut kind = "";
    for line in lines.iter().filter(|line| !line.measured.is_empty()) {
        let cell = |size: &u64| {
            let measured = line.measured.iter().find(|(measured, _)| measured == size);
            measured.map(|(_, seconds)| plot::time(*seconds)).unwrap_or_default()
        };
        // Only the first line of a kind names it.
        let heading = if kind == line.kind { String::new() } else { format!("**{}**", line.kind) };
        let cells: Vec<_> = sizes.iter().map(cell).collect();
        writeln!(table, "| {heading} | {} | {} |", line.name, cells.join(" | ")).unwrap();
        kind = line.kind;
    }
    table
}

/// The number of cores and the processor's model.
fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    format!("Medians on {cores} cores of {model}.")
}
