//! Settings from environment variables. With the defaults all parts together take about three minutes.

use std::env;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The settings of a run.
pub(crate) struct Settings {
    /// The program under test.
    pub(crate) binary: PathBuf,
    /// The folder in which stores are kept.
    pub(crate) data: PathBuf,
    /// Units, people and projects of the organization.
    pub(crate) entities: usize,
    /// Length of each row.
    pub(crate) time: Duration,
    /// Number of clients that send heavy requests.
    pub(crate) clients: usize,
    /// Number of conditional requests of each kind.
    pub(crate) count: usize,
    /// Only loads and attacks whose name contains this are run.
    pub(crate) rows: String,
    /// Whether the clients that send heavy requests have their own token.
    pub(crate) has_two_tokens: bool,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let temporary = env::temp_dir().join("clade-bench-beside");
        Self {
            binary: setting("CLADE_BIN", PathBuf::from("target/dist/clade")),
            data: setting("CLADE_BENCH_DATA", temporary),
            entities: setting("CLADE_BENCH_ENTITIES", 100_000),
            time: Duration::from_millis(setting("CLADE_BENCH_MILLIS", 3_000)),
            clients: setting("CLADE_BENCH_CLIENTS", 16),
            count: setting("CLADE_BENCH_COUNT", 2_000),
            rows: setting("CLADE_BENCH_ROWS", String::new()),
            has_two_tokens: setting("CLADE_BENCH_TOKENS", 1) > 1,
        }
    }
}

/// The value of a variable, or the default if it is not set.
fn setting<T: FromStr>(name: &str, default: T) -> T {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} has the invalid value {text:?}")),
        Err(_) => default,
    }
}
