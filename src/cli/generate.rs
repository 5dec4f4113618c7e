//! `clade demo-data`: a made-up organisation of any size.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use crate::cli::demo_data::DemoData;
use crate::cli::{Failure, Result};

#[derive(Debug, Args)]
pub(super) struct Generate {
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

impl Generate {
    pub(super) fn run(self) -> Result {
        let out: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(
                File::create_new(path)
                    .map_err(|why| Failure::refused(format!("{} cannot be made: {why}", path.display())))?,
            ),
            None => Box::new(io::stdout().lock()),
        };
        let mut out = BufWriter::new(out);
        DemoData { entities: self.entities, seed: self.seed }.write(&mut out)?;
        Ok(out.flush()?)
    }
}
