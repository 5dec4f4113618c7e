//! `clade demo-data`: generates a fictitious organization of any size as NDJSON.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Result;
use crate::cli::demo_data::DemoData;
use crate::cli::output::write_to;
use crate::directory::NewFile;

#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    /// Number of units, people and projects together; mappings are not counted
    // Below 100 the minimum of units per level would exceed the requested total.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    entities: u64,
    /// Seed of the random numbers; the same seed and size give the same organization
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The file to write; must not exist yet [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl GenerateArgs {
    pub(super) fn run(self) -> Result {
        let data = DemoData { entities: self.entities, seed: self.seed };
        write_to(self.output.as_deref().map(NewFile::usual), |mut out| Ok(data.write(&mut out)?))
    }
}
