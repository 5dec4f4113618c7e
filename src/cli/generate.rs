//! `clade demo-data`: a made-up organisation of any size.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Result;
use crate::cli::demo_data::DemoData;
use crate::cli::output::write_to;
use crate::directory::NewFile;

#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    /// Units, people and projects together; mappings come on top
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    entities: u64,
    /// Another seed gives another organisation
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to; else to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl GenerateArgs {
    pub(super) fn run(self) -> Result {
        let data = DemoData { entities: self.entities, seed: self.seed };
        write_to(self.output.as_deref().map(NewFile::usual), |mut out| Ok(data.write(&mut out)?))
    }
}
