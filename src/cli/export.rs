//! `clade export`: everything, in the form that import takes again.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use tempfile::TempDir;

use crate::cli::Result;
use crate::cli::client::Client;
use crate::cli::output::write_to;
use crate::cli::records::{FileFormat, bytes_counter};
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::directory::{Directory, NewFile};
use crate::exchange::{Format, export};

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Everything that ever was, with all ids, moments and tokens: what `import --history` makes the same store of,
    /// also a later Clade's
    #[arg(long, conflicts_with = "format")]
    history: bool,
    /// In which form
    #[arg(long, value_enum, default_value_t = FileFormat::Ndjson)]
    format: FileFormat,
    /// Where to; else to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ExportArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let progress = bytes_counter();
        if self.history {
            let (store, _copy) = to_archive(settings)?;
            write_to(self.output.as_deref().map(NewFile::private), |out| {
                Directory::archive_of(&store, &mut progress.wrap_write(out))?;
                Ok(())
            })?;
            progress.finish_and_clear();
            return Ok(());
        }
        let target = Target::existing(settings)?;
        write_to(self.output.as_deref().map(NewFile::usual), |out| {
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

/// The store to make an archive of; of a server's, a copy, which goes with the folder.
fn to_archive(settings: &Settings) -> Result<(PathBuf, Option<TempDir>)> {
    let Some(server) = &settings.server else { return Ok((settings.data(), None)) };
    let client = Client::new(server)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("copy.redb");
    let copy = |file: &mut dyn Write| {
        io::copy(&mut client.get("/api/v2/data/backup")?, file)?;
        Ok(())
    };
    write_to(Some(NewFile::private(&path)), copy)?;
    Ok((path, Some(folder)))
}
