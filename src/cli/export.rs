//! `clade export`: everything, in the form that import takes again.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use crate::cli::records::{FileFormat, bytes_counter};
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result};
use crate::server::rest::{Format, export};

#[derive(Debug, Args)]
pub(super) struct Export {
    /// In which form
    #[arg(long, value_enum, default_value_t = FileFormat::Ndjson)]
    format: FileFormat,
    /// Where to; else to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let target = Target::existing(settings)?;
        let progress = bytes_counter();
        let out: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(
                File::create_new(path)
                    .map_err(|why| Failure::refused(format!("{} cannot be made: {why}", path.display())))?,
            ),
            None => Box::new(io::stdout().lock()),
        };
        let mut out = BufWriter::new(progress.wrap_write(out));
        match target {
            Target::Store(directory) => {
                let format = match self.format {
                    FileFormat::Ndjson => Format::Ndjson,
                    FileFormat::Csv => Format::Csv,
                };
                export(&directory.view(), format, &mut out)?;
            }
            Target::Server(client) => {
                let word = match self.format {
                    FileFormat::Ndjson => "ndjson",
                    FileFormat::Csv => "csv",
                };
                io::copy(&mut client.get(&format!("/api/v2/data/bulk?format={word}"))?, &mut out)?;
            }
        }
        out.flush()?;
        progress.finish_and_clear();
        Ok(())
    }
}
