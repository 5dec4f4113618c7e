//! Metrics of the process: CPU time, resident memory, open files, under the standard names of Prometheus clients.
//!
//! Read from `/proc`, so they are left out on systems without it.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// `USER_HZ`: the ticks per second of times in `/proc/self/stat`.
// Part of Linux's interface to programs, so it is the same whatever the kernel's own `HZ` is.
const TICKS_A_SECOND: f64 = 100.0;

/// Collects the metrics of this process, read anew for each scrape.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(seconds) = cpu_seconds() {
            let help = "CPU time used, user and system";
            let name = "process_cpu";
            ConstCounter::new(seconds).encode(encoder.encode_descriptor(
                name,
                help,
                Some(&Unit::Seconds),
                MetricType::Counter,
            )?)?;
        }
        if let Some(bytes) = resident_bytes() {
            let help = "Resident memory";
            let name = "process_resident_memory";
            ConstGauge::new(bytes).encode(encoder.encode_descriptor(
                name,
                help,
                Some(&Unit::Bytes),
                MetricType::Gauge,
            )?)?;
        }
        if let Some(count) = open_files() {
            let help = "Open files and sockets";
            ConstGauge::new(count).encode(encoder.encode_descriptor(
                "process_open_fds",
                help,
                None,
                MetricType::Gauge,
            )?)?;
        }
        Ok(())
    }
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name may contain spaces and brackets, so fields are counted from the last bracket. User and system
    // time are the twelfth and thirteenth field after it.
    let (_, after) = stat.rsplit_once(") ")?;
    let ticks = after.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u32>().ok());
    Some(ticks.sum::<Option<u32>>().map(f64::from)? / TICKS_A_SECOND)
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    // "kB" in `/proc` means 1,024 bytes.
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1_024)
}

fn open_files() -> Option<u64> {
    // Includes the descriptor that reading this folder opens.
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as u64)
}
