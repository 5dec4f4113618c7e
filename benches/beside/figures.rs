//! Latency percentiles and counts of outcomes, printed as rows of a Markdown table.

use std::collections::BTreeMap;
use std::time::Duration;

/// Latencies of responses, sorted.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        Self(took)
    }

    /// The percentile `per_mille`; zero if there are no responses.
    pub(crate) fn at(&self, per_mille: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get((self.0.len() * per_mille / 1_000).min(last)).copied().unwrap_or_default()
    }

    /// p50, p99 and maximum in milliseconds.
    pub(crate) fn in_ms(&self) -> String {
        if self.0.is_empty() {
            return "–".to_owned();
        }
        format!("{} / {} / {}", ms(self.at(500)), ms(self.at(990)), ms(self.at(1_000)))
    }
}

/// Milliseconds with three significant digits.
pub(crate) fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        ..10.0 => format!("{ms:.2}"),
        ..100.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

/// The number of responses of each outcome: an HTTP status, with the error code if there is one.
#[derive(Default)]
pub(crate) struct Outcomes(BTreeMap<String, usize>);

impl Outcomes {
    pub(crate) fn count(&mut self, outcome: String) {
        *self.0.entry(outcome).or_default() += 1;
    }

    pub(crate) fn add(&mut self, others: Self) {
        for (outcome, count) in others.0 {
            *self.0.entry(outcome).or_default() += count;
        }
    }

    /// The count of one outcome.
    pub(crate) fn of(&self, outcome: &str) -> usize {
        self.0.get(outcome).copied().unwrap_or_default()
    }

    /// All outcomes except one.
    pub(crate) fn without(mut self, outcome: &str) -> Self {
        self.0.remove(outcome);
        self
    }

    /// Each outcome with its rate per second.
    pub(crate) fn a_second(&self, time: Duration) -> String {
        self.listed(|count| {
            let rate = a_second(count, time);
            if rate < 10.0 { format!("{rate:.1}/s") } else { format!("{rate:.0}/s") }
        })
    }

    /// Each outcome with its count.
    pub(crate) fn counts(&self) -> String {
        self.listed(|count| count.to_string())
    }

    fn listed(&self, figure: impl Fn(usize) -> String) -> String {
        if self.0.is_empty() {
            return "–".to_owned();
        }
        let each: Vec<_> =
            self.0.iter().map(|(outcome, &count)| format!("{outcome}: {}", figure(count))).collect();
        each.join(", ")
    }
}

/// A rate per second.
pub(crate) fn a_second(count: usize, time: Duration) -> f64 {
    let count = u32::try_from(count).unwrap();
    f64::from(count) / time.as_secs_f64()
}

/// Prints the header of a Markdown table.
pub(crate) fn table(columns: &[&str]) {
    println!("| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
}

/// Prints a row of a Markdown table.
pub(crate) fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}
