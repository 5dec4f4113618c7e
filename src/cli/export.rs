//! `clade export`: everything, in the form that import takes again.

use std::io;
use std::path::PathBuf;

use clap::Args;

use crate::cli::Result;
use crate::cli::output::write_to;
use crate::cli::records::{FileFormat, bytes_counter};
use crate::cli::settings::Settings;
use crate::cli::target::Target;
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
        write_to(self.output.as_deref(), |out| {
            let mut out = progress.wrap_write(out);
            match &target {
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
                    let mut records = client.get(&format!("/api/v2/data/bulk?format={word}"))?;
                    io::copy(&mut records, &mut out)?;
                }
            }
            Ok(())
        })?;
        progress.finish_and_clear();
        Ok(())
    }
}
