//! How what was measured grows with the organisation: the table in `BENCHMARKS.md`, and what the plot is drawn from.
//!
//! What must stay true: only a whole run is written, so that no figure stands beside those of another day.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, thread};

use serde_json::Value;

use crate::plot;

const TABLE_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/BENCHMARKS.md");
const PLOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/growth.svg");
/// Between these lines of the page stands what the bench wrote.
const BEGIN: &str = "<!-- written by `cargo bench --bench graph` -->";
const END: &str = "<!-- until here -->";

/// Where criterion keeps its results.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion")
}

/// Every question that there was in this run, in the order of asking.
pub(crate) struct Growth {
    began: SystemTime,
    asked: Vec<GraphqlRequest>,
}

struct GraphqlRequest {
    kind: &'static str,
    name: String,
    sizes: Vec<u64>,
}

/// A question with the seconds that it took in organisations of these sizes.
pub(crate) struct Line {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) measured: Vec<(u64, f64)>,
}

impl Growth {
    pub(crate) fn new() -> Self {
        Self { began: SystemTime::now(), asked: Vec::new() }
    }

    /// Remembers a question, which a run of only some may pass over.
    pub(crate) fn asked(&mut self, kind: &'static str, name: &str, size: u64) {
        match self.asked.iter_mut().find(|asked| (asked.kind, &*asked.name) == (kind, name)) {
            Some(asked) => asked.sizes.push(size),
            None => self.asked.push(GraphqlRequest { kind, name: name.to_owned(), sizes: vec![size] }),
        }
    }

    /// Prints the table, and writes it and the plot when everything was measured at all `sizes` in this run.
    pub(crate) fn write(&self, sizes: &[u64]) {
        let lines: Vec<Line> = self.asked.iter().map(|asked| self.line(asked)).collect();
        let table = table(&lines, sizes);
        println!("{table}");
        let is_whole = |line: &Line| line.measured.iter().map(|(size, _)| size).eq(sizes);
        if !lines.iter().all(is_whole) {
            println!("Not all was measured: {TABLE_IN} and {PLOT} stay as they are.");
            return;
        }
        let page = fs::read_to_string(TABLE_IN).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        fs::write(TABLE_IN, format!("{before}{BEGIN}\n\n{}\n\n{table}\n{END}{after}", machine())).unwrap();
        fs::write(PLOT, plot::draw(&lines, sizes)).unwrap();
        println!("Written to {TABLE_IN} and {PLOT}.");
    }

    fn line(&self, asked: &GraphqlRequest) -> Line {
        let seconds = |size: &u64| Some((*size, self.seconds(asked, *size)?));
        let measured = asked.sizes.iter().filter_map(seconds).collect();
        Line { kind: asked.kind, name: asked.name.replace('_', " "), measured }
    }

    /// The median that criterion found in this run, if it measured this.
    fn seconds(&self, asked: &GraphqlRequest, size: u64) -> Option<f64> {
        let place = folder().join(asked.kind).join(&asked.name).join(size.to_string());
        let estimates = place.join("new/estimates.json");
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
        format!("| | question | {} |\n|---|---|{}\n", heads.join(" | "), "---:|".repeat(sizes.len()));
    let mut kind = "";
    for line in lines.iter().filter(|line| !line.measured.is_empty()) {
        let cell = |size: &u64| {
            let measured = line.measured.iter().find(|(measured, _)| measured == size);
            measured.map(|(_, seconds)| plot::time(*seconds)).unwrap_or_default()
        };
        let shown = if kind == line.kind { String::new() } else { format!("**{}**", line.kind) };
        let cells: Vec<_> = sizes.iter().map(cell).collect();
        writeln!(table, "| {shown} | {} | {} |", line.name, cells.join(" | ")).unwrap();
        kind = line.kind;
    }
    table
}

/// What was measured on, as far as the machine says so.
fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("a processor that does not say its name", |(_, model)| model.trim());
    format!("Medians on {cores} cores of {model}.")
}
